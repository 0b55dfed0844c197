/** The actual sizes of a run: named dimensions bound from the shapes of what is fed, checked, without allocating. */
import { DTypeError, ShapeError } from "../errors.ts";
import { type Shape, showShape } from "../ir/value.ts";
import { sizeOf, type Tensor, type Tensors } from "../tensor.ts";
import type { Program } from "./program.ts";

/** The named sizes of one run. */
export type Sizes = Record<string, number>;

/** The actual size of a dimension. */
export function sizeOfDim(dim: number | string, sizes: Sizes): number {
  return typeof dim === "number" ? dim : (sizes[dim] as number);
}

/** The actual shape. */
export function actualShape(shape: Shape, sizes: Sizes): number[] {
  return shape.map((dim) => sizeOfDim(dim, sizes));
}

function checkFeed(
  program: Program,
  name: string,
  dtype: string,
  shape: Shape,
  tensor: Tensor | undefined,
  sizes: Sizes,
): void {
  if (tensor === undefined) throw new ShapeError(`feed "${name}" is missing: ${dtype}${showShape(shape)}`);
  const floats = dtype === "float32" && tensor.dtype === "float64";
  if (tensor.dtype !== dtype && !floats)
    throw new DTypeError(`feed "${name}" must be ${dtype}${showShape(shape)}, got ${tensor.dtype}`);
  const shown = (): string =>
    `feed "${name}" must be ${dtype}${showShape(shape)}, got ${tensor.dtype}${showShape(tensor.shape)}`;
  if (tensor.shape.length !== shape.length) throw new ShapeError(shown());
  for (let axis = 0; axis < shape.length; axis++) {
    const dim = shape[axis] as number | string;
    const given = tensor.shape[axis] as number;
    if (typeof dim === "number") {
      if (given !== dim) throw new ShapeError(shown());
      continue;
    }
    const capacity = program.capacities[dim] as number;
    if (given < 1 || given > capacity) {
      throw new ShapeError(`${shown()}; ${dim} can be 1 to ${capacity} here`);
    }
    if (sizes[dim] === 0) sizes[dim] = given;
    else if (sizes[dim] !== given) throw new ShapeError(`${shown()}; ${dim} is ${sizes[dim]} in another feed`);
  }
  if (tensor.data.length < sizeOf(tensor.shape)) {
    throw new ShapeError(
      `feed "${name}": shape ${showShape(tensor.shape)} needs ${sizeOf(tensor.shape)} elements, the data has ${tensor.data.length}`,
    );
  }
}

/** Room for the named sizes of a program. */
export function emptySizes(program: Program): Sizes {
  return Object.fromEntries(Object.keys(program.capacities).map((name) => [name, 0]));
}

/** Binds the named sizes from the feeds into `sizes`, or throws a typed error that names the feed. */
export function bindSizes(program: Program, feeds: Tensors, sizes: Sizes): void {
  for (const name in sizes) sizes[name] = 0;
  for (let i = 0; i < program.feeds.length; i++) {
    const { name, value } = program.feeds[i] as { name: string; value: number };
    const { dtype, shape } = program.values[value] as { dtype: string; shape: Shape };
    checkFeed(program, name, dtype, shape, feeds[name], sizes);
  }
}
