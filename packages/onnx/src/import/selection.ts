/** Importers of operators that select parts: slices, gathers, lookups. */
import {
  broadcast,
  constant,
  type Dim,
  gather,
  reshape,
  reverse,
  type Shape,
  slice,
  transpose,
  type Value,
} from "@ostinato/core";
import { asComputed, axesOf } from "./broadcasting.ts";
import { rearranged } from "./host.ts";
import { type Computed, computed, type Host, hostVector, type Imported } from "./imported.ts";
import { expectFew, type Importer, type Importers, type Importing } from "./importing.ts";
import { plainNumbers } from "./movement.ts";
import type { OnnxNode } from "./node.ts";
import { selected, stepOfRow } from "./rows.ts";
import { axisIn, listOf, numbersIn } from "./shapes.ts";
import { compareSizes, type Size, showSize, sizeOfDim, subtractSizes } from "./sizes.ts";

/** `count` entries from `start`, counted from the end if it is negative. */
interface Run {
  readonly start: number;
  readonly count: number;
}

/** A slice bound, counted from the front or from the end. */
type Bound = { readonly front: number } | { readonly end: number };

function boundOf(node: OnnxNode, bound: Size, dim: Dim): Bound {
  if (typeof bound === "number") {
    if (typeof dim === "number") {
      const from = bound < 0 ? bound + dim : bound;
      return { front: Math.min(Math.max(from, 0), dim) };
    }
    if (bound >= 2 ** 31 - 1) return { end: 0 };
    return bound < 0 ? { end: bound <= -(2 ** 31) ? Number.POSITIVE_INFINITY : -bound } : { front: bound };
  }
  const rest = subtractSizes(sizeOfDim(dim), bound);
  if (rest === undefined || typeof rest !== "number")
    return node.fail(`bound ${showSize(bound)} of an axis of size ${dim} is not supported`);
  return { end: Math.max(rest, 0) };
}

/** The entries between two bounds; `undefined` for all of them. */
function runOf(node: OnnxNode, start: Size, end: Size, dim: Dim, importing: Importing): Run | undefined {
  const [from, to] = [boundOf(node, start, dim), boundOf(node, end, dim)];
  if ("front" in from && from.front === 0 && "end" in to && to.end === 0) return undefined;
  if ("front" in from && "front" in to) {
    if (typeof dim === "number" && from.front === 0 && to.front === dim) return undefined;
    // The file may mean all steps of the size that it was exported with.
    importing.close(dim);
    if (to.front > from.front) return { start: from.front, count: to.front - from.front };
  }
  if ("end" in from && "end" in to && from.end > to.end && Number.isFinite(from.end))
    return { start: -from.end, count: from.end - to.end };
  if ("end" in from && !Number.isFinite(from.end) && "end" in to && to.end === 0) return undefined;
  importing.close(dim);
  return node.fail(
    `it slices from ${showSize(start)} to ${showSize(end)} of an axis of size ${dim}; the number of entries must be constant and at least 1`,
  );
}

/** Changes the entries along an axis, which must be a single axis of ours. */
function alongAxis(
  node: OnnxNode,
  given: Imported,
  axis: number,
  importing: Importing,
  change: (value: Value, own: number) => Value,
): Imported {
  const whole = asComputed(given, importing);
  const axes = axesOf(whole);
  if ((axes[axis] as Shape).length > 1)
    return node.fail(`axis ${axis} is the merged axis ${(axes[axis] as Shape).join(" times ")}`);
  const value = change(whole.value, axes.slice(0, axis).flat().length);
  return whole.groups ? { ...whole, value } : computed(value);
}

/** A contiguous range along an axis. */
export function taken(node: OnnxNode, given: Imported, axis: number, run: Run, importing: Importing): Imported {
  const known = plainNumbers(given, importing);
  const { count } = run;
  if (known) {
    const from = run.start < 0 ? run.start + (known.shape[axis] as number) : run.start;
    const shape = known.shape.map((size, i) => (i === axis ? count : size));
    return rearranged(known, shape, (index) => index.map((at, i) => (i === axis ? at + from : at)));
  }
  if (given.kind === "stack" && given.axis === axis) {
    const from = run.start < 0 ? run.start + given.parts.length : run.start;
    return { ...given, parts: given.parts.slice(from, from + count) };
  }
  if (given.kind === "stack") {
    const own = axis > given.axis ? axis - 1 : axis;
    return { ...given, parts: given.parts.map((part) => slice(part, own, run.start, count)) };
  }
  return alongAxis(node, given, axis, importing, (value, own) => {
    if (count === 1) importing.take(value.type.shape[own] as Dim, run.start);
    return slice(value, own, run.start, count);
  });
}

