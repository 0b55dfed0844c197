/** The options of `generate`: what may be asked for, and how it is read. */
import { ConfigError } from "../errors.ts";
import { isRecord, OptionReader, shown } from "../nn/options.ts";
import { checkSignal, type Signal } from "../train/session/signal.ts";
import { type LengthPenalty, lengthPenalties, penaltyOf } from "./lengthPenalty.ts";
import type { SequenceModel } from "./sequenceModel.ts";

/** How tokens are drawn. What may not come next is left out before, and the probabilities of what stays are those of a whole again. */
export interface SampleOptions {
  /** Log-probabilities are divided by it: below 1 the likely becomes likelier, above 1 less so. Default 1. */
  readonly temperature?: number;
  /** Draws from so many of the likeliest tokens (Fan, Lewis and Dauphin 2018). Default: all. */
  readonly topK?: number;
  /** Draws from the fewest of the likeliest tokens that together have at least this probability, after `temperature` and `topK` (nucleus sampling, Holtzman et al. 2020). Default 1: all. */
  readonly topP?: number;
  /** What is drawn depends on it, the number of the source, the number of the sample and the step, and on nothing else. Default 0. */
  readonly seed?: number;
}

/** How far `generate` is. */
export interface GenerateProgress {
  /** Sources that are done. */
  readonly done: number;
  /** Sources in all. */
  readonly count: number;
}

/** Options of `generate`. */
export interface GenerateOptions {
  /** The token before the first. */
  readonly start: number;
  /** The token that ends a sequence. */
  readonly end: number;
  /** Hypotheses that are kept for each source at each step. Default 1: the likeliest token is taken at each step (greedy). */
  readonly beamSize?: number;
  /** Results for each source: of a beam search the best, up to `beamSize`; of sampling so many, drawn apart. Default 1. */
  readonly nBest?: number;
  /**
   * What a log-probability is divided by to rank hypotheses. |Y| is the number of tokens, with `end`: "average" is |Y|^α, "wu" is ((5 + |Y|) / 6)^α
   * (Wu et al. 2016), "none" is 1. Default "average".
   */
  readonly lengthPenalty?: LengthPenalty;
  /** α of the length penalty, from 0 on: the larger, the longer the results. Default 1, and 0.6 for "wu". */
  readonly alpha?: number;
  /**
   * When a beam search is done with a source, as in Hugging Face's Transformers. false: where no hypothesis that goes on could have a better score than the worst of `nBest` finished ones by ending with the
   * next token. true: as soon as `beamSize` hypotheses are finished. "never": where none could have a better score by ending at any length up to `maxLength`. That is exact, and takes several times as
   * many steps where the length penalty makes much of length. Default false.
   */
  readonly earlyStopping?: boolean | "never";
  /** No n-gram of this size comes twice in a result. Default: any may. */
  readonly noRepeatNgramSize?: number;
  /** `end` comes after so many tokens at the earliest. Default 0. */
  readonly minLength?: number;
  /** The most tokens of a result, `end` not among them: a number, or a function of the source's length. Default 200. */
  readonly maxLength?: number | ((sourceLength: number) => number);
  /** Draws tokens instead of searching for the likeliest. */
  readonly sample?: SampleOptions;
  /**
   * The tokens that may come next, `end` among them where it may; undefined for any. It is asked for each hypothesis at each step, with its tokens so far and the number of its
   * source. A hypothesis that nothing may follow stops, unfinished.
   */
  readonly constraint?: (prefix: readonly number[], source: number) => readonly number[] | undefined;
  /** Tokens that never come. Default 0, which is padding, and `start`. */
  readonly exclude?: readonly number[];
  /** Whether results have the weights of attention. Default false. */
  readonly returnAttention?: boolean;
  /** Sources that are decoded together, those of like length. It changes the speed alone. Default: as many as make 256 rows, and 64 at least, but fewer where they have more than 8,192 steps together. */
  readonly batchSize?: number;
  /** After each batch of sources. */
  readonly onProgress?: (progress: GenerateProgress) => void | Promise<void>;
  /** Stops before the next step: the signal's reason is thrown. */
  readonly signal?: Signal;
}

/** The options, checked and filled in. */
export interface GenerateSettings {
  readonly start: number;
  readonly end: number;
  readonly beamSize: number;
  readonly nBest: number;
  readonly penalty: (length: number) => number;
  readonly earlyStopping: boolean | "never";
  /** 0 where n-grams may repeat. */
  readonly noRepeatNgramSize: number;
  readonly minLength: number;
  readonly maxLength: (sourceLength: number) => number;
  readonly sample: Required<SampleOptions> | undefined;
  readonly constraint: GenerateOptions["constraint"];
  /** 1 for a token that never comes: [vocabularySize]. */
  readonly excluded: Uint8Array;
  readonly returnAttention: boolean;
  readonly batchSize: number;
  /** The most steps of the sources of a batch, padding among them. */
  readonly batchSteps: number;
}

const names = Object.keys({
  start: true,
  end: true,
  beamSize: true,
  nBest: true,
  lengthPenalty: true,
  alpha: true,
  earlyStopping: true,
  noRepeatNgramSize: true,
  minLength: true,
  maxLength: true,
  sample: true,
  constraint: true,
  exclude: true,
  returnAttention: true,
  batchSize: true,
  onProgress: true,
  signal: true,
} satisfies Record<keyof GenerateOptions, true>);

