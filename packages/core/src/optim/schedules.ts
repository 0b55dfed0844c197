/** Learning rates that change: plain data that survives JSON. `learningRateAt` tells the rate of a step. */
import { ConfigError } from "../errors.ts";
import { isRecord, OptionReader, shown } from "../nn/options.ts";

/** A learning rate for each step. Steps count from 0; micro-batches of an accumulated gradient count one by one, as in Keras. */
export type Schedule =
  | { readonly kind: "piecewiseConstant"; readonly boundaries: readonly number[]; readonly values: readonly number[] }
  | {
      readonly kind: "exponentialDecay" | "inverseTimeDecay";
      readonly initialLearningRate: number;
      readonly decaySteps: number;
      readonly decayRate: number;
      readonly staircase: boolean;
    }
  | {
      readonly kind: "polynomialDecay";
      readonly initialLearningRate: number;
      readonly decaySteps: number;
      readonly endLearningRate: number;
      readonly power: number;
      readonly cycle: boolean;
    }
  | {
      readonly kind: "cosineDecay";
      readonly initialLearningRate: number;
      readonly decaySteps: number;
      readonly alpha: number;
      readonly warmupTarget: number | null;
      readonly warmupSteps: number;
    }
  | {
      readonly kind: "oneCycle";
      readonly maxLearningRate: number;
      readonly totalSteps: number;
      readonly pctStart: number;
      readonly annealStrategy: "cos" | "linear";
      readonly divFactor: number;
      readonly finalDivFactor: number;
      readonly threePhase: boolean;
    }
  | {
      readonly kind: "warmup";
      readonly initialLearningRate: number;
      readonly warmupSteps: number;
      readonly schedule: LearningRate;
    };

/** The same rate for every step, or a schedule. */
export type LearningRate = number | Schedule;

/** A schedule that somebody wrote down, or that comes from a file, made as its function makes it: checked, and with all defaults. */
function readSchedule(owner: string, option: string, { kind, ...given }: Record<string, unknown>): Schedule {
  const make = Object.hasOwn(makers, kind as string) ? makers[kind as Schedule["kind"]] : undefined;
  if (make === undefined)
    throw new ConfigError(
      `${owner}: ${option} is a schedule of the unknown kind ${shown(kind)}; there are ${Object.keys(makers).join(", ")}`,
    );
  // In what was made, null and a warm-up of no steps stand for options that were not given.
  const options = Object.entries(given).filter(([, value]) => value !== null);
  const left =
    given.warmupTarget === null ? options.filter(([name, value]) => name !== "warmupSteps" || value !== 0) : options;
  try {
    return make(Object.fromEntries(left) as never);
  } catch (error) {
    if (error instanceof ConfigError) error.message = `${owner}: ${option}: ${error.message}`;
    throw error;
  }
}

