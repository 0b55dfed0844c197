/** The options that apps share, and the readers that check an option's text. */
import { resolve } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { type BackendName, backendNames, runtimeNames } from "./backends.ts";
import { bestBy } from "./best-by.ts";
import { callersFolder } from "./files.ts";

/** Reads whole numbers in a range. */
export function whole(least: number, most: number) {
  return (text: string): number => {
    const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Reads a number above 0. */
export function positive(text: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (number > 0 && number < Number.POSITIVE_INFINITY) return number;
  throw new InvalidArgumentError("It must be a number above 0.");
}

/** Reads a share that is to be dropped. */
export function share(text: string): number {
  const number = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (number >= 0 && number < 1) return number;
  throw new InvalidArgumentError("It must be a number from 0 to below 1.");
}

/** Reads a path, relative to where npm was called. */
export function path(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  if (text.includes("\0")) throw new InvalidArgumentError("It is not a path.");
  return resolve(callersFolder(), text);
}

/** Reads a name that may be any text. */
export function name(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}

const defaultBackend: BackendName = "wasm";
/** The highest count that options of rows and steps take. */
export const mostRows = 100_000_000;

/** Settings of every training. */
export interface TrainingOptions {
  readonly backend: BackendName;
  readonly threads?: number;
  readonly epochs: number;
  /** The most rows of a batch. */
  readonly batchSize?: number;
  /** The most steps of a batch, as `fit` counts them. */
  readonly batchTokens?: number;
  readonly learningRate: number;
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

/** Where a training's files go, and how it is saved, gone on with and ended. `folder` is the default; `better` completes what --patience waits for. */
export function trainingFolderOptions(folder: string, better = `a better ${bestBy.valLoss}`): Option[] {
  return [
    new Option("--out <dir>", "folder for the model, its checkpoint, its history and its curves")
      .argParser(path)
      .default(path(folder), folder),
    new Option("--resume", "go on from the checkpoint in --out; only --epochs, --backend and --threads may differ"),
    new Option("--overwrite", "delete the training that is in --out, and begin anew").conflicts("resume"),
    new Option("--save-every <n>", "steps between two checkpoints; each epoch ends with one")
      .argParser(whole(1, mostRows))
      .default(200),
    new Option("--patience <n>", `end after this many epochs without ${better}; off by default`).argParser(
      whole(1, 100_000),
    ),
    new Option("--logdir <dir>", "folder for TensorBoard's event files and epochs.csv").argParser(path),
  ];
}

export function epochsOption(epochs: number, rows: string): Option {
  return new Option("--epochs <n>", `passes over the training ${rows}`).argParser(whole(1, 100_000)).default(epochs);
}

export function batchSizeOption(size: number, rows: string): Option {
  return new Option("--batch-size <n>", `${rows} in a step`).argParser(whole(1, 25_000)).default(size);
}

export function learningRateOption(rate: number): Option {
  return new Option("--learning-rate <x>", "step size of Adam").argParser(positive).default(rate);
}

export function seedOption(rows: string): Option {
  return new Option("--seed <n>", `draws the split, the first weights and the order of ${rows}`)
    .argParser(whole(0, 2 ** 31 - 1))
    .default(0);
}

export function backendOption(): Option {
  return new Option("--backend <name>", "where to compute").choices(backendNames).default(defaultBackend);
}

export function threadsOption(): Option {
  return new Option("--threads <n>", "threads of the wasm backend; the cores by default, up to 8").argParser(
    whole(1, 64),
  );
}

/** What computes with a trained model. */
export function runtimeOption(): Option {
  return new Option("--backend <name>", "where to compute; onnx exports the model in memory and runs it in onnxruntime")
    .choices([...runtimeNames])
    .default(defaultBackend);
}

/** The option for a trained model; `folder` is the default. */
export function modelOption(folder: string): Option {
  return new Option("--model <path>", "output folder of train, or a model file")
    .argParser(path)
    .default(path(folder), folder);
}

/** The option for the folder of plots. */
export function chartFolderOption(): Option {
  return new Option(
    "--out <dir>",
    "folder for plots; default: the folder of --model, or no plots if it is a file",
  ).argParser(path);
}

export function onnxFileOption(): Option {
  return new Option("--out <file>", "the ONNX file; model.onnx in the model's folder by default").argParser(path);
}

export function jsonOption(): Option {
  return new Option("--json", "one JSON event a line on standard output, and nothing else there");
}
