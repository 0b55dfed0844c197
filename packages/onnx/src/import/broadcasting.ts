/** NumPy broadcasting for values with named sizes, in which one ONNX axis may be several of ours. */
import { broadcastTo, reshape, type Shape, ShapeError, sameShape, showShape, type Value } from "@ostinato/core";
import { type Computed, computed, type Imported } from "./imported.ts";
import type { Importing } from "./importing.ts";

/** A value together with the groups of its axes. */
const groupsOf = ({ value, groups }: Computed): readonly number[] => groups ?? value.type.shape.map(() => 1);

/** The sizes of each ONNX axis. */
export function axesOf(imported: Computed): readonly Shape[] {
  let at = 0;
  return groupsOf(imported).map((count) => {
    at += count;
    return imported.value.type.shape.slice(at - count, at);
  });
}

/** A value with these ONNX axes, each of one size or several. */
export function fromAxes(value: Value, axes: readonly Shape[]): Computed {
  const flat = reshape(value, axes.flat());
  return axes.every((axis) => axis.length === 1)
    ? computed(flat)
    : { kind: "computed", value: flat, groups: axes.map((axis) => axis.length) };
}

/** Converts to a value with groups. */
export function asComputed(imported: Imported, importing: Importing): Computed {
  return imported.kind === "computed" ? imported : computed(importing.value(imported));
}

const isOne = (axis: Shape): boolean => axis.length === 1 && axis[0] === 1;

/** The common sizes of one axis of two values. */
function sameAxis(a: Shape, b: Shape, importing: Importing): Shape {
  if (isOne(a)) return b;
  if (isOne(b) || sameShape(a, b)) return a;
  const [left, right] = [a[0], b[0]];
  if (a.length > 1 || b.length > 1 || left === undefined || right === undefined)
    throw new ShapeError(`axes of ${showShape(a)} and ${showShape(b)} differ`);
  return [importing.same(left, right)];
}

/** Broadcasts values to one shape, if one of them has that shape. Sizes that must be equal are made equal. */
export function together(
  given: readonly Imported[],
  importing: Importing,
  shape: readonly Shape[] = [],
): { readonly values: readonly Value[]; readonly axes: readonly Shape[] } {
  const all = given.map((imported) => asComputed(imported, importing));
  const each = all.map(axesOf);
  const rank = Math.max(shape.length, ...each.map((axes) => axes.length));
  const aligned = [shape, ...each].map((axes) => [...new Array<Shape>(rank - axes.length).fill([1]), ...axes]);
  const axes = Array.from({ length: rank }, (_, i) =>
    aligned.map((sizes) => sizes[i] as Shape).reduce((a, b) => sameAxis(a, b, importing)),
  );
  const full = axes.flat();
  const values = all.map(({ value }, i) => {
    // An axis of size 1 becomes as many axes as the group to which it is broadcast.
    const own = (each[i] as readonly Shape[]).flatMap((sizes, k) => {
      const wanted = axes[rank - (each[i] as readonly Shape[]).length + k] as Shape;
      return sizes.length === wanted.length ? sizes : wanted.map(() => 1);
    });
    return broadcastTo(reshape(value, own), full);
  });
  return { values, axes };
}

/** The value before reshapes and broadcasts. */
export const narrowed = (value: Value): Value =>
  value.node.op === "reshape" || value.node.op === "broadcast" ? narrowed(value.node.inputs[0] as Value) : value;

const moves: readonly string[] = ["broadcast", "reshape", "transpose", "slice"];

/** The number with which a value is filled, if it is known. */
export function filledWith(value: Value): number | undefined {
  let { node } = value;
  while (moves.includes(node.op)) node = (node.inputs[0] as Value).node;
  if (node.op !== "constant") return undefined;
  const { data } = node.attrs;
  return data.every((number) => number === data[0]) ? data[0] : undefined;
}
