/** What an optimizer is: plain data, and what a step does to a parameter, given its gradient. */
import { ConfigError } from "../errors.ts";
import type { Value } from "../ir/ops.ts";
import { isRecord, type Json, OptionReader, shown } from "../nn/options.ts";
import { type LearningRate, readLearningRate } from "./schedules.ts";

/** What an optimizer may read in one step. */
export interface UpdateContext {
  readonly parameter: Value;
  readonly gradient: Value;
  /** The parameter's slots, by name. */
  readonly slots: Readonly<Record<string, Value>>;
  /** What all parameters share, as this step leaves it. */
  readonly shared: Readonly<Record<string, Value>>;
  /** 1 in the first update, a float32 scalar. */
  readonly iteration: Value;
  /** A float32 scalar, fed anew to each step. */
  readonly learningRate: Value;
}

/** What every optimizer takes, with Keras's meaning and defaults. */
export interface OptimizerOptions {
  /** A number, or a schedule such as `cosineDecay(…)`. */
  readonly learningRate?: LearningRate;
  /** Bound on each element of the gradients. At most one of `clipvalue`, `clipnorm` and `globalClipnorm` can be given. */
  readonly clipvalue?: number;
  /** Bound on the norm of each parameter's gradient. */
  readonly clipnorm?: number;
  /** Bound on the norm of all gradients together. */
  readonly globalClipnorm?: number;
  /** w ← w - learningRate · weightDecay · w before each update. Default: none. */
  readonly weightDecay?: number;
  /** Parameters change once in so many steps, by the mean of their gradients. Default 1. */
  readonly gradientAccumulationSteps?: number;
  /** Keeps a moving average of the weights beside them. Default false. */
  readonly useEma?: boolean;
  /** average ← emaMomentum · average + (1 - emaMomentum) · w. Default 0.99. */
  readonly emaMomentum?: number;
  /** After so many updates the averages become the weights. Default: never. */
  readonly emaOverwriteFrequency?: number;
}

/** The options of every optimizer with all defaults filled in; null where there is none. */
export interface BaseConfig {
  readonly clipvalue: number | null;
  readonly clipnorm: number | null;
  readonly globalClipnorm: number | null;
  readonly weightDecay: number | null;
  readonly gradientAccumulationSteps: number;
  readonly useEma: boolean;
  readonly emaMomentum: number;
  readonly emaOverwriteFrequency: number | null;
}

/** What an optimizer is: its options, its state, and its update as graph. Made by a function such as `adam()`. */
export interface Optimizer {
  readonly kind: string;
  readonly learningRate: LearningRate;
  /** Its own options, with all defaults filled in. */
  readonly options: { readonly [name: string]: Json };
  readonly base: BaseConfig;
  /** The slots beside each parameter, of its shape, and what fills them at first. They are state like the parameter: no checkpoint can forget them. */
  readonly slots: Readonly<Record<string, number>>;
  /**
   * Slots that the guard of a step need not read: the new parameter is computed from them so that it is finite only where they are.
   * Default: none.
   */
  readonly shownSlots?: readonly string[];
  /** Scalars that all parameters share, and what they are at first. State as well. */
  readonly shared: Readonly<Record<string, number>>;
  /** The shared scalars after this step; left out where there are none. */
  advance?(context: Pick<UpdateContext, "shared" | "iteration">): Readonly<Record<string, Value>>;
  /** The new parameter and the new slots. */
  update(context: UpdateContext): { readonly parameter: Value; readonly slots: Readonly<Record<string, Value>> };
}

const baseOptions = [
  "learningRate",
  "clipvalue",
  "clipnorm",
  "globalClipnorm",
  "weightDecay",
  "gradientAccumulationSteps",
  "useEma",
  "emaMomentum",
  "emaOverwriteFrequency",
] as const satisfies readonly (keyof OptimizerOptions)[];

