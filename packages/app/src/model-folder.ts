/** The output folder of a training: its contents, and reading a model back, also from a single file. */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ModelFileError } from "@ostinato/core";
import { UsageError } from "./failures.ts";
import { isThere, requireWritableFolder } from "./files.ts";
import { shownLabel } from "./format.ts";
import { type OpenedModel, type OpenOptions, openTrained, pairNames } from "./model-file.ts";

/** The files of a training's folder. */
export const fileNames = {
  model: "model.safetensors",
  best: "best.safetensors",
  checkpoint: "checkpoint.safetensors",
  /** The initial model of the training, if it has one. */
  initial: "initial.safetensors",
  history: "history.json",
  onnx: "model.onnx",
  /** Beside `onnx`: what it takes to use it. */
  description: "model.json",
} as const;

/** The model of `--model`. */
export interface AppModel extends OpenedModel {
  /** The output folder of `train`; for a single file, its folder. */
  readonly folder: string;
  /** Whether `--model` is a file rather than an output folder of `train`. */
  readonly alone: boolean;
  /** Whether this app wrote the model. Otherwise only the network, its weights, and the file's metadata are known. */
  readonly own: boolean;
  /** The seed of the training; 0 if it is unknown. */
  readonly seed: number;
  /** What the app has written beside the weights. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The error for a file that is not as the app writes it; `what` is wrong with it. */
  foreign(what: string): ModelFileError;
}

/**
 * Opens the model in an output folder of `train` of the app `name`, or a model file. Throws `ModelFileError` if there is no model, or if it belongs to another app.
 */
export async function loadAppModel(path: string, name: string, options: OpenOptions = {}): Promise<AppModel> {
  const file = await modelFileAt(path, name);
  // A folder that contains only exports has no record of a training.
  const alone = file === path || basename(file) !== fileNames.model;
  const opened = await openTrained(file, options);
  const foreign = (what: string) => new ModelFileError(`${file} is not a model of this app: ${what}`);
  const metadata = opened.trained.metadata ?? {};
  const { app } = metadata;
  const own = app !== undefined;
  const seed = own ? metadata.seed : 0;
  if (own && app !== name)
    throw foreign(typeof app === "string" ? `it is one of npm run ${shownLabel(app)}` : "it was not written by train");
  if (typeof seed !== "number" || !Number.isSafeInteger(seed) || seed < 0) throw foreign("it has no seed");
  return { ...opened, folder: dirname(file), alone, own, seed, metadata, foreign };
}

/** A path with one of these endings is a file, even if it does not exist. */
const modelEnding = /\.(safetensors|onnx|keras|h5)$/i;

/**
 * The file that `export` writes: `--out`, otherwise `name` in the folder of the training. Throws `UsageError` if `--model` is a file and `--out` is missing, because the folder may contain other files, and if
 * it would overwrite the model itself.
 */
export function exportFile(out: string | undefined, { path, folder, alone }: AppModel, name: string): string {
  if (out === undefined && alone) throw new UsageError("--out is required if --model is a file");
  if (alone && out === path) throw new UsageError(`--out: ${out} is the model itself; choose another file`);
  return out ?? join(folder, name);
}

/** The same for the folder of an export of several files. */
export function exportFolder(out: string | undefined, { folder, alone }: AppModel): string {
  if (out === undefined && alone) throw new UsageError("--out is required if --model is a file");
  return out ?? folder;
}

/** The model file of a path: the path itself, or the file in an output folder. @throws ModelFileError if the folder has none */
export async function modelFileAt(path: string, name: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const alone = found === undefined ? modelEnding.test(path) : !found.isDirectory();
  return alone ? path : modelIn(path, name);
}

/** The possible model files in a folder that is not an output folder of `train`. */
const exportedNames: readonly string[] = [fileNames.onnx, pairNames.decodeStep];

/** The model file in a folder: the model of the training, otherwise an export. @throws ModelFileError, with instructions, if there is none */
async function modelIn(folder: string, name: string): Promise<string> {
  const [file, checkpoint] = [join(folder, fileNames.model), join(folder, fileNames.checkpoint)];
  if (await isThere(file)) return file;
  for (const exported of exportedNames.map((each) => join(folder, each)))
    if (!(await isThere(checkpoint)) && (await isThere(exported))) return exported;
  throw new ModelFileError(
    (await isThere(checkpoint))
      ? `no model at ${file}: its training has not finished; repeat the train command with --resume`
      : `no model at ${file}; create one with: npm run ${name} -- train (and pass its folder as --model)`,
  );
}

/**
 * The writable folder for plots: `--out`, otherwise the folder of the training. Undefined if `--model` is a single file and `--out` is missing.
 * Throws `UsageError` if the folder is not writable.
 */
export async function openChartFolder(
  out: string | undefined,
  { folder, alone }: Pick<AppModel, "folder" | "alone">,
): Promise<string | undefined> {
  if (out === undefined && alone) return undefined;
  await requireWritableFolder(out ?? folder, out === undefined ? "--model" : "--out");
  return out ?? folder;
}

/** What a folder still tells of its training. */
export interface ToldTraining {
  /** As the command line gave them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The figures of each epoch. */
  readonly epochs: readonly Readonly<Record<string, unknown>>[];
}

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null;

/** The course of the training of a folder's model; undefined where the folder does not tell it any more. */
export async function trainingOf(folder: string): Promise<ToldTraining | undefined> {
  try {
    const { options, epochs } = JSON.parse(await readFile(join(folder, fileNames.history), "utf8"));
    return isRecord(options) && Array.isArray(epochs) ? { options, epochs: epochs.filter(isRecord) } : undefined;
  } catch {
    return undefined;
  }
}

/** The path of the data that the model of a folder was trained on, where the folder still tells it. */
export async function dataPathOf(folder: string): Promise<string | undefined> {
  const data = (await trainingOf(folder))?.options.data;
  return typeof data === "string" ? data : undefined;
}
