/** Selects entries by computed indices, such as the last step of each row. */
import { equal, iota, less, type Shape, select, size, sum, type Value } from "@ostinato/core";
import { add, broadcast } from "@ostinato/core/graph";

/** Makes negative indices relative to the start. */
export function fromFront(indices: Value, dim: Shape[number]): Value {
  return select(less(indices, 0), add(indices, size(dim)), indices);
}

/**
 * Gathers elements along an axis of `data`; `indices` has the shape of the result. Compares each index with all positions, so the cost grows
 * with the size of the axis.
 */
export function selected(data: Value, indices: Value, axis: number): Value {
  const { shape } = data.type;
  const wide = [
    ...indices.type.shape.slice(0, axis),
    indices.type.shape[axis] as number,
    shape[axis] as number,
    ...shape.slice(axis + 1),
  ];
  const without = wide.map((_, i) => i).filter((i) => i !== axis + 1);
  const asked = broadcast(fromFront(indices, shape[axis] as number), wide, without);
  const places = broadcast(iota(shape[axis] as number), wide, [axis + 1]);
  const given = broadcast(
    data,
    wide,
    wide.map((_, i) => i).filter((i) => i !== axis),
  );
  return sum(select(equal(asked, places), given, 0), [axis + 1]);
}

/** Whether a value is 0, 1, … along its first axis, ignoring broadcasts and reshapes. */
export function countsUp(value: Value): boolean {
  let { node } = value;
  while (node.op === "reshape" || node.op === "broadcast") node = (node.inputs[0] as Value).node;
  return node.op === "iota";
}

/** Whether all elements of a value are the given named size. */
function isSize(value: Value, dim: string): boolean {
  let { node } = value;
  while (node.op === "reshape" || node.op === "broadcast") node = (node.inputs[0] as Value).node;
  return node.op === "size" && node.attrs.dim === dim;
}

/**
 * Gathers a step of each row from indices into all steps of all rows: `row · time + step`, where the rows are 0, 1, …. `undefined` for other indices.
 *
 * @param places int32 [batch], in [batch · time]
 */
export function stepOfRow({ node, type }: Value, [batch, time]: Shape): Value | undefined {
  if (node.op !== "add" || type.shape.length !== 1 || type.shape[0] !== batch || typeof time !== "string")
    return undefined;
  const startsRow = ({ node: product }: Value): boolean =>
    product.op === "mul" &&
    product.inputs.some((factor) => countsUp(factor)) &&
    product.inputs.some((factor) => isSize(factor, time));
  const [a, b] = node.inputs as [Value, Value];
  return startsRow(a) ? b : startsRow(b) ? a : undefined;
}
