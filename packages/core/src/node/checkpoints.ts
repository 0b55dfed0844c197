/** Checkpoints on disk: the newest and the one before, so that there is always a whole one. */
import { copyFile, link, rename } from "node:fs/promises";
import { checkpointFrom, checkpointPieces } from "../checkpoint/training.ts";
import { type Checkpoint, ModelFileError } from "../index.ts";
import { writeFileAtomic } from "./atomic.ts";
import { cannotWrite } from "./files.ts";
import { reasonOf, writing } from "./reasons.ts";
import { readSafetensors } from "./safetensorsFile.ts";
import { discard, removeLeftovers, temporaryName } from "./temporary.ts";

/** Where the checkpoint before the newest is kept. */
export function previousOf(path: string): string {
  return `${path}.previous`;
}

async function read(path: string): Promise<Checkpoint | ModelFileError> {
  try {
    return checkpointFrom(await readSafetensors(path));
  } catch (error) {
    const reason =
      error instanceof ModelFileError
        ? error.message
        : reasonOf(error, "there is no such file; train with checkpoints first, or check the path");
    return new ModelFileError(`cannot read the checkpoint ${path}: ${reason}`);
  }
}

/** Lets `previous` name the file that `path` names, without a moment in which either is missing. */
async function keepPrevious(path: string): Promise<void> {
  // A newest that is damaged must not take the place of one that is whole.
  if ((await read(path)) instanceof ModelFileError) return;
  const previous = previousOf(path);
  await removeLeftovers(previous);
  const temporary = temporaryName(previous);
  try {
    // A file system without links: a copy does, if more slowly.
    await link(path, temporary).catch(() => copyFile(path, temporary));
    await rename(temporary, previous);
  } finally {
    // It stays not only after an error: a name is not moved to another name of the same file.
    await discard(temporary);
  }
}

/**
 * Writes a checkpoint, whole or not at all, and keeps the one before as `<path>.previous`. One at a time: await it before the next.
 *
 * @throws ModelFileError, which names the path, where it cannot be written; what was there before is still there
 */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const pieces = checkpointPieces(checkpoint);
  try {
    await writing(path, () => keepPrevious(path));
    await writeFileAtomic(path, pieces);
  } catch (error) {
    throw cannotWrite(`the checkpoint ${path}`, error);
  }
}

/**
 * Reads the newest checkpoint; where it is damaged or missing, the one before, and `onWarning` is told.
 *
 * @throws ModelFileError where neither can be read
 */
export async function loadCheckpoint(
  path: string,
  onWarning: (message: string) => void = () => {},
): Promise<Checkpoint> {
  const newest = await read(path);
  if (!(newest instanceof ModelFileError)) return newest;
  const previous = await read(previousOf(path));
  if (previous instanceof ModelFileError) throw newest;
  onWarning(`${newest.message}; going on from the one before, ${previousOf(path)}`);
  return previous;
}
