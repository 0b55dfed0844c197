/** Reasons why a file could not be read or written, for messages. */
import { FileError } from "../index.ts";
import { isRecord } from "../nn/options.ts";
import { messageOf } from "../thrown.ts";

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EEXIST: "part of the path is a file, not a folder",
  EFBIG: "the file is too large for its file system",
  EIO: "the disk reports an error",
  EISDIR: "this is a folder; name the file in it",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "too many files are open",
  ENOSPC: "there is no space left",
  ENOTDIR: "part of the path is a file, not a folder",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
};

/** The system's name of an error, such as `"ENOSPC"`; undefined for an error that is not the system's. */
export function systemCode(error: unknown): string | undefined {
  // Not instanceof Error: a test runner's sandbox has an Error of its own, and Node throws that of the process.
  if (!isRecord(error) || typeof error.code !== "string") return undefined;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** @param absent what to say where there is no file */
export function reasonOf(error: unknown, absent: string): string {
  const code = systemCode(error);
  if (code === "ENOENT") return absent;
  const reason = code === undefined ? undefined : reasons[code];
  return reason ?? messageOf(error);
}

/** Runs what writes `path`; an error of the system, which may name no file, becomes a `FileError` that names this one. */
export async function writing<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || error instanceof FileError) throw error;
    throw new FileError(
      `cannot write ${path}: ${reasonOf(error, "its folder is not there, or cannot be made")}`,
      path,
      code,
      error,
    );
  }
}