/** Reads what every optimizer takes; its own options, called `own`, are read from what is returned. */
export function readOptimizer(
  kind: string,
  given: OptimizerOptions,
  own: readonly string[],
  defaults: { readonly learningRate: number; readonly weightDecay?: number },
): { read: OptionReader; learningRate: LearningRate; base: BaseConfig } {
  const read = new OptionReader(kind, given, [...baseOptions, ...own]);
  const bound = (name: "clipvalue" | "clipnorm" | "globalClipnorm"): number | null => {
    const value = given[name];
    if (value === undefined) return null;
    if (!(read.number(name, 0, 0) > 0)) throw new ConfigError(`${kind}: ${name} must be above 0, got ${shown(value)}`);
    return value;
  };
  const base: BaseConfig = {
    clipvalue: bound("clipvalue"),
    clipnorm: bound("clipnorm"),
    globalClipnorm: bound("globalClipnorm"),
    weightDecay:
      (given.weightDecay ?? defaults.weightDecay) === undefined
        ? null
        : read.number("weightDecay", defaults.weightDecay ?? 0, 0),
    gradientAccumulationSteps:
      given.gradientAccumulationSteps === undefined ? 1 : read.integer("gradientAccumulationSteps", 1),
    useEma: read.boolean("useEma", false),
    emaMomentum: read.number("emaMomentum", 0.99, 0, 1),
    emaOverwriteFrequency: given.emaOverwriteFrequency === undefined ? null : read.integer("emaOverwriteFrequency", 1),
  };
  const bounds = (["clipvalue", "clipnorm", "globalClipnorm"] as const).filter((name) => base[name] !== null);
  if (bounds.length > 1) throw new ConfigError(`${kind}: ${bounds.join(" and ")} exclude each other; give one of them`);
  if (!base.useEma && (given.emaMomentum !== undefined || base.emaOverwriteFrequency !== null))
    throw new ConfigError(`${kind}: emaMomentum and emaOverwriteFrequency go with useEma: true`);
  return {
    read,
    learningRate: readLearningRate(kind, "learningRate", given.learningRate ?? defaults.learningRate),
    base,
  };
}

const isNumbers = (data: unknown): boolean => isRecord(data) && Object.values(data).every(Number.isFinite);

/**
 * Checks an optimizer that somebody put together, by the code that makes optimizers.
 *
 * @throws ConfigError that names the option
 */
export function checkOptimizer(optimizer: Optimizer): void {
  const { kind, learningRate, options, base, slots, shared } = optimizer;
  if (typeof kind !== "string" || kind === "")
    throw new ConfigError(`the optimizer's kind must be a text, got ${shown(kind)}`);
  if (!isRecord(base))
    throw new ConfigError(`${kind}: base must be the options of every optimizer, got ${shown(base)}`);
  if (!isRecord(options)) throw new ConfigError(`${kind}: options must be a record, got ${shown(options)}`);
  for (const [name, numbers] of Object.entries({ slots, shared }))
    if (!isNumbers(numbers))
      throw new ConfigError(`${kind}: ${name} must be a record of what fills them at first, finite numbers`);
  const given = Object.entries(base).filter(
    ([name, value]) => value !== null && (base.useEma || name !== "emaMomentum"),
  );
  const { base: read, learningRate: rate } = readOptimizer(kind, { ...Object.fromEntries(given), learningRate }, [], {
    learningRate: 0,
  });
  const lacking = Object.keys(read).find((name) => base[name as keyof BaseConfig] === undefined);
  if (lacking !== undefined) throw new ConfigError(`${kind}: base has no ${lacking}; where there is none it is null`);
  if (typeof rate === "number" || typeof learningRate === "number") return;
  const missing = Object.keys(rate).filter((name) => !Object.hasOwn(learningRate, name));
  if (missing.length > 0)
    throw new ConfigError(
      `${kind}: learningRate is a schedule without ${missing.join(", ")}; ${rate.kind}({ … }) fills in what is left out`,
    );
}

/** All that makes an optimizer what it is, as plain data: checkpoints compare it. */
export function optimizerSpec({ kind, learningRate, options, base }: Optimizer): Json {
  return { kind, learningRate, ...options, ...base } as { readonly [name: string]: Json };
}
