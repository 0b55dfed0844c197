/** Random trials of the recurrent ops: every attribute, every optional input, every kind of length. */
import {
  byRecurrence,
  byRecurrenceGrad,
  cast,
  type Dim,
  dot,
  dropoutMask,
  factsOf,
  gradients,
  initialOf,
  mul,
  optionsOf,
  type RecurrenceInputs,
  type RecurrenceName,
  type RecurrenceOption,
  type RecurrenceSettings,
  type RecurrentActivation,
  type RecurrentActivationFunction,
  recurrence,
  recurrenceNames,
  recurrentActivations,
  scan,
  select,
  sigmoid,
  sub,
  sum,
  tanh,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import type { Draw, DrawnDim, DrawTrial } from "../draw.ts";

/** What a recurrence may have beside X, W, R and B: attributes, and the names of optional inputs. */
export type RecurrenceFeatures<R extends RecurrenceName = RecurrenceName> = RecurrenceSettings<R> & {
  readonly [O in RecurrenceOption<R>]?: boolean;
};

/** y and the last states by name. */
export type DrawnRecurrence = Readonly<Record<string, Value>>;

const known = (size: number): DrawnDim => ({ dim: size, size });

/** A mask is a constant to its reader, and so it is drawn within the graph. */
function drawMask(draw: Draw, shape: readonly Dim[]): Value {
  return dropoutMask(draw.int("step", [], 0, 100), { rate: 0.4, seed: 1, site: draw.whole(0, 1000), shape });
}

/** A recurrence of random sizes and data. */
export function drawRecurrence<R extends RecurrenceName>(
  draw: Draw,
  name: R,
  features: RecurrenceFeatures<R>,
  hidden = draw.number(5).size,
): DrawnRecurrence {
  const { gates, states, peepholes } = factsOf(name);
  const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
  const inputSize = draw.number(4).size;
  const rows = known(gates.length * hidden);
  const initial = (role: string) => (): Value => draw.float(role, [batch, known(hidden)], -1, 1);
  const optional: Readonly<Record<string, () => Value>> = {
    lengths: () => draw.lengths("lengths", batch, time),
    ...Object.fromEntries(states.map(initialOf).map((role) => [role, initial(role)])),
    P: () => draw.float("P", [known(peepholes.length * hidden)], -1, 1),
    recurrentBias: () => draw.float("recurrentBias", [rows], -1, 1),
    recurrentMask: () => drawMask(draw, [gates.length, batch.dim, hidden]),
  };
  const given = features as Readonly<Record<string, unknown>>;
  const roles = optionsOf(name).filter((role) => given[role]);
  // What other recurrences have is left out.
  const everyOption: readonly string[] = recurrenceNames.flatMap(optionsOf);
  const settings = Object.fromEntries(Object.entries(given).filter(([key]) => !everyOption.includes(key)));
  const inputs = {
    X: draw.float("X", [time, batch, known(inputSize)], -1, 1),
    W: draw.float("W", [rows, known(inputSize)], -1, 1),
    R: draw.float("R", [rows, known(hidden)], -1, 1),
    B: draw.float("B", [rows], -1, 1),
    ...Object.fromEntries(roles.map((role) => [role, optional[role]()])),
  };
  return recurrence(name, inputs as unknown as RecurrenceInputs<R>, settings as RecurrenceSettings<R>);
}

/** Any activation without a threshold, at which rounding may change the branch. */
function drawActivation(draw: Draw): RecurrentActivation {
  const functions = Object.keys(recurrentActivations) as RecurrentActivationFunction[];
  const name = draw.one(functions.filter((each) => each !== "ThresholdedRelu"));
  const taken = Object.entries(recurrentActivations[name]);
  const parameters = taken.map(([key, byDefault]) => [key, draw.chance(0.5) ? byDefault : 0.2 + draw.random.uniform()]);
  return (taken.length === 0 ? name : { name, ...Object.fromEntries(parameters) }) as RecurrentActivation;
}

/** Any combination of what a recurrence may have. */
export function drawFeatures<R extends RecurrenceName>(draw: Draw, name: R): RecurrenceFeatures<R> {
  const { activations, flags } = factsOf(name);
  const features = {
    direction: draw.one(["forward", "reverse"] as const),
    ...(draw.chance(0.3) ? { activations: activations.map(() => drawActivation(draw)) } : {}),
    ...(draw.chance(0.3) ? { clip: 0.5 + draw.random.uniform() } : {}),
    ...Object.fromEntries(Object.keys(flags).map((flag) => [flag, draw.chance(0.4)])),
    ...Object.fromEntries(optionsOf(name).map((role) => [role, draw.chance(role === "lengths" ? 0.7 : 0.35)])),
  };
  return features as unknown as RecurrenceFeatures<R>;
}

/** Some of the outputs of a recurrence, so that gradients arrive by every way. */
function someOf(draw: Draw, outputs: DrawnRecurrence): DrawnRecurrence {
  const some = Object.entries(outputs).filter(() => draw.chance(0.5));
  return some.length > 0 ? Object.fromEntries(some) : { y: outputs.y };
}

/** A gated cell with two carries, one of them whole numbers, over two sequences and two constants. */
function scanTrial(draw: Draw): Readonly<Record<string, Value>> {
  const [time, batch] = [draw.named("time", 5), draw.named("batch", 4)];
  const hidden = draw.number(4);
  const { carries, outputs } = scan({
    initial: [draw.float("h", [batch, hidden]), draw.int("count", [batch])],
    sequences: [draw.float("x", [time, batch, hidden]), draw.bool("p", [time, batch, hidden])],
    constants: [draw.float("w", [hidden, hidden], -1, 1), draw.float("b", [hidden], -1, 1)],
    reverse: draw.chance(0.5),
    ...(draw.chance(0.6) ? { lengths: draw.lengths("lengths", batch, time) } : {}),
    body: ([h, count], [x, p], [w, b]) => {
      const z = sigmoid(add(dot(h, w, { contract: [[1], [0]] }), b));
      const next = add(mul(z, h), mul(sub(1, z), tanh(select(p, x, h))));
      const seen = add(count, cast(sum(cast(p, "int32"), [1]), "int32"));
      return { carries: [next, seen], outputs: [mul(next, x), cast(seen, "float32"), z] };
    },
  });
  const [h, count] = carries;
  const [y, seen, z] = outputs;
  return draw.one<Readonly<Record<string, Value>>>([{ h, count, y, seen, z }, { y }, { h }, { count, z }]);
}

/** The gradients of a recurrence as values of their own. */
function gradTrial(draw: Draw, name: RecurrenceName): Readonly<Record<string, Value>> {
  const outputs = Object.values(someOf(draw, drawRecurrence(draw, name, drawFeatures(draw, name))));
  const seeds = outputs.map((value) => ({ value, cotangent: mul(value, 0.5) }));
  const [{ node }] = outputs;
  const wrt = node.inputs.filter((input) => input.type.dtype === "float32");
  const names = wrt.map(({ node: input }) => (input.op === "input" ? input.attrs.name : input.op));
  return Object.fromEntries(gradients(seeds, wrt).map((gradient, i) => [names[i], gradient]));
}

export const recurrentTrials = {
  ...byRecurrence(
    (name): DrawTrial =>
      (draw) =>
        someOf(draw, drawRecurrence(draw, name, drawFeatures(draw, name))),
  ),
  ...byRecurrenceGrad(
    (name): DrawTrial =>
      (draw) =>
        gradTrial(draw, name),
  ),
  scan: scanTrial,
} as const;
