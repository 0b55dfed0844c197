/** Reads and validates the attributes of every op in an untrusted graph. */
import { ConfigError } from "../../errors.ts";
import {
  type Body,
  byElementwise,
  type Dim,
  type DType,
  type OpAttrs,
  type OpName,
  opNames,
  type Shape,
} from "../../ir/ops.ts";
import {
  byRecurrence,
  byRecurrenceGrad,
  factsOf,
  optionsOf,
  type RecurrenceName,
  type RecurrentActivation,
  type RecurrentActivationFunction,
  recurrentActivations,
} from "../../ir/recurrences.ts";
import { expectKeys, isRecord, type Json, shown } from "../options.ts";

/** The context in which a graph is read. */
export interface Surroundings {
  /** Resolves a named size. @throws ConfigError for a name that no feed has */
  size(name: string): Dim;
  /** Reads the body of a structured op. */
  body(given: unknown): Body;
}

/** Reads `given`; errors call it `what`. */
type Reader<T> = (given: unknown, what: string, around: Surroundings) => T;
/** An attribute is omitted if its reader returns undefined. */
type Readers<A> = { readonly [K in keyof A]-?: Reader<A[K] | undefined> };

/** The limits of sizes, numbers of axes and lists. */
const LARGEST_SIZE = 2 ** 31 - 1;
const MOST_AXES = 16;

function wrong(what: string, expected: string, given: unknown): ConfigError {
  return new ConfigError(`${what} must be ${expected}, got ${shown(given)}`);
}

const whole =
  (least: number): Reader<number> =>
  (given, what) => {
    if (!Number.isInteger(given) || (given as number) < least || (given as number) > LARGEST_SIZE)
      throw wrong(what, `an integer from ${least} to ${LARGEST_SIZE}`, given);
    return given as number;
  };

const size = whole(1);
const signed = whole(-LARGEST_SIZE);
const axis = whole(0);

const list =
  <T>(read: Reader<T>, most = MOST_AXES, hint = ""): Reader<readonly T[]> =>
  (given, what, around) => {
    if (!Array.isArray(given) || given.length > most) throw wrong(what, `a list of at most ${most}${hint}`, given);
    return given.map((item) => read(item, what, around));
  };

const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (given, what, around) =>
    given === undefined ? undefined : read(given, what, around);

const both =
  <T>(read: Reader<T>): Reader<readonly [T, T]> =>
  (given, what, around) => {
    if (!Array.isArray(given) || given.length !== 2) throw wrong(what, "a pair", given);
    return [read(given[0], what, around), read(given[1], what, around)];
  };

const oneOf =
  <const T extends string>(all: readonly T[]): Reader<T> =>
  (given, what) => {
    const found = all.find((one) => one === given);
    if (found === undefined) throw wrong(what, `one of ${all.join(", ")}`, given);
    return found;
  };

const truth: Reader<boolean> = (given, what) => {
  if (typeof given !== "boolean") throw wrong(what, "true or false", given);
  return given;
};

const text: Reader<string> = (given, what) => {
  if (typeof given !== "string" || given === "" || given.length > 1000 || given in Object.prototype)
    throw wrong(what, "a name of at most 1000 characters", given);
  return given;
};

const dim: Reader<Dim> = (given, what, around) =>
  typeof given === "string" ? around.size(given) : size(given, what, around);
const shape: Reader<Shape> = list(dim);
const axes = list(axis);
const body: Reader<Body> = (given, _, around) => around.body(given);
const dtypes: readonly DType[] = Object.keys({ float32: true, int32: true, bool: true } satisfies Record<
  DType,
  true
>) as DType[];

