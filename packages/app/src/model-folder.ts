/** The folder that a training leaves behind: what is in it, and reading a model back. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ModelFileError, type ReadOptions, type Trained } from "@ostinato/core";
import { loadModel } from "@ostinato/core/node";

/** The files of a training's folder. */
export const fileNames = {
  model: "model.safetensors",
  best: "best.safetensors",
  checkpoint: "checkpoint.safetensors",
  history: "history.json",
  onnx: "model.onnx",
  /** Beside `onnx`: what it takes to use it. */
  description: "model.json",
} as const;

/** A model that an app has written. */
export interface AppModel {
  readonly trained: Trained;
  /** Of the training. */
  readonly seed: number;
  /** What the app has written beside the weights. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The error for a file that is not as the app writes it; `what` is wrong with it. */
  foreign(what: string): ModelFileError;
}

/** Reads the model of a folder that `train` of the app `name` wrote. Throws `ModelFileError` where there is none, or another's. */
export async function loadAppModel(folder: string, name: string, options: ReadOptions = {}): Promise<AppModel> {
  const file = join(folder, fileNames.model);
  const present = (path: string) => stat(path).catch(() => undefined);
  const found = await present(folder);
  if (found && !found.isDirectory()) {
    throw new ModelFileError(`--model takes the folder that train wrote to; ${folder} is a file`);
  }
  if (!found || !(await present(file))) {
    if (await present(join(folder, fileNames.checkpoint))) {
      throw new ModelFileError(
        `no model at ${file}: its training has not finished; go on with the same train command and --resume`,
      );
    }
    throw new ModelFileError(
      `no model at ${file}; make one with: npm run ${name} -- train (and tell its folder with --model)`,
    );
  }
  const trained = await loadModel(file, options);
  const foreign = (what: string) => new ModelFileError(`${file} is not a model of this app: ${what}`);
  const metadata = trained.metadata ?? {};
  const { app, seed } = metadata;
  if (app !== name) throw foreign("it was not written by train");
  if (typeof seed !== "number" || !Number.isSafeInteger(seed) || seed < 0) throw foreign("it has no seed");
  return { trained, seed, metadata, foreign };
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
