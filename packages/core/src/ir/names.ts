/** The public names of graphs as data: ops, nodes, recurrences. Part of `index.ts`. */
export {
  checkForest,
  type Forest,
  type ForestSizes,
  type IndexRows,
  levelDims,
  nodesPerLevel,
  type TreeValues,
} from "./forest.ts";
export {
  type AnyNode,
  type Body,
  byElementwise,
  type CompositeName,
  type Dim,
  type DType,
  type ElementwiseFacts,
  type ElementwiseName,
  type ElementwiseWith,
  type FusedAttrs,
  type FusedOperation,
  forestInputs,
  isComposite,
  type Node,
  type OpAttrs,
  type OpInfo,
  type OpName,
  opNames,
  ops,
  type PrimitiveName,
  type Shape,
  type StructuredName,
  type Value,
  type ValueType,
} from "./ops.ts";
export { printBody, printGraph } from "./print.ts";
export {
  type ActivationParameters,
  byRecurrence,
  byRecurrenceGrad,
  constantOptions,
  factsOf,
  gradOf,
  initialOf,
  optionsOf,
  type RecurrenceAttrs,
  type RecurrenceFacts,
  type RecurrenceGradAttrs,
  type RecurrenceGradName,
  type RecurrenceName,
  type RecurrenceOption,
  type RecurrentActivation,
  type RecurrentActivationFunction,
  recurrenceInputs,
  recurrenceNames,
  recurrences,
  recurrentActivations,
  spelledOut,
} from "./recurrences.ts";
export { type Pass, rewrite, rewriteBody, substitute } from "./rewrite.ts";
export { bodyOf, isStructured } from "./structured.ts";
export { type Graph, nodesOf, rootsOf, sameShape, showShape, showType, type Update } from "./value.ts";
export { verify } from "./verify.ts";
