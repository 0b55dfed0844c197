/** What scores of translations have in common: rows with references, sums over them, a signature, a line of text. */
import { shown, TextOptionError } from "../errors.ts";
import { type Confidence, type ConfidenceOptions, confidenceOf } from "./confidence.ts";

/** The sacreBLEU whose definitions are followed; its number stands in signatures. */
const version = "2.6.0";

/** The references of each row, one or several. */
export type TranslationReferences = readonly (string | readonly string[])[];

/** A score from 0 to 100, and how it came about. */
export interface TranslationScore {
  /** Such as `BLEU`, `chrF2` or `chrF2++`. */
  readonly name: string;
  /** From 0 to 100. */
  readonly score: number;
  /** How it was computed, as sacreBLEU prints it: scores of one signature can be compared. */
  readonly signature: string;
  /** Where `bootstrap` asks for it. */
  readonly confidence?: Confidence;
}

/** A metric whose figures of rows add up to those of a corpus. */
export interface Metric<S> {
  figures(references: readonly string[], written: string): readonly number[];
  score(sums: readonly number[]): S & { readonly score: number };
  /** The metric's own part of the signature. */
  readonly signature: Readonly<Record<string, string | number>>;
}

function checkedText(option: string, text: unknown): string {
  if (typeof text !== "string") throw new TextOptionError(option, "be a string", text);
  return text;
}

function referencesOf(references: unknown, option: string): readonly string[] {
  if (typeof references === "string") return [references];
  if (!Array.isArray(references) || references.length === 0)
    throw new TextOptionError(option, "be a string, or a list of one string or more", references);
  return references.map((one, i) => checkedText(`${option}[${i}]`, one));
}

function signatureOf(counts: ReadonlySet<number>, own: Metric<unknown>["signature"], confidence?: Confidence): string {
  const [count] = counts;
  const drawn = confidence && { bs: confidence.samples, seed: confidence.seed };
  const all = { nrefs: counts.size === 1 ? count : "var", ...drawn, ...own, version };
  return Object.entries(all)
    .map(([name, value]) => `${name}:${value}`)
    .join("|");
}

/** The score of a corpus. Throws `TextOptionError` for rows that do not belong together, for no rows, and for what is no text. */
export function corpusScore<S>(
  metric: Metric<S>,
  references: TranslationReferences,
  written: readonly string[],
  options: ConfidenceOptions = {},
): S & { readonly score: number; readonly signature: string; readonly confidence?: Confidence } {
  if (!Array.isArray(written)) throw new TextOptionError("written", "be a list of texts", written);
  if (!Array.isArray(references))
    throw new TextOptionError("references", "be a list with the references of each row", references);
  if (references.length !== written.length)
    throw new TextOptionError(
      "references",
      `have ${written.length} rows, as written has`,
      references.length,
      "each row is that of one text with all its references",
    );
  if (written.length === 0) throw new TextOptionError("written", "have a row or more", written);
  const counts = new Set<number>();
  const rows = written.map((text, row) => {
    const own = referencesOf(references[row], `references[${row}]`);
    counts.add(own.length);
    return metric.figures(own, checkedText(`written[${row}]`, text));
  });
  const confidence = confidenceOf(rows, (sums) => metric.score(sums).score, options);
  return {
    ...metric.score(sumOf(rows)),
    signature: signatureOf(counts, metric.signature, confidence),
    ...(confidence && { confidence }),
  };
}

function sumOf(rows: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(rows[0]!.length).fill(0);
  for (const row of rows) for (let i = 0; i < sums.length; i++) sums[i]! += row[i]!;
  return sums;
}

/** A text and what it is held to, as a corpus of one row. */
export function sentenceScore<S>(metric: Metric<S>, references: string | readonly string[], written: string) {
  return corpusScore(metric, [referencesOf(references, "references")], [checkedText("written", written)]);
}

/** `true` or `false`, or the default where it is left out. */
export function flag(option: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== "boolean") throw new TextOptionError(option, "be true or false", value);
  return value;
}

/** A whole number of at least `least`, or the default where it is left out. */
export function wholeNumber(option: string, value: unknown, otherwise: number, least: number): number {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw new TextOptionError(option, `be a whole number from ${shown(least)} on`, value);
  return value as number;
}