/** Numbers that JSON cannot represent, as strings. */
const specialNumbers: Readonly<Record<string, number>> = {
  "-0": -0,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** A number, or the string for a number that JSON cannot represent. */
export function numberToJson(value: number): Json {
  if (Object.is(value, -0)) return "-0";
  return Number.isFinite(value) ? value : String(value);
}

const number: Reader<number> = (given, what) => {
  if (typeof given === "number" && Number.isFinite(given)) return given;
  const special = typeof given === "string" && Object.hasOwn(specialNumbers, given) ? specialNumbers[given] : undefined;
  if (special === undefined) throw wrong(what, `a number, or one of ${Object.keys(specialNumbers).join(", ")}`, given);
  return special;
};

/** The maximum number of elements of all constants in a graph; larger data must be a parameter. */
export const MOST_NUMBERS = 2 ** 16;

/** A function by name, with all of its parameters. */
const activation: Reader<RecurrentActivation> = (given, what, around) => {
  const names = Object.keys(recurrentActivations) as RecurrentActivationFunction[];
  const name = oneOf(names)(isRecord(given) ? given.name : given, what, around);
  const parameters = Object.keys(recurrentActivations[name]);
  if (!isRecord(given) && parameters.length === 0) return name as RecurrentActivation;
  if (!isRecord(given) || Object.keys(given).sort().join() !== [...parameters, "name"].sort().join())
    throw wrong(what, `${name} with ${parameters.join(" and ") || "no parameters"}`, given);
  const read = parameters.map((parameter) => [parameter, number(given[parameter], what, around)] as const);
  return { name, ...Object.fromEntries(read) } as RecurrentActivation;
};

function recurrenceReaders(name: RecurrenceName) {
  const { activations: byDefault, flags } = factsOf(name);
  // A mask on the state is only used in training.
  const possible = optionsOf(name).filter((option) => option !== "recurrentMask");
  return {
    hiddenSize: size,
    direction: oneOf(["forward", "reverse"]),
    activations: ((given, what, around) => {
      const read = list(activation)(given, what, around);
      if (read.length !== byDefault.length) throw wrong(what, `${byDefault.length} activations`, given);
      return read;
    }) satisfies Reader<readonly RecurrentActivation[]>,
    clip: ((given, what) => {
      if (given === undefined) return undefined;
      if (typeof given !== "number" || !(given > 0 && given < Number.POSITIVE_INFINITY))
        throw wrong(what, "a positive number", given);
      return given;
    }) satisfies Reader<number | undefined>,
    options: ((given, what, around) => {
      const read = list(oneOf(possible))(given, what, around);
      if (read.join() !== possible.filter((option) => read.includes(option)).join())
        throw wrong(what, `a subset of ${possible.join(", ")}, in this order`, given);
      return read;
    }) satisfies Reader<readonly (typeof possible)[number][]>,
    ...Object.fromEntries(Object.keys(flags).map((flag) => [flag, truth])),
  };
}

/** For each op, the readers of its attributes; null for ops that are not used in inference. A new op does not compile without an entry. */
const readers: { readonly [O in OpName]: Readers<OpAttrs[O]> | null } = {
  input: { name: text, kind: oneOf(["feed", "state", "parameter"]), dtype: oneOf(dtypes), shape },
  constant: {
    dtype: oneOf(dtypes),
    shape: list(size),
    data: list(number, MOST_NUMBERS, " numbers; use a parameter for more"),
  },
  iota: { dim },
  // If the size is known here, it becomes a constant.
  size: { dim: text },
  dropoutMask: null,
  normalNoise: null,
  ...byElementwise(() => ({})),
  cast: { dtype: oneOf(dtypes) },
  select: {},
  dot: { contract: both(axes), batch: both(axes) },
  sum: { axes },
  max: { axes },
  argMax: { axis },
  topK: { k: size },
  reshape: { shape },
  transpose: { permutation: axes },
  broadcast: { shape, axes },
  concat: { axis },
  slice: { axis, start: signed, size },
  pad: { axis, start: signed, dim },
  reverse: { axis },
  gather: {},
  scatterAdd: { rows: dim },
  reverseSequence: {},
  softmax: {},
  logSoftmax: {},
  logSumExp: { axes },
  softmaxCrossentropy: null,
  softmaxCrossentropyGrad: null,
  sequenceMask: { time: dim },
  sequenceLengths: {},
  biasedDot: null,
  gatheredDot: null,
  fused: null,
  ...(byRecurrence(recurrenceReaders) as unknown as { readonly [R in RecurrenceName]: Readers<OpAttrs[R]> }),
  ...byRecurrenceGrad(() => null),
  scan: { body, carries: axis, sequences: size, reverse: truth },
  treeRecur: { body, states: size, sequences: size, arity: optional(size) },
  treeRecurGrad: null,
};

/** The ops that a graph may have. */
const known = opNames.filter((op) => readers[op] !== null);

/** The name of an op. @throws ConfigError for unknown ops, and for ops that are not used in inference */
export function readOp(given: unknown): OpName {
  const op = known.find((name) => name === given);
  if (op !== undefined) return op;
  const trained = opNames.some((name) => name === given);
  throw new ConfigError(`the op ${shown(given)} is ${trained ? "only used in training" : "unknown"}`);
}

/** The attributes of an op. @throws ConfigError that names the attribute */
export function readAttrs<O extends OpName>(op: O, given: unknown, around: Surroundings): OpAttrs[O] {
  const rows = readers[op] as Readonly<Record<string, Reader<unknown>>>;
  if (!isRecord(given)) throw new ConfigError(`its attributes must be an object, got ${shown(given)}`);
  expectKeys("its attributes", given, Object.keys(rows));
  const read = Object.entries(rows).map(
    ([name, reader]) => [name, reader(Object.hasOwn(given, name) ? given[name] : undefined, name, around)] as const,
  );
  return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as unknown as OpAttrs[O];
}
