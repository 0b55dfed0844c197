/** ONNX files on disk as trained models, with weights in other files of the folder where that is asked for. */
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
   * Whether weights in other files are read, as PyTorch writes those of large models: such files must lie in the folder of the model or below it, and be no links, neither symbolic nor
   * hard. All tensors that stand in a file are together at most ten times as long as it is, and one is shorter than 2 GiB. Default false.
   */
  readonly externalData?: boolean;
}

/** A whole number of bytes; `byDefault` where the model does not say. */
function bytesIn({ name, entries }: Place, entry: string, byDefault: number): number {
  const text = entries.get(entry);
  if (text === undefined) return byDefault;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new ModelFileError(`the tensor "${name}" has no valid ${entry}`);
}

/** The path of the file in a folder. @throws ModelFileError for one outside of it, and for links */
function pathIn(folder: string, { name, entries }: Place): string {
  const location = entries.get("location") ?? "";
  const refuse = (why: string): never => {
    throw new ModelFileError(`the tensor "${name}" stands in "${location}": ${why}`);
  };
  const parts = location.split(/[\\/]/);
  if (location.includes("\0") || parts.some((part) => part === "" || part === ".." || part.includes(":")))
    return refuse("only files in the folder of the model are read");
  const path = join(folder, ...parts);
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    return refuse(`there is no such file (${(error as NodeJS.ErrnoException).code})`);
  }
  return real === path ? real : refuse("links are not followed");
}

/** Opens a file; what became a link since it was looked at is refused, and a pipe is not waited for. */
function opened(path: string, tensor: string): number {
  try {
    return openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new ModelFileError(`the tensor "${tensor}" stands in "${path}", which cannot be opened: ${String(error)}`, {
      cause: error,
    });
  }
}

/** Of nothing longer a tensor here can be made. */
const LONGEST = 2 ** 31 - 1;

/** So many times its length a file may be read for different tensors: the rows of a table that several share, not a file that is made large by naming it often. */
const MOST_TIMES = 10;

/** Reads tensors from files in a folder, each once, however often the model is gone through. */
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
        ? "it is no file"
        : found.nlink > 1
          ? "it is a hard link, which may be to a file elsewhere"
          : length !== place.bytes || offset + length > found.size
            ? `${place.bytes} bytes are wanted, and ${length} from ${offset} on are given of ${found.size}`
            : length > LONGEST
              ? `it has ${length} bytes, and a tensor here has at most ${LONGEST}`
              : total > MOST_TIMES * found.size
                ? `the tensors that stand there have more than ${MOST_TIMES} times its ${found.size} bytes`
                : undefined;
      if (wrong !== undefined) throw new ModelFileError(`the tensor "${place.name}" stands in "${path}": ${wrong}`);
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
    if (count === 0) throw new ModelFileError("a file with weights was cut short while it was read");
    at += count;
  }
  return bytes;
}

/**
 * `importOnnx` of a file, with the weights that it has in other files where `externalData` is true.
 *
 * @throws ModelFileError for a file that cannot be read or is damaged, and for weights in files that are missing, outside of the model's folder, links, or larger than these limits; ConfigError for options; else as `importOnnx`
 *
 * @example
 * const trained = await loadOnnx("model.onnx", { externalData: true });
 */
export async function loadOnnx(path: string | URL, options: LoadOptions = {}): Promise<Trained> {
  if (typeof options !== "object" || options === null)
    throw new ConfigError(`loadOnnx takes an object of options, got ${String(options)}`);
  const { externalData = false, ...others } = options;
  if (typeof externalData !== "boolean")
    throw new ConfigError(`loadOnnx: externalData must be true or false, got ${JSON.stringify(externalData)}`);
  const bytes = await bytesOfFile(path);
  if (!externalData) return importWith(bytes, others, noExternalData);
  const place = typeof path === "string" ? path : fileURLToPath(path);
  return importWith(bytes, others, inFolder(realpathSync(dirname(resolve(place)))));
}
