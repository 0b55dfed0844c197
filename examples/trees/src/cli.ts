/** The commands of the example of trees and their options. */
import { type App, type Environment, modelOption, onnxFileOption, runApp } from "@ostinato/app";
import { Argument } from "commander";
import { type EvaluateOptions, evaluate } from "./commands/evaluate.ts";
import { type ExportOptions, exportModel } from "./commands/export.ts";
import { type PredictOptions, predict } from "./commands/predict.ts";
import { train } from "./commands/train.ts";
import { appName } from "./model.ts";
import { defaultFolder, predictOptions, type TrainOptions, testOptions, trainOptions } from "./options.ts";

const overview = `Train, evaluate, use and export recursive nets: a label for a tree, and for each node in it.

A first way through:
  npm run trees -- train --limit 3000 --epochs 2     a minute with generated expressions (ListOps), into runs/trees
  npm run trees -- evaluate --limit 1000             how many roots and nodes are right
  npm run trees -- predict --no-labels --nodes "(((( [MAX 2 ) 9 ) 4 ) ] )"
  npm run trees -- export                            an ONNX file, checked against onnxruntime`;

const examples = {
  train: `
Examples:
  npm run trees -- train                                      ListOps: 90,000 expressions, into runs/trees
  npm run trees -- train --model lstm --nodes root --out runs/lstm      the same without the trees
  npm run trees -- train --data train.txt --validation dev.txt --out runs/sentiment

--data takes a file with a tree on each line, as the Stanford Sentiment Treebank has them. Labels are any numbers or words; a node may
go without one, (3 (2 The) gorgeous film), and a root may not.

The folder gets model.safetensors (words and labels inside): the weights after the epoch that is best in validation, by the accuracy at
the roots, which stand in best.safetensors as soon as there are any; history.json, and loss, accuracy and rootAccuracy as .svg and .png.
The same seed gives the same bytes of each. Ctrl-C saves checkpoint.safetensors after the running step; the same command with --resume
goes on exactly from there, and after a crash from the last checkpoint.`,
  evaluate: `
The share of trees whose root has the right label; of labels 0 to 4, as of sentiment, also the share of roots on the right side of 2, by
the probabilities of 0 and 1 against those of 3 and 4, without roots labelled 2; and the share of all nodes with the right label.`,
  predict: `
Examples:
  npm run trees -- predict --model runs/sentiment "(3 (2 The) (3 (4 gorgeous) (2 film)))"
  npm run trees -- predict --model runs/sentiment --no-labels --nodes --svg film.svg "((The) ((gorgeous) (film)))"
  npm run -s trees -- predict --json < trees.txt          {"text":…,"label":…,"probability":…,"probabilities":{…}} a line

Labels in the trees are ignored; the answers are those of the model.`,
  export: `
onnxruntime computes drawn trees at batch sizes that training has not seen; unless all figures agree within 1e-4 nothing is written
and the exit code is 1. Beside model.onnx stands model.json: labels and words, for runtimes that know nothing of this app.`,
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
      summary: "test a model on trees that it has not seen",
      options: testOptions(),
      help: examples.evaluate,
      run: (options: EvaluateOptions, { output }) => evaluate(options, output),
    },
    {
      name: "predict",
      summary: "tell the labels of trees",
      options: predictOptions(),
      help: examples.predict,
      argument: new Argument("[tree...]", "trees in brackets; without any, one a line on standard input"),
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
