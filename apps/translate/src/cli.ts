/** The commands of the translator app and their options. */
import { type App, type Environment, modelOption, onnxFormOptions, runApp } from "@ostinato/app";
import { Argument } from "commander";
import { type EvaluateOptions, evaluate } from "./commands/evaluate.ts";
import { type ExportOptions, exportFolderOption, exportModel } from "./commands/export.ts";
import { type InfoOptions, info } from "./commands/info.ts";
import { type PredictOptions, predict } from "./commands/predict.ts";
import { train } from "./commands/train.ts";
import { appName } from "./model.ts";
import { defaultFolder, infoOptions, predictOptions, type TrainOptions, testOptions, trainOptions } from "./options.ts";

const overview = `Train, evaluate, use and export a translator: an encoder-decoder with attention. It translates sentences, words into phones, or any texts into others.

To begin with:
  npm run translate -- train --limit 20000 --epochs 4    a minute or two of training, into runs/translate
  npm run translate -- evaluate --limit 500              phone error rate and word error rate
  npm run translate -- predict hello --n-best 3
  npm run translate -- export                            two ONNX files, checked against onnxruntime`;

const examples = {
  train: `
Examples:
  npm run translate -- train                             letters to phones, from CMUdict, into runs/translate
  npm run translate -- train --data german.tsv --lowercase --out runs/german
  npm run translate -- train --data names.tsv --source-tokens characters --target-tokens characters --out runs/names
  npm run translate -- train --data multi30k --lowercase --out runs/sentences   a folder: the preset sentences
  npm run translate -- train --init runs/translate --data more.tsv --out runs/more   continues from a model, with its network and tokens

--data takes a file with a source and its target on each line, separated by a tab. Rows with the same source give it several right
targets. A hash of the source keeps one twentieth of the texts for testing and one twentieth for validation.

A folder has files of two languages with a text on each line: train.de and train.en, val.de and val.en, test.de and test.en. Files may be
compressed with gzip (train.de.gz). By default the first language by name is translated into the second; --source-language and
--target-language change this. Without val files a part of the training files is kept for validation. Pairs with an empty text are left
out. --max-length and --max-ratio leave out more training pairs. The number of pairs left out is shown.

After each epoch some validation texts are translated greedily, and some translations are shown. The best epoch has the highest BLEU for
sentences, the lowest phone error rate for CMUdict, and the lowest token error rate for other short texts.

The output folder gets model.safetensors (weights after the best epoch, with the vocabularies), history.json, and curves of the loss and of
BLEU or the error rate as .svg and .png. During training best.safetensors has the best weights so far. The same seed gives the same bytes in
each file. Only one training at a time writes to a folder. An earlier training in it stays unless you give --resume or --overwrite.

Ctrl-C saves checkpoint.safetensors after the current step. The same command with --resume continues exactly from there; after a crash it
continues from the last checkpoint.`,
  evaluate: `
For sentences evaluate prints BLEU and chrF in the form of sacreBLEU 2.6, with 95 % intervals. A model that writes lower case is scored
without case, other models with and without. Both scores by length of texts, the words that are missing or added most often, and the worst
translations follow. bleuByLength.svg and bleuByLength.png show BLEU by length.

For CMUdict it prints the phone error rate and the word error rate. The phone error rate is the sum of the edit distances between each
translation and its nearest right answer, divided by the number of phones in these answers. The word error rate is the share of texts whose
translation is none of the right answers. For other short texts the two are called token error rate and wrong translations. Both by length
of texts, the most confused tokens and wrong translations follow. confusion.svg and confusion.png show the confused tokens.

A model of your own data is tested with the part that was kept for testing. --data takes another file, and uses all its rows, or a folder,
and uses its test files, or its val files if there are no test files.`,
  predict: `
Examples:
  npm run translate -- predict hello "rhythm"
  npm run translate -- predict --n-best 3 < words.txt            one text a line
  npm run translate -- predict --attention hello.svg hello       a picture of the attention
  npm run translate -- predict --model runs/sentences --attention dog.svg "Ein Hund rennt."   between words; --attention-tokens: between subwords
  npm run -s translate -- predict --json < words.txt             {"text":…,"translation":…,"tokens":[…],"score":…} a line

An empty text, a text that is too long and a text with unknown characters have no translation. The exit code is then 2.
Write "--" before texts that begin with "-".`,
  export: `
encode.onnx reads the texts, and decodeStep.onnx computes the next tokens. Before they are written, onnxruntime translates 500 test texts with
the same beam. The translations must be the same, token for token, and their log-probabilities must agree within 1e-4; otherwise nothing is
written and the exit code is 1. If the scores of two translations differ by less than that, either is right. If a model of your own data has
fewer than 500 test texts, or they are no longer available, random texts from its vocabulary are added.

--weights float16 and int8 change the results. So export compares BLEU (for sentences), the phone error rate (for CMUdict) or the token error
rate (for other data) on all test texts with that of float32, if the data are still available. If it is worse by more than --max-loss, no
file is written, and the exit code is 1.

model.json has the vocabularies and the limits, for other runtimes. Vocabularies of subwords are also written as tokenizer.json, or as
source.tokenizer.json and target.tokenizer.json, for the Python package tokenizers.`,
  info: `
Shows the layers and the vocabularies of a model and how it was trained. With --data it shows the split, the lengths and the tokens of a
file or of cmudict instead.`,
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
      summary: "test a model on texts that it has not seen",
      options: testOptions(),
      help: examples.evaluate,
      run: (options: EvaluateOptions, { output }) => evaluate(options, output),
    },
    {
      name: "predict",
      summary: "translate texts",
      options: predictOptions(),
      help: examples.predict,
      argument: new Argument("[text...]", "texts; without any, one a line on standard input"),
      run: (options: PredictOptions, { output, stdin, texts }) => predict(texts, options, output, stdin),
    },
    {
      name: "export",
      summary: "write a model as two ONNX files, checked against onnxruntime",
      options: [
        modelOption(defaultFolder),
        exportFolderOption(),
        ...onnxFormOptions("error rate or BLEU (0.01: a point of 100)", "texts"),
      ],
      help: examples.export,
      run: (options: ExportOptions, { output }) => exportModel(options, output),
    },
    {
      name: "info",
      summary: "show a model, or data: split, lengths and tokens",
      options: infoOptions(),
      help: examples.info,
      run: (options: InfoOptions, { output }) => info(options, output),
    },
  ],
};

/** Runs the command line `args` (without the program's name); resolves to the exit code. */
export function run(args: readonly string[], environment: Environment): Promise<number> {
  return runApp(app, args, environment);
}
