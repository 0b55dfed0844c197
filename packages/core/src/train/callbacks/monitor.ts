/** Watching one figure of the epochs: which way is better, and by how much. */
import { ConfigError } from "../../errors.ts";
import { type OptionReader, shown } from "../../nn/options.ts";
import type { EpochEvent } from "../events.ts";

export interface MonitorOptions {
  /** A figure of the epochs. Default "valLoss". */
  readonly monitor?: string;
  /** Which way is better. Default "auto": "max" for accuracies, AUC, precision, recall and F, "min" for losses and errors; others need to be told. */
  readonly mode?: "auto" | "min" | "max";
  /** What counts as better must be better by more than this. */
  readonly minDelta?: number;
}

export const monitorOptions = ["monitor", "mode", "minDelta"] as const;
const modes = ["auto", "min", "max"] as const;
const growing = /acc|auc|precision|recall|f1|fBeta|topK/i;
const falling = /loss|error|entropy|huber|perplexity/i;

export interface Monitor {
  readonly name: string;
  /** @throws ConfigError where epochs will have no figure of that name, or its name does not tell which way is better */
  expectIn(figures: readonly string[]): void;
  /** The figure of an epoch. */
  read(event: EpochEvent): number;
  /** Whether `value` is better than `best`, by Keras's rule: before the first, best is ∞ or -∞; NaN is never better. */
  better(value: number, best: number | null): boolean;
}

/** A monitor from the options of a callback called `owner`. */
export function monitorOf(owner: string, options: MonitorOptions, read: OptionReader, minDelta = 0): Monitor {
  const { monitor: name = "valLoss" } = options;
  if (typeof name !== "string")
    throw new ConfigError(`${owner}: monitor must be the name of a figure, got ${shown(name)}`);
  const mode = read.oneOf("mode", modes, "auto");
  const delta = read.number("minDelta", minDelta, 0);
  const up = mode === "max" || (mode === "auto" && growing.test(name));
  return {
    name,
    expectIn(figures) {
      if (!figures.includes(name)) {
        const way = name.startsWith("val") ? "; give fit validationData or validationSplit" : "";
        throw new ConfigError(`${owner} watches ${name}, but epochs have only ${figures.join(", ")}${way}`);
      }
      if (mode === "auto" && !growing.test(name) && !falling.test(name))
        throw new ConfigError(
          `${owner}: whether a larger ${name} is better its name does not tell; give mode: "min" or "max"`,
        );
    },
    read: (event) => event[name] as number,
    better: (value, best) =>
      up ? value > (best ?? Number.NEGATIVE_INFINITY) + delta : value < (best ?? Number.POSITIVE_INFINITY) - delta,
  };
}
