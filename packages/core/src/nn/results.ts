/** What a layer of somebody's own asks for and gives, checked, so that a mistake in it is told by its name and not by what comes after. */
import { ConfigError, DTypeError, ShapeError } from "../errors.ts";
import {
  type AnyNode,
  type Dim,
  nodesOf,
  type Shape,
  sameShape,
  showShape,
  showType,
  type Value,
} from "../ir/value.ts";
import type { RandomStream } from "../random.ts";
import { holds, sizeOf } from "../tensor.ts";
import type { Initializer } from "./initializers.ts";
import { batchMajorShape, type Flow, isTimeFirst, type Kind, shapeOfKind } from "./kinds.ts";
import type { BuildContext, Carry, ParameterTraits } from "./layer.ts";
import { expectKeys, isName, isRecord, NAME_RULE, OptionReader, shown } from "./options.ts";

/** Whether it is a value of a graph. */
function isValue(data: unknown): data is Value {
  return isRecord(data) && isRecord(data.node) && isRecord(data.type) && Array.isArray(data.type.shape);
}

/** A value from a cell. @throws ConfigError, ShapeError that says which it is */
export function expectValue(what: string, given: unknown, shape: Shape | undefined): Value {
  if (!isValue(given)) throw new ConfigError(`${what} must be a value of a graph, got ${shown(given)}`);
  const { dtype, shape: own } = given.type;
  if (dtype !== "float32" || (shape && !sameShape(own, shape)))
    throw new ShapeError(`${what} must be float32${shape ? showShape(shape) : ""}, it is ${showType(given.type)}`);
  return given;
}

/** A context whose parameters, masks and noise are checked as they are asked for, and remembered. */
export interface WatchedContext {
  readonly context: BuildContext;
  /** The nodes of what was asked for. */
  readonly asked: ReadonlySet<AnyNode>;
}

/** The name of a parameter, a mask or noise; parts of it belong to layers inside. */
function expectPath(what: string, path: unknown): asserts path is string {
  if (typeof path !== "string" || !path.split("/").every(isName))
    throw new ConfigError(`the name of a ${what} must be ${NAME_RULE}, got ${shown(path)}`);
}

function checkedInitializer(
  name: string,
  shape: readonly number[],
  initialize: (stream: RandomStream) => Float32Array,
) {
  return (stream: RandomStream): Float32Array => {
    const data: unknown = initialize(stream);
    if (!holds("float32", data) || data.length !== sizeOf(shape) || !data.every(Number.isFinite))
      throw new ShapeError(
        `the parameter "${name}" must begin with a Float32Array of ${sizeOf(shape)} finite numbers for ${showShape(shape)}; its initializer gave ${shown(data)}`,
      );
    return data;
  };
}

function checkedNamed(name: string, shape: readonly number[], initializer: unknown): Initializer {
  const read = new OptionReader(`the parameter "${name}"`, { initializer }, ["initializer"]);
  return shape.length === 2 ? read.initializer("initializer") : read.vectorInitializer("initializer");
}

function checkedTraits(name: string, traits: unknown = {}): ParameterTraits {
  const read = new OptionReader(`the parameter "${name}"`, traits, ["trainable", "regularizer"]);
  return { trainable: read.boolean("trainable", true), regularizer: read.regularizer("regularizer") };
}

/** A carry whose states are checked. `keep` notes what the layer is given. */
function checkedCarry(carry: Carry, keep: (value: Value) => Value): Carry {
  const expectState = (what: string, given: unknown): void => {
    if (!isValue(given) || given.type.dtype !== "float32" || given.type.shape.length !== 2)
      throw new ShapeError(
        `${what} must be float32 [batch, size], got ${isValue(given) ? showType(given.type) : shown(given)}`,
      );
  };
  return {
    always: carry.always,
    begin(state, size, initial) {
      expectPath("state", state);
      if (!Number.isSafeInteger(size) || size < 1)
        throw new ConfigError(`the state "${state}" must have a size, a whole number from 1 on, got ${shown(size)}`);
      if (initial !== undefined) expectState(`the initial state "${state}"`, initial);
      return keep(carry.begin(state, size, initial));
    },
    end(state, value) {
      expectState(`the state "${state}" at the end`, value);
      carry.end(state, value);
    },
  };
}

