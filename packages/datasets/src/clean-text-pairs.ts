/** Leaves pairs of texts out that cannot be translations of each other, or that nothing is learned from, and counts them. */
import { DatasetFormatError, DatasetOptionError, refuseUnknown } from "./errors.ts";
import {
  type ParallelTextOptions,
  parallelTextOptions,
  type TextPair,
  type TextPairFiles,
  textPairsOf,
} from "./text-pairs.ts";

/** Why a pair is left out, in the order in which it is looked at, each with how an error tells of it. */
const reasons = {
  /** One of the texts is empty. */
  empty: "empty",
  /** One of the texts is shorter than `minLength`. */
  tooShort: "too short",
  /** One of the texts is longer than `maxLength`. */
  tooLong: "too long",
  /** One of the texts is more than `maxRatio` times as long as the other. */
  unlikeLengths: "of unlike lengths",
  /** The target is the source: it was not translated. */
  untranslated: "not translated",
  /** The pair was there before. */
  repeated: "repeated",
} as const;

/** Why a pair is left out. */
export type LeftOutReason = keyof typeof reasons;

/** How lengths are counted: words between white space, characters (code points), or the result of a function, such as the number of subwords. */
export type TextLength = "words" | "characters" | ((text: string, side: "source" | "target") => number);

/** Which pairs are left out. Pairs with an empty text always are; others only where an option asks for it. */
export interface CleaningOptions {
  /** The length that both texts have at least. */
  readonly minLength?: number;
  /** The length that both texts have at most. */
  readonly maxLength?: number;
  /** How many times as long the longer text may be as the shorter, from 1 on; 9 is usual. */
  readonly maxRatio?: number;
  /** How lengths are counted. Default `"words"`; scripts without spaces want `"characters"` or a function. */
  readonly lengthOf?: TextLength;
  /** Whether pairs stay whose target is the source. Default `"keep"`. */
  readonly untranslated?: "keep" | "drop";
  /** Whether pairs stay that were there before. Default `"keep"`; `"drop"` holds every pair that stays in memory. */
  readonly repeated?: "keep" | "drop";
}

const options: Record<keyof CleaningOptions, true> = {
  minLength: true,
  maxLength: true,
  maxRatio: true,
  lengthOf: true,
  untranslated: true,
  repeated: true,
};

/** How many pairs there were, and why some are not there. */
export interface CleaningReport {
  readonly pairs: number;
  readonly kept: number;
  /** Each pair that is left out counts once, for the first reason that applies. */
  readonly leftOut: Readonly<Record<LeftOutReason, number>>;
}

/** Pairs that stay. */
export interface CleanTextPairs extends AsyncIterable<TextPair> {
  /** Of the pass over the pairs that has begun last, as far as it is. */
  readonly report: CleaningReport;
}

const countWords = (text: string): number => text.match(/\S+/gu)?.length ?? 0;

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function lengthFunction(lengthOf: TextLength): Exclude<TextLength, string> {
  if (typeof lengthOf === "function")
    return (text, side) => {
      const length = lengthOf(text, side);
      if (!(length >= 0)) throw new DatasetOptionError("lengthOf", "give a length of 0 or more", length);
      return length;
    };
  if (lengthOf === "words") return countWords;
  if (lengthOf === "characters") return countCharacters;
  throw new DatasetOptionError("lengthOf", 'be "words", "characters" or a function', lengthOf);
}

function drops(option: "untranslated" | "repeated", value: unknown): boolean {
  if (value !== undefined && value !== "keep" && value !== "drop")
    throw new DatasetOptionError(option, 'be "keep" or "drop"', value);
  return value === "drop";
}

function atLeast(option: keyof CleaningOptions, value: number | undefined, least: number): number | undefined {
  if (value !== undefined && !(value >= least)) throw new DatasetOptionError(option, `be ${least} or more`, value);
  return value;
}

/** Why a pair is left out; undefined where it stays. */
type Judge = (pair: TextPair) => LeftOutReason | undefined;

