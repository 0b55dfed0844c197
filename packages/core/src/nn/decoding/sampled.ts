/** A model in training that now and then reads what it wrote itself at the step before: its target half as one scan over the steps. */
import { ConfigError } from "../../errors.ts";
import { apply1 } from "../../ir/build/apply.ts";
import { add, cast, equal, exp, less, log, mul, select, square, sub } from "../../ir/build/elementwise.ts";
import { argMax } from "../../ir/build/reduce.ts";
import { broadcast, expandDims, reshape, slice, squeeze, transpose } from "../../ir/build/shape.ts";
import { feed, full, iota, normalNoise, parameter } from "../../ir/build/source.ts";
import { rewrite, substitute } from "../../ir/rewrite.ts";
import type { Dim, Shape, Value } from "../../ir/value.ts";
import { keyOf, siteOf } from "../../random.ts";
import { type BuiltModel, buildModel, type DropoutSource, type RandomSource, randomSource } from "../build.ts";
import { STATES } from "../carried.ts";
import type { Flow } from "../kinds.ts";
import { type FromStepToStep, type PerStep, scanSteps } from "../overSteps.ts";
import { layerOfCall, type ModelSpec } from "../spec.ts";
import { withoutBeginnings } from "./beginnings.ts";
import { crossingsOf, standFor } from "./memory.ts";
import { expectScores, logProbabilitiesOf } from "./outputs.ts";
import { type Roles, rolesOf } from "./roles.ts";
import { expectStepwise } from "./stepwise.ts";

/** How a token is chosen from the scores of a step: the likeliest, or one drawn by its probability. */
export const choices = ["best", "sample"] as const;
export type Choice = (typeof choices)[number];

/** The random numbers that layers ask for, kept in their order. */
type Asked = Map<string, Value[]>;

/** Keeps what is asked for. */
const keeping =
  (source: RandomSource, all: Asked): RandomSource =>
  (name, use) => {
    const { mask, noise } = source(name, use);
    const asked: Value[] = [];
    all.set(`${name}:${use}`, asked);
    const keep = (value: Value): Value => {
      asked.push(value);
      return value;
    };
    return { mask: (...request) => keep(mask(...request)), noise: (...request) => keep(noise(...request)) };
  };

/** Gives the same layers, built over one step, what they asked for before. Numbers over `time` are those of each step, which are added to `slices`. */
const again =
  (all: Asked, time: string, slices: PerStep[]): RandomSource =>
  (name, use) => {
    let next = 0;
    const ofStep = (shape: Shape): Value => {
      const value = all.get(`${name}:${use}`)?.[next++] as Value;
      const { shape: whole } = value.type;
      const at = whole.indexOf(time);
      if (at < 0) return value;
      const others = whole.flatMap((_, axis) => (axis === at ? [] : [axis]));
      const dims = others.map((axis) => whole[axis] as Dim);
      const step = parameter("random", "float32", dims);
      slices.push({ whole: transpose(value, [at, ...others]), step });
      return reshape(step, shape);
    };
    return { mask: (_rate, shape) => ofStep(shape), noise: (shape) => ofStep(shape) };
  };

/** An output of the step without its time, and what is done with it over all steps. */
interface StepOutput {
  readonly value: Value;
  readonly finish: (overTime: Value) => Value;
}

/** Losses look at what made probabilities: it stays outside of the scan. */
function stepOutput(flow: Flow): StepOutput {
  const { node } = flow.values;
  if (flow.kind === "scores")
    return { value: squeeze(flow.values, 1), finish: (scores) => transpose(scores, [1, 0, 2]) };
  if (node.op !== "softmax" && node.op !== "sigmoid")
    return { value: squeeze(flow.values, 0), finish: (values) => values };
  return { value: squeeze(node.inputs[0] as Value, 0), finish: (values) => apply1(node.op, [values], {}) };
}

