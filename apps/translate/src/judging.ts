/** How good translations are: each beside the nearest of its right answers. */
import type { ParallelText } from "@ostinato/datasets";
import { type ErrorRates, editOperations, errorRates, nearestReference } from "@ostinato/text";
import { type SideVocabulary, textOf, tokensOf } from "@ostinato/translator";

/** A translation, and what would be right. */
export interface Answer {
  readonly entry: ParallelText;
  /** Its right answers, as tokens. */
  readonly references: readonly (readonly string[])[];
  /** What is written, in the tokens that its text is split into, as references are: a model may write the same text in other subwords. */
  readonly tokens: readonly string[];
  readonly text: string;
}

/** The translations of texts beside what is right, in tokens as the target's vocabulary has them. */
export function answersOf(
  target: SideVocabulary,
  entries: readonly ParallelText[],
  translations: readonly { readonly tokens: readonly string[]; readonly text: string }[],
): Answer[] {
  return entries.map((entry, row) => {
    const { tokens = [], text = "" } = translations[row] ?? {};
    return {
      entry,
      references: entry.targets.map((each) => tokensOf(target, each)),
      tokens: target.tokens === "subwords" ? tokensOf(target, text) : tokens,
      text,
    };
  });
}

/** The right answer that is nearest to a translation, and how far it is. */
export const nearestOf = ({ references, tokens }: Answer) => nearestReference(references, tokens);

/** Tokens as they are shown: subwords as the text that they are parts of, others one beside the other. */
export const shownTokens = (side: SideVocabulary, tokens: readonly string[]): string =>
  side.tokens === "subwords" ? textOf(side, tokens) : tokens.join(" ");

/** Whether a translation is one of those that are right. */
export const isRight = (answer: Answer): boolean => nearestOf(answer).errors === 0;

export function ratesOf(answers: readonly Answer[]): ErrorRates {
  return errorRates(
    answers.map(({ references }) => references),
    answers.map(({ tokens }) => tokens),
  );
}

/** Error rates of texts of like length. */
export interface LengthRates extends ErrorRates {
  /** The shortest and the longest of them, in tokens. */
  readonly from: number;
  readonly to: number;
}

const mostGroups = 8;

/** The error rates of texts by their lengths, in groups of equal width. */
export function byLength(source: SideVocabulary, answers: readonly Answer[]): LengthRates[] {
  const lengths = answers.map(({ entry }) => tokensOf(source, entry.source).length);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  const width = Math.ceil(longest / mostGroups);
  return Array.from({ length: mostGroups }, (_, group) => {
    const [from, to] = [group * width + 1, (group + 1) * width];
    const members = answers.filter((__, row) => from <= (lengths[row] as number) && (lengths[row] as number) <= to);
    return { from, to, ...ratesOf(members) };
  }).filter(({ sequences }) => sequences > 0);
}

/** One token written in the place of another; an empty one stands for none. */
export interface Confusion {
  readonly is: string;
  readonly said: string;
  readonly count: number;
  /** Of all tokens that are `is`; of those that stand where nothing belongs, of all of these. */
  readonly share: number;
  /** Some texts that it happens in. */
  readonly texts: readonly string[];
}

const shownTexts = 3;

/** What is written for what, right and wrong, the most frequent first. */
export function confusionsOf(answers: readonly Answer[]): Confusion[] {
  const pairs = new Map<string, { readonly is: string; readonly said: string; count: number; texts: Set<string> }>();
  const support = new Map<string, number>();
  for (const answer of answers) {
    for (const operation of editOperations(nearestOf(answer).reference, answer.tokens)) {
      const is = operation.kind === "insertion" ? "" : operation.reference;
      const said = operation.kind === "deletion" ? "" : operation.written;
      const key = `${is} ${said}`;
      const pair = pairs.get(key) ?? { is, said, count: 0, texts: new Set<string>() };
      pairs.set(key, pair);
      pair.count += 1;
      if (pair.texts.size < shownTexts) pair.texts.add(answer.entry.source);
      support.set(is, (support.get(is) ?? 0) + 1);
    }
  }
  return [...pairs.values()]
    .map(({ texts, ...pair }) => ({ ...pair, share: pair.count / (support.get(pair.is) ?? 1), texts: [...texts] }))
    .sort((a, b) => b.count - a.count);
}
