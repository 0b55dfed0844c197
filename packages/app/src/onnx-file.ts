/** The files that `export` writes, and the JSON beside them: none replaces what is not an earlier export, and nothing is written that disagrees. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@ostinato/core/node";
import { FailureError, UsageError } from "./failures.ts";
import { requireWritableFile, requireWritableFolder } from "./files.ts";
import { shownCount, shownFigure } from "./format.ts";
import { fileNames } from "./model-folder.ts";
import type { Output } from "./output.ts";

const onnxEnding = /\.onnx$/i;

/** Where an export goes. */
export interface OnnxTarget {
  readonly files: readonly string[];
  /** `model.onnx` has `model.json`. */
  readonly description: string;
}

/** Knows the JSON of the app. */
type IsDescription = (json: Readonly<Record<string, unknown>>) => boolean;

/**
 * The target of `--out`, known to be writable. Only earlier exports are replaced: `--out history.onnx` is no reason to lose a `history.json`, nor
 * `--out model.safetensors` the model. Throws `UsageError`.
 */
export async function openOnnxTarget(file: string, isDescription: IsDescription): Promise<OnnxTarget> {
  await requireWritableFile(file, "--out");
  const description = `${file.replace(onnxEnding, "")}.json`;
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !onnxEnding.test(file))
    throw new UsageError(
      `--out: ${file} is there already, and is no ONNX file by its name; name one that ends in .onnx`,
    );
  await requireDescription(description, file, isDescription);
  return { files: [file], description };
}

/** The same for a model that is several files, `names`, in a folder. */
export async function openOnnxFolder(
  folder: string,
  names: readonly string[],
  isDescription: IsDescription,
): Promise<OnnxTarget> {
  await requireWritableFolder(folder, "--out");
  const files = names.map((name) => join(folder, name));
  for (const file of files) await requireWritableFile(file, "--out");
  const description = join(folder, fileNames.description);
  await requireDescription(description, files.join(" and "), isDescription);
  return { files, description };
}

/** Throws `UsageError` where there is a file already that is no description of a model. */
async function requireDescription(description: string, files: string, isDescription: IsDescription): Promise<void> {
  const text = await readFile(description, "utf8").catch(() => undefined);
  const json = text === undefined ? undefined : parsed(text);
  if (text !== undefined && (json === undefined || !isDescription(json)))
    throw new UsageError(
      `--out: ${description}, which goes beside ${files}, is there already and describes no model; name another place with --out`,
    );
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null ? (found as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** The cost of weights in fewer bits, compared with float32. */
export interface MeasuredWeights {
  readonly type: string;
  readonly float32Bytes: number;
  /** Absent if there is no labelled test data. */
  readonly figure?: MeasuredFigure;
  /** The number of rows, and the number of changed results. */
  readonly rows: number;
  readonly changed: number;
  /** The changes in words. */
  readonly changes: string;
}

/** A metric of both files. */
export interface MeasuredFigure {
  /** Its name in events: `accuracy`. */
  readonly name: string;
  /** Its name in messages. */
  readonly title: string;
  readonly better: "higher" | "lower";
  readonly float32: number;
  readonly own: number;
  /** The best there is, 1 by default. */
  readonly whole?: number;
  /** How much worse the file may be than the float32 file, as a share of `whole`. */
  readonly maxLoss: number;
}

/** An export that has been compared with onnxruntime. */
export interface CheckedExport {
  /** Of each file. */
  readonly bytes: readonly Uint8Array[];
  /** Plain JSON: what it takes to use the model. */
  readonly description: object;
  /** What the description holds, in words. */
  readonly describes: string;
  /** The largest difference between our outputs and onnxruntime's, and the tolerance for float32 weights. */
  readonly maxDifference: number;
  readonly tolerance: number;
  /** What was compared, in words and as an event tells it. */
  readonly compared: string;
  readonly event: Readonly<Record<string, unknown>>;
  /** For weights in fewer bits: their cost, which is limited instead of the difference. */
  readonly weights?: MeasuredWeights | undefined;
}

export const byteCount = (files: readonly Uint8Array[]): number => files.reduce((sum, { length }) => sum + length, 0);

/** The event name of the float32 metric: `float32Accuracy` for `accuracy`. */
const float32Name = (name: string): string => `float32${name.replace(/^./, (letter) => letter.toUpperCase())}`;

function eventOf({ type, float32Bytes, figure, rows, changed }: MeasuredWeights): Readonly<Record<string, unknown>> {
  const { name, own, float32, maxLoss } = figure ?? {};
  const figures = name === undefined ? {} : { [name]: own, [float32Name(name)]: float32, maxLoss };
  return { weights: type, float32Bytes, rows, changed, ...figures };
}

/** Throws `FailureError` if weights in fewer bits cost too much; otherwise describes the cost. */
function expectWorth({ type, figure, changes }: MeasuredWeights): string {
  if (figure === undefined) return `${type} weights: ${changes}; there are no labelled test data to measure the cost`;
  const { title, better, own, float32, whole = 1, maxLoss } = figure;
  const limit = maxLoss * whole;
  const loss = better === "higher" ? float32 - own : own - float32;
  const told = `${title} ${shownFigure(own)} with ${type} weights, ${shownFigure(float32)} with float32`;
  if (!(loss <= limit))
    throw new FailureError(
      `${type} weights cost too much: ${told}, more than the limit of ${limit}; no file was written. Use --max-loss to allow more`,
    );
  return `${told}; ${changes}`;
}

/** Tells how the two agree, and writes all files. Throws `FailureError`, and writes nothing, where they do not. */
export async function writeOnnx(target: OnnxTarget, checked: CheckedExport, output: Output): Promise<void> {
  const { files, description } = target;
  const { maxDifference, tolerance, weights } = checked;
  const bytes = byteCount(checked.bytes);
  const place = files.length === 1 ? { file: files[0] } : { files };
  const held = weights ? eventOf(weights) : { tolerance };
  output.event({ event: "export", ...place, description, bytes, ...checked.event, maxDifference, ...held });
  const verdict = `max |difference| ${maxDifference.toExponential(2)} over ${checked.compared}`;
  const cost = weights && expectWorth(weights);
  if (weights === undefined && !(maxDifference <= tolerance)) {
    throw new FailureError(`onnxruntime does not agree: ${verdict}, above ${tolerance}; nothing was written`);
  }
  await writeFileAtomic(description, `${JSON.stringify(checked.description, null, 1)}\n`);
  for (const [i, file] of files.entries()) await writeFileAtomic(file, checked.bytes[i] as Uint8Array);
  const size = `${shownCount(bytes)} bytes${weights ? `, ${shownCount(weights.float32Bytes)} with float32` : ""}`;
  output.say(
    `${verdict}\n${cost === undefined ? "" : `${cost}\n`}Wrote ${files.join(", ")} (${size})\nand ${description}: ${checked.describes}, for any runtime`,
  );
}
