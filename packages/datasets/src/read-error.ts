/** What went wrong with a path, in words. */
import { DatasetError, DatasetFormatError, DatasetNotFoundError } from "./errors.ts";

/** The typed error of a path that could not be read: not there, with the way to get it, or there and unreadable. */
export function readError(error: unknown, dataset: string, path: string, remedy: string): DatasetError {
  if (error instanceof DatasetError) return error;
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return new DatasetNotFoundError(dataset, [path], remedy);
  const reason = Object.hasOwn(reasons, code) ? `: ${reasons[code]}` : "";
  return new DatasetFormatError(path, `cannot be read${reason}`, { cause: error });
}

/** The system's name of an error. A test runner's sandbox has an `Error` of its own, and Node throws that of the process. */
export function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ELOOP: "its links lead in a circle",
  ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB",
};
