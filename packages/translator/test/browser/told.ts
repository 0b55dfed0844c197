/** Passes translations from a page to a test. */
import type { Candidate, TranslateOptions, Translator } from "@ostinato/translator";

/** A translation as plain data. */
export interface Told extends Omit<Candidate, "attention" | "score"> {
  /** All rows, one after another. */
  readonly attention: readonly number[];
}

const plain = ({ text, tokens, logProbability, finished, attention = [] }: Candidate): Told => ({
  ...{ text, tokens, logProbability, finished },
  attention: attention.flatMap((row) => [...row]),
});

/** The n best translations of each text, by a translator that is disposed in the end. */
export async function toldBy(
  opened: Promise<Translator>,
  texts: readonly string[],
  options: TranslateOptions,
): Promise<Told[][]> {
  await using translator = await opened;
  const translations = await translator.translate(texts, options);
  return translations.map((best) => [best, ...best.others].map(plain));
}
