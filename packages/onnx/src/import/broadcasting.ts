/** NumPy's rule over values whose sizes may turn out to be equal, and whose axes may be several of ours. */
import { broadcastTo, reshape, type Shape, ShapeError, sameShape, showShape, type Value } from "@ostinato/core";
import { type Computed, computed, type Imported } from "./imported.ts";
import type { Importing } from "./importing.ts";

/** A value with the axes of its groups apart. */
const groupsOf = ({ value, groups }: Computed): readonly number[] => groups ?? value.type.shape.map(() => 1);

/** The sizes that each axis in ONNX has. */
export function axesOf(imported: Computed): readonly Shape[] {
  let at = 0;
  return groupsOf(imported).map((count) => {
    at += count;
    return imported.value.type.shape.slice(at - count, at);
  });
}

/** A value whose axes in ONNX are these, each of one size or several. */
export function fromAxes(value: Value, axes: readonly Shape[]): Computed {
  const flat = reshape(value, axes.flat());
  return axes.every((axis) => axis.length === 1)
    ? computed(flat)
    : { kind: "computed", value: flat, groups: axes.map((axis) => axis.length) };
}

/** As a value that may have groups. */
export function asComputed(imported: Imported, importing: Importing): Computed {
  return imported.kind === "computed" ? imported : computed(importing.value(imported));
}

const isOne = (axis: Shape): boolean => axis.length === 1 && axis[0] === 1;

/** The sizes of one axis that both have. */
function sameAxis(a: Shape, b: Shape, importing: Importing): Shape {
  if (isOne(a)) return b;
  if (isOne(b) || sameShape(a, b)) return a;
  const [left, right] = [a[0], b[0]];
  if (a.length > 1 || b.length > 1 || left === undefined || right === undefined)
    throw new ShapeError(`axes of ${showShape(a)} and ${showShape(b)} differ`);
  return [importing.same(left, right)];
}

/** Values brought to one shape by NumPy's rule, where `shape` is one of them; sizes that must be equal are made so. */
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
    // An axis of size 1 becomes as many as the group that it stretches to.
    const own = (each[i] as readonly Shape[]).flatMap((sizes, k) => {
      const wanted = axes[rank - (each[i] as readonly Shape[]).length + k] as Shape;
      return sizes.length === wanted.length ? sizes : wanted.map(() => 1);
    });
    return broadcastTo(reshape(value, own), full);
  });
  return { values, axes };
}

/** What a value is before it is reshaped and spread out. */
export const narrowed = (value: Value): Value =>
  value.node.op === "reshape" || value.node.op === "broadcast" ? narrowed(value.node.inputs[0] as Value) : value;

const moves: readonly string[] = ["broadcast", "reshape", "transpose", "slice"];

/** The number that fills a value in every place, where it is known. */
export function filledWith(value: Value): number | undefined {
  let { node } = value;
  while (moves.includes(node.op)) node = (node.inputs[0] as Value).node;
  if (node.op !== "constant") return undefined;
  const { data } = node.attrs;
  return data.every((number) => number === data[0]) ? data[0] : undefined;
}
