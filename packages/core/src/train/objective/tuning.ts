/** Fine-tuning: selects the parameters to train and scales their learning rates, by name. */
import { ConfigError } from "../../errors.ts";
import type { ParameterSpec } from "../../nn/layer.ts";
import { type Json, shown } from "../../nn/options.ts";
import type { Objective } from "./objective.ts";

/** The settings of a parameter. */
export interface Tuned {
  /** Whether it is frozen only by `trainable`. */
  readonly frozen: boolean;
  /** The factor of the learning rate. */
  readonly rate: number;
}

/** The settings of a parameter in training. @throws ConfigError if a function returns a value of the wrong type */
export function tuned<P extends ParameterSpec>(
  parameter: P,
  { trainable = () => true, learningRates = () => 1 }: Objective,
): P & Tuned {
  const { name, trainable: own = true } = parameter;
  const [trains, rate] = [trainable(name), learningRates(name)];
  if (typeof trains !== "boolean" || !(rate >= 0 && Number.isFinite(rate)))
    throw new ConfigError(
      `compile: for "${name}" trainable must return a boolean and learningRates a number >= 0, got ${shown(trains)} and ${shown(rate)}`,
    );
  return { ...parameter, trainable: own && trains, frozen: own && !trains, rate };
}

/** The settings that a checkpoint must match, by option; empty if all parameters are trained alike. */
export function tuningSettings(parameters: readonly (ParameterSpec & Tuned)[]): Record<string, Json> {
  return Object.fromEntries(
    parameters.flatMap(({ name, frozen, rate }): [string, Json][] =>
      frozen ? [[`trainable of ${name}`, false]] : rate === 1 ? [] : [[`learningRates of ${name}`, rate]],
    ),
  );
}
