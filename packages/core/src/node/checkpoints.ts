/** Checkpoints on disk: the newest and the one before, so that there is always a whole one. */
import { link, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Checkpoint, checkpointFromBytes, checkpointToBytes, ModelFileError } from "../index.ts";
import { writeFileAtomic } from "./atomic.ts";
import { reasonOf } from "./reasons.ts";

/** Where the checkpoint before the newest is kept. */
export function previousOf(path: string): string {
  return `${path}.previous`;
}

async function read(path: string): Promise<Checkpoint | ModelFileError> {
  try {
    return checkpointFromBytes(await readFile(path));
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
  const temporary = `${previousOf(path)}.tmp`;
  await rm(temporary, { force: true });
  try {
    // A file system without links: a copy does, if more slowly.
    await link(path, temporary).catch(async () => writeFileAtomic(temporary, await readFile(path)));
    await rename(temporary, previousOf(path));
  } finally {
    // It stays not only after an error: a name is not moved to another name of the same file.
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/**
 * Writes a checkpoint, whole or not at all, and keeps the one before as `<path>.previous`. One at a time: await it before the next.
 *
 * @throws ModelFileError, which names the path, where it cannot be written; what was there before is still there
 */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const bytes = checkpointToBytes(checkpoint);
  // Always the same name: where the process is killed, the next save takes the leftover away.
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  try {
    await keepPrevious(path);
    await rm(temporary, { force: true });
    await writeFileAtomic(path, bytes, temporary);
  } catch (error) {
    throw new ModelFileError(`cannot write the checkpoint ${path}: ${reasonOf(error, "its folder cannot be made")}`);
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