/** @throws ConfigError, ShapeError that names the parameter, the mask, the noise or the state */
export function watched({ name, mask, noise, carry, parameter }: BuildContext): WatchedContext {
  const asked = new Set<AnyNode>();
  const counts = new Map<string, number>();
  const keep = (value: Value): Value => {
    asked.add(value.node);
    return value;
  };
  /** The part, told apart from those asked for before by a sign that no name has, so that it is no part of anybody's. */
  const nextPart = (what: string, part: string | undefined): string | undefined => {
    // What stands behind a "/" was named inside of a layer inside, and may have the sign already.
    if (part !== undefined) expectPath(what, typeof part === "string" ? part.split("/", 1)[0] : part);
    const key = `${what} ${part ?? ""}`;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return count === 0 ? part : `${part ?? ""}+${count}`;
  };
  const context: BuildContext = {
    name,
    ...(mask
      ? {
          mask(rate, shape, part) {
            if (!(typeof rate === "number" && rate >= 0 && rate < 1))
              throw new ConfigError(`the rate of a mask must be a number from 0 to below 1, got ${shown(rate)}`);
            return keep(mask(rate, shape, nextPart("mask", part)));
          },
        }
      : {}),
    ...(noise ? { noise: (shape, part) => keep(noise(shape, nextPart("noise", part))) } : {}),
    ...(carry ? { carry: checkedCarry(carry, keep) } : {}),
    parameter(suffix, shape, initializer, traits) {
      expectPath("parameter", suffix);
      const full = `${name}/${suffix}`;
      if (!Array.isArray(shape) || shape.some((size) => !Number.isSafeInteger(size) || size < 1))
        throw new ShapeError(
          `the parameter "${full}" must have a shape of whole numbers from 1 on, got ${shown(shape)}`,
        );
      const begin =
        typeof initializer === "function"
          ? checkedInitializer(full, shape, initializer)
          : checkedNamed(full, shape, initializer);
      return keep(parameter(suffix, [...shape], begin, checkedTraits(full, traits)));
    },
  };
  return { context, asked };
}

/**
 * Whether values come from what a layer was given and asked for, and from nothing else.
 *
 * @throws ConfigError that names what it reads besides
 */
export function expectOwn(values: readonly Value[], own: Iterable<AnyNode>): void {
  const known = new Set(own);
  for (const { op, attrs } of nodesOf(values, known)) {
    if (op === "input")
      throw new ConfigError(
        attrs.kind === "parameter"
          ? "build reads a value of one step outside of that step"
          : `build reads the ${attrs.kind} "${attrs.name}", which is not its own; it may read its inputs, and parameters that it asked its context for`,
      );
  }
}

/** How many axes the values of a kind have. */
const ranksOf: { readonly [K in Kind]: readonly number[] } = { ids: [2], sequence: [3], features: [2], scores: [3, 2] };

/** The axes of a flow that are time. */
const timesOf = ({ kind, values }: Flow): readonly Dim[] => {
  const shape = values.type.shape;
  return kind === "scores" ? shape.slice(1) : kind === "features" ? [] : shape.slice(0, 1);
};

