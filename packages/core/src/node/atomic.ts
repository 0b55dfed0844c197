/** Writing files whole or not at all: a temporary file beside the target, synced, then renamed over it. */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

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
 *
 * @param temporary a file in the same folder to write first; by default one of a new name, so that two may write at once
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  temporary: string = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`),
): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder);
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}
