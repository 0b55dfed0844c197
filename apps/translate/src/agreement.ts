/** Whether two runtimes translate alike: this library's and onnxruntime. */
import { excerpt, FailureError, shownCount } from "@ostinato/app";
import type { DecodingStep } from "@ostinato/core";
import { type Candidate, type Translation, type Translator, translatorOver } from "@ostinato/translator";
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

/** An open model with its vocabularies. */
export type OpenModel = Parameters<typeof translatorOver>[0];

/** Two models that should agree: the first is the reference. */
type Both = readonly [ours: OpenModel, theirs: OpenModel];

/** How two models agree. */
export interface Agreement {
  /** The largest difference of log-probabilities of translations that are equal. */
  readonly maxDifference: number;
  /** Texts that are translated otherwise because two hypotheses rank alike; 0 where translations need not be equal. */
  readonly nearTies: number;
}

/** Texts that went through the models together, and what each has made of them. */
interface Batch {
  readonly texts: readonly string[];
  readonly expected: readonly Translation[];
  readonly actual: readonly Translation[];
}

/** Compares the translations of `textCount` texts. Throws `FailureError` for one that is not the same token for token, if all `must` be and it is no near tie. The models stay open. */
export async function compareTranslations(
  both: Both,
  texts: readonly string[],
  must: boolean,
  onProgress: (done: number, count: number) => Promise<void>,
): Promise<Agreement> {
  const [ours, theirs] = [await translatorOver(both[0]), await translatorOver(both[1])];
  const others: Batch[] = [];
  let different = 0;
  let maxDifference = 0;
  let done = 0;
  for (const { texts: count, batchSize } of checks)
    for (const end = done + count; done < end; ) {
      const part = texts.slice(done, done + batchSize);
      const batch = { texts: part, expected: await translated(ours, part), actual: await translated(theirs, part) };
      const rows = differentRows(batch);
      if (rows.length > 0) others.push(batch);
      different += rows.length;
      for (const [row, own] of batch.expected.entries()) {
        const given = batch.actual[row] as Translation;
        if (!rows.includes(row))
          maxDifference = Math.max(maxDifference, Math.abs(own.logProbability - given.logProbability));
      }
      done += batchSize;
      await onProgress(done, texts.length);
    }
  if (must) await expectNearTies(both, others, different, texts.length);
  return { maxDifference, nearTies: must ? different : 0 };
}

/** What a model makes of texts that go through it together. */
const translated = (model: Translator, texts: readonly string[]): Promise<Translation[]> =>
  model.translate(texts, { ...allTexts, beamSize, batchSize: Math.max(1, texts.length) });

const areEqual = (a: Candidate, b: Candidate): boolean =>
  a.tokens.length === b.tokens.length && a.tokens.every((token, i) => token === b.tokens[i]);

/** The texts of a batch that are translated otherwise. */
const differentRows = ({ expected, actual }: Batch): number[] =>
  expected.flatMap((own, row) => (areEqual(own, actual[row] as Translation) ? [] : [row]));

/** The largest share of texts that a near tie may decide. */
const mostNearTies = 0.01;

/**
 * Throws `FailureError` unless the last digits of scores have decided wherever texts are translated otherwise. Their batches are searched again, once as each model leads, with both computing every step: where all
 * log-probabilities that the searches have looked at agree, only the order of hypotheses that rank alike can have differed.
 */
async function expectNearTies(
  [ours, theirs]: Both,
  batches: readonly Batch[],
  different: number,
  count: number,
): Promise<void> {
  const few = different <= count * mostNearTies;
  for (const batch of batches) {
    const { texts, expected, actual } = batch;
    const far = Math.max(await farthest(ours, theirs, texts, expected), await farthest(theirs, ours, texts, actual));
    if (few && far <= tolerance) continue;
    const [row] = differentRows(batch) as [number];
    throw new FailureError(
      `onnxruntime does not agree: it translates ${shownCount(different)} of ${shownCount(count)} texts otherwise; it makes ${told(actual[row] as Translation)} of ${quoted(texts[row] as string)}, and this library ${told(expected[row] as Translation)}, with log-probabilities of the same tokens up to ${far.toExponential(1)} apart; nothing was written`,
    );
  }
}

/** How far log-probabilities of hypotheses are apart where `leader` searches, and the other computes the same steps; infinite where the search does not come to what it found before. */
async function farthest(
  leader: OpenModel,
  other: OpenModel,
  texts: readonly string[],
  found: readonly Translation[],
): Promise<number> {
  let most = 0;
  const model = inStep(leader, other, (difference) => {
    most = Math.max(most, difference);
  });
  const again = await translated(await translatorOver(model), texts);
  return again.every((each, row) => areEqual(each, found[row] as Translation)) ? most : Number.POSITIVE_INFINITY;
}

/** How far the sums of log-probabilities of both models are apart, of each hypothesis that goes on with a token. */
type Drifts = ReadonlyMap<number, number>;

/** The leader, with the other model beside it in every step; `tell` is told how far they are apart. */
function inStep(leader: OpenModel, other: OpenModel, tell: (difference: number) => void): OpenModel {
  return {
    ...leader,
    open(given) {
      const [leading, following] = [leader.open(given), other.open(given)];
      return {
        ...leading,
        async read(rows) {
          const [run, beside] = [await leading.read(rows), await following.read(rows)];
          let before: readonly Drifts[] = [];
          const end = (): void => {
            run.end();
            beside.end();
          };
          return {
            sourceSteps: run.sourceSteps,
            async step(request) {
              const [step, same] = [await run.step(request), await beside.step(request)];
              before = Array.from(request.tokens, (token, row) =>
                driftsOf(step, same, row, request.top, before[request.from[row] as number]?.get(token) ?? 0),
              );
              for (const drifts of before) for (const drift of drifts.values()) tell(Math.abs(drift));
              return step;
            },
            end,
            [Symbol.dispose]: end,
          };
        },
      };
    },
  };
}

/** The drifts of a row that has this one so far. A token that the other does not give is at most as likely there as the last that it gives. */
function driftsOf(step: DecodingStep, same: DecodingStep, row: number, top: number, drift: number): Drifts {
  const [from, to] = [row * top, (row + 1) * top];
  const others = new Map(
    Array.from(same.tokens.subarray(from, to), (token, i) => [token, same.logProbabilities[from + i] as number]),
  );
  const last = same.logProbabilities[to - 1] as number;
  return new Map(
    Array.from(step.tokens.subarray(from, to), (token, i) => {
      const [own, given] = [step.logProbabilities[from + i] as number, others.get(token) ?? last];
      return [token, own === given ? drift : drift + own - given];
    }),
  );
}

const shownTranslation = 200;
const told = ({ text, score }: Candidate): string => `"${excerpt(text, shownTranslation)}" (${score.toFixed(5)})`;
