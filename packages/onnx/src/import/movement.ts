/** Importers of operators that move elements. Known numbers are moved immediately, stacks part by part, values by our own ops. */
import { concat, pad, reshape, type Shape, transpose, type Value } from "@ostinato/core";
import { asComputed, axesOf, fromAxes, together } from "./broadcasting.ts";
import { commonShape, rearranged } from "./host.ts";
import { computed, type Host, host, type Imported, type Stack } from "./imported.ts";
import type { Importer, Importers, Importing } from "./importing.ts";
import type { OnnxNode } from "./node.ts";
import { axisIn, axisOf, listOf, numbersIn } from "./shapes.ts";
import { dimOf, divideSizes, factorsOf, multiplySizes, type Size, showSize } from "./sizes.ts";

/** The maximum number of repetitions of an axis, and the maximum padding. */
const MOST_REPEATS = 256;
const MOST_PADS = 4096;

/** Known numbers that are not a parameter. */
export function plainNumbers(imported: Imported, importing: Importing): Host | undefined {
  return importing.isParameter(imported) ? undefined : importing.known(imported);
}

/** A stack with the same change applied to each part. */
const onParts = ({ parts }: Stack, axis: number, change: (part: Value) => Value): Stack => ({
  kind: "stack",
  axis,
  parts: parts.map(change),
});

