/** Watching one figure of the epochs: which way is better, and by how much. */
import { ConfigError } from "../../errors.ts";
import type { OptionReader } from "../../nn/options.ts";
import type { EpochEvent } from "../events.ts";

export interface MonitorOptions {
  /** A figure of the epochs. Default "valLoss". */
  readonly monitor?: string;
  /** Which way is better. Default "auto": "max" for accuracies, AUC, precision, recall and F, "min" for the rest. */
  readonly mode?: "auto" | "min" | "max";
  /** What counts as better must be better by this. */
  readonly minDelta?: number;
}

export const monitorOptions = ["monitor", "mode", "minDelta"] as const;
const modes = ["auto", "min", "max"] as const;
const growing = /acc|auc|precision|recall|f1|fBeta|topK/i;

export interface Monitor {
  readonly name: string;
  /** The figure of an epoch. @throws ConfigError where there is none of that name */
  read(event: EpochEvent): number;
  /** Whether `value` is better than `best`; anything is better than nothing, and NaN is never better. */
  better(value: number, best: number | null): boolean;
}

/** A monitor from the options of a callback called `owner`. */
export function monitorOf(owner: string, options: MonitorOptions, read: OptionReader, minDelta = 0): Monitor {
  const name = options.monitor ?? "valLoss";
  const mode = read.oneOf("mode", modes, "auto");
  const delta = read.number("minDelta", minDelta, 0);
  const up = mode === "max" || (mode === "auto" && growing.test(name));
  return {
    name,
    read(event) {
      const value = event[name];
      if (value === undefined) {
        const known = Object.keys(event).filter((key) => !["epoch", "epochs", "seconds"].includes(key));
        throw new ConfigError(
          `${owner} watches ${name}, but epochs have only ${known.join(", ")}${name.startsWith("val") ? "; give fit validationData or validationSplit" : ""}`,
        );
      }
      return value;
    },
    better: (value, best) => (best === null ? !Number.isNaN(value) : up ? value > best + delta : value < best - delta),
  };
}
