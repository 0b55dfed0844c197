/** The options of `export`: the format of the ONNX file, and the allowed cost of weights in fewer bits. */
import type { TokenType, WeightType } from "@ostinato/onnx";
import { Option } from "commander";
import { UsageError } from "./failures.ts";
import { mostRows, share, whole } from "./options.ts";

const weightTypes = ["float32", "float16", "int8"] as const satisfies readonly WeightType[];
const tokenTypes = ["int32", "int64"] as const satisfies readonly TokenType[];

/** The form of a file, as `exportOnnx` takes it. */
export interface OnnxForm {
  readonly opset: number;
  readonly weights: WeightType;
  readonly tokenType: TokenType;
}

/** The form that every runtime reads. */
export const plainForm: OnnxForm = { opset: 17, weights: "float32", tokenType: "int32" };

/** How weights in fewer bits are to be measured. */
export interface Measuring {
  /** By how much the figure may be worse. */
  readonly maxLoss?: number;
  /** Rows to measure with. */
  readonly limit?: number;
}

const defaultMaxLoss = 0.01;

/** `figure` is what is measured of the test `rows`. */
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

/** The form alone, as `exportOnnx` takes it. */
export const formOf = ({ opset, weights, tokenType }: OnnxForm): OnnxForm => ({ opset, weights, tokenType });

/** The same with the default. */
export type KnownMeasuring = Measuring & { readonly maxLoss: number };

/** How the weights are to be measured; undefined where they are what they were. Throws `UsageError` for options that are of no use then. */
export function measuringOf({ weights, maxLoss, limit }: OnnxForm & Measuring): KnownMeasuring | undefined {
  if (weights !== "float32") return { maxLoss: maxLoss ?? defaultMaxLoss, ...(limit === undefined ? {} : { limit }) };
  const given = maxLoss === undefined ? (limit === undefined ? undefined : "--limit") : "--max-loss";
  if (given === undefined) return undefined;
  throw new UsageError(`${given} requires --weights float16 or int8`);
}

/** What `read` gives; undefined where data of the user's cannot be read any more. */
export async function ifAtHand<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
