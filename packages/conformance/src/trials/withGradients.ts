/** A trial and its gradients in one graph. */
import { feed, float32, gradients, nodesOf, ops, RandomStream, type Tensor, type Value } from "@ostinato/core";
import { evaluateValues } from "../reference/evaluate.ts";
import type { Trial } from "./draw.ts";

/** What is fetched stands under its name, the gradient of a feed under `d name`. */
export const gradientName = (input: string): string => `d ${input}`;

/**
 * Adds to a trial the gradients of its float32 feeds: of everything it fetches in float32, each element weighted by a random
 * cotangent, which is one more feed. A trial without such fetches or feeds stays as it is.
 */
export function withGradients(trial: Trial, seed = 1): Trial {
  const inputs = Object.entries(trial.inputs);
  // A recurrence's own gradient op has no gradient, nor has what is made after gradients; they are differentiated once they are lowered.
  const differentiable = !nodesOf(Object.values(trial.fetches)).some(({ op }) => ops[op].gradientOf || ops[op].late);
  const outputs = Object.entries(trial.fetches).filter(([, value]) => value.type.dtype === "float32");
  if (!differentiable || inputs.length === 0 || outputs.length === 0) return trial;
  const random = new RandomStream(seed, "cotangents");
  const values = evaluateValues(
    outputs.map(([, value]) => value),
    trial.feeds,
  );
  const cotangents: Record<string, Tensor> = {};
  const seeds = outputs.map(([name, value], i) => {
    const { shape, data } = values[i];
    cotangents[`cotangent ${name}`] = float32(
      shape,
      Array.from(data, () => 2 * random.uniform() - 1),
    );
    return { value, cotangent: feed(`cotangent ${name}`, "float32", value.type.shape) };
  });
  const wrt = inputs.map(([, value]): Value => value);
  const grads = gradients(seeds, wrt);
  return {
    ...trial,
    fetches: { ...trial.fetches, ...Object.fromEntries(inputs.map(([name], i) => [gradientName(name), grads[i]])) },
    feeds: { ...trial.feeds, ...cotangents },
  };
}
