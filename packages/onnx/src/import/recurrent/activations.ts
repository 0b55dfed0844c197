/** The activations of a recurrence node. */
import {
  type ActivationParameters,
  type RecurrenceFacts,
  type RecurrentActivation,
  type RecurrentActivationFunction,
  recurrentActivations,
} from "@ostinato/core";
import type { OnnxNode } from "../node.ts";

type Parameter = keyof ActivationParameters;

/** Functions whose parameters have no defaults: the standard no longer has operators of these names, and onnxruntime uses 0. */
const withoutDefaults: readonly RecurrentActivationFunction[] = ["Affine", "ScaledTanh"];

const isKnown = (name: string): name is RecurrentActivationFunction => Object.hasOwn(recurrentActivations, name);

/** The activations of each direction. Parameters are taken from the lists in order, for the functions that have them. */
export function activationsOf(
  node: OnnxNode,
  { activations: byDefault }: RecurrenceFacts,
  directions: number,
): (readonly RecurrentActivation[])[] {
  const names = node.strings("activations") ?? Array.from({ length: directions }, () => byDefault).flat();
  const left: Readonly<Record<Parameter, number[]>> = {
    alpha: [...(node.floats("activation_alpha") ?? [])],
    beta: [...(node.floats("activation_beta") ?? [])],
  };
  if (names.length !== byDefault.length * directions)
    return node.fail(`it has ${names.length} activations, and needs ${byDefault.length * directions}`);
  const all = names.map((name): RecurrentActivation => {
    if (!isKnown(name))
      return node.fail(
        `the activation "${name}" is not supported; supported are ${Object.keys(recurrentActivations).join(", ")}`,
      );
    const taken = Object.entries(recurrentActivations[name]) as [Parameter, number][];
    if (taken.length === 0) return name as RecurrentActivation;
    const parameters = taken.map(([key, usual]) => {
      const given = left[key].shift();
      if (given === undefined && withoutDefaults.includes(name))
        return node.fail(`the activation ${name} has no ${key} and no default for it`);
      return [key, given ?? Math.fround(usual)];
    });
    return { name, ...Object.fromEntries(parameters) } as RecurrentActivation;
  });
  return Array.from({ length: directions }, (_, i) => all.slice(i * byDefault.length, (i + 1) * byDefault.length));
}
