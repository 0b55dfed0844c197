/** The options that commands share, each read and checked from its text. */
import { resolve } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { type BackendName, backendNames, runtimeNames } from "./backends.ts";
import { type ClassWeightOption, parseClassWeight } from "./class-weights.ts";
import { callersFolder } from "./files.ts";
import { cellNames, type NetworkOptions, recurrentDefaults } from "./network.ts";
import { presetNames, presets } from "./presets.ts";
import { type DataOptions, fewestReviews } from "./reviews.ts";

/** Reads whole numbers in a range. */
function whole(least: number, most: number) {
  return (text: string): number => {
    const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function positive(text: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (number > 0 && number < Number.POSITIVE_INFINITY) return number;
  throw new InvalidArgumentError("It must be a number above 0.");
}

/** Reads a share that is to be dropped. */
function share(text: string): number {
  const number = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (number >= 0 && number < 1) return number;
  throw new InvalidArgumentError("It must be a number from 0 to below 1.");
}

function classWeight(text: string): ClassWeightOption {
  try {
    return parseClassWeight(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** A path, relative to where npm was called. */
function path(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  if (text.includes("\0")) throw new InvalidArgumentError("It is not a path.");
  return resolve(callersFolder(), text);
}

function name(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}

function character(text: string): string {
  const delimiter = /^(tab|\\t)$/i.test(text) ? "\t" : text;
  if (delimiter.length === 1 && !/["\r\n]/.test(delimiter)) return delimiter;
  throw new InvalidArgumentError('It must be one character, not a quote, or "tab".');
}

const defaultBackend: BackendName = "wasm";
const defaultFolder = "runs/imdb";
const mostRows = 100_000_000;

/** Settings of `train`, all of them known. */
export interface TrainOptions extends DataOptions, NetworkOptions {
  readonly backend: BackendName;
  readonly threads?: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly maxLength: number;
  readonly learningRate: number;
  readonly classWeight?: ClassWeightOption;
  readonly limit?: number;
  readonly seed: number;
  readonly out: string;
  readonly resume?: true;
  /** Delete the training that is in `out`. */
  readonly overwrite?: true;
  /** Steps. */
  readonly saveEvery: number;
  /** Epochs. */
  readonly patience?: number;
  readonly logdir?: string;
}

/** The options of `train`, and of `start`, which trains for fewer epochs. */
export function trainOptions(epochs: number): Option[] {
  const described = presetNames.map((name) => `${name} (${presets[name].summary})`).join(", or ");
  return [
    new Option("--preset <name>", `set-up: ${described}`).choices(presetNames).default("default"),
    backendOption(),
    threadsOption(),
    new Option("--epochs <n>", "passes over the training texts").argParser(whole(1, 100_000)).default(epochs),
    new Option("--batch-size <n>", "texts in a step").argParser(whole(1, 25_000)).default(32),
    maxWordsOption(),
    maxLengthOption(),
    new Option("--embedding <n>", "numbers that stand for a word").argParser(whole(1, 1024)).default(10),
    new Option("--units <n>", "units of each recurrent layer").argParser(whole(1, 2048)).default(128),
    ...recurrentOptions(),
    new Option("--learning-rate <x>", "step size of Adam").argParser(positive).default(0.001),
    new Option(
      "--class-weight <weights>",
      'how much each class counts in the training loss: "balanced", by the rows of each, or by label, as "negative=1,positive=3"; all 1 by default',
    ).argParser(classWeight),
    new Option("--limit <n>", "labelled texts to use, for a quick run; all by default").argParser(
      whole(fewestReviews, mostRows),
    ),
    seedOption(),
    ...dataOptions(),
    new Option("--out <dir>", "folder for the model, its checkpoint, its history and its curves")
      .argParser(path)
      .default(path(defaultFolder), defaultFolder),
    new Option("--resume", "go on from the checkpoint in --out; only --epochs, --backend and --threads may differ"),
    new Option("--overwrite", "delete the training that is in --out, and begin anew").conflicts("resume"),
    new Option("--save-every <n>", "steps between two checkpoints; each epoch ends with one")
      .argParser(whole(1, mostRows))
      .default(200),
    new Option(
      "--patience <n>",
      "end after this many epochs without a better validation loss; off by default",
    ).argParser(whole(1, 100_000)),
    new Option("--logdir <dir>", "folder for TensorBoard's event files and epochs.csv").argParser(path),
  ];
}

/** What the layers between the embedding and the output are. */
function recurrentOptions(): Option[] {
  const { cell, layers, bidirectional, dropout, recurrentDropout } = recurrentDefaults;
  return [
    new Option("--cell <name>", "recurrent layer; rnn is the simple one, without gates")
      .choices(cellNames)
      .default(cell),
    new Option("--layers <n>", "recurrent layers, one upon the other").argParser(whole(1, 64)).default(layers),
    new Option(
      "--bidirectional",
      "each recurrent layer reads a text from both ends, and hands on the units of both",
    ).default(bidirectional),
    new Option("--dropout <share>", "features of each recurrent layer's input that a training step drops")
      .argParser(share)
      .default(dropout),
    new Option("--recurrent-dropout <share>", "units of each recurrent layer's state that a training step drops")
      .argParser(share)
      .default(recurrentDropout),
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
  return [maxWordsOption(), maxLengthOption(), seedOption()];
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

function backendOption(): Option {
  return new Option("--backend <name>", "what computes").choices(backendNames).default(defaultBackend);
}

function threadsOption(): Option {
  return new Option("--threads <n>", "threads of the wasm backend; the cores by default, up to 8").argParser(
    whole(1, 64),
  );
}

export function runtimeOption(): Option {
  return new Option("--backend <name>", "what computes; onnx is onnxruntime on an export in memory")
    .choices([...runtimeNames])
    .default(defaultBackend);
}

export function modelOption(): Option {
  return new Option("--model <dir>", "folder that train wrote to")
    .argParser(path)
    .default(path(defaultFolder), defaultFolder);
}

export function testOptions(): Option[] {
  const limit = new Option("--limit <n>", "test texts to use, for a quick run; all by default");
  return [modelOption(), runtimeOption(), ...dataOptions(), limit.argParser(whole(1, mostRows))];
}

function seedOption(): Option {
  return new Option("--seed <n>", "draws the split, the first weights and the order of texts")
    .argParser(whole(0, 2 ** 31 - 1))
    .default(0);
}

export function onnxFileOption(): Option {
  return new Option("--out <file>", "the ONNX file; model.onnx in the model's folder by default").argParser(path);
}

export function jsonOption(): Option {
  return new Option("--json", "one JSON event a line on standard output, and nothing else there");
}
