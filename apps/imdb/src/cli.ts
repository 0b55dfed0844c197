/** The commands of the IMDB app and their options. */
import {
  type App,
  type Environment,
  foreignOptions,
  modelOption,
  onnxFileOption,
  onnxFormOptions,
  runApp,
} from "@ostinato/app";
import { Argument } from "commander";
import { type EvaluateOptions, evaluate } from "./commands/evaluate.ts";
import { type ExportOptions, exportModel } from "./commands/export.ts";
import { type InfoOptions, info } from "./commands/info.ts";
import { type PredictOptions, predict } from "./commands/predict.ts";
import { start } from "./commands/start.ts";
import { train } from "./commands/train.ts";
import { appName } from "./model.ts";
import { defaultFolder, infoOptions, type TrainOptions, testOptions, trainedOptions, trainOptions } from "./options.ts";
import { withPreset } from "./presets.ts";

const overview = `Train, evaluate, use and export a classifier of movie reviews: an embedding, recurrent layers and one sigmoid.

A first way through:
  npm run imdb -- train --limit 2000 --epochs 2     two minutes' worth of training, into runs/imdb
  npm run imdb -- evaluate                          accuracy, ROC AUC, confusion matrix on 25,000 test reviews
  npm run imdb -- predict "A quiet, wonderful film."
  npm run imdb -- export                            an ONNX file, checked against onnxruntime`;

const examples = {
  train: `
Examples:
  npm run imdb -- train                                  the default preset, 5 epochs, into runs/imdb
  npm run imdb -- train --preset article --out runs/article
  npm run imdb -- train --preset best --out runs/best    the most accurate one, with n-grams
  npm run imdb -- train --limit 500 --epochs 1 --units 16 --out runs/small --json
  npm run imdb -- train --cell gru --layers 2 --units 32 --dropout 0.2 --out runs/gru
  npm run imdb -- train --backend tfjs-wasm --limit 500 --out runs/tfjs   the same model on TensorFlow.js
  npm run imdb -- train --data tickets.csv --text-column message --label-column queue --out runs/tickets
  npm run imdb -- train --init film.onnx --freeze embedding --out runs/film   continues from a model, with its network and words

--init takes an output folder of train, or a file: a model of this app, ONNX, .keras; or only weights, from PyTorch (.safetensors) or
Keras (.weights.h5), for the network that the other options describe.

The folder gets model.safetensors (vocabulary inside): the weights after the epoch with the best validation loss, which stand in
best.safetensors as soon as there are any; history.json, and loss and accuracy as .svg and .png. The same seed gives the same bytes of each.
One training at a time writes to a folder; one that is there already is not touched without --resume or --overwrite.

Ctrl-C saves checkpoint.safetensors after the running step; the same command with --resume goes on exactly from there, and
after a crash from the last checkpoint.`,
  evaluate: `
Loss, accuracy, exact ROC AUC, the confusion matrix, and precision, recall and F1 of each class; the ROC curve goes into the
model's folder as roc.svg and roc.png. With more than two classes: macro averages in place of AUC and ROC curve.

--model film.onnx or film.keras tests a model of another program. Its words are in film.json, or in the file of --vocabulary.

A model of your own data is tested with the part of it that training has not seen, a fifth; --data names another file, of
which all rows are used.`,
  predict: `
Examples:
  npm run imdb -- predict "A quiet, wonderful film." "Two hours I will not get back."
  npm run imdb -- predict --backend onnx < reviews.txt   one review a line
  npm run imdb -- predict --model film.onnx --vocabulary words.txt "A quiet film."
  npm run -s imdb -- predict --json < reviews.txt        {"text":…,"probability":…,"label":"positive",
                                                         "probabilities":{"negative":…,"positive":…}} a line

The probability is that of "positive", the second of two classes; of more, that of the class which is named. A text that is
empty, or of which the model knows no word, gets no label. One that begins with "-" goes behind "--".`,
  export: `
onnxruntime computes 1,000 test reviews, at batch sizes and lengths that training has not seen; unless all probabilities
agree within 1e-5 nothing is written and the exit code is 1. For a model of your own data, which need not be at hand, they
are texts of words drawn from its vocabulary, and the limit is 1e-4.

--weights float16 and int8 change the results, so the accuracy on all test reviews (of your own data, if it is still available) is
compared with that of float32. If it drops by more than --max-loss, no file is written, and the exit code is 1.

Beside model.onnx stands model.json: labels, vocabulary and settings, for runtimes that know nothing of this app.`,
} as const;

const app: App = {
  name: appName,
  overview,
  commands: [
    {
      name: "train",
      summary: "train a model and draw its curves",
      options: trainOptions(5),
      help: examples.train,
      run: (options: TrainOptions, { output, stopping, given }) =>
        train(withPreset(options, given), output, stopping, given),
    },
    {
      name: "evaluate",
      summary: "test a model on texts that it has not seen",
      options: testOptions(),
      help: examples.evaluate,
      run: (options: EvaluateOptions, { output }) => evaluate(options, output),
    },
    {
      name: "predict",
      summary: "tell the label of texts: what a review makes of its film",
      options: trainedOptions(),
      help: examples.predict,
      argument: new Argument("[text...]", "texts; without any, one a line on standard input"),
      run: (options: PredictOptions, { output, stdin, texts }) => predict(texts, options, output, stdin),
    },
    {
      name: "export",
      summary: "write a model as ONNX, checked against onnxruntime",
      options: [
        modelOption(defaultFolder),
        ...foreignOptions(),
        onnxFileOption(),
        ...onnxFormOptions("accuracy", "reviews"),
      ],
      help: examples.export,
      run: (options: ExportOptions, { output }) => exportModel(options, output),
    },
    {
      name: "info",
      summary: "show the data, its split, lengths and vocabulary, or describe a model",
      options: infoOptions(),
      run: (options: InfoOptions, { output }) => info(options, output),
    },
    {
      name: "start",
      summary: "train five epochs, evaluate and export: what npm start runs",
      options: trainOptions(5),
      run: (options: TrainOptions, { output, stopping, given }) =>
        start(withPreset(options, given), output, stopping, given),
    },
  ],
};

/** Runs the command line `args` (without the program's name); resolves to the exit code. */
export function run(args: readonly string[], environment: Environment): Promise<number> {
  return runApp(app, args, environment);
}
