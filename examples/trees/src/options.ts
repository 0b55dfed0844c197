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
import { type NetworkOptions, networkNames, networks } from "./network.ts";
import { type NodeChoice, nodeChoices } from "./rows.ts";

/** Where a model goes to and comes from unless another folder is named. */
export const defaultFolder = "runs/trees";

/** Settings of `train`, all of them known. */
export interface TrainOptions extends TrainingOptions, DataOptions, NetworkOptions {
  readonly task?: (typeof tasks)[number];
  /** Which nodes are learned from. */
  readonly nodes: NodeChoice;
  /** How often a word must occur to have an id. */
  readonly minCount: number;
  readonly lowercase: boolean;
  /** The model's weights are a moving average over this share of an epoch's steps; 0: they are the last ones. */
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

/** The options with the defaults that go with the data in the place of those that the command line does not have. */
export function withRecipe(options: TrainOptions, given: ReadonlySet<string>): TrainOptions {
  if (options.data !== undefined) return options;
  return { ...options, ...Object.fromEntries(Object.entries(listOps).filter(([name]) => !given.has(name))) };
}

export function trainOptions(): Option[] {
  const described = networkNames.map((name) => `${name} (${networks[name].summary})`).join(", ");
  return [
    new Option("--task <name>", "trees that are generated, where there is no --data; the default")
      .choices(tasks)
      .conflicts("data"),
    new Option(
      "--data <file>",
      "a file with a tree in brackets on each line, labels first: (3 (2 The) (4 film))",
    ).argParser(path),
    new Option(
      "--validation <file>",
      "trees to validate with; by default a tenth of the others, at most 1,000, is kept for it",
    ).argParser(path),
    new Option("--model <name>", `what reads: ${described}`).choices(networkNames).default("treelstm"),
    new Option("--nodes <which>", "whose labels are learned: those of all nodes, or of the roots alone")
      .choices(nodeChoices)
      .default("all"),
    backendOption(),
    threadsOption(),
    new Option("--epochs <n>", "passes over the training trees")
      .argParser(whole(1, 100_000))
      .default(...shown("epochs")),
    new Option("--batch-size <n>", "trees in a step").argParser(whole(1, 25_000)).default(...shown("batchSize")),
    new Option("--embedding <n>", "numbers that stand for a word")
      .argParser(whole(1, 1024))
      .default(...shown("embedding")),
    new Option("--units <n>", "units of the layer that reads").argParser(whole(1, 2048)).default(...shown("units")),
    new Option("--dropout <share>", "features that a training step drops, before and after that layer")
      .argParser(share)
      .default(...shown("dropout")),
    new Option(
      "--average <share>",
      "the model's weights are a moving average over this share of an epoch; 0: they are the last ones",
    )
      .argParser(share)
      .default(...shown("average")),
    new Option("--min-count <n>", "how often a word must occur in training to have an id of its own")
      .argParser(whole(1, 1000))
      .default(1),
    new Option("--no-lowercase", "words keep their capitals"),
    learningRateOption(sentences.learningRate),
    new Option("--limit <n>", "trees to train and validate with, for a quick run; all by default").argParser(
      whole(fewestTrees, mostRows),
    ),
    seedOption("trees"),
    ...trainingFolderOptions(defaultFolder, "a better accuracy at the roots"),
  ];
}

/** A default, and how `--help` tells it where ListOps has another. */
function shown(name: keyof Recipe): [number, string] {
  const own = listOps[name];
  return [sentences[name], own === undefined ? `${sentences[name]}` : `${sentences[name]}; ListOps: ${own}`];
}

/** The options for a trained model and its backend. */
function trainedOptions(): Option[] {
  return [modelOption(defaultFolder), runtimeOption()];
}

export function testOptions(): Option[] {
  return [
    ...trainedOptions(),
    new Option("--data <file>", "trees to test with; of a model of ListOps by default its 10,000 test trees").argParser(
      path,
    ),
    new Option("--limit <n>", "trees to test with, for a quick run; all by default").argParser(whole(1, mostRows)),
  ];
}

export function predictOptions(): Option[] {
  return [
    ...trainedOptions(),
    new Option("--no-labels", "the trees have no labels, and all text is words: ((The film) works)"),
    new Option("--nodes", "tell the label of each node, in brackets"),
    new Option(
      "--svg <file>",
      "draw the tree with the label of each node; the second goes to FILE-2, and so on",
    ).argParser(path),
  ];
}
