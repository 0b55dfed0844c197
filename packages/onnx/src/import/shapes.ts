/** Importers of operators that create numbers, and of those on shapes, which are evaluated while the file is read. */
import { cast, iota, type Shape, UnsupportedOpError } from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { asComputed, axesOf, fromAxes, together } from "./broadcasting.ts";
import { computed, type Host, host, hostVector, type Imported, type NumberKind, type Stored } from "./imported.ts";
import { dtypeOf, expectFew, type Importer, type Importers, type Importing } from "./importing.ts";
import type { OnnxNode } from "./node.ts";
import { dimOf, factorsOf, multiplySizes, type Size, showSize, subtractSizes } from "./sizes.ts";
import { numbersOf } from "./tensors.ts";

/** A list of integers from an input or an attribute; `undefined` if both are absent. */
export function listOf(node: OnnxNode, index: number, name: string, importing: Importing): readonly Size[] | undefined {
  const given = node.inputs[index];
  if (given === undefined) return node.ints(name);
  const known = importing.known(given);
  if (known === undefined) return node.fail(`its input ${index} (${name}) must be constant`);
  if (known.numbers !== "int") return node.fail(`its input ${index} (${name}) must be integers`);
  return known.data;
}

/** A list of numbers without named sizes. */
export function numbersIn(
  node: OnnxNode,
  index: number,
  name: string,
  importing: Importing,
): readonly number[] | undefined {
  return listOf(node, index, name, importing)?.map((entry) =>
    typeof entry === "number" ? entry : node.fail(`${name} must be numbers, got ${showSize(entry)}`),
  );
}

/** An axis that may be negative. */
export function axisIn(node: OnnxNode, axis: number, rank: number): number {
  const from = axis < 0 ? axis + rank : axis;
  return Number.isInteger(from) && from >= 0 && from < rank
    ? from
    : node.fail(`axis ${axis} is out of range for ${rank} axes`);
}

/** The components of an axis of this size: a name, a number, or the factors of a product. */
export function axisOf(size: Size): Shape {
  const dim = dimOf(size);
  if (dim !== undefined) {
    if (typeof dim === "number" && !(Number.isSafeInteger(dim) && dim > 0))
      throw new UnsupportedOpError(`an axis would have size ${dim}`);
    return [dim];
  }
  const factors = factorsOf(size);
  if (factors === undefined || factors.factor < 1)
    throw new UnsupportedOpError(`an axis would have size ${showSize(size)}, which is not a product of sizes`);
  return factors.factor === 1 ? factors.names : [...factors.names, factors.factor];
}

const shape: Importer = (node, importing) => {
  const sizes = importing.shapeOf(node.input(0));
  return [hostVector(sizes.slice(node.int("start") ?? 0, node.int("end")))];
};

const size: Importer = (node, importing) => {
  const product = importing
    .shapeOf(node.input(0))
    .reduce<Size | undefined>((a, b) => (a === undefined ? a : multiplySizes(a, b)), 1);
  return [product === undefined ? node.fail("the product of sizes is too long") : host("int", [], [product])];
};

/** The value attributes of `Constant` other than a tensor. */
function constantOf(node: OnnxNode): Imported | undefined {
  const float = node.float("value_float");
  if (float !== undefined) return host("float", [], [float]);
  const int = node.int("value_int");
  if (int !== undefined) return host("int", [], [int]);
  const floats = node.floats("value_floats");
  const list = floats ?? node.ints("value_ints");
  if (list === undefined) return undefined;
  return storedList(node, floats ? "float" : "int", list);
}

function storedList(node: OnnxNode, numbers: NumberKind, list: readonly number[]): Stored {
  const data = numbers === "float" ? Float32Array.from(list) : Float64Array.from(list);
  return { kind: "stored", name: node.outputs[0] ?? "", numbers, shape: [list.length], data, trained: false };
}

/** Fills a shape, which may have named sizes, with one number. */
function filled(numbers: NumberKind, number: number, sizes: readonly Size[], importing: Importing): Imported {
  const known = sizes.filter((entry) => typeof entry === "number");
  if (known.length === sizes.length && numbers !== "float") {
    const count = known.reduce((a, b) => a * b, 1);
    expectFew(count);
    return host(numbers, known, new Array<number>(count).fill(number));
  }
  const { values, axes } = together([host(numbers, [], [number])], importing, sizes.map(axisOf));
  return fromAxes(values[0] as NonNullable<(typeof values)[0]>, axes);
}

const constantOfShape: Importer = (node, importing) => {
  const sizes = listOf(node, 0, "shape", importing) ?? node.fail("shape is missing");
  const value = node.tensor("value");
  return [filled(value?.numbers ?? "float", value?.data[0] ?? 0, sizes, importing)];
};

const range: Importer = (node, importing) => {
  const given = [0, 1, 2].map(
    (i) => importing.known(node.input(i)) ?? node.fail("start, limit and delta must be constant"),
  );
  const [start, limit, step] = given.map(
    ({ data }) => data[0] ?? node.fail("start, limit and delta must be numbers"),
  ) as [Size, Size, Size];
  if (typeof start === "number" && typeof limit === "number" && typeof step === "number") {
    const count = Math.max(0, Math.ceil((limit - start) / step));
    if (!Number.isFinite(count)) return node.fail("the range is not finite");
    expectFew(count);
    return [
      host(
        (given[0] as Host).numbers,
        [count],
        Array.from({ length: count }, (_, i) => start + i * step),
      ),
    ];
  }
  return [openRange(node, start, limit, step)];
};

/** start, start + 1, …; the number of elements is a named size. */
function openRange(node: OnnxNode, start: Size, limit: Size, step: Size): Imported {
  const count = step === 1 ? subtractSizes(limit, start) : undefined;
  const dim = count === undefined ? undefined : dimOf(count);
  if (dim === undefined || typeof start !== "number")
    return node.fail(
      `the range from ${showSize(start)} to ${showSize(limit)} by ${showSize(step)} has an unsupported number of elements`,
    );
  return computed(start === 0 ? iota(dim) : add(iota(dim), start));
}

/** Converts between kinds of numbers. */
const conversions: { readonly [N in NumberKind]: (number: number) => number } = {
  float: Math.fround,
  int: Math.trunc,
  bool: (number) => (number === 0 ? 0 : 1),
};

/** The same numbers as another kind. */
export function converted(given: Imported, numbers: NumberKind, importing: Importing): Imported {
  if (given.kind !== "computed" && given.kind !== "stack") {
    if (given.numbers === numbers) return given;
    const known = importing.isParameter(given) ? undefined : importing.known(given);
    const isPlain = known?.data.every((entry) => typeof entry === "number" || numbers === "int");
    if (known && isPlain)
      return {
        ...known,
        numbers,
        data: known.data.map((entry) => (typeof entry === "number" ? conversions[numbers](entry) : entry)),
      };
  }
  const computed = asComputed(given, importing);
  return fromAxes(cast(computed.value, dtypeOf(numbers)), axesOf(computed));
}

const castTo: Importer = (node, importing) => {
  // Only for float8.
  node.int("saturate");
  return [converted(node.input(0), numbersOf(node.int("to"), "the target type"), importing)];
};

export const shapeImporters: Importers = {
  Shape: shape,
  Size: size,
  Constant: (node) => [node.tensor("value") ?? constantOf(node) ?? node.fail("it has no supported value")],
  ConstantOfShape: constantOfShape,
  Range: range,
  Cast: castTo,
};
