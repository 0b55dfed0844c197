/** The folder that a training leaves behind: what is in it, and reading a model back, also from a lone file. */
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
  /** What the training began with, where that was another model. */
  initial: "initial.safetensors",
  history: "history.json",
  onnx: "model.onnx",
  /** Beside `onnx`: what it takes to use it. */
  description: "model.json",
} as const;

/** A model that `--model` names. */
export interface AppModel extends OpenedModel {
  /** The output folder of `train`; for a single file, its folder. */
  readonly folder: string;
  /** Whether `--model` is a file rather than an output folder of `train`. */
  readonly alone: boolean;
  /** The app has written it. Else nothing is known but the network, its weights, and what the file tells in words of its own. */
  readonly own: boolean;
  /** Of the training; 0 where it is not known. */
  readonly seed: number;
  /** What the app has written beside the weights. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The error for a file that is not as the app writes it; `what` is wrong with it. */
  foreign(what: string): ModelFileError;
}

/**
 * Opens the model of a folder that `train` of the app `name` wrote, or that of a file. Throws `ModelFileError` where there is none, or that of another app.
 */
export async function loadAppModel(path: string, name: string, options: OpenOptions = {}): Promise<AppModel> {
  const file = await modelFileAt(path, name);
  // Of a folder with exports alone no training is known.
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

/** Who names such a path means a file, though there be none. */
const modelEnding = /\.(safetensors|onnx|keras|h5)$/i;

/**
 * The file that `export` writes: `--out`, else `name` in the folder of the training. Throws `UsageError` for a lone file without `--out`, beside which there may be files of that name, and where it
 * would replace the model itself.
 */
export function exportFile(out: string | undefined, { path, folder, alone }: AppModel, name: string): string {
  if (out === undefined && alone) throw new UsageError("--out is required if --model is a file");
  if (alone && out === path) throw new UsageError(`--out: ${out} is the model itself; name another file`);
  return out ?? join(folder, name);
}

/** The same for the folder of an export of several files. */
export function exportFolder(out: string | undefined, { folder, alone }: AppModel): string {
  if (out === undefined && alone) throw new UsageError("--out is required if --model is a file");
  return out ?? folder;
}

/** The file of the model that a path names: itself, or the one in a folder of a training. @throws ModelFileError where that has none */
export async function modelFileAt(path: string, name: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const alone = found === undefined ? modelEnding.test(path) : !found.isDirectory();
  return alone ? path : modelIn(path, name);
}

/** What there may be in a folder of files alone, which no training wrote. */
const exportedNames: readonly string[] = [fileNames.onnx, pairNames.decodeStep];

/** The file of the model in a folder: of the training's, else an export. @throws ModelFileError, with the way to one, where there is none */
async function modelIn(folder: string, name: string): Promise<string> {
  const [file, checkpoint] = [join(folder, fileNames.model), join(folder, fileNames.checkpoint)];
  if (await isThere(file)) return file;
  for (const exported of exportedNames.map((each) => join(folder, each)))
    if (!(await isThere(checkpoint)) && (await isThere(exported))) return exported;
  throw new ModelFileError(
    (await isThere(checkpoint))
      ? `no model at ${file}: its training has not finished; go on with the same train command and --resume`
      : `no model at ${file}; make one with: npm run ${name} -- train (and tell its folder with --model)`,
  );
}

/**
 * The folder for what a command draws, known to be writable: `--out`, else that of the training. Undefined where `--model` names a lone file, beside which nobody
 * expects pictures. Throws `UsageError` where nothing can be written there.
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
