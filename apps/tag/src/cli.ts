/** The commands of the tagger app and their options. */
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
import { train } from "./commands/train.ts";
import { appName } from "./model.ts";
import {
  defaultFolder,
  infoOptions,
  splitOption,
  type TrainOptions,
  testOptions,
  trainedOptions,
  trainOptions,
} from "./options.ts";

const overview = `Train, evaluate, use and export a tagger: a tag for each token, such as its part of speech or the name that it is part of.

A first way through:
  npm run tag -- train --limit 5000 --epochs 2      a minute of training, into runs/tag
  npm run tag -- evaluate                           accuracy on 2,899 test sentences, and what is confused with what
  npm run tag -- predict "The old man the boats."
  npm run tag -- export                             an ONNX file, checked against onnxruntime`;

const examples = {
  train: `
Examples:
  npm run tag -- train                                   parts of speech, from the Brown corpus, into runs/tag
  npm run tag -- train --tagset brown --out runs/brown   with the corpus's own 472 tags
  npm run tag -- train --data conll2003 --token-column 1 --tag-column 4 --out runs/names
  npm run tag -- train --data names.tsv --units 64 --epochs 20 --out runs/names --json
  npm run tag -- train --init runs/tag --data names.tsv --out runs/further   continues from a model, with its network and words

--data takes a CoNLL file: a token and its tag on each line, in columns with tabs or white space between, and a blank line between
sentences. A tenth of the sentences is kept to test with, and a tenth to validate. A folder has files with train, dev and test in
their names; a file to validate with is then used for that alone, and all of train is trained with.

The folder gets model.safetensors (vocabulary and tags inside): the weights after the epoch that is best in validation, by the
F1 of spans, the accuracy, or of a CRF without spans the loss, which stand in best.safetensors as soon as there are any; history.json, and loss and accuracy as .svg and .png. The same seed gives the
same bytes of each. One training at a time writes to a folder; one that is there already is not touched without --resume or
--overwrite.

Ctrl-C saves checkpoint.safetensors after the running step; the same command with --resume goes on exactly from there, and
after a crash from the last checkpoint.`,
  evaluate: `
Accuracy of tokens; precision, recall and F1 of each tag; for tags of spans (B-person, I-person, O) those of whole spans, as CoNLL's
conlleval has them; the most confused tags, sentences with wrong tags, and the confusion matrix as confusion.svg and confusion.png.

A model of your own data is tested with the held-out part of it. With --data, all sentences of another file are used.

--model tagger.onnx or tagger.keras tests a model of another program that reads words. Its tags and words are in tagger.json, or in
the file of --vocabulary.`,
  predict: `
Examples:
  npm run tag -- predict "The old man the boats."
  npm run tag -- predict --split whitespace < sentences.txt   one sentence a line, its tokens with spaces between
  npm run -s tag -- predict --json < sentences.txt       {"text":…,"tokens":[…],"tags":[…],"probabilities":[…]} a line

An empty sentence gets no tags. One that begins with "-" goes behind "--".`,
  export: `
onnxruntime computes 400 test sentences, at batch sizes that training has not seen; unless all figures agree within 1e-5
nothing is written and the exit code is 1. For a model of your own data, which need not be at hand, they are sentences of tokens
drawn from its vocabulary, and the limit is 1e-4.

--weights float16 and int8 change the results, so the token accuracy (for span tags, the F1 score) on all test sentences (of your own
data, if it is still available) is compared with that of float32. If it drops by more than --max-loss, no file is written, and the
exit code is 1.

Beside model.onnx stands model.json: tags and vocabulary, for runtimes that know nothing of this app.`,
} as const;

const app: App = {
  name: appName,
  overview,
  commands: [
    {
      name: "train",
      summary: "train a model and draw its curves",
      options: trainOptions(),
      help: examples.train,
      run: (options: TrainOptions, { output, stopping, given }) => train(options, output, stopping, given),
    },
    {
      name: "evaluate",
      summary: "test a model on sentences that it has not seen",
      options: testOptions(),
      help: examples.evaluate,
      run: (options: EvaluateOptions, { output }) => evaluate(options, output),
    },
    {
      name: "predict",
      summary: "tell the tags of sentences",
      options: [...trainedOptions(), splitOption()],
      help: examples.predict,
      argument: new Argument("[sentence...]", "sentences; without any, one a line on standard input"),
      run: (options: PredictOptions, { output, stdin, texts }) => predict(texts, options, output, stdin),
    },
    {
      name: "export",
      summary: "write a model as ONNX, checked against onnxruntime",
      options: [
        modelOption(defaultFolder),
        ...foreignOptions(),
        onnxFileOption(),
        ...onnxFormOptions("accuracy, or the F1 of spans,", "sentences"),
      ],
      help: examples.export,
      run: (options: ExportOptions, { output }) => exportModel(options, output),
    },
    {
      name: "info",
      summary: "show the data, its split, tags, lengths and vocabulary, or describe a model",
      options: infoOptions(),
      run: (options: InfoOptions, { output }) => info(options, output),
    },
  ],
};

/** Runs the command line `args` (without the program's name); resolves to the exit code. */
export function run(args: readonly string[], environment: Environment): Promise<number> {
  return runApp(app, args, environment);
}
