/** Whole sequences written on a backend: a beam finds what the model's predictions say is the best of all, and a source has the same result whatever stands beside it. */
import { type Backend, type GenerateOptions, generate, predictor, sequenceModel, type Trained } from "@ostinato/core";
import { expect } from "vitest";
import type { SuiteTest } from "../suiteTest.ts";
import { ragged, translating, WORDS } from "./decoding.ts";

const [START, END] = [1, 2];
const LONGEST = 3;

/** Lists of `length` tokens that may come before the end. */
function lists(length: number): number[][] {
  if (length === 0) return [[]];
  const others = Array.from({ length: WORDS }, (_, token) => token).filter((token) => token > END);
  return lists(length - 1).flatMap((list) => others.map((token) => [...list, token]));
}

/** The log-probability of each finished sequence of up to `LONGEST` tokens, by what the whole model predicts. */
async function predicted(backend: Backend, from: Trained, source: readonly number[]): Promise<Map<string, number>> {
  await using whole = await predictor(from, { backend });
  const longest = lists(LONGEST);
  const target = longest.map((tokens) => [START, ...tokens]);
  const { next } = await whole.predictAll({ source: longest.map(() => source), target });
  const found = new Map<string, number>();
  longest.forEach((tokens, row) => {
    const log = (step: number, token: number): number =>
      Math.log(next.data[(row * (LONGEST + 1) + step) * WORDS + token]);
    for (let length = 0, sum = 0; length <= LONGEST; length++) {
      found.set(tokens.slice(0, length).join(), sum + log(length, END));
      sum += log(length, tokens[length]);
    }
  });
  return found;
}

export const writingTests: readonly SuiteTest[] = [
  {
    name: "writing > a beam as wide as there are sequences finds all of them, as likely as the model predicts, the best first",
    run: async (backend) => {
      const from = translating();
      await using writer = await sequenceModel(from, { backend });
      const beamSize = WORDS * (WORDS - 3) ** LONGEST;
      const options = {
        start: START,
        end: END,
        beamSize,
        maxLength: LONGEST,
        earlyStopping: "never",
      } as const;
      const sources = ragged.slice(0, 2);
      const results = await generate(writer, { source: sources }, { ...options, nBest: beamSize });
      for (const [at, source] of sources.entries()) {
        const finished = results[at].filter((one) => one.finished);
        const wanted = await predicted(backend, from, source);
        expect(new Set(finished.map(({ tokens }) => tokens.join()))).toEqual(new Set(wanted.keys()));
        const scores = finished.map(({ tokens, logProbability, score }, place) => {
          expect(logProbability).toBeCloseTo(wanted.get(tokens.join()) as number, 4);
          expect(score).toBe(logProbability / (tokens.length + 1));
          return place === 0 || score <= finished[place - 1].score;
        });
        expect(scores).not.toContain(false);
      }
    },
  },
];

const forms: readonly Partial<GenerateOptions>[] = [
  {},
  { beamSize: 4, nBest: 4, returnAttention: true },
  { beamSize: 3, noRepeatNgramSize: 2, minLength: 2, lengthPenalty: "wu" },
  { sample: { topP: 0.9, temperature: 1.2, seed: 3 }, nBest: 3, returnAttention: true },
];

/** Holds a backend to it that a source's results have the same bits however sources are batched. */
export async function expectSameWriting(backend: Backend): Promise<void> {
  await using writer = await sequenceModel(translating(), { backend });
  const source = [...ragged, ...ragged.map((row) => row.toReversed()), ...ragged.map((row) => [...row, ...row])];
  for (const form of forms) {
    const write = (batchSize: number) =>
      generate(writer, { source }, { start: START, end: END, maxLength: 8, ...form, batchSize });
    const together = await write(64);
    for (const batchSize of [1, 5]) expect(await write(batchSize)).toEqual(together);
    for (const [at, row] of source.entries()) {
      if (form.sample) break; // What is drawn depends on the number of the source.
      expect(await generate(writer, { source: [row] }, { start: START, end: END, maxLength: 8, ...form })).toEqual([
        together[at],
      ]);
    }
  }
}
