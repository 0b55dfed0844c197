/** Files that are written whole or not at all, and folders that are known to be writable before the work begins. */
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemReason, UsageError } from "./failures.ts";

/** Where relative paths of the command line start: the folder in which npm or pnpm was called. */
export function callersFolder(): string {
  return process.env.INIT_CWD ?? process.cwd();
}

/** As `mkdir` with `recursive`, which never returns below a folder that lets none be made and denies it (`/proc/none`). */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}

/** Makes the folder if need be. Throws `UsageError`, which names it as `option`, where nothing can be written there. */
export async function requireWritableFolder(folder: string, option: string): Promise<void> {
  try {
    await makeFolder(folder);
    const probe = join(folder, `.write-test-${process.pid}`);
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    const reason = systemReason(error);
    if (reason === undefined) throw error;
    throw new UsageError(`cannot write to ${option} ${folder}: ${reason}`, { cause: error });
  }
}

/** As `requireWritableFolder` for the folder of a file, which must not itself be a folder. */
export async function requireWritableFile(file: string, option: string): Promise<void> {
  await requireWritableFolder(dirname(file), `the folder of ${option}`);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageError(`cannot write ${option} ${file}: it is a folder`);
}

/** Writes beside the file and renames, so that a reader finds the old file or the new one and never a part. */
export async function writeWhole(file: string, data: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    await writeFile(temporary, data);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
