/** Reads ONNX files from disk as trained models, with external data if requested. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, ModelFileError, type Trained } from "@ostinato/core";
import { type ExternalData, noExternalData, type Place } from "../import/external.ts";
import type { ImportOptions } from "../import/options.ts";
import { importWith } from "../import/trained.ts";
import { bytesOfFile } from "./bytes.ts";

/** Options of `loadOnnx`. */
export interface LoadOptions extends ImportOptions {
  /**
   * Whether to read external data, which PyTorch writes for large models. The files must be in the folder of the model or in its subfolders, and must not be symbolic or
   * hard links. The total size of the tensors in a file may be at most ten times the size of the file, and each must be smaller than 2 GiB. Default false.
   */
  readonly externalData?: boolean;
}

/** A number of bytes; `byDefault` if the entry is missing. */
function bytesIn({ name, entries }: Place, entry: string, byDefault: number): number {
  const text = entries.get(entry);
  if (text === undefined) return byDefault;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new ModelFileError(`the tensor "${name}" has an invalid ${entry}`);
}

/** The path of a file in a folder. @throws ModelFileError for paths outside the folder, and for links */
function pathIn(folder: string, { name, entries }: Place): string {
  const location = entries.get("location") ?? "";
  const refuse = (why: string): never => {
    throw new ModelFileError(`the tensor "${name}" is stored in "${location}": ${why}`);
  };
  const parts = location.split(/[\\/]/);
  if (location.includes("\0") || parts.some((part) => part === "" || part === ".." || part.includes(":")))
    return refuse("only files in the folder of the model can be read");
  const path = join(folder, ...parts);
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    return refuse(`the file does not exist (${(error as NodeJS.ErrnoException).code})`);
  }
  return real === path ? real : refuse("links are not followed");
}

/** Opens a file. Rejects links that were created after the check; does not block on pipes. */
function opened(path: string, tensor: string): number {
  try {
    return openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new ModelFileError(
      `the tensor "${tensor}" is stored in "${path}", which cannot be opened: ${String(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** The maximum size of a tensor. */
const LONGEST = 2 ** 31 - 1;

/** The maximum total size of all tensors in a file, as a multiple of its size: several tensors may share rows of a table, but a small file must not become large by repetition. */
const MOST_TIMES = 10;

/** Reads tensors from files in a folder. Each tensor is read once, even if the model is read several times. */
function inFolder(folder: string): ExternalData {
  const known = new Map<string, Uint8Array>();
  const taken = new Map<string, number>();
  return (place) => {
    const path = pathIn(folder, place);
    const offset = bytesIn(place, "offset", 0);
    const length = bytesIn(place, "length", place.bytes);
    const key = JSON.stringify([place.name, path, offset, length]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const file = opened(path, place.name);
    try {
      const found = fstatSync(file);
      const total = (taken.get(path) ?? 0) + length;
      const wrong = !found.isFile()
        ? "it is not a file"
        : found.nlink > 1
          ? "it is a hard link, which may point outside the folder"
          : length !== place.bytes || offset + length > found.size
            ? `the tensor needs ${place.bytes} bytes, but the model specifies ${length} bytes at offset ${offset} of ${found.size}`
            : length > LONGEST
              ? `it has ${length} bytes, but the maximum is ${LONGEST}`
              : total > MOST_TIMES * found.size
                ? `the tensors in it have more than ${MOST_TIMES} times its size (${found.size} bytes)`
                : undefined;
      if (wrong !== undefined) throw new ModelFileError(`the tensor "${place.name}" is stored in "${path}": ${wrong}`);
      taken.set(path, total);
      const bytes = readFully(file, offset, length);
      known.set(key, bytes);
      return bytes;
    } finally {
      closeSync(file);
    }
  };
}

function readFully(file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const count = readSync(file, bytes, at, length - at, offset + at);
    if (count === 0) throw new ModelFileError("an external data file was truncated while it was read");
    at += count;
  }
  return bytes;
}

/**
 * Imports a file as `importOnnx` does, and reads external data if `externalData` is true.
 *
 * @throws ModelFileError for a file that cannot be read or is damaged, and for external data that is missing, outside the model's folder, a link, or too large; ConfigError for invalid options; otherwise as `importOnnx`
 *
 * @example
 * const trained = await loadOnnx("model.onnx", { externalData: true });
 */
export async function loadOnnx(path: string | URL, options: LoadOptions = {}): Promise<Trained> {
  if (typeof options !== "object" || options === null)
    throw new ConfigError(`loadOnnx: options must be an object, got ${String(options)}`);
  const { externalData = false, ...others } = options;
  if (typeof externalData !== "boolean")
    throw new ConfigError(`loadOnnx: externalData must be true or false, got ${JSON.stringify(externalData)}`);
  const bytes = await bytesOfFile(path);
  if (!externalData) return importWith(bytes, others, noExternalData);
  const place = typeof path === "string" ? path : fileURLToPath(path);
  return importWith(bytes, others, inFolder(realpathSync(dirname(resolve(place)))));
}
