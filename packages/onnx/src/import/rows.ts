/** Entries that computed numbers name, such as the last step of each row. */
import { equal, iota, less, type Shape, select, size, sum, type Value } from "@ostinato/core";
import { add, broadcast } from "@ostinato/core/graph";

/** Indexes below 0 count from the end. */
export function fromFront(indices: Value, dim: Shape[number]): Value {
  return select(less(indices, 0), add(indices, size(dim)), indices);
}

/**
 * The elements along an axis of `data` that `indices` name: `indices` has the shape of the result. Each is found by comparing with all places, which
 * costs as many comparisons as the axis is long.
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

/** Whether a value is 0, 1, … along its first axis, whatever stands around it. */
export function countsUp(value: Value): boolean {
  let { node } = value;
  while (node.op === "reshape" || node.op === "broadcast") node = (node.inputs[0] as Value).node;
  return node.op === "iota";
}

/** Whether a value is the size of a name in every place. */
function isSize(value: Value, dim: string): boolean {
  let { node } = value;
  while (node.op === "reshape" || node.op === "broadcast") node = (node.inputs[0] as Value).node;
  return node.op === "size" && node.attrs.dim === dim;
}

/**
 * The step of each row that places among all steps of all rows name: `row · time + step`, where the rows are 0, 1, …. `undefined` for other places.
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
