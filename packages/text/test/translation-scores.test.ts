/** BLEU and chrF beside figures of sacreBLEU 2.6, and how they are printed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BleuOptions,
  type BleuScore,
  type ChrfOptions,
  corpusBleu,
  corpusChrf,
  formatTranslationScore,
  sentenceBleu,
  sentenceChrf,
  TextOptionError,
} from "@ostinato/text";
import { describe, expect, test } from "vitest";

interface Figures<Options> {
  readonly options: Options;
  readonly score: number;
  readonly line: string;
}
interface Row {
  readonly name: string;
  readonly written: string;
  readonly references: readonly string[];
  /** Scores by the options of that place. */
  readonly bleu: readonly number[];
  readonly chrf: readonly number[];
}
interface Golden {
  readonly bleuOptions: readonly BleuOptions[];
  readonly chrfOptions: readonly ChrfOptions[];
  readonly rows: readonly Row[];
  readonly corpora: readonly {
    readonly name: string;
    readonly rows: readonly string[];
    readonly bleu: readonly (Figures<BleuOptions> &
      Pick<BleuScore, "precisions" | "brevityPenalty" | "writtenLength" | "referenceLength">)[];
    readonly chrf: readonly Figures<ChrfOptions>[];
  }[];
  readonly pairs: readonly (Pick<Row, "written" | "references"> & {
    readonly bleu: Omit<Figures<BleuOptions>, "line">;
    readonly chrf: Omit<Figures<ChrfOptions>, "line">;
  })[];
  readonly confidences: readonly {
    readonly metric: "BLEU" | "CHRF";
    readonly options: object;
    readonly rows: number;
    readonly seed: number;
    readonly mean: number;
    readonly margin: number;
    readonly line: string;
  }[];
}

const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, "golden", "translation-scores.json"), "utf8"));

/** Whether two are the same but for the rounding of logarithms and powers. */
const near = (ours: number, theirs: number, within = 1e-12): boolean =>
  Math.abs(ours - theirs) <= within * Math.abs(theirs);
const expectNear = (ours: number, theirs: number, what: unknown, within?: number): void =>
  expect(near(ours, theirs, within), `${JSON.stringify(what)}: ${ours}, not ${theirs}`).toBe(true);

test.each(golden.rows.map((row) => [row.name, row] as const))("%s", (_, { written, references, bleu, chrf }) => {
  for (const [i, options] of golden.bleuOptions.entries())
    expectNear(sentenceBleu(references, written, options).score, bleu[i]!, options);
  for (const [i, options] of golden.chrfOptions.entries())
    expectNear(sentenceChrf(references, written, options).score, chrf[i]!, options);
});

test.each(golden.corpora.map((corpus) => [corpus.name, corpus] as const))("%s", (_, { rows, bleu, chrf }) => {
  const members = rows.map((name) => golden.rows.find((row) => row.name === name)!);
  const references = members.map((row) => row.references);
  const written = members.map((row) => row.written);
  for (const { options, line, ...figures } of bleu) {
    const ours = corpusBleu(references, written, options);
    expect(formatTranslationScore(ours)).toBe(line);
    expectNear(ours.score, figures.score, options);
    expectNear(ours.brevityPenalty, figures.brevityPenalty, options);
    for (const [i, precision] of figures.precisions.entries()) expectNear(ours.precisions[i]!, precision, options);
    expect([ours.writtenLength, ours.referenceLength]).toEqual([figures.writtenLength, figures.referenceLength]);
  }
  for (const { options, line, score } of chrf) {
    const ours = corpusChrf(references, written, options);
    expect(formatTranslationScore(ours)).toBe(line);
    expectNear(ours.score, score, options);
  }
});

test("a thousand random pairs, each by options of its own", () => {
  expect(golden.pairs.filter(({ bleu }) => bleu.score > 0).length).toBeGreaterThan(300);
  for (const { written, references, bleu, chrf } of golden.pairs) {
    const what = { written, references };
    expectNear(sentenceBleu(references, written, bleu.options).score, bleu.score, { ...what, ...bleu.options });
    expectNear(sentenceChrf(references, written, chrf.options).score, chrf.score, { ...what, ...chrf.options });
  }
});

test.each(golden.confidences.map((one) => [one.metric, one.rows, one] as const))(
  "confidence of %s over %i rows",
  (_, count, { metric, options, seed, mean, margin, line }) => {
    const rows = golden.pairs.slice(0, count);
    const score = (metric === "BLEU" ? corpusBleu : corpusChrf)(
      rows.map((row) => row.references),
      rows.map((row) => row.written),
      { ...options, bootstrap: 200, seed },
    );
    // Sums of samples are in float32 there.
    expectNear(score.confidence!.mean, mean, "mean", 1e-6);
    expect(Math.abs(score.confidence!.margin - margin)).toBeLessThan(1e-5);
    expect(formatTranslationScore(score)).toBe(line);
  },
);

