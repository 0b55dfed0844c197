/** Builders that move elements without changing them. */
import { ShapeError } from "../../errors.ts";
import { type Dim, type Shape, sameShape, showShape, showType, type Value } from "../value.ts";
import { apply1 } from "./apply.ts";

/** The same elements, row-major, in another shape. */
export function reshape(x: Value, shape: Shape): Value {
  return sameShape(x.type.shape, shape) ? x : apply1("reshape", [x], { shape });
}

/** Axis `i` of the result is axis `permutation[i]` of `x`. */
export function transpose(x: Value, permutation: readonly number[]): Value {
  return permutation.every((axis, i) => axis === i) ? x : apply1("transpose", [x], { permutation });
}

/** Axis `i` of `x` becomes axis `axes[i]` of `shape`; the other axes are new. */
export function broadcast(x: Value, shape: Shape, axes: readonly number[]): Value {
  return sameShape(x.type.shape, shape) ? x : apply1("broadcast", [x], { shape, axes });
}

/** NumPy's rule: trailing axes are aligned, and sizes of 1 stretch. */
export function broadcastTo(x: Value, shape: Shape): Value {
  const lead = shape.length - x.type.shape.length;
  const kept = x.type.shape.map((_, axis) => axis).filter((axis) => x.type.shape[axis] === shape[axis + lead]);
  if (lead < 0 || x.type.shape.some((dim, axis) => dim !== 1 && !kept.includes(axis))) {
    throw new ShapeError(`${showType(x.type)} does not broadcast to ${showShape(shape)}`);
  }
  return broadcast(
    reshape(
      x,
      kept.map((axis) => x.type.shape[axis] as Dim),
    ),
    shape,
    kept.map((axis) => axis + lead),
  );
}

/** The shape to which NumPy's rule brings both. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1;
    const right = b[i - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      throw new ShapeError(`shapes ${showShape(a)} and ${showShape(b)} do not broadcast`);
    return left === 1 ? right : left;
  });
}

/** Values one after another along an axis; their other axes are equal. */
export function concat(parts: readonly Value[], axis: number): Value {
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : apply1("concat", parts, { axis });
}

/** `size` entries along `axis` from `start`, which counts from the end where it is negative. */
export function slice(x: Value, axis: number, start: number, size: number): Value {
  return apply1("slice", [x], { axis, start, size });
}

/** Zeros with extent `dim` along `axis`, and `x` in them from `start`: the dual of `slice`. */
export function pad(x: Value, axis: number, start: number, dim: Dim): Value {
  return apply1("pad", [x], { axis, start, dim });
}

/** x from back to front along an axis. */
export function reverse(x: Value, axis: number): Value {
  return apply1("reverse", [x], { axis });
}

/** Adds an axis of size 1. */
export function expandDims(x: Value, axis: number): Value {
  return reshape(x, [...x.type.shape.slice(0, axis), 1, ...x.type.shape.slice(axis)]);
}

/** Removes an axis of size 1. */
export function squeeze(x: Value, axis: number): Value {
  return reshape(
    x,
    x.type.shape.filter((_, i) => i !== axis),
  );
}
