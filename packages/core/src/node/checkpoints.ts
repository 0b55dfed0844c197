/** Checkpoints on disk: the newest and the one before, so that there is always a whole one. */
import { link, readFile, rename, rm } from "node:fs/promises";
import { type Checkpoint, checkpointFromBytes, checkpointToBytes, ModelFileError } from "../index.ts";
import { writeFileAtomic } from "./atomic.ts";

/** Where the checkpoint before the newest is kept. */
export function previousOf(path: string): string {
  return `${path}.previous`;
}

/** Lets `previous` name the file that `path` names, without a moment in which either is missing. */
async function keepPrevious(path: string): Promise<void> {
  const temporary = `${previousOf(path)}.tmp`;
  await rm(temporary, { force: true });
  try {
    await link(path, temporary);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    // A file system without links: a copy does, if more slowly.
    await writeFileAtomic(temporary, await readFile(path));
  }
  await rename(temporary, previousOf(path));
}

/** Writes a checkpoint, whole or not at all, and keeps the one before as `<path>.previous`. */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await keepPrevious(path);
  await writeFileAtomic(path, checkpointToBytes(checkpoint));
}

async function read(path: string): Promise<Checkpoint | ModelFileError> {
  try {
    return checkpointFromBytes(await readFile(path));
  } catch (error) {
    if (error instanceof ModelFileError)
      return new ModelFileError(`cannot read the checkpoint ${path}: ${error.message}`);
    return new ModelFileError(`cannot read the checkpoint ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Reads the newest checkpoint; where it is damaged, the one before, and `onWarning` is told.
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
