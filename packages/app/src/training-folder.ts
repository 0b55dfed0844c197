/** The folder that a training writes to: held by one process, never mixed of two trainings, and free of what an older model left. */
import { rmdirSync } from "node:fs";
import { readdir, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type FolderLock, lockFolder, previousOf } from "@ostinato/core/node";
import { UsageError } from "./failures.ts";
import { requireWritableFolder } from "./files.ts";
import { fileNames } from "./model-folder.ts";
import type { TrainingOptions } from "./options.ts";

/** The charts of a folder, by the names that `writeChart` is given, and its exports. */
export interface ChartNames {
  /** Of the training. */
  readonly training: readonly string[];
  /** Of the model that came of it: what other commands draw. */
  readonly model: readonly string[];
  /** The files of its export. Default `model.onnx`. */
  readonly exported?: readonly string[];
}

const filesOf = (names: readonly string[]) => names.flatMap((name) => [`${name}.svg`, `${name}.png`]);

/** What makes a folder that of a training. */
const ofTraining = [
  fileNames.model,
  fileNames.best,
  fileNames.checkpoint,
  previousOf(fileNames.checkpoint),
  fileNames.history,
];

/** What the loggers write to `--logdir`. */
export const csvName = "epochs.csv";
const logParts = ["train", "validation"];

export interface TrainingFolder extends Disposable {
  /** Takes away all that a training before has left: with `--overwrite`, right before the first file of the new one. */
  clear(): Promise<void>;
  /** Takes away what was made from the model before this training's; returns what that was. */
  clearDerived(): Promise<readonly string[]>;
}

/**
 * Makes the folders of a training this process's own, until disposed. A folder that was not there before and is still empty then is removed.
 *
 * Throws `FileError` where another process holds one, and `UsageError` where there is a training in `--out` already, and the options do not say what is to
 * become of it.
 */
export async function openTrainingFolder(
  { out, logdir, resume, overwrite }: Pick<TrainingOptions, "out" | "logdir" | "resume" | "overwrite">,
  charts: ChartNames,
): Promise<TrainingFolder> {
  /** What other commands make from a model, in its folder. */
  const { exported = [fileNames.onnx] } = charts;
  const ofModel = [...exported, fileNames.description, ...filesOf(charts.model)];
  const ofEnd = filesOf(charts.training);
  const made = (await stat(out).catch(() => undefined)) === undefined;
  await requireWritableFolder(out, "--out");
  if (logdir !== undefined) await requireWritableFolder(logdir, "--logdir");
  const locks: FolderLock[] = [await lockFolder(out)];
  const release = (): void => {
    for (const lock of locks) lock.release();
    if (made) removeIfEmpty(out);
  };
  try {
    if (logdir !== undefined && (await realpath(logdir)) !== (await realpath(out)))
      locks.push(await lockFolder(logdir));
    const found = await present(out, ofTraining);
    // Listed now: later the new training's own are among them.
    const logs = logdir === undefined || resume ? [] : await logsIn(logdir);
    if (!resume && !overwrite) {
      if (found.length > 0) throw occupied(out, found);
      refuseLoss("--out", out, await present(out, [fileNames.initial, ...ofEnd]));
      refuseLoss("--logdir", logdir ?? "", logs);
    }
    return {
      async clear() {
        // The file alone is not a training, and the file of another training must not be used.
        await remove(out, [fileNames.initial]);
        if (found.length > 0) await remove(out, await present(out, [...ofTraining, ...ofModel, ...ofEnd]));
        if (logdir !== undefined)
          await remove(
            logdir,
            logs.filter((name) => name !== csvName),
          );
      },
      async clearDerived() {
        // Without a training before, files of these names are not ours.
        const derived = found.length > 0 ? await present(out, ofModel) : [];
        await remove(out, derived);
        return derived;
      },
      [Symbol.dispose]: release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Wrong use, such as a data file with a fault, leaves no new folder. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It has files in it.
  }
}

/** Throws for files that the training would replace, or that its own would stand between. */
function refuseLoss(option: string, folder: string, files: readonly string[]): void {
  if (files.length === 0) return;
  throw new UsageError(
    `${option}: ${folder} holds ${files[0]} already, which a training writes; add --overwrite to replace it, or name another folder with ${option}`,
  );
}

/** What `--logdir` got from trainings before: the figures of epochs, and TensorBoard's event files. */
async function logsIn(folder: string): Promise<string[]> {
  const events = logParts.map(async (part) => {
    const names = await readdir(join(folder, part)).catch(() => []);
    return names.filter((name) => /^events\.out\.tfevents\.\d+\.ostinato\./.test(name)).map((name) => join(part, name));
  });
  return [...(await present(folder, [csvName])), ...(await Promise.all(events)).flat()];
}

function occupied(out: string, found: readonly string[]): UsageError {
  const finished = found.includes(fileNames.model) || found.includes(fileNames.history);
  const what = finished ? "a finished training" : "a training that has not finished";
  const further = finished ? "to train it further (with a larger --epochs)" : "to go on with it";
  return new UsageError(
    `--out: ${out} holds ${what} (${found[0]}); add --resume ${further}, --overwrite to delete it and begin anew, or name another folder with --out`,
  );
}

async function present(folder: string, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return names.filter((_, i) => found[i] !== undefined);
}

async function remove(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name), { force: true });
}
