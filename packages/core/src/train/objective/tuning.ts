/** Fine-tuning: which parameters training leaves as they are, and how fast it changes the others, by their names. */
import { ConfigError } from "../../errors.ts";
import type { ParameterSpec } from "../../nn/layer.ts";
import { type Json, shown } from "../../nn/options.ts";
import type { Objective } from "./objective.ts";

/** What is said of a parameter by its name. */
export interface Tuned {
  /** It would be trained, but for `trainable`. */
  readonly frozen: boolean;
  /** By what the learning rate is multiplied. */
  readonly rate: number;
}

/** A parameter as it is trained. @throws ConfigError where a function gives something else than it must */
export function tuned<P extends ParameterSpec>(
  parameter: P,
  { trainable = () => true, learningRates = () => 1 }: Objective,
): P & Tuned {
  const { name, trainable: own = true } = parameter;
  const [trains, rate] = [trainable(name), learningRates(name)];
  if (typeof trains !== "boolean" || !(rate >= 0 && Number.isFinite(rate)))
    throw new ConfigError(
      `compile: for "${name}" trainable must give true or false and learningRates a number from 0 on, got ${shown(trains)} and ${shown(rate)}`,
    );
  return { ...parameter, trainable: own && trains, frozen: own && !trains, rate };
}

/** What a checkpoint must agree with, by the option that says it; nothing where all parameters are trained alike. */
export function tuningSettings(parameters: readonly (ParameterSpec & Tuned)[]): Record<string, Json> {
  return Object.fromEntries(
    parameters.flatMap(({ name, frozen, rate }): [string, Json][] =>
      frozen ? [[`trainable of ${name}`, false]] : rate === 1 ? [] : [[`learningRates of ${name}`, rate]],
    ),
  );
}
