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
import { withPreset } from "./presets.ts";

const overview = `Train, evaluate, use and export a translator: an encoder-decoder with attention, from letters to phones, from sentences to sentences, or from any texts to others.

A first way through:
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

--data takes a file with a text and what it becomes on each line, with a tab between them. Rows of the same first column are several
right answers. A twentieth of the texts is kept to test with, and a twentieth to validate, by a hash of the first column.

A folder has files of two languages, a text on each line: train.de and train.en, val.de and val.en, test.de and test.en, each of which may
be compressed with gzip (train.de.gz). The first language by name is translated into the second unless --source-language or --target-language
says otherwise. Without val files a part of the training files is kept. Pairs with an empty text are left out; --max-length and --max-ratio
leave out more of those to train with, and what was left out is counted.

After each epoch some texts of the validation part are translated greedily. Of sentences the epoch with the highest BLEU is the best, of CMUdict
that with the lowest phone error rate, of other short texts that with the lowest token error rate. Some translations are shown.

The folder gets model.safetensors (vocabularies inside): the weights after the best epoch, which stand in best.safetensors as soon
as there are any; history.json, and loss and BLEU or error rate as .svg and .png. The same seed gives the same bytes of each. One training
at a time writes to a folder; one that is there already is not touched without --resume or --overwrite.

Ctrl-C saves checkpoint.safetensors after the running step; the same command with --resume goes on exactly from there, and
after a crash from the last checkpoint.`,
  evaluate: `
Of sentences: BLEU and chrF as sacreBLEU 2.6 prints them, with an interval of 95 %; without regard to capitals where the model writes small
letters only, else both ways. Then both by the length of texts, words that are missing or added most often, the worst translations, and
bleuByLength.svg and bleuByLength.png.

Of CMUdict the phone error rate: the edit distances of all translations to the nearest of their right answers, over the lengths of these;
and the word error rate: the share of texts whose translation is none of the right answers. Of other texts that are no sentences the same
two: token error rate and wrong translations. Then both by the length of texts, the most confused tokens, wrong translations, and what is
taken for what as confusion.svg and confusion.png.

A model of your own data is tested with the part of it that was kept; --data names another file, of which all rows are used, or a folder, of which the test files are used, or the val files if there are none.`,
  predict: `
Examples:
  npm run translate -- predict hello "rhythm"
  npm run translate -- predict --n-best 3 < words.txt            one text a line
  npm run translate -- predict --attention hello.svg hello       a picture of the attention
  npm run translate -- predict --model runs/sentences --attention dog.svg "Ein Hund rennt."   between words; --attention-tokens: between subwords
  npm run -s translate -- predict --json < words.txt             {"text":…,"translation":…,"tokens":[…],"score":…} a line

An empty text, one that is too long, and one with characters that the model does not know have no translation: the exit code is 2 then.
One that begins with "-" goes behind "--".`,
  export: `
encode.onnx reads the texts, decodeStep.onnx gives the next tokens. onnxruntime translates 500 test words with the same beam; unless
the translations are the same token for token, and their log-probabilities agree within 1e-4, nothing is written and the exit code is 1. Where two
translations of a text differ in their score by less than that, either is right. For a model of your own data they are its test texts; if these are
fewer than 500, or not at hand, the others are texts of tokens drawn from its vocabulary.

--weights float16 and int8 change the results, so the phone error rate (of sentences BLEU, of other data the token error rate) on all test
texts (of your own data, if it is still available) is compared with that of float32. If it is worse by more than --max-loss, no file is
written, and the exit code is 1.

Beside the two stands model.json: vocabularies and limits, for runtimes that know nothing of this app. Vocabularies of subwords are also
written as tokenizer.json, or source.tokenizer.json and target.tokenizer.json, which Python's tokenizers reads.`,
  info: `
Tells the model of a folder: its layers, its vocabularies, how it was trained; with --data the rows of a file instead, or those of
cmudict: its split, its lengths and its tokens.`,
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
      run: async (options: TrainOptions, { output, stopping, given }) =>
        train(await withPreset(options, given), output, stopping, given),
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
