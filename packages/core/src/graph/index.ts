/**
 * The door for builders of graphs: `@ostinato/core/graph`. Elementwise ops, whose names layers have in `@ostinato/core`, and the rest of what makes
 * and differentiates values.
 */
export { gradients } from "../autodiff/gradients.ts";
export { apply, apply1 } from "../ir/build/apply.ts";
export { softmaxCrossentropy } from "../ir/build/crossentropy.ts";
export * from "../ir/build/elementwise.ts";
export { gather, reverseSequence, scatterAdd, sequenceLengths, sequenceMask } from "../ir/build/index.ts";
export { dot, matmul } from "../ir/build/linear.ts";
export { argMax, countOf, logSumExp, max, mean, sum, type Top, topK } from "../ir/build/reduce.ts";
export {
  broadcast,
  broadcastShape,
  broadcastTo,
  concat,
  expandDims,
  pad,
  reshape,
  reverse,
  slice,
  squeeze,
  transpose,
} from "../ir/build/shape.ts";
export { constant, dropoutMask, feed, full, iota, normalNoise, parameter, size, state } from "../ir/build/source.ts";
export type { Dim, DType, Node, OpAttrs, OpName, Shape, Value, ValueType } from "../ir/ops.ts";
export { printGraph } from "../ir/print.ts";
export type { Graph, Update } from "../ir/value.ts";
