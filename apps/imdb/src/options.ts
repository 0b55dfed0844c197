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
  kebabCase,
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
import { type ClassWeightOption, parseClassWeight } from "./class-weights.ts";
import { cellNames, type NetworkOptions, poolingNames, recurrentDefaults } from "./network.ts";
import { type PresetName, presetNames, presetOf, presets } from "./presets.ts";
import { type DataOptions, fewestReviews } from "./reviews.ts";

function classWeight(text: string): ClassWeightOption {
  try {
    return parseClassWeight(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function character(text: string): string {
  const delimiter = /^(tab|\\t)$/i.test(text) ? "\t" : text;
  if (delimiter.length === 1 && !/["\r\n]/.test(delimiter)) return delimiter;
  throw new InvalidArgumentError('It must be one character, not a quote, or "tab".');
}

/** Where a model goes to and comes from unless another folder is named. */
export const defaultFolder = "runs/imdb";

/** Settings of `train`, all of them known. */
export interface TrainOptions extends TrainingOptions, InitialOptions, ForeignOptions, DataOptions, NetworkOptions {
  readonly batchSize: number;
  readonly maxLength: number;
  readonly classWeight?: ClassWeightOption;
  readonly limit?: number;
}

/** The options of `train`, and of `start`, which trains for fewer epochs. */
export function trainOptions(epochs: number): Option[] {
  const described = presetNames.map((name) => `${name} (${presets[name].summary}${setBy(name)})`).join(", or ");
  return [
    new Option("--preset <name>", `set-up: ${described}`).choices(presetNames).default("default"),
    backendOption(),
    threadsOption(),
    epochsOption(epochs, "texts"),
    batchSizeOption(32, "texts"),
    maxWordsOption(),
    maxLengthOption(),
    new Option("--embedding <n>", "numbers that stand for a word").argParser(whole(1, 1024)).default(10),
    new Option("--units <n>", "units of each recurrent layer").argParser(whole(1, 2048)).default(128),
    ...recurrentOptions(),
    learningRateOption(0.001),
    new Option(
      "--class-weight <weights>",
      'how much each class counts in the training loss: "balanced", by the rows of each, or by label, as "negative=1,positive=3"; all 1 by default',
    ).argParser(classWeight),
    new Option("--limit <n>", "labelled texts to use, for a quick run; all by default").argParser(
      whole(fewestReviews, mostRows),
    ),
    seedOption("texts"),
    ...dataOptions(),
    ...initialOptions(),
    ...foreignOptions(),
    ...trainingFolderOptions(defaultFolder),
  ];
}

/** The options that a preset sets, as a command line has them. */
function setBy(preset: PresetName): string {
  const set = Object.entries(presetOf(preset).options ?? {}).map(([name, value]) => {
    const flag = `--${kebabCase(name)}`;
    return value === true ? flag : `${flag} ${value}`;
  });
  return set.length === 0 ? "" : `; unless given: ${set.join(" ")}`;
}

/** What the layers between the embedding and the output are. */
function recurrentOptions(): Option[] {
  const { cell, layers, bidirectional, dropout, recurrentDropout, pooling } = recurrentDefaults;
  return [
    new Option("--cell <name>", "recurrent layer; rnn is the simple one, without gates")
      .choices(cellNames)
      .default(cell),
    new Option("--layers <n>", "recurrent layers, one upon the other").argParser(whole(1, 64)).default(layers),
    new Option(
      "--bidirectional",
      "each recurrent layer reads a text from both ends, and hands on the units of both",
    ).default(bidirectional),
    new Option(
      "--no-bidirectional",
      "recurrent layers read from the beginning alone, also with a preset that reads from both ends",
    ),
    new Option("--dropout <share>", "features of each recurrent layer's input that a training step drops")
      .argParser(share)
      .default(dropout),
    new Option("--recurrent-dropout <share>", "units of each recurrent layer's state that a training step drops")
      .argParser(share)
      .default(recurrentDropout),
    new Option(
      "--pooling <name>",
      "what is handed on of the states after each word: the last, the largest number of each unit, or the mean",
    )
      .choices(poolingNames)
      .default(pooling),
  ];
}

/** Texts of the user's own. */
function dataOptions(): Option[] {
  return [
    new Option(
      "--data <path>",
      "a CSV, TSV or JSONL file of texts and labels, a folder as Stanford's aclImdb, or Keras's imdb.npz; IMDB by default",
    ).argParser(path),
    new Option("--text-column <name>", 'column of --data with the texts; "text" by default').argParser(name),
    new Option("--label-column <name>", 'column of --data with the labels; "label" by default').argParser(name),
    new Option(
      "--delimiter <character>",
      'what is between the fields of --data, or "tab"; found out by default',
    ).argParser(character),
    new Option("--no-header", 'the first row of --data is data; its columns are called "1", "2", …'),
  ];
}

export function infoOptions(): Option[] {
  const model = new Option(
    "--model <path>",
    "describe this model instead: the output folder of train, or a model file",
  );
  return [maxWordsOption(), maxLengthOption(), seedOption("texts"), model.argParser(path), ...foreignOptions()];
}

/** The options for a trained model and its backend. */
export function trainedOptions(): Option[] {
  return [modelOption(defaultFolder), ...foreignOptions(), runtimeOption()];
}

function maxWordsOption(): Option {
  return new Option("--max-words <n>", "ids of the embedding, those for padding and unknown words included")
    .argParser(whole(3, 100_000))
    .default(5000);
}

function maxLengthOption(): Option {
  return new Option("--max-length <n>", "words of a text that are read, from its end")
    .argParser(whole(1, 3000))
    .default(300);
}

export function testOptions(): Option[] {
  const limit = new Option("--limit <n>", "test texts to use, for a quick run; all by default");
  return [...trainedOptions(), ...dataOptions(), limit.argParser(whole(1, mostRows)), chartFolderOption()];
}
