/** What the variants of the LSTM here share: their options, their weights in ONNX's layout, the parts of a sum over gates, and dropout. */
import { type BuildContext, type CellInput, type Dim, OptionReader, type Value } from "@ostinato/core";
import { mul, slice } from "@ostinato/core/graph";

/** Options of every cell with a recurrent product. */
export interface DroppingOptions {
  /** The share of features that are dropped in training, the same ones in each step. Default 0. */
  readonly dropout?: number;
  /** The same of what a step reads of h (Gal and Ghahramani 2016). Default 0. */
  readonly recurrentDropout?: number;
}

/** Options of the variants that have a forget gate. */
export interface LstmOptions extends DroppingOptions {
  /** The size of c, and of h where it is not projected. */
  readonly units: number;
  /** Whether the bias of the forget gate begins with 1 (Jozefowicz et al. 2015). Default true. */
  readonly unitForgetBias?: boolean;
}

/** Their names. */
export const droppingOptions = ["dropout", "recurrentDropout"] as const;
/** Their names. */
export const lstmOptions = ["units", "unitForgetBias", ...droppingOptions] as const;

/** The rates. */
export function readDropping(read: OptionReader) {
  return { dropout: read.number("dropout", 0, 0, 1), recurrentDropout: read.number("recurrentDropout", 0, 0, 1) };
}

/** The options with their defaults. */
export function readLstm(read: OptionReader) {
  return {
    units: read.integer("units", 1),
    unitForgetBias: read.boolean("unitForgetBias", true),
    ...readDropping(read),
  };
}

/** `parse` of a variant that has no further options. */
export const parseLstm = (options: LstmOptions, owner: string) =>
  readLstm(new OptionReader(owner, options, lstmOptions));

/**
 * Weights of `gates` gates one upon the other: W [gates · units, features], R [gates · units, size of h], B [gates · units]. With `forget` the bias of the gate
 * in that place begins with 1.
 */
export function gateWeights(
  { parameter }: BuildContext,
  {
    gates,
    units,
    features,
    outputs = units,
    forget,
  }: {
    readonly gates: number;
    readonly units: number;
    readonly features: number;
    /** The size of h. */
    readonly outputs?: number;
    readonly forget?: number | undefined;
  },
): { readonly W: Value; readonly R: Value; readonly B: Value } {
  const rows = gates * units;
  const ones = (): Float32Array =>
    new Float32Array(rows).fill(1, (forget as number) * units, (forget as number) * units + units);
  return {
    W: parameter("W", [rows, features], "glorotUniform"),
    R: parameter("R", [rows, outputs], "orthogonal"),
    B: parameter("B", [rows], forget === undefined ? "zeros" : ones),
  };
}

/** The part of sums over gates [batch, gates · units] that belongs to the gate in place `k`. */
export const gateOf = (sums: Value, k: number, units: number): Value => slice(sums, 1, k * units, units);

/** Dropout with one mask for all steps. In inference, where there are no masks, and at a rate of 0 a value stays as it is. */
export function droppedBy(
  { mask }: BuildContext,
  rate: number,
  shape: readonly Dim[],
  part: string,
): (x: Value) => Value {
  const drawn = rate > 0 ? mask?.(rate, shape, part) : undefined;
  return (x) => (drawn ? mul(x, drawn) : x);
}

/** Dropout of x [time, batch, features] and of what a step reads of h [batch, outputs]. */
export function dropping(
  context: BuildContext,
  rates: Required<DroppingOptions>,
  { batch, features }: CellInput,
  outputs: number,
) {
  return {
    input: droppedBy(context, rates.dropout, [batch, features], "dropout"),
    recurrent: droppedBy(context, rates.recurrentDropout, [batch, outputs], "recurrentDropout"),
  };
}