/** Makes a judge for each pass: one that has seen no pair. */
function judgesOf(given: CleaningOptions): () => Judge {
  const lengthOf = lengthFunction(given.lengthOf ?? "words");
  const least = atLeast("minLength", given.minLength, 0) ?? 0;
  const most = atLeast("maxLength", given.maxLength, 1) ?? Number.POSITIVE_INFINITY;
  const ratio = atLeast("maxRatio", given.maxRatio, 1) ?? Number.POSITIVE_INFINITY;
  if (least > most) throw new DatasetOptionError("minLength", "not be above maxLength", least);
  const counts = least > 0 || most < Number.POSITIVE_INFINITY || ratio < Number.POSITIVE_INFINITY;
  const untranslated = drops("untranslated", given.untranslated);
  const repeated = drops("repeated", given.repeated);
  return () => {
    const seen = new Set<string>();
    return ({ source, target }) => {
      if (source === "" || target === "") return "empty";
      if (counts) {
        const [said, written] = [lengthOf(source, "source"), lengthOf(target, "target")];
        const [shorter, longer] = [Math.min(said, written), Math.max(said, written)];
        if (shorter < least) return "tooShort";
        if (longer > most) return "tooLong";
        if (longer > ratio * shorter) return "unlikeLengths";
      }
      if (untranslated && source === target) return "untranslated";
      if (!repeated) return undefined;
      const pair = `${source.length} ${source}${target}`;
      if (seen.has(pair)) return "repeated";
      seen.add(pair);
      return undefined;
    };
  };
}

const noneLeftOut = (): Record<LeftOutReason, number> =>
  Object.fromEntries(Object.keys(reasons).map((reason) => [reason, 0])) as Record<LeftOutReason, number>;

/**
 * The pairs that stay, one after the other as they come, and a report of the others.
 *
 * Throws `DatasetOptionError` for options that cannot work.
 *
 * @example
 * const clean = cleanTextPairs(textPairsOf(["train.de.gz", "train.en.gz"]), { maxLength: 80, maxRatio: 9 });
 * for await (const { source, target } of clean) console.log(source, target);
 * console.log(clean.report.leftOut.tooLong);
 */
export function cleanTextPairs(
  pairs: AsyncIterable<TextPair> | Iterable<TextPair>,
  given: CleaningOptions = {},
): CleanTextPairs {
  refuseUnknown("cleanTextPairs", given, options);
  const judges = judgesOf(given);
  let report: { pairs: number; kept: number; readonly leftOut: Record<LeftOutReason, number> };
  const begin = (): void => {
    report = { pairs: 0, kept: 0, leftOut: noneLeftOut() };
  };
  begin();
  return {
    get report() {
      return { ...report, leftOut: { ...report.leftOut } };
    },
    async *[Symbol.asyncIterator]() {
      begin();
      const judge = judges();
      for await (const pair of pairs) {
        report.pairs += 1;
        const reason = judge(pair);
        if (reason !== undefined) report.leftOut[reason] += 1;
        else {
          report.kept += 1;
          yield pair;
        }
      }
    },
  };
}

/** All pairs that stay, to train with: as many sources as targets. */
export interface TextPairs {
  readonly sources: string[];
  readonly targets: string[];
  readonly report: CleaningReport;
}

/** What is left out and why, as a part of a sentence. */
const told = ({ leftOut }: CleaningReport): string =>
  Object.entries(leftOut)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reasons[reason as LeftOutReason]}`)
    .join(", ");

/**
 * Reads the pairs of a table or of two files, cleaned, as they come: pairs of one source stay several.
 *
 * Throws as `textPairsOf` and `cleanTextPairs`, and `DatasetFormatError` where no pair stays, with what was left out and why.
 *
 * @example
 * const { sources, targets, report } = await readTextPairs(["train.de.gz", "train.en.gz"], { maxLength: 80, maxRatio: 9 });
 */
export async function readTextPairs(
  files: TextPairFiles,
  given: ParallelTextOptions & CleaningOptions = {},
): Promise<TextPairs> {
  refuseUnknown("readTextPairs", given, { ...parallelTextOptions, ...options });
  const chosen = <Options extends object>(known: Record<keyof Options, true>): Options =>
    Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(known, name))) as Options;
  const clean = cleanTextPairs(textPairsOf(files, chosen(parallelTextOptions)), chosen(options));
  const [sources, targets]: [string[], string[]] = [[], []];
  for await (const { source, target } of clean) {
    sources.push(source);
    targets.push(target);
  }
  const { report } = clean;
  if (sources.length === 0) {
    const path = typeof files === "string" ? files : files[0];
    throw new DatasetFormatError(
      path,
      report.pairs === 0 ? "has no rows" : `has no pair that stays; of ${report.pairs}: ${told(report)}`,
    );
  }
  return { sources, targets, report };
}
