/** Importers of element-wise operators with ONNX's broadcasting. Operations on known numbers are evaluated while the file is read. */
import {
  abs,
  and,
  cast,
  type DType,
  div,
  equal,
  exp,
  less,
  log,
  neg,
  not,
  pow,
  relu,
  select,
  sigmoid,
  sign,
  softplus,
  sqrt,
  tanh,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import { add, maximum, minimum, mul, sub } from "@ostinato/core/graph";
import { filledWith, fromAxes, together } from "./broadcasting.ts";
import { eachNumber } from "./host.ts";
import type { Imported, NumberKind } from "./imported.ts";
import type { Importer, Importers, Importing } from "./importing.ts";
import { plainNumbers } from "./movement.ts";
import { keptStates } from "./recurrent/kept.ts";
import { converted } from "./shapes.ts";
import { addSizes, compareSizes, divideSizes, multiplySizes, type Size, subtractSizes } from "./sizes.ts";

/** An operator on known numbers; `undefined` if the result depends on named sizes. */
type OnNumbers = (...numbers: Size[]) => Size | undefined;

/** An operator on values of the same shape and type. */
type OnValues = (...values: Value[]) => Value;

interface Elementwise {
  /** Absent if the operator is only supported on known numbers. */
  readonly values?: OnValues;
  /** Absent if known numbers become constants. */
  readonly numbers?: OnNumbers;
  /** The output type. Absent if it is that of the input. */
  readonly result?: NumberKind;
  /** The minimum and maximum number of inputs. Default: 1. */
  readonly operands?: readonly [least: number, most: number];
}

/** An operator that is only supported on known numbers. */
const plain =
  (compute: (...numbers: number[]) => number): OnNumbers =>
  (...given) =>
    given.every((each) => typeof each === "number") ? compute(...given) : undefined;

const kindOf = (imported: Imported): NumberKind => {
  if (imported.kind === "host" || imported.kind === "stored") return imported.numbers;
  const { dtype } = imported.kind === "stack" ? (imported.parts[0] as Value).type : imported.value.type;
  return ({ float32: "float", int32: "int", bool: "bool" } satisfies Record<DType, NumberKind>)[dtype] as NumberKind;
};

/** Applies an operator to inputs of any kind. */
export function onElements(
  inputs: readonly Imported[],
  importing: Importing,
  { values: compute, numbers, result }: Pick<Elementwise, "values" | "numbers" | "result">,
): Imported {
  const hosts = inputs.map((each) => plainNumbers(each, importing));
  if (numbers && hosts.every((each) => each !== undefined)) {
    const kind = result ?? kindOf(inputs.at(-1) as Imported);
    const computed = eachNumber(hosts, kind, (...given) => {
      const number = numbers(...given);
      return typeof number === "number" && kind === "float" ? Math.fround(number) : number;
    });
    if (computed) return computed;
  }
  if (compute === undefined) throw new UnsupportedOpError("it is only supported on constants");
  const { values, axes } = together(inputs, importing);
  return fromAxes(compute(...values), axes);
}

const element =
  (entry: Elementwise): Importer =>
  (node, importing) => {
    const [least, most] = entry.operands ?? [1, 1];
    const count = node.inputs.length;
    if (count < least || count > most) return node.fail(`it has ${count} inputs, and takes ${least} to ${most}`);
    const inputs = node.inputs.map((_, i) => node.input(i));
    return [onElements(inputs, importing, entry)];
  };

const two = [2, 2] as const;

/** The maximum number of operands of a sum. */
const MOST_OPERANDS = 1024;

/** A comparison, by the orderings for which it holds. */
const comparison = (values: OnValues, ...orders: readonly (-1 | 0 | 1 | undefined)[]): Elementwise => ({
  operands: two,
  result: "bool",
  values,
  numbers: (a, b) => {
    const order = compareSizes(a as Size, b as Size);
    return order === undefined ? undefined : Number(orders.includes(order));
  },
});

/** An operator with any number of operands, applied pairwise. */
const folded = (
  values: (a: Value, b: Value) => Value,
  numbers: (a: Size, b: Size) => Size | undefined,
): Elementwise => ({
  operands: [1, MOST_OPERANDS],
  values: (...given) => given.reduce((a, b) => values(a, b)),
  numbers: (...given) =>
    given.reduce<Size | undefined>((a, b, i) => (i === 0 ? b : a === undefined ? undefined : numbers(a, b)), undefined),
});

/** The one of two sizes that has the given order relative to the other. */
const chosen =
  (wanted: -1 | 1) =>
  (a: Size, b: Size): Size | undefined => {
    const order = compareSizes(a, b);
    return order === undefined ? undefined : order === wanted ? a : b;
  };

/** An operator with one operand, on values and on numbers. */
const one = (values: (x: Value) => Value, numbers?: (x: number) => number, result?: NumberKind): Elementwise => ({
  values: (x) => values(x as Value),
  ...(numbers ? { numbers: plain(numbers) } : {}),
  ...(result ? { result } : {}),
});

const binary = (values: (a: Value, b: Value) => Value, numbers: OnNumbers, result?: NumberKind): Elementwise => ({
  operands: two,
  values: (a, b) => values(a as Value, b as Value),
  numbers,
  ...(result ? { result } : {}),
});

const divisions: { readonly float: Elementwise; readonly int: Elementwise } = {
  float: binary(
    div,
    plain((a, b) => a / b),
  ),
  // Quotients of integers up to 2²⁴ are exact.
  int: binary(
    (a, b) => cast(div(cast(a, "float32"), cast(b, "float32")), "int32"),
    (a, b) => divideSizes(a as Size, b as Size),
  ),
};

/** The largest integer that is not larger. */
function floor(x: Value): Value {
  const towardsZero = cast(cast(x, "int32"), "float32");
  return sub(towardsZero, cast(less(x, towardsZero), "float32"));
}

const or = (a: Value, b: Value): Value => not(and(not(a), not(b)));

const table: Readonly<Record<string, Elementwise>> = {
  Add: binary(add, (a, b) => addSizes(a as Size, b as Size)),
  Sub: binary(sub, (a, b) => subtractSizes(a as Size, b as Size)),
  Mul: binary(mul, (a, b) => multiplySizes(a as Size, b as Size)),
  Pow: binary(
    power,
    plain((a, b) => a ** b),
  ),
  Max: folded(maximum, chosen(1)),
  Min: folded(minimum, chosen(-1)),
  Sum: folded(add, addSizes),
  Mean: {
    operands: [1, MOST_OPERANDS],
    values: (...given) =>
      div(
        given.reduce((a, b) => add(a, b)),
        given.length,
      ),
  },

  Neg: one(neg, (x) => -x),
  Abs: one(abs, Math.abs),
  Sign: one(sign, Math.sign),
  Reciprocal: one(
    (x) => div(1, x),
    (x) => 1 / x,
  ),
  Exp: one(exp, Math.exp),
  Log: one(log, Math.log),
  Sqrt: one(sqrt, Math.sqrt),
  Floor: one(floor, Math.floor),
  Ceil: one((x) => neg(floor(neg(x))), Math.ceil),
  Tanh: one(tanh),
  Sigmoid: one(sigmoid),
  Relu: one(relu),
  Softplus: one(softplus),
  Softsign: one((x) => div(x, add(abs(x), 1))),

  Less: comparison((a, b) => less(a as Value, b as Value), -1),
  LessOrEqual: comparison((a, b) => or(less(a as Value, b as Value), equal(a as Value, b as Value)), -1, 0),
  Greater: comparison((a, b) => less(b as Value, a as Value), 1),
  GreaterOrEqual: comparison((a, b) => or(less(b as Value, a as Value), equal(a as Value, b as Value)), 0, 1),
  Equal: {
    ...comparison((a, b) => same(a as Value, b as Value)),
    numbers: (a, b) => equalSizes(a as Size, b as Size),
  },
  IsNaN: one(
    (x) => not(equal(x, x)),
    (x) => Number(Number.isNaN(x)),
    "bool",
  ),
  Not: one(not, (x) => 1 - x, "bool"),
  And: binary(
    and,
    plain((a, b) => a * b),
    "bool",
  ),
  Or: binary(
    or,
    plain((a, b) => Math.max(a, b)),
    "bool",
  ),
  Xor: binary(
    (a, b) => not(same(a, b)),
    plain((a, b) => (a === b ? 0 : 1)),
    "bool",
  ),
  Where: {
    operands: [3, 3],
    values: (condition, a, b) => select(condition as Value, a as Value, b as Value),
    numbers: (condition, a, b) => (typeof condition === "number" ? (condition === 0 ? b : a) : undefined),
  },
};

/** Whether two sizes are equal; `undefined` if that is unknown. */
function equalSizes(a: Size, b: Size): number | undefined {
  const order = compareSizes(a, b);
  return order === undefined ? undefined : Number(order === 0);
}

/** Equality of numbers or booleans. */
function same(a: Value, b: Value): Value {
  return a.type.dtype === "bool" ? equal(cast(a, "int32"), cast(b, "int32")) : equal(a, b);
}

/** Squares are written as products, which are exact for negative numbers and have a gradient there. */
function power(base: Value, exponent: Value): Value {
  const wanted = filledWith(exponent);
  const exact = cast(exponent, "float32");
  if (base.type.dtype === "int32") return cast(power(cast(base, "float32"), exact), "int32");
  if (wanted === 2) return mul(base, base);
  if (wanted === 3) return mul(mul(base, base), base);
  if (wanted === 1) return base;
  return wanted === 0.5 ? sqrt(base) : pow(base, exact);
}

const elements = Object.fromEntries(Object.entries(table).map(([operator, entry]) => [operator, element(entry)]));

export const elementwiseImporters: Importers = {
  ...elements,
  Where: (node, importing) => {
    const kept = keptStates(node, importing);
    return kept ? [kept] : (elements.Where as Importer)(node, importing);
  },
  Div: (node, importing) => element(divisions[kindOf(node.input(0)) === "int" ? "int" : "float"])(node, importing),
  Mod: (node, importing) => {
    if ((node.int("fmod") ?? 0) !== 0) return node.fail("fmod = 1 is not supported");
    return element({ operands: two, numbers: plain((a, b) => a - b * Math.floor(a / b)) })(node, importing);
  },
  Identity: (node) => [node.input(0)],
  CastLike: (node, importing) => [converted(node.input(0), kindOf(node.input(1)), importing)],
};
