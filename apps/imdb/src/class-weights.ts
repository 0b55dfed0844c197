/** `--class-weight`: how much the rows of each class count in the training loss. */
import { shownLabel, UsageError } from "@ostinato/app";
import type { ClassWeights } from "@ostinato/core";
import type { LabelEncoder } from "@ostinato/text";

/** "balanced", or weights by label. */
export type ClassWeightOption = "balanced" | ReadonlyMap<string, number>;

/** The weight of every class. */
export interface KnownClassWeights {
  readonly weights: ClassWeights;
  readonly byLabel: { readonly [label: string]: number };
  /** What a checkpoint compares: the same for the same weights, however they were written. */
  readonly setting: string;
}

const mostLabelsShown = 10;
/** Up to the first number: a label may itself have commas and equals signs in it. */
const entry = /(.+?)=([^,=]*)(?:,|$)/gsy;
const number = /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Reads `balanced` or `negative=1,positive=3`. @throws Error that says what is wrong with it */
export function parseClassWeight(text: string): ClassWeightOption {
  if (text === "balanced") return text;
  const weights = new Map<string, number>();
  let end = 0;
  for (const [whole, label = "", written = ""] of text.matchAll(entry)) {
    const weight = number.test(written.trim()) ? Math.fround(Number(written)) : Number.NaN;
    if (!Number.isFinite(weight)) throw new Error(`The weight of "${shownLabel(label)}" must be a number from 0 on.`);
    if (weights.has(label)) throw new Error(`"${shownLabel(label)}" has two weights.`);
    weights.set(label, Number(written));
    end += whole.length;
  }
  if (weights.size === 0 || end < text.length || text.endsWith(","))
    throw new Error('It must be "balanced", or weights by label, such as "negative=1,positive=3".');
  return weights;
}

/**
 * The weight of each class: those that are not named weigh 1; balanced ones are rows / (classes · rows of the class), so that all classes count the
 * same in all. Throws `UsageError` for a label that the data do not have, and where no class counts.
 */
export function classWeightsOf(
  option: ClassWeightOption,
  { classes }: LabelEncoder<string>,
  labels: Int32Array,
): KnownClassWeights {
  const weights = option === "balanced" ? balanced(classes.length, labels) : named(option, classes);
  const each = classes.map((label, id) => [label, weights[id] ?? 1] as const);
  return {
    weights: { ...weights },
    byLabel: Object.fromEntries(each),
    setting: option === "balanced" ? option : each.map(([label, weight]) => `${label}=${weight}`).join(","),
  };
}

function balanced(classes: number, labels: Int32Array): number[] {
  const rows = Array<number>(classes).fill(0);
  for (const label of labels) rows[label] = (rows[label] ?? 0) + 1;
  return rows.map((count) => labels.length / (classes * count));
}

function named(option: ReadonlyMap<string, number>, classes: readonly string[]): number[] {
  const weights = classes.map(() => 1);
  const met = new Set<number>();
  for (const [label, weight] of option) {
    const exact = classes.indexOf(label);
    // "negative=1, positive=3"
    const id = exact < 0 ? classes.indexOf(label.trim()) : exact;
    if (id < 0) {
      const known = classes.slice(0, mostLabelsShown).map((each) => `"${shownLabel(each)}"`);
      throw new UsageError(
        `--class-weight: there is no label "${shownLabel(label)}"; the labels are ${known.join(", ")}${classes.length > mostLabelsShown ? ", …" : ""}`,
      );
    }
    if (met.has(id)) throw new UsageError(`--class-weight: "${shownLabel(label)}" has two weights`);
    met.add(id);
    weights[id] = weight;
  }
  if (weights.every((weight) => weight === 0))
    throw new UsageError(
      "--class-weight: every class weighs 0, and nothing would be learned; give one a weight above 0",
    );
  return weights;
}

/** "class weights negative 1, positive 3". */
export function shownClassWeights({ byLabel }: KnownClassWeights): string {
  const each = Object.entries(byLabel).map(
    ([label, weight]) => `${shownLabel(label)} ${Number(weight.toPrecision(4))}`,
  );
  const more = each.length > mostLabelsShown ? ", …" : "";
  return `class weights ${each.slice(0, mostLabelsShown).join(", ")}${more}`;
}
