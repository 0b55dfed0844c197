/** The actual sizes of a run: named dimensions bound from the shapes of what is fed and held, checked, without allocating. */
import { DTypeError, ShapeError, StateError } from "../errors.ts";
import { type Shape, showShape } from "../ir/value.ts";
import { sizeOf, type Tensors } from "../tensor.ts";
import type { NamedValue, Program, ProgramValue } from "./program.ts";

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

/** What is given for a value: a feed, or what is held. */
interface Given {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data?: ArrayLike<number>;
}

/** Binds the named sizes of a value from the shape of what is given for it. */
function bindValue(program: Program, kind: string, { name, value }: NamedValue, given: Given, sizes: Sizes): void {
  const { dtype, shape } = program.values[value] as ProgramValue;
  const floats = dtype === "float32" && given.dtype === "float64";
  if (given.dtype !== dtype && !floats)
    throw new DTypeError(`${kind} "${name}" must be ${dtype}${showShape(shape)}, got ${given.dtype}`);
  const shown = (): string =>
    `${kind} "${name}" must be ${dtype}${showShape(shape)}, got ${given.dtype}${showShape(given.shape)}`;
  if (given.shape.length !== shape.length) throw new ShapeError(shown());
  for (let axis = 0; axis < shape.length; axis++) {
    const dim = shape[axis] as number | string;
    const size = given.shape[axis] as number;
    if (typeof dim === "number") {
      if (size !== dim) throw new ShapeError(shown());
      continue;
    }
    const capacity = program.capacities[dim] as number;
    if (size < 1 || size > capacity) {
      throw new ShapeError(`${shown()}; ${dim} can be 1 to ${capacity} here`);
    }
    if (sizes[dim] === 0) sizes[dim] = size;
    else if (sizes[dim] !== size) throw new ShapeError(`${shown()}; ${dim} is ${sizes[dim]} elsewhere`);
  }
  if (given.data && given.data.length < sizeOf(given.shape)) {
    throw new ShapeError(
      `${kind} "${name}": shape ${showShape(given.shape)} needs ${sizeOf(given.shape)} elements, the data has ${given.data.length}`,
    );
  }
}

/** Room for the named sizes of a program. */
export function emptySizes(program: Program): Sizes {
  return Object.fromEntries(Object.keys(program.capacities).map((name) => [name, 0]));
}

/** What a session holds, by name; of no sizes where no program has written it yet. */
export type HeldShapes = ReadonlyMap<string, Given>;

/**
 * Binds the named sizes into `sizes`: from the feeds, and from what is held.
 *
 * @throws ShapeError, DTypeError that name the feed or the held state; StateError for one that no program has written
 */
export function bindSizes(program: Program, feeds: Tensors, sizes: Sizes, shapes: HeldShapes): void {
  for (const name in sizes) sizes[name] = 0;
  const { feeds: fed, held } = program;
  for (let i = 0; i < fed.length; i++) {
    const named = fed[i] as NamedValue;
    const tensor = feeds[named.name];
    if (tensor === undefined) {
      const { dtype, shape } = program.values[named.value] as ProgramValue;
      throw new ShapeError(`feed "${named.name}" is missing: ${dtype}${showShape(shape)}`);
    }
    bindValue(program, "feed", named, tensor, sizes);
  }
  for (let i = 0; i < held.length; i++) {
    const named = held[i] as NamedValue;
    const given = shapes.get(named.name);
    if (!given?.shape.length)
      throw new StateError(`held state "${named.name}" is read before a program has written it`);
    bindValue(program, "held state", named, given, sizes);
  }
}
