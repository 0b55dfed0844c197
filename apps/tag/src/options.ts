/** The options of the commands, each read and checked from its text. */
import {
  backendOption,
  batchSizeOption,
  chartFolderOption,
  epochsOption,
  type ForeignOptions,
  foreignOptions,
  type InitialOptions,
  initialOptions,
  learningRateOption,
  modelOption,
  mostRows,
  name,
  path,
  runtimeOption,
  seedOption,
  share,
  type TrainingOptions,
  threadsOption,
  trainingFolderOptions,
  whole,
} from "@ostinato/app";
import { InvalidArgumentError, Option } from "commander";
import { type DataOptions, fewestSentences, tagsets } from "./data.ts";
import { type NetworkOptions, outputNames } from "./network.ts";

/** Where a model goes to and comes from unless another folder is named. */
export const defaultFolder = "runs/tag";

/** Settings of `train`, all of them known. */
export interface TrainOptions extends TrainingOptions, InitialOptions, ForeignOptions, DataOptions, NetworkOptions {
  readonly batchSize: number;
  /** What is left of the learning rate after each epoch. */
  readonly decay: number;
  /** Momentum of the moving average that the weights become at the end of each epoch; 0: they stay what they are. */
  readonly average: number;
  /** How much less likely `O` is made before tags are chosen. */
  readonly outsideBias: number;
  /** How often a word must occur to have an id. */
  readonly minCount: number;
  readonly limit?: number;
}

export function trainOptions(): Option[] {
  return [
    backendOption(),
    threadsOption(),
    epochsOption(5, "sentences"),
    batchSizeOption(32, "sentences"),
    new Option(
      "--output <name>",
      "what gives the tags: a softmax for each token, or a CRF, which sees which tag follows which",
    )
      .choices(outputNames)
      .default(outputNames[0]),
    new Option("--embedding <n>", "numbers that stand for a word").argParser(whole(1, 1024)).default(100),
    new Option("--affix <n>", "numbers that stand for each of its prefixes and suffixes, of 1 to 5 letters")
      .argParser(whole(1, 256))
      .default(16),
    new Option("--units <n>", "units of each direction of each LSTM layer").argParser(whole(1, 2048)).default(128),
    new Option("--layers <n>", "bidirectional LSTM layers, one upon the other").argParser(whole(1, 64)).default(1),
    new Option("--dropout <share>", "features of each layer's input that a training step drops")
      .argParser(share)
      .default(0.4),
    new Option("--word-dropout <share>", "words that a training step hides, to learn the unknown from")
      .argParser(share)
      .default(0.1),
    new Option("--shape-dropout <share>", "shapes that a training step hides, for names without capitals")
      .argParser(share)
      .default(0),
    minCountOption(),
    learningRateOption(0.003),
    new Option("--decay <factor>", "what is left of the step size after each epoch").argParser(factor).default(0.6),
    new Option(
      "--average <momentum>",
      "the weights after each epoch are the moving average of those after its steps, with this momentum; 0: they are the last ones",
    )
      .argParser(share)
      .default(0),
    new Option(
      "--outside-bias <x>",
      'how much less likely "O" is made before tags are chosen: above 0 more spans are found, and more wrong ones',
    )
      .argParser(bias)
      .default(0),
    new Option("--limit <n>", "sentences to train with, for a quick run; all by default").argParser(
      whole(fewestSentences, mostRows),
    ),
    seedOption("sentences"),
    ...dataOptions(),
    ...initialOptions(),
    ...foreignOptions(),
    ...trainingFolderOptions(defaultFolder, "a better epoch"),
  ];
}

/** Reads what is taken from a logarithm of a probability. */
function bias(text: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (Math.abs(number) <= 100) return number;
  throw new InvalidArgumentError("It must be a number from -100 to 100.");
}

/** Reads what is left of a number. */
function factor(text: string): number {
  const number = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (number > 0 && number <= 1) return number;
  throw new InvalidArgumentError("It must be a number above 0 and not above 1.");
}

function minCountOption(): Option {
  return new Option("--min-count <n>", "how often a word must occur in training to have an id of its own")
    .argParser(whole(1, 1000))
    .default(2);
}

export function infoOptions(): Option[] {
  const model = new Option(
    "--model <path>",
    "describe this model instead: the output folder of train, or a model file",
  );
  return [minCountOption(), ...dataOptions(), model.argParser(path), ...foreignOptions()];
}

/** Sentences to train with, and their parts. */
function dataOptions(): Option[] {
  return [
    ...columnOptions(),
    new Option("--tagset <name>", "tags of the Brown corpus: the twelve universal ones, or its own 472")
      .choices(tagsets)
      .default(tagsets[0]),
    new Option("--no-test", "of a file that is given alone keep no sentences to test with"),
  ];
}

/** Sentences of the user's own. */
function columnOptions(): Option[] {
  return [
    new Option(
      "--data <path>",
      "a CoNLL file, or a folder with files named train, dev and test; the Brown corpus by default",
    ).argParser(path),
    new Option(
      "--token-column <column>",
      "column of --data with the tokens, by name or number; the first by default",
    ).argParser(name),
    new Option(
      "--tag-column <column>",
      "column of --data with the tags, by name or number; the last by default",
    ).argParser(name),
  ];
}

/** The options for a trained model and its backend. */
export function trainedOptions(): Option[] {
  return [modelOption(defaultFolder), ...foreignOptions(), runtimeOption()];
}

export function testOptions(): Option[] {
  const limit = new Option("--limit <n>", "test sentences to use, for a quick run; all by default");
  const mistakes = new Option("--mistakes <n>", "sentences with wrong tags to show").argParser(whole(0, mostRows));
  return [
    ...trainedOptions(),
    ...columnOptions(),
    limit.argParser(whole(1, mostRows)),
    mistakes.default(5),
    chartFolderOption(),
  ];
}

export const splits = ["words", "whitespace"] as const;
export type Split = (typeof splits)[number];

export function splitOption(): Option {
  return new Option(
    "--split <how>",
    "how a text becomes tokens: at white space and around punctuation, or at white space alone",
  )
    .choices(splits)
    .default(splits[0]);
}
