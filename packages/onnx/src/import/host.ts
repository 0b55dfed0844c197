/** Arithmetic on numbers that are known while a file is read. */
import { ShapeError, sizeOf } from "@ostinato/core";
import { type Host, host, type NumberKind } from "./imported.ts";
import { expectFew } from "./importing.ts";
import type { Size } from "./sizes.ts";

/** Creates numbers of a shape, each computed from its index. */
function byPlace(
  shape: readonly number[],
  compute: (index: readonly number[]) => Size | undefined,
): Size[] | undefined {
  const size = sizeOf(shape);
  expectFew(size);
  const data: Size[] = [];
  const index = shape.map(() => 0);
  for (let count = 0; count < size; count++) {
    const number = compute(index);
    if (number === undefined) return undefined;
    data.push(number);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return data;
}

/** The number at an index. Axes of size 1 are broadcast, and leading axes may be missing. */
function at({ shape, data }: Host, index: readonly number[]): Size {
  const lead = index.length - shape.length;
  return data[
    shape.reduce((flat, size, axis) => flat * size + (size === 1 ? 0 : (index[axis + lead] as number)), 0)
  ] as Size;
}

/** Numbers in another shape, each taken from the index that `from` returns. */
export function rearranged(
  given: Host,
  shape: readonly number[],
  from: (index: readonly number[]) => readonly number[],
): Host {
  return host(given.numbers, shape, byPlace(shape, (index) => at(given, from(index))) as Size[]);
}

function broadcastSize(a: number, b: number): number {
  if (a !== b && a !== 1 && b !== 1) throw new ShapeError(`the sizes ${a} and ${b} differ`);
  return a === 1 ? b : a;
}

/** The broadcast shape of known numbers. */
export function commonShape(given: readonly Host[]): number[] {
  const rank = Math.max(0, ...given.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    given.map(({ shape }) => shape[i - rank + shape.length] ?? 1).reduce(broadcastSize, 1),
  );
}

/** Applies a function element-wise to known numbers; `undefined` if it is undefined for one of them. */
export function eachNumber(
  given: readonly Host[],
  numbers: NumberKind,
  compute: (...numbers: Size[]) => Size | undefined,
): Host | undefined {
  const shape = commonShape(given);
  const data = byPlace(shape, (index) => compute(...given.map((each) => at(each, index))));
  return data && host(numbers, shape, data);
}
