/** Are the gradients right? Central differences in double precision, as `torch.autograd.gradcheck` does it. */
import { feed, float64, gradients, RandomStream, type Tensor, type Tensors, type Value } from "@ostinato/core";
import { evaluateValues } from "./reference/evaluate.ts";

export interface GradientCheck {
  /** float32 values of any shape. */
  readonly outputs: readonly Value[];
  /** The feeds or pieces of state whose gradients are checked. */
  readonly wrt: readonly Value[];
  readonly feeds: Tensors;
  readonly state?: Tensors;
  /** Half the distance between the two points of a difference. Default 1e-6. */
  readonly epsilon?: number;
  /** Allowed: absolute + relative · |difference|. Defaults 1e-5 and 1e-3. */
  readonly absolute?: number;
  readonly relative?: number;
}

/** An element whose gradient is wrong. */
export interface GradientError {
  readonly input: string;
  readonly element: number;
  readonly gradient: number;
  readonly difference: number;
}

function inputOf(value: Value): { name: string; kind: "feed" | "state" } {
  const { node } = value;
  if (node.op !== "input" || node.attrs.kind === "parameter") {
    throw new TypeError(`gradients are checked of feeds and state, not of ${node.op}`);
  }
  return { name: node.attrs.name, kind: node.attrs.kind };
}

/** float32 data in double precision, so that a step of 1e-6 is not lost. */
function widened(tensors: Tensors): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      tensor.dtype === "float32" ? float64(tensor.shape, Float64Array.from(tensor.data)) : tensor,
    ]),
  );
}

/**
 * Compares core's `gradients` of Σ outputs · random weights with central differences, element by element of every value of `wrt`.
 * Returns what is wrong: nothing, if all is well.
 */
export function gradientErrors(check: GradientCheck): GradientError[] {
  const { outputs, wrt, epsilon = 1e-6, absolute = 1e-5, relative = 1e-3 } = check;
  const tensors = { feed: widened(check.feeds), state: widened(check.state ?? {}) };
  const random = new RandomStream(1, "gradient check");
  const weights = evaluateValues(outputs, tensors.feed, tensors.state).map(({ shape, data }) =>
    float64(
      shape,
      Array.from(data, () => 2 * random.uniform() - 1),
    ),
  );
  const weighted = (): number =>
    evaluateValues(outputs, tensors.feed, tensors.state).reduce(
      (total, { data }, i) => total + weights[i].data.reduce((part, weight, k) => part + weight * data[k], 0),
      0,
    );

  const seeds = outputs.map((value, i) => ({
    value,
    cotangent: feed(`gradient check ${i}`, "float32", value.type.shape),
  }));
  const cotangents = Object.fromEntries(weights.map((weight, i) => [`gradient check ${i}`, weight]));
  const grads = evaluateValues(
    // The values themselves tell the named sizes, which a gradient alone may not.
    [...gradients(seeds, wrt), ...wrt, ...outputs],
    { ...tensors.feed, ...cotangents },
    tensors.state,
  );

  return wrt.flatMap((value, i) => {
    const { name, kind } = inputOf(value);
    const { data } = tensors[kind][name];
    return Array.from(grads[i].data).flatMap((gradient, element) => {
      const kept = data[element];
      data[element] = kept + epsilon;
      const above = weighted();
      data[element] = kept - epsilon;
      const below = weighted();
      data[element] = kept;
      const difference = (above - below) / (2 * epsilon);
      const right = Math.abs(gradient - difference) <= absolute + relative * Math.abs(difference);
      return right ? [] : [{ input: name, element, gradient, difference }];
    });
  });
}

/**
 * Throws with the worst elements unless the gradients are right.
 *
 * @example checkGradients({ outputs: [loss], wrt: [weights], feeds: { x, y }, state: { weights: tensor } })
 */
export function checkGradients(check: GradientCheck): void {
  const errors = gradientErrors(check);
  if (errors.length === 0) return;
  const worst = errors
    .toSorted((a, b) => Math.abs(b.gradient - b.difference) - Math.abs(a.gradient - a.difference))
    .slice(0, 5)
    .map((e) => `${e.input}[${e.element}]: gradient ${e.gradient}, central difference ${e.difference}`);
  throw new Error(`${errors.length} gradients are wrong:\n${worst.join("\n")}`);
}
