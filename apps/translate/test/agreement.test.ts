/** What is a disagreement of two runtimes, and what is a near tie of two hypotheses. */
import type { ModelSpec } from "@ostinato/core";
import { endId, translatorMetadata } from "@ostinato/translator";
import { expect, test } from "vitest";
import { compareTranslations, type OpenModel, textCount, tolerance } from "../src/agreement.ts";

const letters = ["a", "b", "c", "d", "e", "f", "g"];
const texts = Array.from({ length: textCount }, (_, i) => `text${i}`);
const side = (values: readonly string[]) => ({ tokens: "words", lowercase: false, values });
const [reserved, ids] = [4, 4 + letters.length];

/** Log-probabilities of next letters and of the end, "." here; all others are hardly likely. */
type Next = Readonly<Record<string, number>>;
const unlikely = -20;

/** Whatever was written: "a", and the end. */
const usual = (prefix: string): Next => (prefix === "" ? { a: -0.1 } : { ".": -0.1 });

/** A model that goes on as `next` has it after what it has written for a text; rows go on where they were told to, but for `fault`. */
function fake(
  next: (text: string, prefix: string) => Next,
  fault = (from: number, _rows: number): number => from,
): OpenModel {
  const dispose = async (): Promise<void> => {};
  const inputs = ["source", "target"].map((name) => ({ kind: "ids", name }));
  return {
    spec: { inputs, layers: [], calls: [], outputs: [] } as unknown as ModelSpec,
    vocabulary: { version: 1, source: side(texts), target: side(letters) },
    metadata: translatorMetadata({ maxSourceLength: 5, maxTargetLength: 6 }),
    vocabularySize: ids,
    hasAttention: false,
    open(given) {
      const rows = (given as { readonly source: readonly (readonly number[])[] }).source;
      return {
        count: rows.length,
        lengths: Int32Array.from(rows, ({ length }) => length),
        async read(numbers) {
          let written = Array.from(numbers, (number) => ({
            text: texts[(rows[number]?.[0] ?? 0) - reserved] ?? "",
            prefix: "",
          }));
          let isFirst = true;
          return {
            sourceSteps: 1,
            async step({ tokens, from, top }) {
              written = Array.from(tokens, (token, row) => {
                const before = from[row] as number;
                const { text, prefix } = written[
                  isFirst ? before : fault(before, written.length)
                ] as (typeof written)[0];
                return { text, prefix: isFirst ? "" : prefix + letters[token - reserved] };
              });
              isFirst = false;
              const ranked = written.map(({ text, prefix }) => {
                const likely = next(text, prefix);
                const all = Array.from(
                  { length: ids },
                  (_, id) => [id, likely[id === endId ? "." : (letters[id - reserved] ?? "")] ?? unlikely] as const,
                );
                return all.sort(([, a], [, b]) => b - a).slice(0, top);
              });
              return {
                tokens: Int32Array.from(ranked.flat(), ([id]) => id),
                logProbabilities: Float32Array.from(ranked.flat(), ([, likely]) => likely),
              };
            },
            end() {},
            [Symbol.dispose]() {},
          };
        },
      };
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** A model in which some texts go on otherwise. */
const model = (
  own: Readonly<Record<string, (prefix: string) => Next>>,
  fault?: (from: number, rows: number) => number,
): OpenModel => fake((text, prefix) => (own[text] ?? usual)(prefix), fault);
const compare = (ours: OpenModel, theirs: OpenModel, must = true) =>
  compareTranslations([ours, theirs], texts, must, async () => {});

/** Goes on with the first letters that are given, and then ends. */
const first =
  (next: Next) =>
  (prefix: string): Next =>
    prefix === "" ? next : { ".": -0.1 };
const close = -1 - tolerance / 2;

test("the same translations: the largest difference of their log-probabilities", async () => {
  const { maxDifference, nearTies } = await compare(model({}), model({ text499: first({ a: -0.35 }) }));
  expect(maxDifference).toBeCloseTo(0.25, 6);
  expect(nearTies).toBe(0);
});

test("a near tie of the two best hypotheses, and of two of which one falls out of the beam and would have been the best", async () => {
  const [ours, theirs] = [first({ b: -1, c: close }), first({ c: -1, b: close })];
  expect(await compare(model({ text7: ours }), model({ text7: theirs }))).toMatchObject({ nearTies: 1 });
  // Six letters are as likely: the one that falls out of a beam of five is followed by the likeliest end.
  const six =
    (fallen: string) =>
    (prefix: string): Next => {
      const all = Object.fromEntries(letters.slice(0, 6).map((letter) => [letter, letter === fallen ? close : -1]));
      return prefix === "" ? all : { ".": prefix === "f" ? -0.01 : -1 };
    };
  expect(await compare(model({ text7: six("f") }), model({ text7: six("e") }))).toMatchObject({ nearTies: 1 });
});

test("other log-probabilities, or rows that do not go on where they should, are no near tie: one line with both translations", async () => {
  const refused =
    /^onnxruntime does not agree: it translates 1 of 500 texts otherwise; it makes "c" \(-\d\.\d{5}\) of "text7", and this library "b" \(-\d\.\d{5}\), with log-probabilities of the same tokens up to \d\.\de-\d apart; nothing was written$/;
  const [ours, theirs] = [first({ b: -1, c: -1.01 }), first({ c: -1, b: -1.01 })];
  await expect(compare(model({ text7: ours }), model({ text7: theirs }))).rejects.toThrow(refused);
  // Weights in fewer bits may change translations; their cost is measured.
  expect(await compare(model({ text7: ours }), model({ text7: theirs }), false)).toMatchObject({ nearTies: 0 });

  // Which of two hypotheses ends well is only seen in the third step, in rows that the second has put in order.
  const ends: Readonly<Record<string, Next>> = { "": { b: -1, c: -1.2 }, bd: { ".": -1 }, cd: { ".": -0.5 } };
  const own = { text7: (prefix: string): Next => ends[prefix] ?? { d: -0.1 } };
  const confused = model(own, (from, rows) => ((from ^ 1) < rows ? from ^ 1 : from));
  await expect(compare(model(own), confused)).rejects.toThrow(/1 of 500 .* makes "b d" .* library "c d" .* apart/);
});

test("more than one near tie in a hundred texts is none", async () => {
  const of = (count: number, next: Next) =>
    model(Object.fromEntries(texts.slice(0, count).map((text) => [text, first(next)])));
  const [one, other] = [
    { b: -1, c: close },
    { b: close, c: -1 },
  ];
  expect(await compare(of(5, one), of(5, other))).toMatchObject({ nearTies: 5 });
  await expect(compare(of(6, one), of(6, other))).rejects.toThrow("6 of 500 texts otherwise");
});
