/** Sentences of any script, and what is told of them: scores by length, words that differ, each by itself. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { textHash } from "@ostinato/datasets";
import { corpusBleu, subwordsFromTexts } from "@ostinato/text";
import type { SideVocabulary } from "@ostinato/translator";
import { expect, test } from "vitest";
import { tokenizerOf } from "../src/bleu-tokenizer.ts";
import { isDataRecord, languagesAfter } from "../src/data.ts";
import { type Answer, answersOf, isRight, ratesOf } from "../src/judging.ts";
import { type Scoring, scoringOf } from "../src/measures.ts";
import { setBy, withPreset } from "../src/presets.ts";
import { judgedSentences, lowercaseBleu, scoresByLength, wordDifferences } from "../src/sentences.ts";
import { splitTexts } from "../src/split.ts";
import { runInside, temporaryFolder } from "./runCli.ts";

const answer = (source: string, text: string, ...targets: string[]): Answer => ({
  entry: { source, targets },
  references: [],
  tokens: [],
  text,
});
const mixed: Scoring = { lowercase: false, tokenize: "13a" };
const small: Scoring = { ...mixed, lowercase: true };

test("words that differ, from the reference that is most like, whatever the case of a model of small letters", () => {
  const answers = [
    answer("x", "a dog, a dog!", "The Dog and a dog.", "Nothing alike"),
    answer("x", "the cat", "The cat"),
    answer("x", "red", "blue"),
  ];
  const judged = judgedSentences(answers, small);
  expect(judged.map(({ reference }) => reference)).toEqual(["The Dog and a dog.", "The cat", "blue"]);
  expect(judged[1]).toMatchObject({ chrf: 100 });
  expect(judgedSentences(answers, mixed)[1]?.chrf).toBeLessThan(100);
  expect(wordDifferences(judged, small)).toEqual({
    missing: [
      { word: "the", count: 1, of: 2 },
      { word: "and", count: 1, of: 1 },
      { word: "blue", count: 1, of: 1 },
    ],
    added: [
      { word: "a", count: 1, of: 2 },
      { word: "red", count: 1, of: 1 },
    ],
  });
  const emoji = judgedSentences([answer("x", "👩‍👩‍👧🇩🇪!", "👩‍👩‍👧👍🏽.")], mixed);
  expect(wordDifferences(emoji, mixed)).toMatchObject({ missing: [{ word: "👍🏽" }], added: [{ word: "🇩🇪" }] });
  const japanese = judgedSentences([answer("x", "私は猫が好きです。", "私は犬が好きです。")], mixed);
  expect(wordDifferences(japanese, mixed)).toMatchObject({ missing: [{ word: "犬" }], added: [{ word: "猫" }] });
});

test("a translation is right by its text, whatever the subwords that it is written in", () => {
  const texts = ["a dog", "a dog", "a cat", "a cat"];
  const subwords = subwordsFromTexts(texts, { maxTokens: 290 });
  const target: SideVocabulary = { tokens: "subwords", subwords };
  const entries = texts.slice(0, 3).map((text) => ({ source: "x", targets: [text] }));
  const answers = answersOf(target, entries, [
    { tokens: ["▁", "a", "▁", "d", "o", "g"], text: "a dog" },
    { tokens: ["▁a", "▁dog"], text: "a dog" },
    { tokens: [..."▁adog"], text: "adog" },
  ]);
  expect(answers.map(isRight)).toEqual([true, true, false]);
  expect(ratesOf(answers)).toMatchObject({ sequences: 3, wrongSequences: 1 });
});

test("scores by length: groups of equal width, one for all that are much longer", () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`).join(" ");
  const short = Array.from({ length: 39 }, (_, i) => answer(words((i % 13) + 1), words(4), words(8)));
  const groups = scoresByLength([...short, answer(words(1000), words(5), words(5))], mixed);
  expect(groups.map(({ from, to, texts }) => [from, to, texts])).toEqual([
    ...[1, 3, 5, 7, 9, 11].map((from) => [from, from + 1, 6]),
    [13, 13, 3],
    [1000, 1000, 1],
  ]);
  expect(groups.map(({ lengthRatio }) => lengthRatio)).toEqual([...Array(7).fill(0.5), 1]);
  expect(groups[7]?.bleu.score).toBeCloseTo(100, 9);
  const [first] = groups;
  expect(first?.bleu.score).toBe(corpusBleu(Array(6).fill(words(8)), Array(6).fill(words(4))).score);
  expect(scoresByLength([answer("", "", "x"), answer("。", "x", "x")], mixed)).toMatchObject([{ from: 0, to: 0 }]);
});

test("BLEU without regard to capitals, where the model writes some", () => {
  const answers = [answer("x", "The dog bites the man", "the dog bites the man")];
  expect(lowercaseBleu(answers, mixed)).toMatchObject({ signature: expect.stringContaining("case:lc") });
  expect(lowercaseBleu(answers, mixed)?.score).toBeCloseTo(100, 9);
  expect(lowercaseBleu(answers, small)).toBeUndefined();
  expect(lowercaseBleu([answer("x", "東京", "東京")], mixed)).toBeUndefined();
});

test("any script: without spaces, right to left, emoji, marks, control characters, lines that are empty or longer than a batch", async () => {
  const [texts, own] = [temporaryFolder(), temporaryFolder()];
  const words = ["犬が好き", "مرحبا بالعالم", "שלום", "ภาษาไทย", "👩‍👩‍👧‍👦 🇩🇪", "e\u0301 क्षि", "a\u001b[31mb\u0000c"];
  const sources = Array.from({ length: 28 }, (_, i) => `${words[i % 7]} ${words[(i * 3) % 7]}。`);
  const targets = Array.from({ length: 28 }, (_, i) => `我们${words[(i * 5) % 7]}!`);
  const long = Array(300).fill("لا 犬").join(" ");
  const write = (part: string, language: string, rows: readonly string[]) =>
    writeFileSync(join(texts, `${part}.${language}`), `\ufeff${rows.join("\r\n")}\r\n`);
  write("train", "pt-BR", [...sources, "", long, "nur hier"]);
  write("train", "zh_Hans", [...targets, "只有这里", long, ""]);
  for (const [language, rows] of [
    ["pt-BR", sources],
    ["zh_Hans", targets],
  ] as const)
    write("val", language, [...rows.slice(0, 7), ""]);
  const sizes = ["--units", "4", "--decoder-units", "8", "--embedding", "4", "--vocabulary-size", "300"];
  const asked = [...sizes, "--batch-tokens", "200", "--threads", "1", "--epochs", "1", "--out", own];
  const trained = await runInside(["train", "--data", texts, ...asked]);
  expect(trained).toMatchObject({ code: 0, stderr: expect.not.stringContaining("translate:") });
  expect(trained.stdout).toMatch(/^29 of 31 training pairs are used \(left out: 2 empty\)\.$/m);
  expect(trained.stdout).toContain("from pt-BR to zh_Hans");
  expect(trained.stdout).toMatch(/for 1 epoch of about \d+ steps\.\nSo few steps teach a new model little/);

  const tested = await runInside(["evaluate", "--model", own, "--beam", "2"]);
  expect(tested).toMatchObject({ code: 0, stderr: "" });
  expect(tested.stdout).toContain("BLEU|nrefs:1|bs:1000|seed:12345|case:mixed|eff:no|tok:char|");
  const one = await runInside(["evaluate", "--model", own, "--beam", "1", "--limit", "1", "--data", texts]);
  expect(one).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^Testing on 1 of 7 validation texts \(there are no test files; the best epoch was chosen by these texts\) with/,
    ),
  });
  expect(one.stdout).toContain("tok:char");
  const other = temporaryFolder();
  for (const language of ["ar", "en"]) writeFileSync(join(other, `test.${language}`), "a b\n");
  expect(await runInside(["evaluate", "--model", own, "--data", other])).toMatchObject({
    code: 2,
    stderr: `translate: --data ${other}: has texts in ar, en, and the model translates from pt-BR to zh_Hans\n`,
  });
  const said = await runInside(["predict", "--model", own, "--n-best", "2", ...words]);
  expect(said).toMatchObject({ code: 0, stderr: "" });
  expect(said.stdout.split("\n")).toHaveLength(2 * words.length + 1);
  for (const { stdout } of [trained, tested, said]) expect(stdout).not.toMatch(/(?![\n\t])\p{Cc}/u);
  const refused = await runInside(["predict", "--model", own, `${long} ${long} ${long}`]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/^[^\n]+ subwords; the limit is [\d,]+\n$/) });
}, 30_000);

test("BLEU's tokenizer goes by the script of most letters, and is that of the training texts", () => {
  const texts = (length: number, ...each: string[]) =>
    Array.from({ length }, (_, i) => each[i % each.length] as string);
  expect(tokenizerOf(["yes"])).toBe("13a");
  expect(tokenizerOf([])).toBe("13a");
  expect(tokenizerOf(["!?", "👍"])).toBe("13a");
  expect(tokenizerOf(["안녕하세요 여러분"])).toBe("13a");
  expect(tokenizerOf([...texts(999, "我喜欢吃苹果"), "カラオケ"])).toBe("zh");
  expect(tokenizerOf([...texts(20, "私は猫が好きです。"), "東京大学"])).toBe("char");
  expect(tokenizerOf(["ภาษาไทยไม่มีช่องว่าง"])).toBe("char");
  const target = { tokens: "words", lowercase: false } as SideVocabulary;
  const record = { kind: "table", digest: "" } as const;
  expect(scoringOf({ ...record, tokenizer: "char" }, target, ["yes"]).tokenize).toBe("char");
  expect(scoringOf(record, target, ["东京大学"]).tokenize).toBe("zh");
  expect(isDataRecord({ ...record, tokenizer: "intl" })).toBe(false);
});

test("few texts: one source is kept to validate with, if the hash keeps none", () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ source: i === 0 ? "" : `a${i}`, targets: ["b"] }));
  const held = rows.filter(({ source }) => source !== "" && textHash(source) % 20 !== 1);
  const { train, validation, test: tested } = splitTexts([...held, ...held.slice(0, 3)], true);
  expect(new Set(validation.map(({ source }) => source)).size).toBe(1);
  expect(train.length + validation.length + tested.length).toBe(held.length + 3);
  expect(train.some(({ source }) => source === validation[0]?.source)).toBe(false);
  const same = [...Array(30)].map(() => ({ source: "a2", targets: ["b"] }));
  expect(splitTexts(same, false)).toMatchObject({ validation: [], train: same });
});

test("--init takes the preset of its model", async () => {
  const options = { data: "more.tsv", learningRate: 0 };
  const side = { tokens: "words", lowercase: false } as SideVocabulary;
  const ofWords = {
    data: { kind: "table", digest: "" },
    vocabulary: { version: 1, source: side, target: side },
  } as const;
  const languages = { sourceLanguage: "de", targetLanguage: "en" };
  const ofFolder = { ...ofWords, data: { ...ofWords.data, languages } };
  expect(await withPreset(options, new Set(), ofWords)).toEqual(options);
  expect(await withPreset(options, new Set(), ofFolder)).toMatchObject(setBy("sentences"));
  const subwords = { ...side, tokens: "subwords" } as SideVocabulary;
  const ofSubwords = { ...ofWords, vocabulary: { ...ofWords.vocabulary, source: subwords, target: subwords } };
  expect(await withPreset(options, new Set(), ofSubwords)).toMatchObject(setBy("sentences"));
  expect(await withPreset({ ...options, preset: "pronunciation" }, new Set(), ofFolder)).toEqual(options);
});

test("a model is trained further in its own languages, whatever their names, unless others are asked for", async () => {
  const data = temporaryFolder();
  for (const language of ["ar", "en"]) writeFileSync(join(data, `train.${language}`), "a b\n");
  const own = { sourceLanguage: "en", targetLanguage: "ar" };
  expect(await languagesAfter({ data }, own)).toEqual(own);
  expect(await languagesAfter({ data, sourceLanguage: "en" }, own)).toEqual(own);
  expect(await languagesAfter({ data, sourceLanguage: "ar" }, own)).toEqual({ sourceLanguage: "ar" });
  expect(await languagesAfter({ data }, undefined)).toEqual({});
  const german = { ...own, sourceLanguage: "de" };
  await expect(languagesAfter({ data }, german)).rejects.toThrow(/has texts in ar, en, .* from de to ar; choose with/);

  for (const language of ["ar", "en"]) writeFileSync(join(data, `train.${language}`), "ab cd ef gh\n".repeat(25));
  for (const language of ["ar", "en"]) writeFileSync(join(data, `val.${language}`), "ab cd ef gh\n");
  const sizes = ["--units", "2", "--decoder-units", "4", "--embedding", "2", "--vocabulary-size", "300"];
  const [first, further] = [temporaryFolder(), temporaryFolder()];
  const train = (...more: string[]) => runInside(["train", "--data", data, "--epochs", "1", "--threads", "1", ...more]);
  await train(...sizes, "--source-language", "en", "--out", first);
  const again = await train("--init", first, "--out", further);
  expect(again).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("from en to ar") });
  const turned = await train("--init", first, "--source-language", "ar", "--out", further, "--overwrite");
  expect(turned.stderr).toBe(
    "translate: the model of --init translates from en to ar; it is now trained from ar to en\n",
  );
});