const transposed: Importer = (node, importing) => {
  const given = node.input(0);
  const rank = importing.shapeOf(given).length;
  const perm = node.ints("perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || perm.some((axis, i) => perm.indexOf(axis) !== i || axis < 0 || axis >= rank))
    return node.fail(`perm [${perm.join(", ")}] is not a permutation of ${rank} axes`);
  const known = plainNumbers(given, importing);
  if (known) {
    const shape = perm.map((axis) => known.shape[axis] as number);
    return [rearranged(known, shape, (index) => known.shape.map((_, axis) => index[perm.indexOf(axis)] as number))];
  }
  if (given.kind === "stack") {
    const { axis } = given;
    const rest = perm.filter((each) => each !== axis).map((each) => (each > axis ? each - 1 : each));
    return [onParts(given, perm.indexOf(axis), (part) => transpose(part, rest))];
  }
  const whole = asComputed(given, importing);
  const axes = axesOf(whole);
  const starts = axes.map((_, i) => axes.slice(0, i).flat().length);
  const own = perm.flatMap((axis) => (axes[axis] as Shape).map((_, k) => (starts[axis] as number) + k));
  const result = fromAxes(
    transpose(whole.value, own),
    perm.map((axis) => axes[axis] as Shape),
  );
  const isTurned = node.ints("perm") === undefined && rank === 2 && whole.groups === undefined;
  return [isTurned ? { ...result, turned: whole.value } : result];
};

/** The same elements in another shape. */
function reshaped(given: Imported, axes: readonly Shape[], importing: Importing): Imported {
  const known = plainNumbers(given, importing);
  const flat = axes.flat();
  if (known && flat.every((dim) => typeof dim === "number") && axes.every(({ length }) => length === 1))
    return host(known.numbers, flat as number[], known.data);
  if (given.kind === "stack")
    return reshapedStack(given, flat) ?? fromAxes(reshape(importing.value(given), flat), axes);
  return fromAxes(asComputed(given, importing).value, axes);
}

/** A stack with one part, or with its parts concatenated along one of their own axes. */
function reshapedStack({ axis, parts }: Stack, to: Shape): Imported | undefined {
  const [first] = parts as [Value];
  if (parts.length === 1) return computed(reshape(first, to));
  const { shape } = first.type;
  const along = shape[axis];
  if (typeof along !== "number") return undefined;
  const joined = shape.map((dim, i) => (i === axis ? along * parts.length : dim));
  return `${joined}` === `${to}` ? computed(concat(parts, axis)) : undefined;
}

const squeezed: Importer = (node, importing) => {
  const given = node.input(0);
  const shape = importing.shapeOf(given);
  const listed = numbersIn(node, 1, "axes", importing)?.map((axis) => axisIn(node, axis, shape.length));
  const axes = listed ?? shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  const wrong = axes.find((axis) => shape[axis] !== 1);
  if (wrong !== undefined) return node.fail(`axis ${wrong} has size ${showSize(shape[wrong] as Size)}, expected 1`);
  if (given.kind === "stack" && given.parts.length > 1) {
    const before = axes.filter((axis) => axis < given.axis).length;
    const own = axes.map((axis) => (axis > given.axis ? axis - 1 : axis));
    return [
      onParts(given, given.axis - before, (part) =>
        reshape(
          part,
          part.type.shape.filter((_, i) => !own.includes(i)),
        ),
      ),
    ];
  }
  return [
    reshaped(
      given,
      shape.flatMap((size, axis) => (axes.includes(axis) ? [] : [keptAxis(given, axis, size)])),
      importing,
    ),
  ];
};

/** The sizes that an axis of a value consists of. */
const keptAxis = (given: Imported, axis: number, size: Size): Shape =>
  given.kind === "computed" ? (axesOf(given)[axis] as Shape) : axisOf(size);

const unsqueezed: Importer = (node, importing) => {
  const given = node.input(0);
  const shape = importing.shapeOf(given);
  const listed = numbersIn(node, 1, "axes", importing) ?? node.fail("axes is missing");
  const rank = shape.length + listed.length;
  const axes = listed.map((axis) => axisIn(node, axis, rank));
  if (new Set(axes).size < axes.length) return node.fail(`axes [${listed.join(", ")}] has duplicates`);
  const kept = shape.map((size, axis) => keptAxis(given, axis, size));
  const all: Shape[] = [];
  for (let axis = 0; axis < rank; axis++) all.push(axes.includes(axis) ? [1] : (kept.shift() as Shape));
  if (given.kind === "stack") {
    const places = all.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const at = places[given.axis] as number;
    const own = all.flatMap((axis, i) => (i === at ? [] : axis));
    return [onParts(given, at, (part) => reshape(part, own))];
  }
  return [reshaped(given, all, importing)];
};

/** The named sizes of axes, in order, and the product of the fixed sizes. */
function contents(axes: readonly Shape[]): { readonly names: readonly string[]; readonly known: number } {
  const flat = axes.flat();
  const numbers = flat.filter((dim) => typeof dim === "number");
  return { names: flat.filter((dim) => typeof dim === "string"), known: numbers.reduce((a, b) => a * b, 1) };
}

/** The axes of the shape `to`, each with its names in the order of the elements; `undefined` if the elements differ. */
function regrouped(from: readonly Shape[], to: readonly Size[]): readonly Shape[] | undefined {
  const { names, known } = contents(from);
  let next = 0;
  let product = 1;
  const axes: Shape[] = [];
  for (const size of to) {
    const factors = factorsOf(size);
    if (factors === undefined || !(factors.factor > 0)) return undefined;
    const taken = names.slice(next, next + factors.names.length);
    if ([...taken].sort().join() !== factors.names.join()) return undefined;
    next += taken.length;
    product *= factors.factor;
    axes.push(factors.factor === 1 && taken.length > 0 ? taken : [...taken, factors.factor]);
  }
  return next === names.length && product === known ? axes : undefined;
}

/** The shape that `Reshape` requests: 0 copies the size of the same axis, and -1 is inferred. */
function resolved(
  node: OnnxNode,
  from: readonly Size[],
  asked: readonly Size[],
  keepsZero: boolean,
): readonly Size[] | undefined {
  const copied = asked.map((size, axis) =>
    size === 0 && !keepsZero ? (from[axis] ?? node.fail(`there is no axis ${axis} to copy`)) : size,
  );
  const open = copied.indexOf(-1);
  if (open < 0) return copied;
  if (copied.lastIndexOf(-1) !== open) return node.fail("shape has more than one -1");
  const whole = product(from);
  const others = product(copied.filter((_, i) => i !== open));
  const rest = whole === undefined || others === undefined ? undefined : divideSizes(whole, others);
  if (rest === undefined || (typeof whole === "number" && typeof others === "number" && whole % others !== 0))
    return undefined;
  return copied.map((size, i) => (i === open ? rest : size));
}

const product = (sizes: readonly Size[]): Size | undefined =>
  sizes.reduce<Size | undefined>((a, b) => (a === undefined ? undefined : multiplySizes(a, b)), 1);

const show = (sizes: readonly Size[]): string => `[${sizes.map(showSize).join(", ")}]`;

/** The same elements in another shape. If dynamic sizes prevent this, those that are fixed in the file become fixed again. */
function toShape(
  node: OnnxNode,
  given: Imported,
  asked: readonly Size[],
  keepsZero: boolean,
  importing: Importing,
): Imported {
  const shape = importing.shapeOf(given);
  const to = resolved(node, shape, asked, keepsZero);
  const axes = given.kind === "computed" ? axesOf(given) : shape.map(axisOf);
  const result = to && regrouped(axes, to);
  if (result) return reshaped(given, result, importing);
  if (shape.length === asked.length)
    asked.forEach((size, i) => {
      const [own, wanted] = [dimOf(shape[i] as Size), dimOf(size)];
      const isSize = own !== undefined && wanted !== undefined && wanted !== -1 && wanted !== 0;
      if (isSize && own !== 1 && wanted !== 1) importing.same(own, wanted);
    });
  for (const dim of axes.flat()) importing.close(dim);
  return node.fail(
    `cannot reshape ${show(shape)} to ${show(asked)}: named sizes must keep their order and cannot be divided. If the exporter fixed a size that should be dynamic, export again with dynamo=False, or with dynamic sizes`,
  );
}

const reshapeTo: Importer = (node, importing) => {
  const asked = listOf(node, 1, "shape", importing) ?? node.fail("shape is missing");
  return [toShape(node, node.input(0), asked, node.int("allowzero") === 1, importing)];
};

const flatten: Importer = (node, importing) => {
  const given = node.input(0);
  const shape = importing.shapeOf(given);
  const at = node.int("axis") ?? 1;
  const axis = at < 0 ? at + shape.length : at;
  const sides = [shape.slice(0, axis), shape.slice(axis)].map(
    (side) => product(side) ?? node.fail("the product of sizes is too long"),
  );
  return [toShape(node, given, sides, true, importing)];
};

const expand: Importer = (node, importing) => {
  const given = node.input(0);
  const asked = listOf(node, 1, "shape", importing) ?? node.fail("shape is missing");
  const known = plainNumbers(given, importing);
  if (known && known.numbers !== "float" && asked.every((size) => typeof size === "number")) {
    const shape = commonShape([known, host("int", asked, [])]);
    return [rearranged(known, shape, (index) => index)];
  }
  const { values, axes } = together([given], importing, asked.map(axisOf));
  return [fromAxes(values[0] as Value, axes)];
};

const tile: Importer = (node, importing) => {
  const given = node.input(0);
  const repeats = numbersIn(node, 1, "repeats", importing) ?? node.fail("repeats is missing");
  const known = plainNumbers(given, importing);
  if (known) {
    const shape = known.shape.map((size, axis) => size * (repeats[axis] ?? 1));
    return [rearranged(known, shape, (index) => index.map((at, axis) => at % (known.shape[axis] as number)))];
  }
  let value = importing.value(given);
  for (const [axis, count] of repeats.entries()) {
    if (!(count > 0) || count > MOST_REPEATS)
      return node.fail(`axis ${axis} is repeated ${count} times; the supported range is 1 to ${MOST_REPEATS}`);
    const size = value.type.shape[axis];
    if (count > 1 && typeof size !== "number") return node.fail(`axis ${axis} has the dynamic size ${size}`);
    value = concat(new Array<Value>(count).fill(value), axis);
  }
  return [computed(value)];
};

const padded: Importer = (node, importing) => {
  const mode = node.string("mode") ?? "constant";
  if (mode !== "constant") return node.fail(`the mode "${mode}" is not supported`);
  const fill = node.inputs[2] === undefined ? (node.float("value") ?? 0) : importing.known(node.inputs[2])?.data[0];
  if (fill !== 0) return node.fail("the padding value must be 0");
  let value = importing.value(node.input(0));
  const rank = value.type.shape.length;
  const pads = numbersIn(node, 1, "pads", importing) ?? node.fail("pads is missing");
  const axes =
    numbersIn(node, 3, "axes", importing)?.map((axis) => axisIn(node, axis, rank)) ?? value.type.shape.map((_, i) => i);
  for (const [i, axis] of axes.entries()) {
    const [before, after] = [pads[i], pads[i + axes.length]] as [number, number];
    if (before === 0 && after === 0) continue;
    const size = value.type.shape[axis];
    if (typeof size !== "number" || !(before >= 0 && after >= 0) || before + after > MOST_PADS)
      return node.fail(
        `it pads axis ${axis} of size ${size} by ${before} and ${after}; only fixed sizes can be padded, by at most ${MOST_PADS}`,
      );
    value = pad(value, axis, before, size + before + after);
  }
  return [computed(value)];
};

export const movementImporters: Importers = {
  Transpose: transposed,
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Reshape: reshapeTo,
  Flatten: flatten,
  Expand: expand,
  Tile: tile,
  Pad: padded,
};