/** A learning rate among options. @throws ConfigError that names `owner` and the option */
export function readLearningRate(owner: string, option: string, value: unknown): LearningRate {
  if (typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  if (isRecord(value) && "kind" in value) return readSchedule(owner, option, value);
  throw new ConfigError(
    `${owner}: ${option} must be a number from 0 on, or a schedule such as cosineDecay(…), got ${shown(value)}`,
  );
}

/** A number from 0 on that has no default. */
const required = (read: OptionReader, name: string): number => read.number(name, Number.NaN, 0);

/**
 * Keras's PiecewiseConstantDecay: `values[0]` up to and with step `boundaries[0]`, then `values[1]`, and so on.
 *
 * @example piecewiseConstant({ boundaries: [1000, 2000], values: [0.1, 0.01, 0.001] })
 */
export function piecewiseConstant(options: {
  readonly boundaries: readonly number[];
  readonly values: readonly number[];
}): Schedule {
  new OptionReader("piecewiseConstant", options, ["boundaries", "values"]);
  const { boundaries, values } = options;
  const numbers = (list: unknown): list is readonly number[] =>
    Array.isArray(list) && list.every((item) => Number.isFinite(item) && item >= 0);
  if (!numbers(boundaries) || !numbers(values) || values.length !== boundaries.length + 1)
    throw new ConfigError(
      `piecewiseConstant takes boundaries, and one value more than these, all numbers from 0 on; got boundaries ${shown(boundaries)} and values ${shown(values)}`,
    );
  if (boundaries.some((boundary, i) => i > 0 && boundary <= (boundaries[i - 1] as number)))
    throw new ConfigError(`piecewiseConstant: boundaries must rise, got ${shown(boundaries)}`);
  return { kind: "piecewiseConstant", boundaries: [...boundaries], values: [...values] };
}

/** Options of `exponentialDecay` and `inverseTimeDecay`. */
export interface DecayOptions {
  readonly initialLearningRate: number;
  /** Over how many steps the rate decays by `decayRate`. */
  readonly decaySteps: number;
  readonly decayRate: number;
  /** In whole multiples of `decaySteps` only. Default false. */
  readonly staircase?: boolean;
}

function decay(kind: "exponentialDecay" | "inverseTimeDecay", options: DecayOptions): Schedule {
  const read = new OptionReader(kind, options, ["initialLearningRate", "decaySteps", "decayRate", "staircase"]);
  return {
    kind,
    initialLearningRate: required(read, "initialLearningRate"),
    decaySteps: read.integer("decaySteps", 1),
    decayRate: required(read, "decayRate"),
    staircase: read.boolean("staircase", false),
  };
}

/** Keras's ExponentialDecay: initialLearningRate · decayRate^(step / decaySteps). */
export function exponentialDecay(options: DecayOptions): Schedule {
  return decay("exponentialDecay", options);
}

/** Keras's InverseTimeDecay: initialLearningRate / (1 + decayRate · step / decaySteps). */
export function inverseTimeDecay(options: DecayOptions): Schedule {
  return decay("inverseTimeDecay", options);
}

/** Options of `polynomialDecay`. */
export interface PolynomialDecayOptions {
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  /** Default 0.0001. */
  readonly endLearningRate?: number;
  /** Default 1: a straight line. */
  readonly power?: number;
  /** Whenever the end is reached, decays again over one `decaySteps` more. Default false. */
  readonly cycle?: boolean;
}

/** Keras's PolynomialDecay: (initial - end) · (1 - min(step, decaySteps) / decaySteps)^power + end. */
export function polynomialDecay(options: PolynomialDecayOptions): Schedule {
  const names = ["initialLearningRate", "decaySteps", "endLearningRate", "power", "cycle"];
  const read = new OptionReader("polynomialDecay", options, names);
  return {
    kind: "polynomialDecay",
    initialLearningRate: required(read, "initialLearningRate"),
    decaySteps: read.integer("decaySteps", 1),
    endLearningRate: read.number("endLearningRate", 0.0001, 0),
    power: read.number("power", 1, 0),
    cycle: read.boolean("cycle", false),
  };
}

/** Options of `cosineDecay`. */
export interface CosineDecayOptions {
  readonly initialLearningRate: number;
  /** How long the decay takes, after the warm-up. */
  readonly decaySteps: number;
  /** What is left at the end, as a share of the rate from which the decay starts. Default 0. */
  readonly alpha?: number;
  /** The rate to which the warm-up rises from `initialLearningRate`. Default: no warm-up. */
  readonly warmupTarget?: number;
  /** How long the warm-up takes; goes with `warmupTarget`. */
  readonly warmupSteps?: number;
}

/**
 * Keras's CosineDecay (Loshchilov and Hutter 2016): rate · ((1 - alpha) · (1 + cos(π step / decaySteps)) / 2 + alpha), after a
 * linear warm-up if there is one.
 */
export function cosineDecay(options: CosineDecayOptions): Schedule {
  const names = ["initialLearningRate", "decaySteps", "alpha", "warmupTarget", "warmupSteps"];
  const read = new OptionReader("cosineDecay", options, names);
  const warm = options.warmupTarget !== undefined;
  if (warm !== (options.warmupSteps !== undefined))
    throw new ConfigError("cosineDecay: warmupTarget and warmupSteps go together; give both or neither");
  return {
    kind: "cosineDecay",
    initialLearningRate: required(read, "initialLearningRate"),
    decaySteps: read.integer("decaySteps", 1),
    alpha: read.number("alpha", 0, 0),
    warmupTarget: warm ? required(read, "warmupTarget") : null,
    warmupSteps: warm ? read.integer("warmupSteps", 1) : 0,
  };
}

/** Options of `oneCycle`. */
export interface OneCycleOptions {
  readonly maxLearningRate: number;
  readonly totalSteps: number;
  /** The share of the steps in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Default "cos". */
  readonly annealStrategy?: "cos" | "linear";
  /** The rate begins at maxLearningRate / divFactor. Default 25. */
  readonly divFactor?: number;
  /** It ends at maxLearningRate / divFactor / finalDivFactor. Default 10000. */
  readonly finalDivFactor?: number;
  /** The rate falls as long as it rose, back to where it began, before it goes on to its end. Default false. */
  readonly threePhase?: boolean;
}

/**
 * One rise and one fall (Smith and Topin 2018, "Super-Convergence"), by the definition and with the defaults of PyTorch's OneCycleLR.
 * Past its end the rate stays.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const numbers = ["maxLearningRate", "totalSteps", "pctStart", "divFactor", "finalDivFactor"];
  const read = new OptionReader("oneCycle", options, [...numbers, "annealStrategy", "threePhase"]);
  return {
    kind: "oneCycle",
    maxLearningRate: required(read, "maxLearningRate"),
    totalSteps: read.integer("totalSteps", 1),
    pctStart: read.number("pctStart", 0.3, 0, 1),
    annealStrategy: read.oneOf("annealStrategy", ["cos", "linear"], "cos"),
    divFactor: read.number("divFactor", 25, 1),
    finalDivFactor: read.number("finalDivFactor", 10000, 1),
    threePhase: read.boolean("threePhase", false),
  };
}

/** Options of `warmup`. */
export interface WarmupOptions {
  readonly warmupSteps: number;
  /** What follows, from its first step on. */
  readonly schedule: LearningRate;
  /** Default 0. */
  readonly initialLearningRate?: number;
}

/** A straight rise over `warmupSteps` steps, from `initialLearningRate` to where `schedule` begins, and then the schedule. */
export function warmup(options: WarmupOptions): Schedule {
  const read = new OptionReader("warmup", options, ["warmupSteps", "schedule", "initialLearningRate"]);
  return {
    kind: "warmup",
    initialLearningRate: read.number("initialLearningRate", 0, 0),
    warmupSteps: read.integer("warmupSteps", 1),
    schedule: readLearningRate("warmup", "schedule", options.schedule),
  };
}

/** The functions above by the kind of schedule that they make. */
const makers: { readonly [K in Schedule["kind"]]: (options: never) => Schedule } = {
  piecewiseConstant,
  exponentialDecay,
  inverseTimeDecay,
  polynomialDecay,
  cosineDecay,
  oneCycle,
  warmup,
};
