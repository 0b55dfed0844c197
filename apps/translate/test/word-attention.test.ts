/** Attention between words, of any script. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeChartFile } from "@ostinato/app";
import { subwordsFromTexts } from "@ostinato/text";
import { type SideVocabulary, type Translation, tokensOf } from "@ostinato/translator";
import { expect, test } from "vitest";
import { attentionPicture } from "../src/attention-chart.ts";
import { wordAttention } from "../src/word-attention.ts";

/** Subwords that hold the letters of these texts, and no word; all other letters are bytes. */
const lettersOf = (text: string): SideVocabulary => ({
  tokens: "subwords",
  subwords: subwordsFromTexts(Array(2).fill(text), {
    maxTokens: 261 + new Set(text.replace(/\s/gu, "")).size,
    minCount: 2,
    reserved: ["<pad>", "<unk>", "<s>", "</s>"],
  }),
});

function attended(source: SideVocabulary, text: string, target: SideVocabulary, written: string) {
  const [sourceTokens, tokens] = [tokensOf(source, text), tokensOf(target, written)];
  const attention = tokens.map((_, row) =>
    Float32Array.from(sourceTokens, (_, column) => (1 + ((row + column) % 3)) / (2 * sourceTokens.length)),
  );
  const translation = { text: written, tokens, sourceTokens, attention, others: [] } as unknown as Translation;
  return { translation, vocabulary: { version: 1, source, target } as const };
}

test("subwords make words between white space; in scripts without spaces they stand alone, and bytes make a character", () => {
  const text = "Né à 東京。 ภาษา مرحبا 👩‍👩‍👧 🇩🇪 ▁ e\u0301x";
  const letters = lettersOf("");
  const words = ["Né", "à", "東", "京", "。", "ภ", "า", "ษ", "า", "مرحبا", "👩‍👩‍👧", "🇩🇪", "éx"];
  for (const side of [letters, lettersOf(text), lettersOf("東 ภ 👩 👧 a")]) {
    const { vocabulary, translation } = attended(side, text, letters, "a bc");
    expect(wordAttention(vocabulary, translation).source).toEqual(words);
  }
});

test("pictures hold words of any script, and nothing that XML does not take", async () => {
  const letters = lettersOf("a");
  const text = "東京 ภาษา مرحبا شلום می\u200cخواهم 👩‍👩‍👧 <&> a\u001b\u0000b\u202e\uffffc";
  const { vocabulary, translation } = attended(letters, text, letters, "<a> שלום");
  const file = join(mkdtempSync(join(tmpdir(), "attention-")), "picture.svg");
  await writeChartFile(file, attentionPicture(translation, vocabulary, { tokens: false }).chart);
  const svg = readFileSync(file, "utf8");
  for (const label of ["東", "👩‍👩‍👧", "&lt;&amp;&gt;", "a b c", "&lt;a&gt;"])
    expect(svg).toContain(`>${label}</text>`);
  for (const label of ["مرحبا", "می\u200cخواهم", "שלום"]) expect(svg).toContain(`>\u2068${label}\u2069</text>`);
  expect(svg).not.toMatch(/(?!\n)[\p{Cc}\u202e\ufffe\uffff]/u);
  rmSync(dirname(file), { recursive: true });
});

test("attention to a word is the sum over its subwords, that of a word the mean over its own", () => {
  const letters = lettersOf("abc");
  const { vocabulary, translation } = attended(letters, "ab c", letters, "cb a");
  const attention = [
    [0.1, 0.2, 0.3, 0.4],
    [0.5, 0.3, 0.2, 0],
    [0, 0, 0.25, 0.75],
  ];
  const at = (...rows: number[]) => rows.map((row) => attention[row] as number[]);
  const tokens = tokensOf(letters, "cb a");
  expect(tokens).toEqual(["▁", "c", "b", "▁", "a"]);
  const rows = [0, 1, 1, 2, 2];
  const columns = tokensOf(letters, "ab c").length;
  expect(columns).toBe(5);
  const spread = at(...rows).map((row) => Float32Array.from([0, ...row]));
  const found = wordAttention(vocabulary, { ...translation, attention: spread });
  expect(found).toMatchObject({ source: ["ab", "c"], target: ["cb", "a"] });
  const expected = [
    [(0.3 + 0.8 + 0.8) / 3, (0.7 + 0.2 + 0.2) / 3],
    [0, 1],
  ];
  for (const [row, shares] of expected.entries())
    for (const [column, share] of shares.entries()) expect(found.shares[row]?.[column]).toBeCloseTo(share, 6);
});

test("of more words than a picture can show it shows the first, and says so; of none there is no picture", () => {
  const letters = lettersOf("ab");
  const draw = (text: string, written: string, tokens = false) => {
    const { translation, vocabulary } = attended(letters, text, letters, written);
    const { chart, cut } = attentionPicture(translation, vocabulary, { tokens });
    return { width: chart.options.width, cut };
  };
  const whole = draw("ab ".repeat(100), "a");
  expect(whole.width).toBeGreaterThan(4000);
  expect(whole.cut).toEqual([]);
  expect(draw("ab ".repeat(101), "a")).toEqual({ ...whole, cut: ["the first 100 of the text's 101 words"] });
  expect(draw("a", "b ".repeat(1000)).cut).toEqual(["the first 100 of the translation's 1,000 words"]);
  expect(draw("ab ".repeat(51), "a", true).cut).toEqual(["the first 100 of the text's 153 tokens"]);
  expect(() => draw("a", "")).toThrow("the translation is empty");
});
