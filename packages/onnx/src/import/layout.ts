/** How an input or an output lies in a file, and how it lies in models here: batch first, then time, then features. */
import { type Dim, reshape, type Shape, transpose, type Value } from "@ostinato/core";

/** One layout as the other. */
export interface Layout {
  /** The axes of the file in our order. */
  readonly order: readonly number[];
  /** The sizes of the file in our order. */
  readonly sizes: Shape;
  /** Our shape: axes behind batch and time are one. */
  readonly shape: Shape;
}

const isNamed = (dim: Dim | undefined): boolean => typeof dim === "string";

/**
 * Batch first, then what has a name, then one axis for all that are numbers. `undefined` where there is no batch.
 *
 * @param keeps whether a shape is taken as it is, of an axis without features, or of a number of steps
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

/** A value of our layout as the file has it. */
export function asInFile(ours: Value, { order, sizes }: Layout): Value {
  return transpose(
    reshape(ours, sizes),
    order.map((_, i) => order.indexOf(i)),
  );
}

/** A value of the file in our layout. */
export const asOurs = (value: Value, { order, shape }: Layout): Value => reshape(transpose(value, order), shape);
