/** What TypeScript and the module agree on, once. `pnpm assemble` writes it down for the module as `assembly/protocol.ts`. */

/** An op and what it reads: the n-th number that the chain is given, or an operation that nothing else reads. */
export interface Chain extends ReadonlyArray<string | number | Chain> {
  readonly 0: string;
}

/** Operations on floats that are one instruction together. Of two that fit, the first is taken. */
export const chains = {
  approachSquare: ["add", 0, ["mul", ["sub", ["mul", 1, 1], 0], 2]],
  approach: ["add", 0, ["mul", ["sub", 1, 0], 2]],
  replaceSmall: ["select", ["less", ["abs", 0], 1], 2, 0],
  replace: ["select", ["less", 0, 1], 2, 3],
  descend: ["sub", 0, ["div", ["mul", 1, 2], ["add", ["sqrt", 3], 4]]],
  flaws: ["sum", ["sub", 0, 0]],
} as const satisfies Record<string, Chain>;

/** What the instructions of fused ops do: on floats, or on what their names end with. `spread` is a broadcast. */
export const fusedOps = [
  ...["neg", "exp", "log", "sqrt", "abs", "sign", "tanh", "sigmoid", "relu", "softplus", "negInt", "absInt", "signInt"],
  ...["add", "sub", "mul", "div", "maximum", "minimum", "addInt", "subInt", "mulInt", "maximumInt", "minimumInt"],
  ...["less", "equal", "lessInt", "equalInt", "select"],
  ...["intToFloat", "floatToInt", "boolToFloat", "boolToInt", "floatToBool", "intToBool"],
  ...["copy", "copyBytes", "spread", "spreadBytes", "sum", "sumInt"],
  ...(Object.keys(chains) as (keyof typeof chains)[]),
] as const;

/** What the module reduces: floats, or whole numbers. */
export const reductions = ["sum", "sumInt", "max", "maxInt", "argMax", "argMaxInt"] as const;

/**
 * What every recurrence is given: sizes, weights, the order and the lengths of the rows, the packed weights, rooms for blocks of rows and for
 * threads, and the states of the blocks.
 */
export const recurrence = [
  "time",
  "batch",
  "inputSize",
  "hidden",
  "reverse",
  "X",
  "W",
  "R",
  "order",
  "lengths",
  "weights",
  "blockRooms",
  "blockRoomBytes",
  "blocks",
  "threadRooms",
  "threadRoomBytes",
  "states",
] as const;

/**
 * What every recurrence is given beside that, forward: whether the weights are to be packed, which without blocks is all that is done; and the bytes of a
 * row of W where X are ids, else 0.
 */
export const recurrenceForward = [
  ...recurrence,
  ...["packs", "idBytes", "B", "recurrentBias", "initialH", "y", "h"],
] as const;

/**
 * What every gradient of a recurrence is given: how many blocks of rows W has, how many of them share their sums with R's, how many gate gradients a
 * step has, how many numbers meet them; where rows are collected; cotangents and gradients of h, and of a second state.
 */
export const recurrenceGrad = [
  ...recurrence,
  ...["gateCount", "wholeGates", "gradientCount", "features"],
  ...["initialH", "y", "dY", "dX", "steps", "chunk", "left", "right", "sums"],
  ...["dW", "dR", "dB", "dRecurrentBias", "dH", "dC", "dInitialH", "dInitialC"],
] as const;

