/** Constant folding before export: arithmetic on constants, and moves without effect. */
import { type AnyNode, constant, type Dim, type Node, pad, slice, type Value } from "@ostinato/core";
import type { Rule } from "./rules.ts";

type Constant = Node<"constant"> & AnyNode;

const isConstant = ({ node }: Value): boolean => node.op === "constant";
const dataOf = ({ node }: Value): readonly number[] => (node as Constant).attrs.data;

/** Scalar arithmetic by op. */
const arithmetic: { readonly [op: string]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  equal: (a, b) => Number(a === b),
  less: (a, b) => Number(a < b),
};

/** A number in the precision of the graph. */
const rounded = (number: number, dtype: string): number => (dtype === "float32" ? Math.fround(number) : number);

/** Arithmetic on scalar constants. */
export const foldNumbers: Rule = (node, inputs) => {
  const [type] = node.outputs;
  if (type === undefined || type.shape.length > 0 || inputs.length === 0 || !inputs.every(isConstant)) return undefined;
  const [a, b] = inputs.map((input) => dataOf(input)[0]) as [number, number | undefined];
  const compute = arithmetic[node.op];
  if (compute && b !== undefined) return [constant(rounded(compute(a, b), type.dtype), type.dtype)];
  const widens = node.op === "cast" && inputs[0]?.type.dtype !== "float32";
  return widens && type.dtype !== "bool" ? [constant(a, type.dtype)] : undefined;
};

/** A constant in another shape. */
export const foldReshapes: Rule = (node, [x]) => {
  if (node.op !== "reshape" || x === undefined || !isConstant(x)) return undefined;
  return [constant(dataOf(x), x.type.dtype, node.attrs.shape as readonly number[])];
};

/** The position of `size` entries from `start`, counted from the front if the size of the axis is known. */
const fromFront = (start: number, extent: Dim): number =>
  start < 0 && typeof extent === "number" ? start + extent : start;

/** Removes slices of a whole axis, and counts positions from the front if they are known; likewise for padding. */
export const foldMoves: Rule = (node, [x]) => {
  if (x === undefined) return undefined;
  if (node.op === "slice") {
    const { axis, start, size } = node.attrs;
    const extent = x.type.shape[axis] as Dim;
    if (size === extent) return [x];
    const front = fromFront(start, extent);
    return front === start ? undefined : [slice(x, axis, front, size)];
  }
  if (node.op !== "pad") return undefined;
  const { axis, start, dim } = node.attrs;
  if (dim === x.type.shape[axis]) return [x];
  const front = fromFront(start, dim);
  return front === start ? undefined : [pad(x, axis, front, dim)];
};
