/** The options of the commands, each read and checked from its text, and the recipes: the defaults that go with the data. */
import {
  backendOption,
  learningRateOption,
  modelOption,
  mostRows,
  path,
  runtimeOption,
  seedOption,
  share,
  type TrainingOptions,
  threadsOption,
  trainingFolderOptions,
  whole,
} from "@ostinato/app";
import { Option } from "commander";
import { type DataOptions, fewestTrees, tasks } from "./data.ts";
import { type NetworkOptions, networkNames } from "./network.ts";
import { type NodeChoice, nodeChoices } from "./rows.ts";

/** Where a model goes to and comes from unless another folder is named. */
export const defaultFolder = "runs/trees";

/** Settings of `train`, all of them known. */
export interface TrainOptions extends TrainingOptions, DataOptions, NetworkOptions {
  readonly batchSize: number;
  readonly task?: (typeof tasks)[number];
  /** Which nodes the network learns from. */
  readonly nodes: NodeChoice;
  /** How often a word must occur to have an id. */
  readonly minCount: number;
  readonly lowercase: boolean;
  /** The model's weights are a moving average over this share of an epoch's steps; 0 turns averaging off. */
  readonly average: number;
}

type Recipe = Pick<
  TrainOptions,
  "embedding" | "units" | "dropout" | "epochs" | "batchSize" | "learningRate" | "average" | "minCount"
>;

/** For sentences, many words and few trees. */
const sentences: Recipe = {
  embedding: 150,
  units: 150,
  dropout: 0.5,
  epochs: 8,
  batchSize: 25,
  learningRate: 0.002,
  average: 0.5,
  minCount: 1,
};

/** For ListOps: fourteen words, and many trees. */
const listOps: Partial<Recipe> = { embedding: 64, units: 128, dropout: 0, epochs: 5, batchSize: 32, average: 0.1 };

/** The options with the defaults that go with the data for those that the command line does not give. */
export function withRecipe(options: TrainOptions, given: ReadonlySet<string>): TrainOptions {
  if (options.data !== undefined) return options;
  return { ...options, ...Object.fromEntries(Object.entries(listOps).filter(([name]) => !given.has(name))) };
}

export function trainOptions(): Option[] {
  return [
    new Option("--task <name>", "generated trees, used unless --data is given").choices(tasks).conflicts("data"),
    new Option(
      "--data <file>",
      "a file with a tree in brackets on each line, labels first: (3 (2 The) (4 film))",
    ).argParser(path),
    multilineOption(),
    new Option(
      "--validation <file>",
      "a file of trees to validate with; by default a tenth of the training trees, at most 1,000, is kept for it",
    ).argParser(path),
    new Option("--model <name>", "the network, see below").choices(networkNames).default("treelstm"),
    new Option("--nodes <which>", "which labels to learn from: those of all nodes, or only those of the roots")
      .choices(nodeChoices)
      .default("all"),
    backendOption(),
    threadsOption(),
    new Option("--epochs <n>", "passes over the training trees")
      .argParser(whole(1, 100_000))
      .default(...shown("epochs")),
    new Option("--batch-size <n>", "trees in a step").argParser(whole(1, 25_000)).default(...shown("batchSize")),
    new Option("--embedding <n>", "numbers for each word; --model recursive and tensor have as many as --units")
      .argParser(whole(1, 1024))
      .default(...shown("embedding")),
    new Option("--units <n>", "units of the recurrent layer, for each node")
      .argParser(whole(1, 2048))
      .default(...shown("units")),
    new Option("--dropout <share>", "share of the features dropped in training, before and after that layer")
      .argParser(share)
      .default(...shown("dropout")),
    new Option("--average <share>", "average the weights over about this share of an epoch; 0 turns averaging off")
      .argParser(share)
      .default(...shown("average")),
    new Option("--min-count <n>", "how often a word must occur in training to get an id of its own")
      .argParser(whole(1, 1000))
      .default(1),
    new Option("--no-lowercase", "keep capital letters"),
    learningRateOption(sentences.learningRate),
    new Option("--limit <n>", "trees for training and validation, for a quick run; all by default").argParser(
      whole(fewestTrees, mostRows),
    ),
    seedOption("trees"),
    ...trainingFolderOptions(defaultFolder, "a better accuracy at the roots"),
  ];
}

/** A default, and how `--help` shows it where ListOps has another. */
function shown(name: keyof Recipe): [number, string] {
  const own = listOps[name];
  return [sentences[name], own === undefined ? `${sentences[name]}` : `${sentences[name]}; ListOps: ${own}`];
}

/** The options for a trained model and its backend. */
function trainedOptions(): Option[] {
  return [modelOption(defaultFolder), runtimeOption()];
}

/** For files of trees that are laid out over lines, as those of the Penn Treebank. */
function multilineOption(): Option {
  return new Option("--multiline", "find trees by their brackets: one may take several lines, as in the Penn Treebank");
}

export function testOptions(): Option[] {
  return [
    ...trainedOptions(),
    new Option(
      "--data <file>",
      "a file of trees to test with; by default, for a model trained on ListOps, its 10,000 test trees",
    ).argParser(path),
    multilineOption(),
    new Option("--limit <n>", "trees to test with, for a quick run; all by default").argParser(whole(1, mostRows)),
  ];
}

export function predictOptions(): Option[] {
  return [
    ...trainedOptions(),
    new Option("--no-labels", "read trees without labels, in which all text is words: ((The film) works)"),
    new Option("--nodes", "print the label of every node, in brackets"),
    new Option(
      "--svg <file>",
      "draw the tree with the label of every node; the second tree goes to FILE-2, and so on",
    ).argParser(path),
  ];
}
