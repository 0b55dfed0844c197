/** Writing files whole or not at all: a temporary file beside the target, synced, then renamed over it. */
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { writing } from "./reasons.ts";
import { discard, removeLeftovers, temporaryName } from "./temporary.ts";

/** Makes the entries of a folder durable. Some systems cannot open folders; there the rename alone must do. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch {
    // Not every file system syncs folders.
  } finally {
    await handle.close().catch(() => {});
  }
}

/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never returns where the system denies a folder in one that it has just
 * found to be there (`/proc/x`).
 */
export async function makeFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) return;
  const parent = dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  await mkdir(folder).catch(async (error: unknown) => {
    // Another process may have been quicker.
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw error;
  });
}

/**
 * Replaces the file at `path`: whoever reads it, at any moment, sees all of the old bytes or all of the new. Makes its folder where it is missing.
 * Several writers at once are safe: the last one stays. What a killed writer of this file has left beside it is removed.
 *
 * @param data bytes, a text, or bytes in pieces; together they may be more than 2 GiB
 * @throws FileError, which names the path, where the system does not let it be written; what was there before is still there
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string | readonly Uint8Array[]): Promise<void> {
  const folder = dirname(path);
  await writing(path, async () => {
    await makeFolder(folder);
    await removeLeftovers(path);
    const temporary = temporaryName(path);
    try {
      const handle = await open(temporary, "wx");
      try {
        for (const piece of Array.isArray(data) ? data : [data]) await handle.writeFile(piece);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await discard(temporary);
      throw error;
    }
  });
  await syncFolder(folder);
}
