/** The list of ops, the only place where an op and its attributes are declared, and the values they make: immutable expressions. */
import {
  byRecurrence,
  byRecurrenceGrad,
  type RecurrenceAttrs,
  type RecurrenceGradAttrs,
  type RecurrenceGradName,
  type RecurrenceName,
  recurrenceInputs,
} from "./recurrences.ts";

/**
 * What a value of a graph can hold. Every backend computes `float32` in single precision, the reference in double. `cpu()` and `wasm()` write 0 in the place of
 * subnormal numbers (below 2⁻¹²⁶), and drop gradients, states and gates of recurrences below 2⁻¹⁰⁰: `docs/decisions.md`.
 */
export type DType = "float32" | "int32" | "bool";

/** A size: known (`128`) or named (`"batch"`), bound when a program runs. Equal names are equal sizes; there is no arithmetic on names. */
export type Dim = number | string;
/** The sizes of a value's axes, as numbers or names. */
export type Shape = readonly Dim[];

/** The data type and the shape of a value. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One application of an op. */
export interface Node<O extends OpName = OpName> {
  readonly op: O;
  readonly inputs: readonly Value[];
  readonly attrs: OpAttrs[O];
  readonly outputs: readonly ValueType[];
}

/** A node with its op known: `switch (node.op)` narrows the attributes. */
export type AnyNode = { readonly [O in OpName]: Node<O> }[OpName];

/** One output of a node. */
export interface Value {
  readonly node: AnyNode;
  readonly output: number;
  readonly type: ValueType;
}

/** A closed function of its parameters, run many times by a structured op. */
export interface Body {
  readonly parameters: readonly Value[];
  readonly results: readonly Value[];
}

/** What is known of an elementwise op without attributes: its types, and what export and random trials ask of it. */
export interface ElementwiseFacts {
  /** How many, all of one data type and shape. */
  readonly operands: 1 | 2;
  readonly dtypes: readonly DType[];
  /** The data type of what comes out; absent: that of the operands. */
  readonly result?: DType;
  /** ONNX's operator; absent: the op's name with a capital. */
  readonly operator?: string;
  /** Where the first operand of random trials lies, for an op that is not defined or not smooth everywhere. */
  readonly domain?: readonly [low: number, high: number];
  /** It comes with a decomposition, and a backend may leave it out. */
  readonly composite?: true;
}

const floats = ["float32"] as const;
const numbers = ["float32", "int32"] as const;

/** The elementwise ops without attributes, a row each. */
export const elementwise = {
  neg: { operands: 1, dtypes: numbers },
  exp: { operands: 1, dtypes: floats },
  log: { operands: 1, dtypes: floats, domain: [0.1, 4] },
  sqrt: { operands: 1, dtypes: floats, domain: [0.1, 4] },
  abs: { operands: 1, dtypes: numbers },
  sign: { operands: 1, dtypes: numbers },
  tanh: { operands: 1, dtypes: floats },
  sigmoid: { operands: 1, dtypes: floats },
  relu: { operands: 1, dtypes: floats },
  /** log(1 + exp(x)), without overflow. */
  softplus: { operands: 1, dtypes: floats, composite: true },
  add: { operands: 2, dtypes: numbers },
  sub: { operands: 2, dtypes: numbers },
  mul: { operands: 2, dtypes: numbers },
  div: { operands: 2, dtypes: floats },
  maximum: { operands: 2, dtypes: numbers, operator: "Max" },
  minimum: { operands: 2, dtypes: numbers, operator: "Min" },
  pow: { operands: 2, dtypes: floats, domain: [0.2, 2] },
  less: { operands: 2, dtypes: numbers, result: "bool" },
  equal: { operands: 2, dtypes: numbers, result: "bool" },
} as const satisfies Readonly<Record<string, ElementwiseFacts>>;

/** The name of an elementwise op without attributes. */
export type ElementwiseName = keyof typeof elementwise;
/** The names of those whose facts are like `Facts`: `ElementwiseWith<{ operands: 1 }>`. */
export type ElementwiseWith<Facts> = {
  [O in ElementwiseName]: (typeof elementwise)[O] extends Facts ? O : never;
}[ElementwiseName];

