/** Folders and files that are known to be writable before the work begins. */
import { rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "@ostinato/core/node";
import { systemReason, UsageError } from "./failures.ts";

/** Where relative paths of the command line start: the folder in which npm or pnpm was called. */
export function callersFolder(): string {
  return process.env.INIT_CWD ?? process.cwd();
}

export const isThere = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;

/** Makes the folder if need be. Throws `UsageError`, which names it as `option`, where nothing can be written there. */
export async function requireWritableFolder(folder: string, option: string): Promise<void> {
  try {
    await makeFolder(folder);
    const probe = join(folder, `.write-test-${process.pid}`);
    await writeFile(probe, "");
    await rm(probe, { force: true }); // another process of the same number, on another machine, may have been faster
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
