/** What an op of the reference is: a function of its inputs, its attributes, and what only a run knows. */
import type { Dim, OpName, Step } from "@ostinato/core";
import type { Dense } from "./dense.ts";

/** What only a run knows. */
export interface RunContext {
  /** The actual size of a dimension. */
  readonly sizeOf: (dim: Dim) => number;
  /** Runs the body of a structured op: from its parameters to its results. */
  readonly runBody: (parameters: readonly Dense[]) => readonly Dense[];
}

/** From the inputs of an op to its outputs. Never changes its inputs. */
export type Kernel<O extends OpName> = (
  inputs: readonly Dense[],
  attrs: Step<O>["attrs"],
  context: RunContext,
) => readonly Dense[];

/** One kernel for each of some ops. */
export type Kernels<O extends OpName> = { readonly [Op in O]: Kernel<Op> };