/** A table for all of them, from a function of an op's name and facts. */
export function byElementwise<T>(make: (op: ElementwiseName, facts: ElementwiseFacts) => T): {
  readonly [O in ElementwiseName]: T;
} {
  const entries = Object.entries(elementwise).map(([op, facts]) => [op, make(op as ElementwiseName, facts)]);
  return Object.fromEntries(entries) as { readonly [O in ElementwiseName]: T };
}

type None = Readonly<Record<string, never>>;

/** What `fused` computes one after another: elementwise ops, broadcasts of operands, and sums of all elements. */
export type FusibleName = ElementwiseName | "cast" | "select" | "broadcast" | "sum";

/** One op of `fused`. Values are numbered: the operands, then what each operation makes. */
export type FusedOperation = {
  readonly [O in FusibleName]: {
    readonly op: O;
    readonly attrs: OpAttrs[O];
    readonly inputs: readonly number[];
    /** Of what it makes. */
    readonly dtype: DType;
  };
}[FusibleName];

/** Plain data, unlike a `Body`: it goes into a program as it is. */
export interface FusedAttrs {
  /** Of every value but operands of broadcasts, and sums. */
  readonly shape: Shape;
  /** The data types of the operands. */
  readonly operands: readonly DType[];
  readonly operations: readonly FusedOperation[];
  /** The values that come out. */
  readonly results: readonly number[];
}

type ElementwiseOps = { [O in ElementwiseName]: None };

/** (X, W, R, B, …options): y [time, batch, hidden], the states after the last step, and what is kept for the gradient. See `recurrent/`. */
type RecurrenceOps = { [R in RecurrenceName]: RecurrenceAttrs<R> };
/** (the inputs of the recurrence, y, what it kept, …cotangents): the gradients of the inputs that have one. */
type RecurrenceGradOps = { [R in RecurrenceName as `${R}Grad`]: RecurrenceGradAttrs<R> };

/**
 * Every op and its attributes, those of the recurrences among them. `sum` reduces and drops its axes; `broadcast` puts axis `i` of its input at
 * axis `axes[i]` of `shape`;
 * `slice` takes `size` entries from `start`, counted from the end where negative; `pad` is its dual: zeros of extent `dim` with the input at `start`.
 */
export interface OpAttrs extends ElementwiseOps, RecurrenceOps, RecurrenceGradOps {
  // Sources.
  /** `feed`: given anew to each run. `state`: kept between runs. `parameter`: of a body. */
  input: {
    readonly name: string;
    readonly kind: "feed" | "state" | "parameter";
    readonly dtype: DType;
    readonly shape: Shape;
  };
  /** Data known beforehand, row-major; one number fills the shape. */
  constant: { readonly dtype: DType; readonly shape: readonly number[]; readonly data: readonly number[] };
  /** int32 0, 1, …, dim - 1. */
  iota: { readonly dim: Dim };
  /** The size bound to a name, an int32 scalar. */
  size: { readonly dim: string };
  /** (step: int32 scalar): inverted dropout by `fillDropoutMask`. */
  dropoutMask: { readonly rate: number; readonly seed: number; readonly site: number; readonly shape: Shape };
  /** (step: int32 scalar): standard normal numbers by `fillNormalNoise`. */
  normalNoise: { readonly seed: number; readonly site: number; readonly shape: Shape };

  // Elementwise on equal shapes, beside those of the table.
  cast: { readonly dtype: DType };
  /** (condition, whereTrue, whereFalse). */
  select: None;

  // Products. Output: batch axes, free axes of a, free axes of b. Each group of axes is a contiguous ascending run of its operand.
  dot: {
    readonly contract: readonly [readonly number[], readonly number[]];
    readonly batch: readonly [readonly number[], readonly number[]];
  };

  // Reductions.
  sum: { readonly axes: readonly number[] };
  max: { readonly axes: readonly number[] };
  /** int32 index of the first maximum along `axis`, which is dropped. */
  argMax: { readonly axis: number };
  /** (x float32 […, n]): the `k` largest along the last axis, largest first, and their int32 indices: […, k] each. */
  topK: { readonly k: number };

