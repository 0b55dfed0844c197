/** The commands of the example of trees and their options. */
import { type App, type Environment, modelOption, onnxFileOption, runApp } from "@ostinato/app";
import { Argument } from "commander";
import { type EvaluateOptions, evaluate } from "./commands/evaluate.ts";
import { type ExportOptions, exportModel } from "./commands/export.ts";
import { type PredictOptions, predict } from "./commands/predict.ts";
import { train } from "./commands/train.ts";
import { appName } from "./model.ts";
import { networkNames, networks } from "./network.ts";
import { defaultFolder, predictOptions, type TrainOptions, testOptions, trainOptions } from "./options.ts";

const overview = `Train, evaluate, use and export recursive nets: labels for trees and for every node in them.

A first way through:
  npm run trees -- train --limit 3000 --epochs 2     a minute on generated expressions (ListOps); writes runs/trees
  npm run trees -- evaluate --limit 1000             how many roots and nodes it gets right
  npm run trees -- predict --no-labels --nodes "(((( [MAX 2 ) 9 ) 4 ) ] )"
  npm run trees -- export                            an ONNX file, checked against onnxruntime`;

const examples = {
  train: `
Examples:
  npm run trees -- train                                      90,000 expressions of ListOps; writes runs/trees
  npm run trees -- train --model lstm --nodes root --out runs/lstm      the same data without the trees
  npm run trees -- train --data train.txt --validation dev.txt --out runs/sentiment

Networks:
${networkNames.map((name) => `  ${name.padEnd(10)} ${networks[name].summary}`).join("\n")}

--data takes a file with a tree on each line, like those of the Stanford Sentiment Treebank. Labels are numbers or words. Every bracket has
a label; several words in one bracket, (4 good film), are nodes without labels.

The folder gets model.safetensors, with words and labels inside: the weights of the best epoch by validation accuracy at the roots.
While training runs, best.safetensors has the best so far. The folder also gets history.json, and loss, accuracy and rootAccuracy as .svg
and .png. The same seed gives the same bytes. Ctrl-C finishes the current step and saves checkpoint.safetensors; the same command with
--resume continues exactly from there. After a crash, --resume continues from the last checkpoint.`,
  evaluate: `
Prints the share of roots and the share of all nodes with the right label. Where the labels are 0 to 4, as for sentiment, it also prints
the share of roots on the right side of 2: the probabilities of 0 and 1 together against those of 3 and 4. Roots labelled 2 are left out.`,
  predict: `
Examples:
  npm run trees -- predict --model runs/sentiment "(3 (2 The) (3 (4 gorgeous) (2 film)))"
  npm run trees -- predict --model runs/sentiment --no-labels --nodes --svg film.svg "((The) ((gorgeous) (film)))"
  npm run -s trees -- predict --json < trees.txt          one {"text":…,"label":…,"probability":…,"probabilities":{…}} per tree

Labels in the trees are ignored.`,
  export: `
The model is run in onnxruntime on random trees, at several batch sizes. Unless all outputs agree within 1e-4, nothing is written and the
exit code is 1. model.json, next to model.onnx, holds the labels and words, for programs that do not know this app.`,
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
      summary: "test a model on trees it has not seen",
      options: testOptions(),
      help: examples.evaluate,
      run: (options: EvaluateOptions, { output }) => evaluate(options, output),
    },
    {
      name: "predict",
      summary: "predict the labels of trees",
      options: predictOptions(),
      help: examples.predict,
      argument: new Argument("[tree...]", "trees in brackets; by default one per line from standard input"),
      run: (options: PredictOptions, { output, stdin, texts }) => predict(texts, options, output, stdin),
    },
    {
      name: "export",
      summary: "write a model as ONNX, checked against onnxruntime",
      options: [modelOption(defaultFolder), onnxFileOption()],
      help: examples.export,
      run: (options: ExportOptions, { output }) => exportModel(options, output),
    },
  ],
};

/** Runs the command line `args` (without the program's name); resolves to the exit code. */
export function run(args: readonly string[], environment: Environment): Promise<number> {
  return runApp(app, args, environment);
}
