/** A model in training that now and then reads what it wrote itself at the step before: its target half as one scan over the steps. */

import { ConfigError } from "../../errors.ts";
import { apply1 } from "../../ir/build/apply.ts";
import { add, cast, equal, exp, less, log, mul, select, square, sub } from "../../ir/build/elementwise.ts";
import { argMax } from "../../ir/build/reduce.ts";
import { broadcast, expandDims, reshape, slice, squeeze, transpose } from "../../ir/build/shape.ts";
import { feed, full, iota, normalNoise, parameter } from "../../ir/build/source.ts";
import { rewrite, substitute } from "../../ir/rewrite.ts";
import type { Dim, Shape, Value } from "../../ir/value.ts";
import { distinctSites, keyOf } from "../../random.ts";
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
export type Choice = "best" | "sample";

/** The random numbers that the layers of a model ask for, kept in order, and given again to the same layers built over one step. */
class Replay {
  readonly #asked = new Map<string, Value[]>();

  record(source: RandomSource): RandomSource {
    return (name, use) => {
      const { mask, noise } = source(name, use);
      const asked: Value[] = [];
      this.#asked.set(`${name}:${use}`, asked);
      const keep = (value: Value): Value => {
        asked.push(value);
        return value;
      };
      return { mask: (...request) => keep(mask(...request)), noise: (...request) => keep(noise(...request)) };
    };
  }

  /** Numbers over `time` are those of each step, which are added to `slices`. */
  ofStep(time: string, slices: PerStep[]): RandomSource {
    return (name, use) => {
      let next = 0;
      const again = (shape: Shape): Value => {
        const value = this.#asked.get(`${name}:${use}`)?.[next++] as Value;
        const at = value.type.shape.indexOf(time);
        if (at < 0) return value;
        const others = value.type.shape.flatMap((_, axis) => (axis === at ? [] : [axis]));
        const step = parameter(
          "random",
          "float32",
          others.map((axis) => value.type.shape[axis] as Dim),
        );
        slices.push({ whole: transpose(value, [at, ...others]), step });
        return reshape(step, shape);
      };
      return { mask: (_rate, shape) => again(shape), noise: (shape) => again(shape) };
    };
  }

  /** All of them. */
  values(): Value[] {
    return [...this.#asked.values()].flat();
  }
}

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
  const siteOf = distinctSites();
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
        `the output "${name}" hangs on the tokens, and is not over their time "${time}"; leave it out of the model that is trained`,
      );
  });
}

/**
 * The model for training, in which a step reads the token that it is given with the probability that is fed as `probability`, else what the model itself chose at the step before. No
 * gradient goes through a choice. Masks are those of the model that reads what it is given.
 *
 * @throws ConfigError for a model that cannot decode, with what hinders it
 */
export function sampledModel(spec: ModelSpec, random: DropoutSource, choice: Choice, probability: string): BuiltModel {
  const roles = rolesOf(spec, {});
  const replay = new Replay();
  const whole = buildModel(spec, replay.record(randomSource(random)), "stateful");
  const scored = spec.outputs.indexOf(roles.output);
  const scores = whole.outputs[scored]?.flow as Flow;
  const classes = expectScores(spec, roles, scores);
  expectSampled(spec, roles, whole);
  const crossing = crossingsOf(spec, roles, whole);
  expectStepwise(
    spec,
    roles,
    crossing.map(({ name, value }) => standFor(name, value)),
  );

  const tokens = whole.inputs[roles.target]?.values as Value;
  const batch = tokens.type.shape[1] as Dim;
  const padded = scores.lengths !== undefined;
  const [given, chosen, reads] = [
    parameter("given", "int32", [batch]),
    parameter("chosen", "int32", [batch]),
    parameter("reads", "bool", [batch]),
  ];
  const slices: PerStep[] = [
    { whole: tokens, step: given },
    { whole: givenAt(random, probability, tokens, padded), step: reads },
  ];
  const inputs = spec.inputs.map((input, i) => (i === roles.target ? { ...input, shape: [1] } : input));
  const one = buildModel({ ...spec, inputs }, replay.ofStep(roles.time, slices), "always");
  const carried = one.carried.filter(({ call }) => roles.isStep[call]);
  const inStep = spec.outputs.flatMap(({ source }, i) => ("call" in source && roles.isStep[source.call] ? [i] : []));
  const outputs = inStep.map((i) => stepOutput(one.outputs[i]?.flow as Flow));

  // What the encoder makes, and the weights, are those of the whole model.
  const weightOf = new Map(whole.parameters.map(({ name }, i) => [name, whole.weights[i] as Value]));
  const scoredFlow = one.outputs[scored]?.flow as Flow;
  const ranks = choice === "best" ? stepOutput(scoredFlow).value : squeeze(logProbabilitiesOf(scoredFlow.values), 0);
  const cut = substitute(
    [ranks, ...carried.map(({ after }) => after), ...outputs.map(({ value }) => value)],
    [
      ...crossingsOf(spec, roles, one).map(({ value }) => value),
      one.inputs[roles.target]?.values as Value,
      ...one.weights,
    ],
    [
      ...crossing.map(({ value }) => value),
      expandDims(select(reads, given, chosen), 0),
      ...one.parameters.map(({ name }) => weightOf.get(name) as Value),
    ],
  );
  const { roots, initials } = withoutBeginnings(cut);
  const befores = new Map(carried.map(({ name, size }) => [name, parameter(name, "float32", [batch, size])]));
  const [ranked, ...rest] = rewrite(roots, (node) => {
    const fed = node.op === "input" && node.attrs.kind === "feed" && node.attrs.name.startsWith(STATES);
    return fed ? [befores.get(node.attrs.name) as Value] : undefined;
  }) as [Value, ...Value[]];

  const states = carried.map(
    ({ name, size }, i): FromStepToStep => ({
      start: initials.get(name) ?? full(0, [batch, size]),
      before: befores.get(name) as Value,
      after: rest[i] as Value,
    }),
  );
  // Of what is padded 0 is no token that could be read.
  const first = padded ? 1 : 0;
  const some = slice(ranked, 1, first, classes - first);
  if (choice === "sample") {
    // The largest of log-probabilities with Gumbel noise is a token by its probability.
    const step = parameter("noise", "float32", some.type.shape);
    slices.push({ whole: exponential(random, "token", [tokens.type.shape[0] as Dim, ...some.type.shape]), step });
  }
  const drawn = choice === "sample" ? sub(some, log((slices.at(-1) as PerStep).step)) : some;
  const token: FromStepToStep = {
    start: full(0, [batch], "int32"),
    before: chosen,
    after: add(argMax(drawn, 1), first),
  };
  const known = [tokens, ...crossing.map(({ value }) => value), ...whole.weights, ...replay.values()];
  const { outputs: made } = scanSteps({
    slices,
    carried: [token, ...states],
    outputs: rest.slice(carried.length),
    known: known.map(({ node }) => node),
  });
  return {
    ...whole,
    calls: whole.calls.map((flows, i) => (roles.isStep[i] ? [] : flows)),
    outputs: whole.outputs.map(({ name, flow }, i) => {
      const at = inStep.indexOf(i);
      return at < 0
        ? { name, flow }
        : { name, flow: { ...flow, values: (outputs[at] as StepOutput).finish(made[at] as Value) } };
    }),
  };
}
