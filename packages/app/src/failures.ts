/** What may go wrong: how it is told to the user, and the exit code it ends with. */
import {
  ConfigError,
  FileError,
  ModelFileError,
  NonFiniteError,
  ResourceError,
  UnsupportedOpError,
} from "@ostinato/core";
import { DatasetError } from "@ostinato/datasets";
import { CommanderError } from "commander";
import { InterruptedError } from "./interruption.ts";

export const exitCodes = {
  done: 0,
  /** The work was asked for rightly and did not succeed: a check failed, training diverged, the disk is full. */
  failed: 1,
  /** Wrong use: an option, a model folder, an output folder. */
  usage: 2,
  /** A defect of this program. */
  defect: 70,
} as const;

/** Wrong use, with the way out in its message. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Work that did not succeed. */
export class FailureError extends Error {
  override readonly name = "FailureError";
}

/** Why a file could not be written or read, in words; undefined for an error that is not the system's. */
export function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error && "syscall" in error)) return undefined;
  return systemReasons[String(error.code)] ?? error.message;
}

const systemReasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EEXIST: "a file of that name is in the way",
  EISDIR: "it is a folder",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "no such file or folder",
  EDQUOT: "the disk quota is used up",
  EIO: "the disk reports an error",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "part of the path is a file, not a folder",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
};

/** What may happen to work that was asked for rightly. Any other error of the libraries is a defect of this program. */
const failures = [
  FailureError,
  FileError,
  NonFiniteError,
  ResourceError,
  ConfigError,
  UnsupportedOpError,
  DatasetError,
];

/** One line for the terminal, and the exit code. Only a defect brings its stack along, for the report. */
export function explain(error: unknown): { readonly message: string; readonly code: number } {
  if (error instanceof CommanderError) {
    // `help frob` brings no message of its own
    const message = error.code === "commander.help" ? "unknown command" : error.message;
    const way = ["commander.help", "commander.unknownCommand"].includes(error.code) ? "; --help lists them" : "";
    return { message: oneLine(message.replace(/^error: /, "")) + way, code: exitCodes.usage };
  }
  if (error instanceof InterruptedError) return { message: error.message, code: error.code };
  // A model file that could not be written: the disk is full, say.
  if (error instanceof ModelFileError && error.cause instanceof FileError)
    return { message: oneLine(error.message), code: exitCodes.failed };
  if (error instanceof UsageError || error instanceof ModelFileError) {
    return { message: oneLine(error.message), code: exitCodes.usage };
  }
  if (error instanceof Error && failures.some((kind) => error instanceof kind))
    return { message: oneLine(error.message), code: exitCodes.failed };
  const reason = systemReason(error);
  if (reason !== undefined) {
    const message = error instanceof Error && "path" in error ? `${String(error.path)}: ${reason}` : String(error);
    return { message: oneLine(message), code: exitCodes.failed };
  }
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `a defect of this program, please report it:\n${details}`, code: exitCodes.defect };
}

/** Replaces line breaks and control characters, because messages may contain names from files. */
function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*|\p{Cc}+/gu, " ");
}
