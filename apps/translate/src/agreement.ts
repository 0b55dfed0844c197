/** Whether two runtimes translate alike: this library's and onnxruntime. */
import { excerpt, FailureError, shownCount } from "@ostinato/app";
import type { Candidate, Translation, Translator } from "@ostinato/translator";
import { allTexts, quoted } from "./data.ts";
import { beamSize } from "./defaults.ts";

/** By how much the log-probabilities of translations may differ. */
export const tolerance = 1e-4;

/** Batches of other sizes than training has seen. */
export const checks = [
  { texts: 20, batchSize: 1 },
  { texts: 70, batchSize: 7 },
  { texts: 410, batchSize: 82 },
] as const;
/** The texts of all batches. */
export const textCount = checks.reduce((sum, { texts }) => sum + texts, 0);

/** Two translators that should agree: the first is the reference. */
type Both = readonly [ours: Translator, theirs: Translator];

/** How two translators agree. */
export interface Agreement {
  /** The largest difference of log-probabilities of translations that are equal. */
  readonly maxDifference: number;
  /** Texts that are translated otherwise because two hypotheses rank alike; 0 where translations need not be equal. */
  readonly nearTies: number;
}

/** Compares the translations of `textCount` texts. Throws `FailureError` for one that is not the same token for token, if all `must` be and it is no near tie. */
export async function compareTranslations(
  both: Both,
  texts: readonly string[],
  must: boolean,
  onProgress: (done: number, count: number) => Promise<void>,
): Promise<Agreement> {
  const others: string[] = [];
  let maxDifference = 0;
  let done = 0;
  for (const { texts: count, batchSize } of checks)
    for (const end = done + count; done < end; ) {
      const part = texts.slice(done, done + batchSize);
      for (const [row, [own, given]] of (await translated(both, part, beamSize)).entries())
        if (areEqual(own, given)) maxDifference = Math.max(maxDifference, differenceOf(own, given));
        else others.push(part[row] as string);
      done += batchSize;
      await onProgress(done, texts.length);
    }
  if (must) await expectNearTies(both, others, texts.length);
  return { maxDifference, nearTies: must ? others.length : 0 };
}

/** What each makes of the texts, which go through the model together. */
async function translated(
  [ours, theirs]: Both,
  texts: readonly string[],
  beam: number,
): Promise<[own: Translation, given: Translation][]> {
  const options = { ...allTexts, beamSize: beam, nBest: beam, batchSize: Math.max(1, texts.length) };
  const [expected, actual] = [await ours.translate(texts, options), await theirs.translate(texts, options)];
  return expected.map((own, row) => [own, actual[row] as Translation]);
}

const areEqual = (a: Candidate, b: Candidate): boolean =>
  a.tokens.length === b.tokens.length && a.tokens.every((token, i) => token === b.tokens[i]);

const differenceOf = (a: Candidate, b: Candidate): number => Math.abs(a.logProbability - b.logProbability);

/** The largest share of texts that a near tie may decide. */
const mostNearTies = 0.01;
/** A beam that holds what has fallen out of the other one. */
const wideBeam = 4 * beamSize;

/**
 * Throws `FailureError` unless texts that are translated otherwise are near ties: the last digits of two scores have decided. Either the two best hypotheses of both rank alike,
 * or one of them has fallen out of a beam, and both agree with a wider one.
 */
async function expectNearTies(both: Both, texts: readonly string[], count: number): Promise<void> {
  const few = texts.length <= count * mostNearTies;
  for (const text of few ? texts : texts.slice(0, 1)) {
    const [[own, given]] = (await translated(both, [text], wideBeam)) as [[Translation, Translation]];
    if (few && areTied(own, given)) continue;
    throw new FailureError(
      `onnxruntime does not agree: it translates ${shownCount(texts.length)} of ${shownCount(count)} texts otherwise; with a beam of ${wideBeam} it makes ${told(given)} of ${quoted(text)}, and this library ${told(own)}; nothing was written`,
    );
  }
}

/** Whether two searches find the same, or two hypotheses that rank alike in both of them. */
function areTied(own: Translation, given: Translation): boolean {
  if (areEqual(own, given)) return differenceOf(own, given) <= tolerance;
  const ranksAlike = (best: Translation, other: Candidate): boolean =>
    best.others.some((each) => areEqual(each, other) && Math.abs(each.score - best.score) <= tolerance);
  return ranksAlike(own, given) && ranksAlike(given, own);
}

const shownTranslation = 200;
const told = ({ text, score }: Candidate): string => `"${excerpt(text, shownTranslation)}" (${score.toFixed(5)})`;