/** One result against its kind and the inputs. */
function expectFlow(what: string, kind: Kind, given: unknown, inputs: readonly Flow[]): void {
  const wanted = `${kind} ${shapeOfKind[kind]}`;
  if (!isRecord(given) || !isValue(given.values))
    throw new ConfigError(`${what} must be { kind: "${kind}", values }, a ${wanted}; got ${shown(given)}`);
  expectKeys(what, given, ["kind", "values", "lengths", "tree"] satisfies readonly (keyof Flow)[]);
  if (given.kind !== kind) throw new ConfigError(`${what} must be of the kind "${kind}", got ${shown(given.kind)}`);
  const { values, lengths, tree } = given as unknown as Flow;
  if (tree !== undefined && !inputs.some((input) => input.tree === tree))
    throw new ConfigError(
      `${what} has a tree that is not that of an input; leave it out, it is passed on along its time axis`,
    );
  const { dtype, shape } = values.type;
  const wantedType = kind === "ids" ? "int32" : "float32";
  if (dtype !== wantedType) throw new DTypeError(`${what} must be ${wantedType}, it is ${showType(values.type)}`);
  const batch = inputs.map(({ values: x, kind: of }) => x.type.shape[isTimeFirst(of) ? 1 : 0])[0];
  const inner = `${dtype} ${shapeOfKind[kind].replace("batch, time", "time, batch")}`;
  const wrong = (why: string): ShapeError =>
    new ShapeError(`${what} is ${showType(values.type)}; ${wanted} is ${inner} inside of a graph, ${why}`);
  const ranks = ranksOf[kind];
  if (!ranks.includes(shape.length)) throw wrong(`of ${ranks.join(" or ")} axes`);
  if (shape[isTimeFirst(kind) ? 1 : 0] !== batch) throw wrong(`where batch is ${batch}`);
  const hasFeatures = kind === "sequence" || kind === "features";
  if (hasFeatures && typeof shape.at(-1) !== "number") throw wrong("where the number of features is known");
  if (kind === "features") {
    if (lengths !== undefined) throw new ConfigError(`${what} is features, which have no lengths`);
    return;
  }
  const times = timesOf(given as unknown as Flow);
  const over = inputs.filter((input) => timesOf(input).includes(times[0] as Dim));
  const known = inputs.flatMap(timesOf);
  if (times.some((time) => typeof time === "string" && !known.includes(time)))
    throw wrong(
      `where time is that of an input: ${inputs.map((input) => showShape(batchMajorShape(input))).join(", ")}`,
    );
  if (lengths === undefined) {
    if (kind !== "scores" && over.length > 0 && over.every((input) => input.lengths !== undefined))
      throw new ConfigError(
        `${what} has no lengths, but what it comes from has; pass them on, as { ...x, values } does, or what is behind a row's end counts`,
      );
    return;
  }
  if (!isValue(lengths) || showType(lengths.type) !== `int32[${batch}]`)
    throw new ShapeError(
      `the lengths of ${what} must be int32[${batch}], got ${isValue(lengths) ? showType(lengths.type) : shown(lengths)}`,
    );
}

/**
 * The results of `build` against the kinds that were promised.
 *
 * @throws ConfigError, ShapeError, DTypeError that says which result is wrong
 */
export function checkResults(
  given: unknown,
  kinds: readonly Kind[],
  inputs: readonly Flow[],
  asked: Iterable<AnyNode>,
): readonly Flow[] {
  if (!Array.isArray(given))
    throw new ConfigError(`build must return a list of flows, [{ kind, values }], got ${shown(given)}`);
  if (given.length !== kinds.length)
    throw new ConfigError(
      `build returned ${given.length} results; by outputs there are ${kinds.length}: ${kinds.join(", ")}`,
    );
  kinds.forEach((kind, i) => {
    expectFlow(kinds.length === 1 ? "its result" : `its result ${i}`, kind, given[i], inputs);
  });
  const flows = given as readonly Flow[];
  const valuesOf = (all: readonly Flow[]): Value[] =>
    all.flatMap(({ values, lengths, tree = {} }) => [values, ...(lengths ? [lengths] : []), ...Object.values(tree)]);
  expectOwn(valuesOf(flows), [...valuesOf(inputs).map(({ node }) => node), ...asked]);
  return flows;
}
