/** Importers of reductions: sums, maxima, softmax. */
import {
  abs,
  argMax,
  exp,
  gather,
  log,
  logSoftmax,
  logSumExp,
  max,
  mean,
  neg,
  type Shape,
  softmax,
  sqrt,
  square,
  sum,
  topK,
  transpose,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import { broadcast, sub } from "@ostinato/core/graph";
import { asComputed, axesOf, fromAxes } from "./broadcasting.ts";
import { rearranged } from "./host.ts";
import { computed, type Host, host, type Imported } from "./imported.ts";
import type { Importer, Importers, Importing } from "./importing.ts";
import { plainNumbers } from "./movement.ts";

import type { OnnxNode } from "./node.ts";
import { axisIn, numbersIn } from "./shapes.ts";
import { addSizes, compareSizes, dimOf, multiplySizes, type Size } from "./sizes.ts";
import { orderOf } from "./sorting.ts";

/** A reduction. */
interface Reduction {
  /** On a value along axes, which are removed. Absent if it is only supported on known numbers. */
  readonly values?: (x: Value, axes: readonly number[]) => Value;
  /** On known numbers, two at a time. */
  readonly numbers?: (a: Size, b: Size) => Size | undefined;
}

/** Reduces known numbers along axes. */
function foldedNumbers(
  known: Host,
  axes: readonly number[],
  fold: NonNullable<Reduction["numbers"]>,
): readonly Size[] | undefined {
  const kept = known.shape.filter((_, axis) => !axes.includes(axis));
  const gone = known.shape.filter((_, axis) => axes.includes(axis));
  // The reduced axes come last, so each contiguous run of numbers is reduced.
  const order = [...known.shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const moved = rearranged(known, [...kept, ...gone], (index) =>
    known.shape.map((_, axis) => index[order.indexOf(axis)] as number),
  );
  const run = gone.reduce((a, b) => a * b, 1);
  if (run === 0) throw new UnsupportedOpError("it reduces an empty axis");
  const results: Size[] = [];
  for (let start = 0; start < moved.data.length; start += run) {
    let total = moved.data[start];
    for (const number of moved.data.slice(start + 1, start + run))
      total = total === undefined ? undefined : fold(total, number);
    if (total === undefined) return undefined;
    results.push(total);
  }
  return results;
}

/** The axes of a value for ONNX axes. */
function ownAxes(axes: readonly Shape[], wanted: readonly number[]): number[] {
  return wanted.flatMap((axis) => {
    const start = axes.slice(0, axis).flat().length;
    return (axes[axis] as Shape).map((_, k) => start + k);
  });
}

/** A value without the reduced axes, or with axes of size 1 in their place. */
function reducedAlong(
  given: Imported,
  wanted: readonly number[],
  keeps: boolean,
  importing: Importing,
  reduce: (x: Value, axes: readonly number[]) => Value,
): Imported {
  const whole = asComputed(given, importing);
  const axes = axesOf(whole);
  const value = reduce(whole.value, ownAxes(axes, wanted));
  return fromAxes(
    value,
    axes.flatMap((axis, i) => (wanted.includes(i) ? (keeps ? [[1]] : []) : [axis])),
  );
}

const reduction =
  ({ values, numbers }: Reduction): Importer =>
  (node, importing) => {
    const given = node.input(0);
    const rank = importing.shapeOf(given).length;
    const keeps = (node.int("keepdims") ?? 1) !== 0;
    const listed = numbersIn(node, 1, "axes", importing)?.map((axis) => axisIn(node, axis, rank)) ?? [];
    const none = (node.int("noop_with_empty_axes") ?? 0) !== 0 && listed.length === 0;
    const axes =
      listed.length === 0 && !none
        ? Array.from({ length: rank }, (_, i) => i)
        : [...new Set(listed)].sort((a, b) => a - b);
    if (axes.length === 0) return [given];
    const known = numbers ? plainNumbers(given, importing) : undefined;
    const folded = known && numbers && foldedNumbers(known, axes, numbers);
    if (known && folded) {
      const shape = known.shape.flatMap((size, axis) => (axes.includes(axis) ? (keeps ? [1] : []) : [size]));
      return [host(known.numbers, shape, folded)];
    }
    if (values === undefined) return node.fail("it is only supported on constants");
    return [reducedAlong(given, axes, keeps, importing, values)];
  };

const larger =
  (wanted: -1 | 1) =>
  (a: Size, b: Size): Size | undefined => {
    const order = compareSizes(a, b);
    return order === undefined ? undefined : order === wanted ? a : b;
  };

const reductions: Readonly<Record<string, Reduction>> = {
  ReduceSum: { values: sum, numbers: addSizes },
  ReduceMean: { values: mean },
  ReduceMax: { values: max, numbers: larger(1) },
  ReduceMin: { values: (x, axes) => neg(max(neg(x), axes)), numbers: larger(-1) },
  ReduceProd: { numbers: multiplySizes },
  ReduceL1: { values: (x, axes) => sum(abs(x), axes) },
  ReduceL2: { values: (x, axes) => sqrt(sum(square(x), axes)) },
  ReduceSumSquare: { values: (x, axes) => sum(square(x), axes) },
  ReduceLogSum: { values: (x, axes) => log(sum(x, axes)) },
  ReduceLogSumExp: { values: logSumExp },
};

/** The index of the maximum or minimum along an axis. */
const place =
  (of: (x: Value) => Value): Importer =>
  (node, importing) => {
    const given = node.input(0);
    const axis = axisIn(node, node.int("axis") ?? 0, importing.shapeOf(given).length);
    if ((node.int("select_last_index") ?? 0) !== 0) return node.fail("select_last_index is not supported");
    const keeps = (node.int("keepdims") ?? 1) !== 0;
    return [reducedAlong(given, [axis], keeps, importing, (x, [own]) => argMax(of(x), own as number))];
  };

/** Applies a function of the last axis to another axis. */
function alongLast(x: Value, axis: number, compute: (x: Value) => readonly Value[]): Value[] {
  const rank = x.type.shape.length;
  const order = Array.from({ length: rank }, (_, i) => i)
    .filter((i) => i !== axis)
    .concat(axis);
  return compute(transpose(x, order)).map((y) =>
    transpose(
      y,
      order.map((_, i) => order.indexOf(i)),
    ),
  );
}

/** All elements of a vector of dynamic size, sorted. */
function sorted(node: OnnxNode, x: Value, importing: Importing): readonly Imported[] | undefined {
  const [dim, ...others] = x.type.shape;
  const count = node.inputs[1] && importing.known(node.inputs[1])?.data[0];
  if (typeof dim !== "string" || others.length > 0 || count === undefined || dimOf(count) !== dim) return undefined;
  const order = orderOf(node.label, dim);
  return [computed(gather(x, order)), computed(order)];
}

const largest: Importer = (node, importing) => {
  const x = importing.value(node.input(0));
  const order = sorted(node, x, importing);
  if (order) {
    for (const attribute of ["axis", "largest", "sorted"]) node.int(attribute);
    return order;
  }
  const axis = axisIn(node, node.int("axis") ?? -1, x.type.shape.length);
  // An attribute before opset 10.
  const [k] = node.inputs[1] === undefined ? [node.int("k")] : (numbersIn(node, 1, "k", importing) ?? []);
  const smallest = (node.int("largest") ?? 1) === 0;
  // The result is sorted in any case.
  node.int("sorted");
  if (k === undefined) return node.fail("k is missing");
  const results = alongLast(x, axis, (given) => {
    const { values, indices } = topK(smallest ? neg(given) : given, k);
    return [smallest ? neg(values) : values, indices];
  });
  return results.map(computed);
};

/** Softmax or its logarithm: along one axis, or before opset 13 along that axis and all following axes together. */
const normalized =
  (along: (x: Value) => Value, finish: (x: Value) => Value): Importer =>
  (node, importing) => {
    const given = node.input(0);
    const rank = importing.shapeOf(given).length;
    const many = importing.opset < 13;
    const axis = axisIn(node, node.int("axis") ?? (many ? 1 : -1), rank);
    if (!many || axis === rank - 1) {
      const whole = asComputed(given, importing);
      const own = ownAxes(axesOf(whole), [axis]);
      if (own.length > 1) return node.fail("it reduces several sizes as one");
      return [fromAxes(alongLast(whole.value, own[0] as number, (x) => [along(x)])[0] as Value, axesOf(whole))];
    }
    const x = importing.value(given);
    const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
    return [computed(finish(sub(x, stretched(logSumExp(x, axes), x, axes))))];
  };

/** A reduced value, broadcast to the original shape. */
export function stretched(reduced: Value, like: Value, axes: readonly number[]): Value {
  const { shape } = like.type;
  return broadcast(
    reduced,
    shape,
    shape.map((_, i) => i).filter((i) => !axes.includes(i)),
  );
}

export const reduceImporters: Importers = {
  ...Object.fromEntries(Object.entries(reductions).map(([operator, entry]) => [operator, reduction(entry)])),
  ArgMax: place((x) => x),
  ArgMin: place(neg),
  TopK: largest,
  Softmax: normalized(softmax, exp),
  LogSoftmax: normalized(logSoftmax, (x) => x),
};
