/** The file that `export` writes, and the JSON beside it: neither replaces what is not an earlier export, and nothing is written that disagrees. */
import { readFile, stat } from "node:fs/promises";
import { writeFileAtomic } from "@ostinato/core/node";
import { FailureError, UsageError } from "./failures.ts";
import { requireWritableFile } from "./files.ts";
import { shownCount } from "./format.ts";
import type { Output } from "./output.ts";

const onnxEnding = /\.onnx$/i;

/** Where an export goes. */
export interface OnnxTarget {
  readonly file: string;
  /** `model.onnx` has `model.json`. */
  readonly description: string;
}

/**
 * The target of `--out`, known to be writable. Only earlier exports are replaced: `--out history.onnx` is no reason to lose a `history.json`, nor
 * `--out model.safetensors` the model. `isDescription` knows the JSON of the app. Throws `UsageError`.
 */
export async function openOnnxTarget(
  file: string,
  isDescription: (json: Readonly<Record<string, unknown>>) => boolean,
): Promise<OnnxTarget> {
  await requireWritableFile(file, "--out");
  const description = `${file.replace(onnxEnding, "")}.json`;
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !onnxEnding.test(file))
    throw new UsageError(
      `--out: ${file} is there already, and is no ONNX file by its name; name one that ends in .onnx`,
    );
  const text = await readFile(description, "utf8").catch(() => undefined);
  const json = text === undefined ? undefined : parsed(text);
  if (text !== undefined && (json === undefined || !isDescription(json)))
    throw new UsageError(
      `--out: ${description}, which goes beside ${file}, is there already and describes no model; name another file with --out`,
    );
  return { file, description };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null ? (found as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** An export that has been compared with onnxruntime. */
export interface CheckedExport {
  readonly bytes: Uint8Array;
  /** Plain JSON: what it takes to use the model. */
  readonly description: object;
  /** What the description holds, in words. */
  readonly describes: string;
  /** The largest difference between our outputs and onnxruntime's, and what it may be. */
  readonly maxDifference: number;
  readonly tolerance: number;
  /** What was compared, in words and as an event tells it. */
  readonly compared: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** Tells how the two agree, and writes both files. Throws `FailureError`, and writes nothing, where they do not. */
export async function writeOnnx(target: OnnxTarget, checked: CheckedExport, output: Output): Promise<void> {
  const { file, description } = target;
  const { bytes, maxDifference, tolerance } = checked;
  output.event({ event: "export", file, description, bytes: bytes.length, ...checked.event, maxDifference, tolerance });
  const verdict = `max |difference| ${maxDifference.toExponential(2)} over ${checked.compared}`;
  if (!(maxDifference <= tolerance)) {
    throw new FailureError(`onnxruntime does not agree: ${verdict}, above ${tolerance}; nothing was written`);
  }
  await writeFileAtomic(description, `${JSON.stringify(checked.description, null, 1)}\n`);
  await writeFileAtomic(file, bytes);
  output.say(
    `${verdict}\nWrote ${file} (${shownCount(bytes.length)} bytes)\nand ${description}: ${checked.describes}, for any runtime`,
  );
}