/** Numbers with an exponential distribution: half the sum of two squares of normal ones. */
function exponential({ seed, step }: DropoutSource, place: string, shape: Shape): Value {
  const draw = (part: string): Value => {
    const [word, site] = keyOf(seed, siteOf(`~scheduledSampling/${place}/${part}`));
    return square(normalNoise(step, { seed: word, site, shape }));
  };
  return mul(add(draw("a"), draw("b")), 0.5);
}

/** Whether each step reads the token that it is given, bool [time, batch]: the first, padding, and each other with the probability that is fed. */
function givenAt(random: DropoutSource, probability: string, tokens: Value, padded: boolean): Value {
  const { shape } = tokens.type;
  // e⁻ˣ of an exponential x is uniform. It is at most 1, so that with probability 1 all are given.
  const uniform = exp(sub(0, exponential(random, "coin", shape)));
  const coin = sub(1, cast(less(feed(probability, "float32", []), uniform), "int32"));
  const first = broadcast(cast(equal(iota(shape[0] as Dim), 0), "int32"), shape, [0]);
  const all = [coin, first, ...(padded ? [cast(equal(tokens, 0), "int32")] : [])];
  return less(
    0,
    all.reduce((a, b) => add(a, b)),
  );
}

/** @throws ConfigError for a layer whose states go on to the next batch, and for an output that is known after the last step only */
function expectSampled(spec: ModelSpec, { isStep, time, target }: Roles, built: BuiltModel): void {
  const stateful = built.carried.find(({ call }) => isStep[call]);
  if (stateful)
    throw new ConfigError(
      `the ${layerOfCall(spec, stateful.call)} is stateful, and each batch of targets begins anew; leave out stateful`,
    );
  built.outputs.forEach(({ name, flow: { kind, values } }, i) => {
    const source = spec.outputs[i]?.source;
    const hangs = source !== undefined && ("input" in source ? source.input === target : isStep[source.call]);
    if (hangs && values.type.shape[kind === "scores" ? 1 : 0] !== time)
      throw new ConfigError(
        `the output "${name}" depends on the tokens, and is not over their time "${time}"; leave it out of the model that is trained`,
      );
  });
}

/** What a step of the model computes, in which weights and what the encoder makes are those of the `whole` model. */
interface Step {
  /** By which the next token is chosen: the largest is the likeliest. */
  readonly ranked: Value;
  readonly states: readonly FromStepToStep[];
  /** By the number of the output. */
  readonly outputs: ReadonlyMap<number, StepOutput>;
}

/** The target half over one step that reads `token`, int32 [batch], and random numbers as `random` gives them. */
function stepOf(
  spec: ModelSpec,
  roles: Roles,
  whole: BuiltModel,
  random: RandomSource,
  choice: Choice,
  token: Value,
): Step {
  const inputs = spec.inputs.map((input, i) => (i === roles.target ? { ...input, shape: [1] } : input));
  const one = buildModel({ ...spec, inputs }, random, "always");
  const carried = one.carried.filter(({ call }) => roles.isStep[call]);
  const numbers = spec.outputs.flatMap(({ source }, i) => ("call" in source && roles.isStep[source.call] ? [i] : []));
  const outputs = numbers.map((i) => stepOutput(one.outputs[i]?.flow as Flow));
  const scores = one.outputs[spec.outputs.indexOf(roles.output)]?.flow as Flow;
  const ranks = choice === "best" ? stepOutput(scores).value : squeeze(logProbabilitiesOf(scores.values), 0);
  const weights = new Map(whole.parameters.map(({ name }, i) => [name, whole.weights[i] as Value]));
  const valuesOf = (built: BuiltModel): Value[] => crossingsOf(spec, roles, built).map(({ value }) => value);
  const cut = substitute(
    [ranks, ...carried.map(({ after }) => after), ...outputs.map(({ value }) => value)],
    [...valuesOf(one), one.inputs[roles.target]?.values as Value, ...one.weights],
    [...valuesOf(whole), expandDims(token, 0), ...one.parameters.map(({ name }) => weights.get(name) as Value)],
  );
  const { roots, initials } = withoutBeginnings(cut);
  const befores = new Map(carried.map(({ name, after }) => [name, parameter(name, "float32", after.type.shape)]));
  const [ranked, ...rest] = rewrite(roots, (node) => {
    const fed = node.op === "input" && node.attrs.kind === "feed" && node.attrs.name.startsWith(STATES);
    return fed ? [befores.get(node.attrs.name) as Value] : undefined;
  }) as [Value, ...Value[]];
  return {
    ranked,
    states: carried.map(
      ({ name, after }, i): FromStepToStep => ({
        start: initials.get(name) ?? full(0, after.type.shape),
        before: befores.get(name) as Value,
        after: rest[i] as Value,
      }),
    ),
    outputs: new Map(
      numbers.map((number, i) => [
        number,
        { value: rest[carried.length + i] as Value, finish: (outputs[i] as StepOutput).finish },
      ]),
    ),
  };
}

