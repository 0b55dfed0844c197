/** What every backend makes of zeros, infinities, NaN, subnormal and huge numbers, in floats and in whole numbers: each of them, and all pairs. */
import {
  apply1,
  byElementwise,
  cast,
  constant,
  equal,
  feed,
  float32,
  float64,
  gradients,
  int32,
  log,
  logSoftmax,
  logSumExp,
  max,
  pow,
  select,
  softmax,
  sqrt,
  sum,
  type Tensor,
  type Tensors,
  topK,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { evaluate } from "../reference/evaluate.ts";
import { graphOf, type SuiteTest, withExecutable } from "./suiteTest.ts";

const elementwiseOps = Object.values(byElementwise((op, facts) => ({ op, ...facts })));

/** The smallest normal number of float32: what lies between it and 0 a processor may take for 0. */
const SMALLEST = 2 ** -126;

const floats = [
  ...[0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...[1e-45, -1e-45, 1e-40, -1e-40, 2e-38, -2e-38, 1e-7, -1e-7],
  ...[0.5, -0.5, 1, -1, 2, -2, 3, -3, 9.5, -9.5, 50, -50, 88, -88, 90, -90, 104, -104, 750, -750],
  ...[1e6, -1e6, 1e8, -1e8, 3e19, -3e19, 3e38, -3e38],
].map(Math.fround);

const wholes = [0, 1, -1, 2, 3, -7, 46341, 65536, -65537, 1000003, 2 ** 30, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];

/** All ordered pairs, as two lists. */
function pairs(numbers: readonly number[]): readonly [number[], number[]] {
  return [numbers.flatMap((a) => numbers.map(() => a)), numbers.flatMap(() => numbers)];
}

/** All pairs but those on which JavaScript and C differ: 1 to the power of NaN or infinity, NaN in one and 1 in the other. */
function powers(numbers: readonly number[]): readonly [number[], number[]] {
  const [a, b] = pairs(numbers);
  const agreed = a.map((base, i) => Math.abs(base) !== 1 || Number.isFinite(b[i]));
  return [a.filter((_, i) => agreed[i]), b.filter((_, i) => agreed[i])];
}

type Agrees = (actual: number, expected: number) => boolean;

/** In single precision: finite numbers closely, infinities and NaN exactly; 0 may have either sign. */
const fits: Agrees = (actual, expected) => {
  const [given, wanted] = [Math.fround(actual), Math.fround(expected)];
  if (!Number.isFinite(wanted)) return Object.is(given, wanted);
  return Math.abs(given - wanted) <= SMALLEST + 2e-6 * Math.abs(wanted);
};

/** As `fits`, after sums in single precision. */
const nearlyFits: Agrees = (actual, expected) => fits(actual, expected) || Math.abs(actual - expected) <= 1e-7;

/** Where the result is 0, its sign. */
const zeroFits: Agrees = (actual, expected) => expected !== 0 || Object.is(Math.fround(actual), expected);

function shown(x: number): string {
  return Object.is(x, -0) ? "-0" : String(x);
}

/** A graph on such numbers, and when an element of its results is right. */
export interface NumberTrial {
  /** `special numbers`, `signed zeros` or `whole numbers`, then `> op`. */
  readonly name: string;
  readonly fetches: Readonly<Record<string, Value>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly agrees: Agrees;
  /** What is right where the reference is not to be asked: one number a fetch. */
  readonly expected?: Readonly<Record<string, number>>;
}

/** What of `actual` is wrong, element by element. */
export function wrongNumbers({ fetches, feeds, agrees, expected }: NumberTrial, actual: Tensors): string[] {
  const right: Tensors = expected
    ? Object.fromEntries(Object.entries(expected).map(([name, number]) => [name, float64([], [number])]))
    : evaluate(graphOf({ fetches }), feeds).fetches;
  return Object.entries(right).flatMap(([name, { data }]) =>
    Array.from(data).flatMap((wanted, i) => {
      const given = actual[name].data[i];
      if (agrees(given, wanted)) return [];
      const operands = Object.values(feeds).map((operand) => shown(operand.data[i]));
      return [`${name}[${i}] (${operands.join(", ")}) is ${shown(given)}, not ${shown(wanted)}`];
    }),
  );
}

/** `op` on each of the numbers, or on all pairs of them. */
function sweep(
  name: string,
  { op, operands }: (typeof elementwiseOps)[number],
  dtype: "float32" | "int32",
  agrees: Agrees,
): NumberTrial {
  const numbers = dtype === "float32" ? floats : wholes;
  const [a, b] = op === "pow" ? powers(numbers) : pairs(numbers);
  const data = Object.entries<number[]>(operands === 2 ? { a, b } : { x: numbers });
  const tensor = dtype === "float32" ? float32 : int32;
  return {
    name: `${name} > ${op}`,
    fetches: {
      [op]: apply1(
        op,
        data.map(([name, own]) => feed(name, dtype, [own.length])),
        {},
      ),
    },
    feeds: Object.fromEntries(data.map(([name, own]) => [name, tensor([own.length], own)])),
    agrees,
  };
}

function castTrial(): NumberTrial {
  const within = floats.filter((number) => Math.abs(number) < 2 ** 31);
  const x = feed("x", "float32", [within.length]);
  return {
    name: "special numbers > cast",
    fetches: { int32: cast(x, "int32"), bool: cast(x, "bool") },
    feeds: { x: float32([within.length], within) },
    agrees: Object.is,
  };
}

/** What is not chosen must not show, whatever it is. */
function selectTrial(): NumberTrial {
  const x = feed("x", "float32", [floats.length]);
  return {
    name: "special numbers > select",
    fetches: { chosen: select(equal(x, x), x, 5) },
    feeds: { x: float32([floats.length], floats) },
    agrees: Object.is,
  };
}

/** Rows of three, among them those whose maximum is so large that adding to it loses digits. */
const rows = [
  ...[1e6, 1e8, 3e38, -1e8, -3e38].flatMap((size) => [size, size, size]),
  ...[1e8, 1e8 - 8, 1e8 - 16, 3e38, -3e38, 0, 1e-40, 0, -1e-40],
  ...[Number.NaN, 0, 1, 0, 1, Number.NaN, Number.NEGATIVE_INFINITY, 0, 1],
].map(Math.fround);

const alongRows: readonly (readonly [string, (x: Value) => Value])[] = [
  ["softmax", softmax],
  ["logSoftmax", logSoftmax],
  ["logSumExp", (x) => logSumExp(x, [1])],
  ["max", (x) => max(x, [1])],
  ["sum", (x) => sum(x, [1])],
];

function rowTrial([name, op]: (typeof alongRows)[number]): NumberTrial {
  const shape = [rows.length / 3, 3];
  return {
    name: `special numbers > ${name}, along rows`,
    fetches: { [name]: op(feed("x", "float32", shape)) },
    feeds: { x: float32(shape, rows) },
    agrees: nearlyFits,
  };
}

/** The order of all of them: 0 and -0 are equal, and stay what they are; NaN is last beside -∞. */
function orderTrial(): NumberTrial {
  const { values, indices } = topK(feed("x", "float32", [floats.length]), floats.length);
  return {
    name: "special numbers > topK",
    fetches: { values, indices },
    feeds: { x: float32([floats.length], floats) },
    agrees: Object.is,
  };
}

/** Sums of whole numbers wrap, as products and differences do. */
function wholeSumTrial(): NumberTrial {
  const [a, b] = pairs(wholes);
  const shape = [a.length, 2];
  const numbers = a.flatMap((first, i) => [first, b[i]]);
  return {
    name: "whole numbers > sum",
    fetches: { sum: sum(feed("k", "int32", shape), [1]) },
    feeds: { k: int32(shape, numbers) },
    agrees: Object.is,
  };
}

/** Expected gradients at places where a formula meets 0 · ∞, worked out by hand. */
const gradientCases: readonly {
  readonly name: string;
  readonly of: (a: Value, b: Value) => Value;
  readonly a: number;
  readonly b: number;
  readonly da: number;
  readonly db: number;
}[] = [
  { name: "0² by its base, and by its exponent", of: pow, a: 0, b: 2, da: 0, db: 0 },
  { name: "0⁰", of: pow, a: 0, b: 0, da: 0, db: 0 },
  { name: "0¹", of: pow, a: 0, b: 1, da: 1, db: 0 },
  { name: "0^½", of: pow, a: 0, b: 0.5, da: Number.POSITIVE_INFINITY, db: 0 },
  { name: "(-0)²", of: pow, a: -0, b: 2, da: 0, db: 0 },
  { name: "2³", of: pow, a: 2, b: 3, da: 12, db: 8 * Math.log(2) },
  { name: "2⁰", of: pow, a: 2, b: 0, da: 0, db: Math.log(2) },
  { name: "√ where it is left out", of: (a, b) => select(equal(a, 0), b, sqrt(a)), a: 0, b: 3, da: 0, db: 1 },
  { name: "log where it is left out", of: (a, b) => select(equal(a, 0), b, log(a)), a: 0, b: 3, da: 0, db: 1 },
  {
    name: "a quotient that is left out",
    of: (a, b) => select(equal(b, 0), a, apply1("div", [a, b], {})),
    ...{ a: 0, b: 0, da: 1, db: 0 },
  },
  {
    name: "an exponential that is left out",
    of: (a, b) => select(equal(b, 0), b, apply1("exp", [a], {})),
    ...{ a: 1000, b: 0, da: 0, db: 1 },
  },
  {
    name: "a power that is left out",
    of: (a, b) => select(equal(a, 0), b, pow(a, b)),
    ...{ a: 0, b: -1, da: 0, db: 1 },
  },
  { name: "|0|", of: (a) => apply1("abs", [a], {}), a: 0, b: 0, da: 0, db: 0 },
  { name: "the larger of equals", of: (a, b) => apply1("maximum", [a, b], {}), a: 1, b: 1, da: 1, db: 0 },
];

function gradientTrial({ name, of, a, b, da, db }: (typeof gradientCases)[number]): NumberTrial {
  const [first, second] = [feed("a", "float32", []), feed("b", "float32", [])];
  const value = of(first, second);
  const [dFirst, dSecond] = gradients([{ value, cotangent: constant(1) }], [first, second]);
  return {
    name: `special numbers > the gradient of ${name}`,
    // Both operands are read whatever is needed of them, so that each trial has the same feeds.
    fetches: { da: dFirst, db: dSecond, both: add(first, second) },
    feeds: { a: float32([], [a]), b: float32([], [b]) },
    agrees: fits,
    expected: { da, db },
  };
}

/** Signs of zeros are apart from the rest, because nothing but a division by zero shows them. */
export const numberTrials: readonly NumberTrial[] = [
  ...elementwiseOps.flatMap((op) => [
    sweep("special numbers", op, "float32", fits),
    sweep("signed zeros", op, "float32", zeroFits),
  ]),
  ...elementwiseOps
    .filter(({ dtypes }) => dtypes.includes("int32"))
    .map((op) => sweep("whole numbers", op, "int32", Object.is)),
  castTrial(),
  selectTrial(),
  orderTrial(),
  ...alongRows.map(rowTrial),
  wholeSumTrial(),
  ...gradientCases.map(gradientTrial),
];

/** The trials as tests. A backend that cannot pass one skips it by name and says why. */
export const specialNumberTests: readonly SuiteTest[] = numberTrials.map((trial) => ({
  name: trial.name,
  run: async (backend) =>
    withExecutable(backend, { graph: graphOf(trial) }, async (executable) => {
      const wrong = wrongNumbers(trial, await executable.run(trial.feeds));
      if (wrong.length > 0) throw new Error(`${wrong.length} are wrong: ${wrong.slice(0, 12).join("; ")}`);
    }),
}));
