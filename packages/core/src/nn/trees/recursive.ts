/** The layers `recursive` and `recursiveTensor`. */
import { recursive as recursiveCell } from "../../cells/trees/recursive.ts";
import { recursiveTensor as tensorCell } from "../../cells/trees/recursiveTensor.ts";
import type { Initializer } from "../initializers.ts";
import type { Regularizer } from "../regularizers.ts";
import { type TreeConfig, treeLayer } from "./layer.ts";

export type RecursiveConfig = TreeConfig & { readonly arity: number };
export type RecursiveTensorConfig = RecursiveConfig & {
  readonly tensorInitializer: Initializer;
  readonly tensorRegularizer: Regularizer | null;
};

export const recursive = treeLayer<RecursiveConfig>({ cells: { nary: recursiveCell } });
export const recursiveTensor = treeLayer<RecursiveTensorConfig>({ cells: { nary: tensorCell } });