/**
 * The model for training, in which a step reads the token that it is given with the probability that is fed as `probability`, else what the model itself chose at the step before. No
 * gradient goes through a choice. Masks are those of the model that reads what it is given.
 *
 * @throws ConfigError for a model that cannot decode, with what hinders it
 */
export function sampledModel(spec: ModelSpec, random: DropoutSource, choice: Choice, probability: string): BuiltModel {
  const roles = rolesOf(spec, {});
  const asked: Asked = new Map();
  const whole = buildModel(spec, keeping(randomSource(random), asked), "stateful");
  const scores = whole.outputs[spec.outputs.indexOf(roles.output)]?.flow as Flow;
  const classes = expectScores(spec, roles, scores);
  expectSampled(spec, roles, whole);
  const crossing = crossingsOf(spec, roles, whole);
  expectStepwise(
    spec,
    roles,
    crossing.map(({ name, value }) => standFor(name, value)),
  );

  const tokens = whole.inputs[roles.target]?.values as Value;
  const [time, batch] = tokens.type.shape as readonly [Dim, Dim];
  // Where 0 is padding it is no token that could be read.
  const padded = scores.lengths !== undefined;
  const first = padded ? 1 : 0;
  const given = parameter("given", "int32", [batch]);
  const reads = parameter("reads", "bool", [batch]);
  const chosen = parameter("chosen", "int32", [batch]);
  const slices: PerStep[] = [
    { whole: tokens, step: given },
    { whole: givenAt(random, probability, tokens, padded), step: reads },
  ];
  const token = select(reads, given, chosen);
  const step = stepOf(spec, roles, whole, again(asked, roles.time, slices), choice, token);
  let ranked = slice(step.ranked, 1, first, classes - first);
  if (choice === "sample") {
    // The largest of log-probabilities with Gumbel noise is a token by its probability.
    const { shape } = ranked.type;
    const noise = parameter("noise", "float32", shape);
    slices.push({ whole: exponential(random, "token", [time, ...shape]), step: noise });
    ranked = sub(ranked, log(noise));
  }
  const next = { start: full(0, [batch], "int32"), before: chosen, after: add(argMax(ranked, 1), first) };
  const known = [tokens, ...crossing.map(({ value }) => value), ...whole.weights, ...[...asked.values()].flat()];
  const { outputs } = scanSteps({
    slices,
    carried: [next, ...step.states],
    outputs: [...step.outputs.values()].map(({ value }) => value),
    known: known.map(({ node }) => node),
  });
  const numbers = [...step.outputs.keys()];
  return {
    ...whole,
    calls: whole.calls.map((flows, i) => (roles.isStep[i] ? [] : flows)),
    outputs: whole.outputs.map(({ name, flow }, i) => {
      const finish = step.outputs.get(i)?.finish;
      return { name, flow: finish ? { ...flow, values: finish(outputs[numbers.indexOf(i)] as Value) } : flow };
    }),
  };
}