/** All entries along an axis in reverse. */
function reversed(node: OnnxNode, given: Imported, axis: number, importing: Importing): Imported {
  const known = plainNumbers(given, importing);
  if (known)
    return rearranged(known, known.shape, (index) =>
      index.map((at, i) => (i === axis ? (known.shape[i] as number) - 1 - at : at)),
    );
  if (given.kind === "stack" && given.axis === axis) return { ...given, parts: [...given.parts].reverse() };
  return alongAxis(node, given, axis, importing, reverse);
}

const sliced: Importer = (node, importing) => {
  const given = node.input(0);
  const rank = importing.shapeOf(given).length;
  const starts = listOf(node, 1, "starts", importing) ?? node.fail("starts is missing");
  const ends = listOf(node, 2, "ends", importing) ?? node.fail("ends is missing");
  const listed = numbersIn(node, 3, "axes", importing) ?? starts.map((_, i) => i);
  const axes = listed.map((axis) => axisIn(node, axis, rank));
  const steps =
    node.inputs[4] === undefined ? starts.map(() => 1) : (numbersIn(node, 4, "steps", importing) as readonly number[]);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    return node.fail("starts, ends, axes and steps have different lengths");
  let result = given;
  axes.forEach((axis, i) => {
    result = stepped(node, result, axis, [starts[i] as Size, ends[i] as Size, steps[i] as number], importing);
  });
  return [result];
};

function stepped(
  node: OnnxNode,
  given: Imported,
  axis: number,
  [start, end, step]: readonly [Size, Size, number],
  importing: Importing,
): Imported {
  const size = importing.shapeOf(given)[axis] as Size;
  const dim =
    typeof size === "number"
      ? size
      : (namedAxis(given, axis) ?? node.fail(`axis ${axis} is the merged axis ${showSize(size)}`));
  const known = plainNumbers(given, importing);
  if (known && typeof dim === "number") {
    // A slice of known numbers may be empty, for example when a shape is split.
    const [from, to] = [start, end].map((bound) =>
      typeof bound === "number" ? bound : node.fail(`bound ${showSize(bound)} is not supported`),
    ) as [number, number];
    const places = step === 0 ? node.fail("step is 0") : indices(dim, from, to, step);
    const shape = known.shape.map((each, i) => (i === axis ? places.length : each));
    return rearranged(known, shape, (index) => index.map((at, i) => (i === axis ? (places[at] as number) : at)));
  }
  if (step === 1) {
    const run = runOf(node, start, end, dim, importing);
    return run ? taken(node, given, axis, run, importing) : given;
  }
  const wholeBackwards =
    step === -1 &&
    (start === -1 ||
      compareSizes(start, subtractSizes(size, 1) ?? 0) === 0 ||
      (typeof start === "number" && start >= 2 ** 31 - 1)) &&
    typeof end === "number" &&
    (end <= -(2 ** 31) + 1 || (typeof dim === "number" && end < -dim));
  if (wholeBackwards) return reversed(node, given, axis, importing);
  importing.close(dim);
  if (typeof dim !== "number" || typeof start !== "number" || typeof end !== "number" || step === 0)
    return node.fail(`step ${step} along an axis of size ${dim} is not supported`);
  return picked(node, given, axis, hostVector(indices(dim, start, end, step)), importing);
}

/** The indices of a slice with a step, as in NumPy. */
function indices(dim: number, start: number, end: number, step: number): number[] {
  const clamp = (bound: number, low: number, high: number): number =>
    Math.min(Math.max(bound < 0 ? bound + dim : bound, low), high);
  const [from, to] =
    step > 0 ? [clamp(start, 0, dim), clamp(end, 0, dim)] : [clamp(start, 0, dim - 1), clamp(end, -1, dim - 1)];
  const count = Math.max(0, Math.ceil((to - from) / step));
  expectFew(count);
  return Array.from({ length: count }, (_, i) => from + i * step);
}

function namedAxis(given: Imported, axis: number): Dim | undefined {
  if (given.kind !== "computed")
    return given.kind === "stack" ? given.parts[0]?.type.shape[axis > given.axis ? axis - 1 : axis] : undefined;
  const sizes = axesOf(given)[axis] as Shape;
  return sizes.length === 1 ? sizes[0] : undefined;
}

