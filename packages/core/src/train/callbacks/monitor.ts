/** Watching one figure of the epochs: which way is better, and by how much. */
import { ConfigError } from "../../errors.ts";
import { type OptionReader, shown } from "../../nn/options.ts";
import type { EpochEvent } from "../evaluation/events.ts";
import type { TrainingControl } from "./callback.ts";

/** The figure that a callback watches. */
export interface MonitorOptions {
  /** A figure of the epochs. Default "valLoss". */
  readonly monitor?: string;
  /**
   * Which way is better. Default "auto": "max" where a word of the name is that of an accuracy, AUC, precision, recall or F, "min" for losses and
   * errors. Other names, and names with words of both kinds such as "f1Loss", need to be told.
   */
  readonly mode?: "auto" | "min" | "max";
  /** What counts as better must be better by more than this. */
  readonly minDelta?: number;
}

export const monitorOptions = ["monitor", "mode", "minDelta"] as const;
const modes = ["auto", "min", "max"] as const;

/** Words of a figure's name that say which way is better. */
const growing = /\b(acc|accuracy|auc|precision|recall|f1|f ?beta|top ?k)\d*\b/;
const falling = /\b(loss|error|entropy|crossentropy|huber|perplexity)\d*\b/;

/** `valF1Loss` → `val f1 loss`. */
function wordsOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
}

/** Which way is better, as far as the name tells: words for both ways, or for neither, do not. */
function modeOf(name: string): "min" | "max" | undefined {
  const words = wordsOf(name);
  const [grows, falls] = [growing.test(words), falling.test(words)];
  if (grows === falls) return undefined;
  return grows ? "max" : "min";
}

export interface Monitor {
  readonly name: string;
  /** To be called before `better`. @throws ConfigError where epochs will have no figure of that name, or its name does not tell which way is better */
  expectIn(control: Pick<TrainingControl, "figures" | "metricOf">): void;
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
  let up = mode === "max";
  return {
    name,
    expectIn({ figures, metricOf }) {
      if (!figures.includes(name)) {
        const validated = figures.some((figure) => figure.startsWith("val"));
        const hint = name.startsWith("val") && !validated ? "; give fit validationData or validationSplit" : "";
        throw new ConfigError(`${owner} watches ${name}, but epochs have only ${figures.join(", ")}${hint}`);
      }
      // The name of an output says nothing of its metrics.
      const way = mode === "auto" ? modeOf(metricOf(name)) : mode;
      up = way === "max";
      if (way === undefined)
        throw new ConfigError(
          `${owner}: the name ${name} does not tell whether larger is better; give mode: "min" or "max"`,
        );
    },
    read: (event) => event[name] as number,
    better: (value, best) =>
      up ? value > (best ?? Number.NEGATIVE_INFINITY) + delta : value < (best ?? Number.POSITIVE_INFINITY) - delta,
  };
}
