/** What an op of the reference is: a function of its inputs, its attributes, and what only a run knows. */
import type { Dim, OpName, Step, ValueType } from "@ostinato/core";
import type { Dense } from "./dense.ts";

/** The type of a value of a body. */
export type BodyType = Pick<ValueType, "shape">;

/** What only a run knows. */
export interface RunContext {
  /** The actual size of a dimension. */
  readonly sizeOf: (dim: Dim) => number;
  /** What errors call an input: the feed that it is, if it is one. */
  readonly nameOf: (input: number) => string;
  /** The types of the parameters and results of a structured op's body. */
  readonly parameters: readonly BodyType[];
  readonly results: readonly BodyType[];
  /** Runs that body: from its parameters, whose shapes tell the named sizes of their types, to its results. */
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

/** The named sizes in the types of parameters, as what is given for these tells them. */
export function sizesTold(types: readonly BodyType[], given: readonly Dense[]): [name: string, size: number][] {
  return types.flatMap(({ shape }, i) =>
    shape.flatMap((dim, axis): [string, number][] => (typeof dim === "string" ? [[dim, given[i].shape[axis]]] : [])),
  );
}