test("a corpus of plain references is one of one reference each, and a sentence a corpus of itself", () => {
  const [references, written] = [
    ["Good day!", "Thanks."],
    ["Hello!", "Thank you."],
  ];
  expect(corpusBleu(references, written)).toEqual(
    corpusBleu(
      references.map((one) => [one]),
      written,
    ),
  );
  expect(sentenceChrf("Good day!", "Hello!")).toEqual(corpusChrf(["Good day!"], ["Hello!"]));
  const { correct, totals, signature } = sentenceBleu(["a b c", "b c d"], "a b b c d", { smoothMethod: "add-k" });
  expect([correct, totals]).toEqual([
    [4, 3, 1, 0],
    [5, 4, 3, 2],
  ]);
  expect(signature).toBe("nrefs:2|case:mixed|eff:yes|tok:13a|smooth:add-k[1.00]|version:2.6.0");
});

test("digits of a line, and halves as Python rounds them", () => {
  const score = { name: "chrF2", score: 6.25, signature: "nrefs:1" };
  expect([0, 1, 2, 3].map((digits) => formatTranslationScore(score, digits).split("= ")[1])).toEqual([
    "6",
    "6.2",
    "6.25",
    "6.250",
  ]);
  expect(formatTranslationScore({ ...score, score: 18.75 }, 1)).toBe("chrF2|nrefs:1 = 18.8");
});

describe("what is wrong is told", () => {
  test.each<[string, () => unknown, string]>([
    ["no rows", () => corpusBleu([], []), "written must have a row or more, got an array of 0"],
    [
      "references in columns",
      () => corpusBleu([["a", "b", "c"]], ["a", "b", "c"]),
      "references must have 3 rows, as written has, got 1; each row",
    ],
    [
      "a row without references",
      () => corpusChrf([["a"], []], ["a", "b"]),
      "references[1] must be a string, or a list",
    ],
    ["a reference that is no text", () => corpusChrf([["a", 1 as never]], ["a"]), "references[0][1] must be a string"],
    ["a row that is no text", () => corpusBleu(["a"], [undefined as never]), "written[0] must be a string"],
    ["a text for a corpus", () => corpusBleu(["a"], "a" as never), "written must be a list of texts"],
    ["a text for all references", () => corpusBleu("a" as never, ["a"]), "references must be a list"],
    ["a sentence that is none", () => sentenceBleu("a", ["a"] as never), "written must be a string"],
    [
      "a tokenizer",
      () => sentenceBleu("a", "a", { tokenize: "13b" as never }),
      'tokenize must be one of "13a", "intl"',
    ],
    ["a smoothing", () => sentenceBleu("a", "a", { smoothMethod: "add" as never }), "smoothMethod must be one of"],
    ["a value for none", () => sentenceBleu("a", "a", { smoothValue: 1 }), "smoothValue must be left out"],
    [
      "a value below zero",
      () => sentenceBleu("a", "a", { smoothMethod: "floor", smoothValue: -1 }),
      "smoothValue must be a number of 0 or more",
    ],
    ["an order", () => sentenceBleu("a", "a", { maxNgramOrder: 0 }), "maxNgramOrder must be a whole number from 1 on"],
    ["a flag", () => sentenceBleu("a", "a", { lowercase: "yes" as never }), "lowercase must be true or false"],
    [
      "an option by another name",
      () => corpusBleu(["a"], ["a"], { lowerCase: true } as never),
      "lowerCase must be left",
    ],
    ["no order at all", () => corpusChrf(["a"], ["a"], { charOrder: 0 }), "charOrder must be 1 or more"],
    ["half a beta", () => corpusChrf(["a"], ["a"], { beta: 0.5 }), "beta must be a whole number from 1 on"],
    ["one sample", () => corpusChrf(["a"], ["a"], { bootstrap: 1 }), "bootstrap must be a whole number from 2 on"],
    ["a seed", () => corpusChrf(["a"], ["a"], { bootstrap: 9, seed: -1 }), "seed must be a whole number"],
    ["samples of a sentence", () => sentenceChrf("a", "a", { bootstrap: 9 } as never), "bootstrap must be left out"],
  ])("%s", (_, act, message) => {
    expect(act).toThrow(TextOptionError);
    expect(act).toThrow(message);
  });
});