  // Shapes.
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  broadcast: { readonly shape: Shape; readonly axes: readonly number[] };
  concat: { readonly axis: number };
  slice: { readonly axis: number; readonly start: number; readonly size: number };
  pad: { readonly axis: number; readonly start: number; readonly dim: Dim };
  reverse: { readonly axis: number };

  // Indexes.
  /** (table [rows, …], ids int32 […]): the rows of `table`, shape ids.shape ++ table.shape[1:]. */
  gather: None;
  /** (ids int32 […], updates ids.shape ++ […]): zeros [rows, …] with each update added to its row. */
  scatterAdd: { readonly rows: Dim };
  /** (x [time, batch, …], lengths int32 [batch]): the first `length` steps of each row reversed, the others in place. */
  reverseSequence: None;

  // Composites: each carries a decomposition into the ops above.
  /** Along the last axis. */
  softmax: None;
  logSoftmax: None;
  /** log(Σ eˣ) along the axes, which are dropped. */
  logSumExp: { readonly axes: readonly number[] };
  /**
   * (logits float32 […, classes], labels int32 […]): -Σ y log(softmax(logits)) for each row, where y is 1 - labelSmoothing at the label, plus
   * labelSmoothing / classes everywhere; then what the gradient reads again: the largest logit, and the logarithm of the sum of exp(logit - largest).
   */
  softmaxCrossentropy: { readonly labelSmoothing: number };
  /** (logits, labels, largest, logSum, cotangent […]): the gradient of the logits, cotangent · (softmax(logits) - y). */
  softmaxCrossentropyGrad: { readonly labelSmoothing: number };
  /** (lengths int32 [batch]): bool [time, batch], true where time < length. */
  sequenceMask: { readonly time: Dim };
  /** (ids int32 [time, batch]): int32 [batch], the index of the last id that is not 0, plus one. */
  sequenceLengths: None;

  /** (a, b, bias [free axes of b]): `dot` with the bias added to each of its rows. Made by `passes/bias.ts`, after gradients. */
  biasedDot: OpAttrs["dot"];
  /**
   * (a, b [rows, …], ids int32 [batch]): the `dot` of a with the rows of b that the ids name, whose axis is all of its batch. Made of products by
   * decoding, where several rows read the same.
   */
  gatheredDot: OpAttrs["dot"];
  /** (operands): elementwise ops on one shape, computed together. Made by `passes/fuse.ts`, after gradients. */
  fused: FusedAttrs;

  // Structured.
  /** See `recurrent/scan.ts`. */
  scan: { readonly body: Body; readonly carries: number; readonly sequences: number; readonly reverse: boolean };
  /** (nodes, edges, levels, …sequences [time, batch, …], …constants): each state at each node, [time, batch, …]. See `recurrent/treeRecur.ts`. */
  treeRecur: TreeAttrs;
  /**
   * (nodes, edges, levels, …states at all nodes, …their cotangents, …sequences, …constants): the whole cotangent of each state, with what parents add; the
   * gradients of `slices` sequences; `rows` values of each node or edge, in their order (see `recurrent/hoistTrees.ts`); the gradients of constants, summed
   * over levels.
   */
  treeRecurGrad: TreeAttrs & { readonly slices: number; readonly rows: number };
}

/** A body that computes the nodes of one level of a forest together, from states of their children. */
interface TreeAttrs {
  readonly body: Body;
  readonly states: number;
  readonly sequences: number;
  /** So many children a node may have, each of which has parameters of its own; absent: any number, one after another. */
  readonly arity?: number;
}

/** The name of an op. */
export type OpName = keyof OpAttrs;

/** The name of an op with a body. */
export type StructuredName = { [O in OpName]: OpAttrs[O] extends { readonly body: Body } ? O : never }[OpName];

