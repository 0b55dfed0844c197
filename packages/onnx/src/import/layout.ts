/** Conversion between the layout of an input or output in a file and ours: batch first, then time, then features. */
import { type Dim, reshape, type Shape, transpose, type Value } from "@ostinato/core";

/** A conversion between two layouts. */
export interface Layout {
  /** The axes of the file in our order. */
  readonly order: readonly number[];
  /** The sizes of the file in our order. */
  readonly sizes: Shape;
  /** Our shape: all axes after batch and time are merged. */
  readonly shape: Shape;
}

const isNamed = (dim: Dim | undefined): boolean => typeof dim === "string";

/**
 * The layout with the batch first, then dynamic sizes, then one axis for all fixed sizes. `undefined` without a batch axis.
 *
 * @param keeps whether a shape without features, or with a fixed number of steps, is kept unchanged
 */
export function layoutOf(shape: Shape, batch: string, keeps: (sizes: Shape) => boolean): Layout | undefined {
  const at = shape.indexOf(batch);
  if (at < 0) return undefined;
  const others = [...shape.keys()].filter((axis) => axis !== at);
  const named = others.filter((axis) => isNamed(shape[axis]));
  const known = others.filter((axis) => !isNamed(shape[axis]));
  const order = [at, ...named, ...known];
  const sizes = order.map((axis) => shape[axis] as Dim);
  if (at === 0 && order.every((axis, i) => axis === i) && keeps(sizes)) return { order, sizes, shape };
  const features = known.reduce((total, axis) => total * (shape[axis] as number), 1);
  return { order, sizes, shape: [...sizes.slice(0, 1 + named.length), features] };
}

/** Converts a value from our layout to that of the file. */
export function asInFile(ours: Value, { order, sizes }: Layout): Value {
  return transpose(
    reshape(ours, sizes),
    order.map((_, i) => order.indexOf(i)),
  );
}

/** Converts a value from the layout of the file to ours. */
export const asOurs = (value: Value, { order, shape }: Layout): Value => reshape(transpose(value, order), shape);