/** Gathers entries along an axis by known indices; replaces the axis. */
function picked(node: OnnxNode, given: Imported, axis: number, wanted: Host, importing: Importing): Imported {
  const shape = importing.shapeOf(given);
  const size = shape[axis] as Size;
  const data = wanted.data.map((entry) => placeOf(node, entry, size, importing));
  const known = plainNumbers(given, importing);
  const lead = wanted.shape.length;
  if (known) {
    const count = known.shape[axis] as number;
    const at = (index: readonly number[]): number => {
      const flat = wanted.shape.reduce((sum, each, i) => sum * each + (index[axis + i] as number), 0);
      const place = data[flat] as number;
      return place < 0 ? place + count : place;
    };
    const to = [...known.shape.slice(0, axis), ...wanted.shape, ...known.shape.slice(axis + 1)];
    return rearranged(known, to, (index) => [...index.slice(0, axis), at(index), ...index.slice(axis + lead)]);
  }
  if (given.kind === "stack" && given.axis === axis && lead < 2) {
    const parts = data.map((place) => given.parts.at(place) as Value);
    return lead === 0 ? computed(parts[0] as Value) : { ...given, parts };
  }
  const [only] = data;
  if (lead < 2 && data.length === 1 && only !== undefined) {
    const one = taken(node, given, axis, { start: only, count: 1 }, importing);
    return lead === 1 ? one : withoutAxis(one, axis, importing);
  }
  const places = data.map((place) =>
    place >= 0
      ? place
      : typeof size === "number"
        ? place + size
        : node.fail(`it indexes from the end of an axis of size ${showSize(size)}`),
  );
  return lookedUp(given, axis, constant(places, "int32", wanted.shape), importing);
}

/** An index along an axis, counted from the end if it is negative. For other indices of a dynamic axis, the size in the file must hold. */
function placeOf(node: OnnxNode, entry: Size, size: Size, importing: Importing): number {
  const fromEnd = typeof entry === "number" ? undefined : subtractSizes(entry, size);
  const place =
    typeof entry === "number"
      ? entry
      : typeof fromEnd === "number"
        ? fromEnd
        : node.fail(`index ${showSize(entry)} is not supported for size ${showSize(size)}`);
  if (typeof size === "number" && (place >= size || place < -size))
    return node.fail(`index ${place} is out of range for size ${size}`);
  const dim = typeof size === "number" ? undefined : (size.terms[0]?.names[0] ?? undefined);
  // A file with a fixed number of steps may read one step after another.
  if (dim !== undefined && place !== 0 && place !== -1) importing.close(dim);
  return place;
}

function withoutAxis(given: Imported, axis: number, importing: Importing): Imported {
  if (given.kind === "stack") {
    const own = axis > given.axis ? axis - 1 : axis;
    const parts = given.parts.map((part) =>
      reshape(
        part,
        part.type.shape.filter((_, i) => i !== own),
      ),
    );
    return { kind: "stack", axis: axis < given.axis ? given.axis - 1 : given.axis, parts };
  }
  const whole = asComputed(given, importing);
  const axes = axesOf(whole).filter((_, i) => i !== axis);
  const value = reshape(whole.value, axes.flat());
  return whole.groups ? { ...whole, value, groups: axes.map(({ length }) => length) } : computed(value);
}

/** One step of each row, for merged batch and time axes. */
function stepsOfRows(table: Computed, ids: Value): Imported | undefined {
  const [rows, ...others] = axesOf(table);
  const step = rows?.length === 2 && others.every(({ length }) => length === 1) ? stepOfRow(ids, rows) : undefined;
  if (step === undefined) return undefined;
  const [batch, , ...rest] = table.value.type.shape as [Dim, Dim, ...Dim[]];
  const each = broadcast(step, [batch, 1, ...rest], [0]);
  return computed(reshape(selected(table.value, each, 1), [batch, ...rest]));
}

/** Looks up the rows of a table by ids. Other axes are moved to the front first. */
function lookedUp(table: Imported, axis: number, ids: Value, importing: Importing): Imported {
  const ofRows = table.kind === "computed" && axis === 0 ? stepsOfRows(table, ids) : undefined;
  if (ofRows) return ofRows;
  const value = importing.value(table);
  const rank = value.type.shape.length;
  const axes = Array.from({ length: rank }, (_, i) => i);
  const rows = transpose(value, [axis, ...axes.filter((i) => i !== axis)]);
  const found = gather(rows, ids);
  const lead = ids.type.shape.length;
  const back = [
    ...Array.from({ length: axis }, (_, i) => lead + i),
    ...Array.from({ length: lead }, (_, i) => i),
    ...Array.from({ length: rank - 1 - axis }, (_, i) => lead + axis + i),
  ];
  return computed(transpose(found, back));
}

const gathered: Importer = (node, importing) => {
  const [given, ids] = [node.input(0), node.input(1)];
  const axis = axisIn(node, node.int("axis") ?? 0, importing.shapeOf(given).length);
  const known = importing.known(ids);
  if (known && known.numbers !== "int") return node.fail("its indices must be integers");
  if (known) return [picked(node, given, axis, known, importing)];
  return [lookedUp(given, axis, importing.value(ids), importing)];
};

export const selectionImporters: Importers = {
  Slice: sliced,
  Gather: gathered,
};
