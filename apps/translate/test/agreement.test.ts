/** What is a disagreement of two runtimes, and what is a near tie of two hypotheses. */
import type { Candidate, Translation, Translator } from "@ostinato/translator";
import { expect, test } from "vitest";
import { compareTranslations, textCount, tolerance } from "../src/agreement.ts";

const candidate = (text: string, score: number): Candidate => ({
  text,
  tokens: text.split(" "),
  score,
  logProbability: score,
  finished: true,
});
type Answers = readonly Candidate[];

/** A translator that gives texts that are named in `own` those answers, with a wide beam perhaps others, and all others the same. */
function fake(own: Readonly<Record<string, { readonly narrow: Answers; readonly wide?: Answers }>>): Translator {
  const translate = async (texts: readonly string[], { beamSize = 1 } = {}): Promise<Translation[]> =>
    texts.map((text) => {
      const { narrow = [candidate("same", -1)], wide = narrow } = own[text] ?? {};
      const [best, ...others] = beamSize > 5 ? wide : narrow;
      return { ...(best as Candidate), others, sourceTokens: [text] };
    });
  return { translate } as unknown as Translator;
}

const texts = Array.from({ length: textCount }, (_, i) => `text ${i}`);
const compare = (ours: Parameters<typeof fake>[0], theirs: Parameters<typeof fake>[0], must = true) =>
  compareTranslations([fake(ours), fake(theirs)], texts, must, async () => {});
const far = candidate("a b d", -1.5);

test("the same translations: the largest difference of their log-probabilities", async () => {
  const given = { "text 499": { narrow: [candidate("same", -1.25)] } };
  expect(await compare({}, given)).toEqual({ maxDifference: 0.25, nearTies: 0 });
});

test("a near tie of the two best hypotheses, and of two of which one falls out of the beam", async () => {
  const close = -1 - tolerance / 2;
  const best = [candidate("a b", -1), candidate("a c", close), far];
  const turned = [candidate("a c", -1), candidate("a b", close), far];
  expect(await compare({ "text 7": { narrow: best } }, { "text 7": { narrow: turned } })).toMatchObject({
    nearTies: 1,
  });
  const [fallen, found] = [{ narrow: [far], wide: best }, { narrow: best }];
  expect(await compare({ "text 7": found }, { "text 7": fallen })).toMatchObject({ nearTies: 1 });
});

test("hypotheses that do not rank alike, or not with both: one line with both translations", async () => {
  const ours = { narrow: [candidate("a b", -1), candidate("a c", -1.1)] };
  const refused =
    'onnxruntime does not agree: it translates 1 of 500 texts otherwise; with a beam of 20 it makes "a c" (-1.00000) of "text 7", and this library "a b" (-1.00000); nothing was written';
  for (const theirs of [[candidate("a c", -1), candidate("a b", -1)], [candidate("a c", -1)]])
    await expect(compare({ "text 7": ours }, { "text 7": { narrow: theirs } })).rejects.toThrow(refused);
  // Weights in fewer bits may change translations; their cost is measured.
  expect(await compare({ "text 7": ours }, { "text 7": { narrow: [far] } }, false)).toMatchObject({ nearTies: 0 });
});

test("more than one near tie in a hundred texts is none", async () => {
  const of = (count: number, ...list: Candidate[]) =>
    Object.fromEntries(texts.slice(0, count).map((text) => [text, { narrow: list }]));
  const [one, other] = [candidate("a b", -1), candidate("a c", -1)];
  expect(await compare(of(5, one, other), of(5, other, one))).toMatchObject({ nearTies: 5 });
  await expect(compare(of(6, one, other), of(6, other, one))).rejects.toThrow("6 of 500 texts otherwise");
});