const isToken = (value: unknown, size: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < size;

/** A token of the vocabulary. @throws ConfigError */
export function expectToken(what: string, value: unknown, size: number): number {
  if (!isToken(value, size))
    throw new ConfigError(`generate: ${what} must be a token, from 0 to ${size - 1}, got ${shown(value)}`);
  return value;
}

function excludedOf(given: unknown, start: number, end: number, size: number): Uint8Array {
  if (given !== undefined && !Array.isArray(given))
    throw new ConfigError(`generate: exclude must be a list of tokens, got ${shown(given)}`);
  const excluded = new Uint8Array(size);
  for (const token of (given as unknown[] | undefined) ?? [0, start].filter((token) => token !== end))
    excluded[expectToken("each of exclude", token, size)] = 1;
  if (excluded[end] === 1)
    throw new ConfigError(`generate: exclude has ${end}, which is end: no sequence would be finished`);
  if (!excluded.includes(0)) throw new ConfigError("generate: exclude has all tokens");
  return excluded;
}

function readSample(given: unknown): Required<SampleOptions> {
  const read = new OptionReader("generate: sample", given, ["temperature", "topK", "topP", "seed"]);
  const temperature = read.number("temperature", 1);
  if (temperature <= 0)
    throw new ConfigError(
      `generate: sample: temperature must be above 0, got ${temperature}; for the likeliest tokens leave out sample`,
    );
  const topK = read.integer("topK", 1, Number.MAX_SAFE_INTEGER);
  const topP = read.number("topP", 1);
  if (topP <= 0 || topP > 1) throw new ConfigError(`generate: sample: topP must be a probability above 0, got ${topP}`);
  return { temperature, topK, topP, seed: read.integer("seed", 0, 0) };
}

function readMaxLength(given: unknown, minLength: number): (sourceLength: number) => number {
  const of = typeof given === "function" ? (given as (sourceLength: number) => unknown) : () => given;
  return (sourceLength) => {
    const length = of(sourceLength);
    if (!Number.isSafeInteger(length) || (length as number) < Math.max(minLength, 1)) {
      const where = typeof given === "function" ? ` for a source of length ${sourceLength}` : "";
      const least = minLength > 1 ? `${minLength}, which is minLength,` : "1";
      throw new ConfigError(
        `generate: maxLength must be a whole number from ${least} on, got ${shown(length)}${where}`,
      );
    }
    return length as number;
  };
}

function readEarlyStopping({ earlyStopping = false, sample }: GenerateOptions): GenerateSettings["earlyStopping"] {
  if (typeof earlyStopping !== "boolean" && earlyStopping !== "never")
    throw new ConfigError(`generate: earlyStopping must be true, false or "never", got ${shown(earlyStopping)}`);
  if (earlyStopping !== false && sample !== undefined)
    throw new ConfigError("generate: earlyStopping ends a beam search; leave it out, or sample");
  return earlyStopping;
}

/** @throws ConfigError for what does not write, such as a predictor */
export function expectSequenceModel(model: unknown): void {
  if (isRecord(model) && Number.isInteger(model.vocabularySize) && typeof model.open === "function") return;
  const given = isRecord(model) && isRecord(model.spec) ? "a model that is not opened for writing" : shown(model);
  throw new ConfigError(
    `generate: the model must be what await sequenceModel(trained, { backend }) or await onnxSequenceModel(files) made, got ${given}`,
  );
}

/** Rows of a step that keep two threads busy: a batch of 64 rows takes 1.4 times as long for each. */
const ROWS = 256;
/** The memory of a batch grows with them: 64 sources of 1,000 words would take 1 GB in a translator of sentences. */
const STEPS = 8192;

/** @throws ConfigError for an option that is wrong, or does not fit the model or another option */
export function readGenerateOptions(
  { vocabularySize, hasAttention }: Pick<SequenceModel, "vocabularySize" | "hasAttention">,
  options: GenerateOptions,
): GenerateSettings {
  const read = new OptionReader("generate", options, names);
  const start = expectToken("start", options.start, vocabularySize);
  const end = expectToken("end", options.end, vocabularySize);
  const beamSize = read.integer("beamSize", 1, 1);
  const nBest = read.integer("nBest", 1, 1);
  const sample = options.sample === undefined ? undefined : readSample(options.sample);
  if (sample !== undefined && beamSize > 1)
    throw new ConfigError(
      `generate: tokens are either drawn or searched for; leave out sample, or beamSize: ${beamSize}`,
    );
  if (sample === undefined && nBest > beamSize)
    throw new ConfigError(
      `generate: nBest is ${nBest} and beamSize ${beamSize}; a beam keeps no more results than beamSize`,
    );
  const form = read.oneOf("lengthPenalty", lengthPenalties, "average");
  if (form === "none" && options.alpha !== undefined)
    throw new ConfigError('generate: alpha has no meaning with lengthPenalty "none"; leave it out');
  const minLength = read.integer("minLength", 0, 0);
  const maxLength = readMaxLength(options.maxLength ?? Math.max(200, minLength), minLength);
  if (typeof options.maxLength !== "function") maxLength(0);
  read.functions("constraint", "onProgress");
  checkSignal("generate", options.signal);
  const returnAttention = read.boolean("returnAttention", false);
  if (returnAttention && !hasAttention)
    throw new ConfigError("generate: returnAttention is true, and the model gives no weights of attention");
  return {
    start,
    end,
    beamSize,
    nBest,
    earlyStopping: readEarlyStopping(options),
    penalty: penaltyOf(form, read.number("alpha", form === "wu" ? 0.6 : 1, 0)),
    noRepeatNgramSize: options.noRepeatNgramSize === undefined ? 0 : read.integer("noRepeatNgramSize", 1),
    minLength,
    maxLength,
    sample,
    constraint: options.constraint,
    excluded: excludedOf(options.exclude, start, end, vocabularySize),
    returnAttention,
    batchSteps: options.batchSize === undefined ? STEPS : Number.POSITIVE_INFINITY,
    batchSize: read.integer("batchSize", 1, Math.max(64, Math.ceil(ROWS / Math.max(beamSize, nBest)))),
  };
}