/** What the list of ops tells of each. */
export interface OpInfo {
  /** Each row, or each element, of a result is computed from that one of the inputs, which is read before it is written. */
  readonly rowwise?: true;
  /** Made by a pass, after gradients are taken: it has none. */
  readonly late?: true;
  /** It reads what it wrote of its own outputs: each has memory, whether others read it or not. */
  readonly readsOutputs?: true;
  /** Its first two inputs meet in a product, over the last axis of each; or the first are ids, and the second has what each of them gives. */
  readonly takesIds?: true;
  /** `elementwise` ops read and write equal shapes, in any order of elements. */
  readonly group: "source" | "elementwise" | "linear" | "reduce" | "shape" | "index" | "composite" | "structured";
  /**
   * Of a gradient op that reads what its forward op keeps: that op, and an input that is one of its outputs. Both run natively or neither, for
   * what is kept may have the backend's own layout.
   */
  readonly gradientOf?: {
    readonly op: OpName;
    readonly at: (attrs: { readonly options: readonly unknown[] }) => number;
  };
}

/** How many inputs tell a forest: nodes, edges and levels. */
export const forestInputs = 3;

/** What passes may ask of an op without naming it. */
export const ops: { readonly [O in OpName]: OpInfo } = {
  input: { group: "source" },
  constant: { group: "source" },
  iota: { group: "source" },
  size: { group: "source" },
  dropoutMask: { group: "source" },
  normalNoise: { group: "source" },
  ...byElementwise((_, { composite }): OpInfo => ({ group: composite ? "composite" : "elementwise" })),
  cast: { group: "elementwise" },
  select: { group: "elementwise" },
  dot: { group: "linear" },
  sum: { group: "reduce" },
  max: { group: "reduce" },
  argMax: { group: "reduce" },
  topK: { group: "reduce" },
  reshape: { group: "shape" },
  transpose: { group: "shape" },
  broadcast: { group: "shape" },
  concat: { group: "shape" },
  slice: { group: "shape" },
  pad: { group: "shape" },
  reverse: { group: "shape" },
  gather: { group: "index" },
  scatterAdd: { group: "index" },
  reverseSequence: { group: "index" },
  softmax: { group: "composite" },
  logSoftmax: { group: "composite" },
  logSumExp: { group: "composite" },
  softmaxCrossentropy: { group: "composite" },
  softmaxCrossentropyGrad: {
    group: "composite",
    rowwise: true,
    gradientOf: { op: "softmaxCrossentropy", at: () => 2 },
  },
  sequenceMask: { group: "composite" },
  sequenceLengths: { group: "composite" },
  biasedDot: { group: "composite", late: true },
  gatheredDot: { group: "composite", late: true },
  fused: { group: "composite", late: true, rowwise: true },
  ...byRecurrence((): OpInfo => ({ group: "composite", takesIds: true })),
  ...byRecurrenceGrad(
    (op): OpInfo => ({
      group: "composite",
      gradientOf: { op, at: ({ options }) => recurrenceInputs.length + options.length },
    }),
  ),
  scan: { group: "structured" },
  treeRecur: { group: "structured", readsOutputs: true },
  treeRecurGrad: { group: "structured", readsOutputs: true, gradientOf: { op: "treeRecur", at: () => forestInputs } },
};

/** Ops that come with a decomposition; every other op is a primitive that each backend must run. */
export type CompositeName =
  | "softmax"
  | "logSoftmax"
  | "logSumExp"
  | "softmaxCrossentropy"
  | "softmaxCrossentropyGrad"
  | ElementwiseWith<{ composite: true }>
  | "sequenceMask"
  | "sequenceLengths"
  | "biasedDot"
  | "gatheredDot"
  | "fused"
  | RecurrenceName
  | RecurrenceGradName;
/** The name of an op that every backend runs. */
export type PrimitiveName = Exclude<OpName, CompositeName>;

/** Every op's name, in the order of the list. */
export const opNames = Object.keys(ops) as OpName[];

/** Whether an op has a decomposition, so that a backend may leave it out. */
export function isComposite(op: OpName): op is CompositeName {
  return ops[op].group === "composite";
}

/** Whether the op computes each element of its result from those in its place. */
export function isElementwise(op: OpName): boolean {
  return ops[op].group === "elementwise" || (elementwise as Readonly<Record<string, unknown>>)[op] !== undefined;
}

/** Whether a result of the op may lie over an input: each element is computed from those in its place, which are read before it is written. */
export function overwrites(op: OpName): boolean {
  return ops[op].rowwise === true || isElementwise(op);
}
