/** Unique names of temporary files, and the removal of those that a killed process has left. */
import { randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isAlive, placeKey, startOfThis } from "./processes.ts";

/** Milliseconds by which the clock of a file server may differ from this machine's. */
const SKEW = 60_000;

/** Temporary files of this process that could not be removed. */
const abandoned = new Set<string>();

/** A new name beside `path`, of the file's name, the machine, the process and random digits. */
export function temporaryName(path: string): string {
  const own = randomBytes(6).toString("hex");
  return join(dirname(path), `.${basename(path)}.${placeKey()}.${process.pid}.${own}.tmp`);
}

/** Removes a temporary file, if it is still there. Where that fails, the next writer of the file removes it. */
export async function discard(temporary: string): Promise<void> {
  await rm(temporary, { force: true }).catch(() => abandoned.add(temporary));
}

/**
 * Removes the temporary files of writers of `path` that are gone: processes of this machine that have ended, and earlier processes with the id of
 * this one. Files of running processes and of other machines stay.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const pattern = new RegExp(`^\\.(.*)\\.${placeKey()}\\.(\\d+)\\.[0-9a-f]{12}\\.tmp$`, "s");
  for (const name of await readdir(folder).catch(() => [])) {
    const [, target, id] = pattern.exec(name) ?? [];
    const file = join(folder, name);
    if (target !== basename(path) || !(await isLeftover(file, Number(id)))) continue;
    await rm(file, { force: true }).then(
      () => abandoned.delete(file),
      () => {},
    );
  }
}

async function isLeftover(file: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return !isAlive(pid);
  if (abandoned.has(file)) return true;
  // Another call, or another thread, may be writing it; what is older than this process is nobody's.
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && found.mtimeMs < startOfThis - SKEW;
}