/** The jobs of the module, each with its arguments: addresses, sizes, numbers. Strides are bytes. */
export const jobs = {
  move: ["from", "to", "shift", "rank", "axes"],
  reduce: ["kind", "outer", "middle", "inner", "x", "y", "rooms"],
  topK: ["rows", "width", "k", "sorted", "x", "values", "indices", "rooms", "roomBytes"],
  fused: ["size", "uniforms", "instructions", "code", "rooms", "roomBytes", "rest", "restInstructions"],
  dot: [
    ...["batch", "rows", "columns", "depth"],
    ...["a", "aBatchStride", "aRowStride", "aDepthStride", "b", "bBatchStride", "bColumnStride", "bDepthStride"],
    ...["packed", "bias", "ids", "y", "tiles", "tileBytes"],
  ],
  packDot: ["columns", "depth", "b", "columnStride", "depthStride", "to"],
  softmax: ["logarithm", "rows", "width", "x", "y"],
  crossentropy: ["rows", "width", "smoothing", "logits", "labels", "losses", "largest", "logSums"],
  crossentropyGrad: ["rows", "width", "smoothing", "logits", "labels", "largest", "logSums", "cotangents", "y"],
  gather: ["ids", "count", "table", "rowBytes", "y"],
  moveRows: ["way", "list", "count", "table", "block", "rowBytes"],
  scatterAdd: ["rows", "width", "ends", "positions", "updates", "y"],
  dropoutMask: ["size", "y", "seed", "site", "step", "threshold", "kept"],
  lstm: [...recurrenceForward, "initialC", "c", "gates", "cells"],
  lstmGrad: [...recurrenceGrad, "initialC", "gates", "cells"],
  gru: [...recurrenceForward, "resetAfter", "gates"],
  gruGrad: [...recurrenceGrad, "resetAfter", "gates"],
  rnn: [...recurrenceForward, "relu"],
  rnnGrad: [...recurrenceGrad, "relu"],
} as const;
export type Job = keyof typeof jobs;

/** The jobs in the order of their numbers. */
export const jobNames = Object.keys(jobs) as Job[];

/** Where each argument stands, by its name. */
const placesOf = <N extends string>(names: readonly N[]) =>
  Object.fromEntries(names.map((name, at) => [name, at])) as { readonly [F in N]: number };

type Fields<J extends Job> = { readonly [F in (typeof jobs)[J][number]]: number };

/** The places of a job's arguments: `memory.arguments[fields.dot.rows]`. */
export const fields = Object.fromEntries(
  Object.entries<readonly string[]>(jobs).map(([job, names]) => [job, placesOf(names)]),
) as { readonly [J in Job]: Fields<J> };

/** The places of the arguments that all recurrences begin with, and all of either way. */
export const recurrenceFields = placesOf(recurrence);
export const forwardFields = placesOf(recurrenceForward);
export const gradFields = placesOf(recurrenceGrad);

/** How kernels cut matrices up, in rows, columns and numbers. */
export const counts = {
  /** Sides of a block of sums, which stays in registers. */
  rows: 6,
  columns: 16,
  /** Units whose gates a recurrence computes together. */
  units: 8,
  /** Elements of a tile of fused ops. */
  tile: 1024,
  /** The tiles of a general product. */
  tileRows: 96,
  tileColumns: 256,
  tileDepth: 384,
  /** Values of a digit by which numbers are sorted. */
  digits: 256,
} as const;

/** Bytes of what kernels keep in scratch. */
export const bytes = {
  /** The sums of a block. */
  block: 4 * counts.rows * counts.columns,
  /** Of a place in the code of fused ops: its kind, and where it is. Of an instruction: its op and six places, the first of which it writes to. */
  place: 8,
  instruction: 4 + 6 * 8,
  /** Of an axis of `move`. */
  axis: 12,
  /** A number that stands for all, as often as a loop reads at once. */
  uniform: 32,
  /** The addresses that a recurrence keeps of a row. */
  target: 16,
  /** Of a block of rows or a panel of columns: who is at it, and what is left. */
  state: 8,
} as const;

/** Byte addresses of the control block, each written by few and read by many: those that threads wait at have a line of 64 bytes of their own. */
export const control = {
  /** Counts jobs: threads sleep until it changes. */
  epoch: 64,
  /** Threads that are not done with the job. */
  pending: 128,
  /** Threads that have come to a barrier, and how many barriers there were. */
  arrived: 192,
  phase: 256,
  job: 320,
  /** How many threads there are. Every job is for all of them. */
  threads: 324,
  /** 0 where the caller's thread must not sleep: the main thread of a browser. */
  maySleep: 328,
  /** Not 0 once a thread was lost: nobody waits any more. */
  lost: 332,
  /** Naps without progress after which a thread counts as lost: a clock would also count the time that a computer was closed. */
  patience: 336,
  /** Not 0 where the engine makes 256-bit instructions of pairs of 128-bit ones. */
  wide: 340,
  /** Changes as long as somebody gets on with a job. */
  progress: 344,
  /** Threads that sleep until there is a job. */
  asleep: 348,
  arguments: 512,
} as const;

/** Bytes before the memory that programs see. */
export const CONTROL_BYTES = 4096;
