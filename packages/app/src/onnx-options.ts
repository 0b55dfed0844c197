/** The options of `export`: the format of the ONNX file, and the allowed cost of weights in fewer bits. */
import type { TokenType, WeightType } from "@ostinato/onnx";
import { Option } from "commander";
import { UsageError } from "./failures.ts";
import { mostRows, share, whole } from "./options.ts";

const weightTypes = ["float32", "float16", "int8"] as const satisfies readonly WeightType[];
const tokenTypes = ["int32", "int64"] as const satisfies readonly TokenType[];

/** The format options of `exportOnnx`. */
export interface OnnxForm {
  readonly opset: number;
  readonly weights: WeightType;
  readonly tokenType: TokenType;
}

/** The default format, which every runtime reads. */
export const plainForm: OnnxForm = { opset: 17, weights: "float32", tokenType: "int32" };

/** The options for measuring weights in fewer bits. */
export interface Measuring {
  /** How much worse the metric may be. */
  readonly maxLoss?: number;
  /** The number of test rows. */
  readonly limit?: number;
}

const defaultMaxLoss = 0.01;

/** `figure` is the name of the metric, `rows` the name of the test rows. */
export function onnxFormOptions(figure: string, rows: string): Option[] {
  return [
    new Option("--opset <n>", "ONNX's operator set").argParser(whole(17, 22)).default(plainForm.opset),
    new Option("--weights <type>", "element type of weights: float16 takes half the space, int8 about a quarter")
      .choices(weightTypes)
      .default(plainForm.weights),
    new Option("--token-type <type>", "element type of the id inputs").choices(tokenTypes).default(plainForm.tokenType),
    new Option(
      "--max-loss <x>",
      `how much worse the ${figure} may be with float16 or int8; default ${defaultMaxLoss}`,
    ).argParser(share),
    new Option("--limit <n>", `test ${rows} for measuring float16 or int8; default all`).argParser(whole(1, mostRows)),
  ];
}

/** The format options for `exportOnnx`. */
export const formOf = ({ opset, weights, tokenType }: OnnxForm): OnnxForm => ({ opset, weights, tokenType });

/** The measuring options with the default. */
export type KnownMeasuring = Measuring & { readonly maxLoss: number };

/** The options for measuring the weights; undefined for float32. Throws `UsageError` for options that then have no effect. */
export function measuringOf({ weights, maxLoss, limit }: OnnxForm & Measuring): KnownMeasuring | undefined {
  if (weights !== "float32") return { maxLoss: maxLoss ?? defaultMaxLoss, ...(limit === undefined ? {} : { limit }) };
  const given = maxLoss === undefined ? (limit === undefined ? undefined : "--limit") : "--max-loss";
  if (given === undefined) return undefined;
  throw new UsageError(`${given} requires --weights float16 or int8`);
}

/** The result of `read`; undefined if the user's data cannot be read any more. */
export async function ifAtHand<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
