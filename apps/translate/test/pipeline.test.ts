/** The way of a user with data of one's own: train, evaluate, predict, export; and the same bytes from the same seed, killed or not. */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { kebabCase } from "@ostinato/app";
import { eventsOf, killAndResume } from "@ostinato/app/testing";
import { loadModel } from "@ostinato/core/node";
import { corpusBleu, formatTranslationScore, subwordsFromFile } from "@ostinato/text";
import { beforeAll, expect, test } from "vitest";
import { setBy } from "../src/presets.ts";
import {
  lastingFolder,
  right,
  runInside,
  runProcess,
  small,
  spelledRows,
  temporaryFolder,
  translate,
  writeRows,
} from "./runCli.ts";

const folder = lastingFolder();
const data = writeRows(folder, spelledRows());
const out = join(folder, "names");
const training = ["train", "--data", data, ...small, "--epochs", "8"];
const bytesOf = (...path: string[]) => readFileSync(join(...path));
const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).toString("latin1") === "\x89PNG\r\n\x1a\n";
let told: string;
beforeAll(async () => {
  const trained = await runProcess([...training, "--out", out]);
  expect(trained).toMatchObject({ code: 0, stderr: "" });
  told = trained.stdout;
}, 60_000);

test("train tells the data, the layers, each epoch with some translations, and the files", () => {
  expect(told).toMatch(
    /^Your data: \d+ training (?:pairs|texts with \d+ right answers), \d+ validation texts\nfrom 4 characters \([a-d ]+\)\nto {3}4 words \([a-z ]+\)$/m,
  );
  expect(told).toMatch(/^sourceEmbedding \(embedding\) /m);
  expect(told).toMatch(/^epoch 8\/8 {2}done in .* valAccuracy \S+ {2}valBleu \d+\.\d\d$/m);
  expect(told).toMatch(/^ {2}100\.0 {2}[a-d]+\n {6}→ {2}[a-z ]+\n {9}\([a-z ]+\)$/m);
  expect(told).not.toMatch(/[^\n\P{Cc}]/u);
  for (const name of ["loss", "bleu"]) expect(isPng(bytesOf(out, `${name}.png`))).toBe(true);
  const { epochs } = JSON.parse(bytesOf(out, "history.json").toString("utf8"));
  const scores = epochs.map(({ valBleu }: { readonly valBleu: number }) => valBleu);
  expect(scores).toHaveLength(8);
  const best = 1 + scores.indexOf(Math.max(...scores));
  expect(told).toContain(`Kept the model of epoch ${best}, which has the best validation BLEU.`);
});

test("the same seed gives the same bytes, another one others", async () => {
  const [again, other] = [temporaryFolder(), temporaryFolder()];
  const { code, stdout } = await runInside([...training, "--out", again, "--json"]);
  expect(code).toBe(0);
  const events = eventsOf(stdout);
  expect(events.map(({ event }) => event).filter((event) => event !== "sample")).toEqual([
    "model",
    ...Array(8).fill("epoch"),
    "saved",
  ]);
  expect(events.find(({ event }) => event === "sample")).toEqual({
    event: "sample",
    epoch: 1,
    text: expect.any(String),
    translation: expect.any(String),
    references: [expect.any(String)],
    bleu: expect.any(Number),
  });
  expect((await runInside([...training, "--out", other, "--seed", "4"])).code).toBe(0);
  for (const name of ["model.safetensors", "history.json"]) {
    expect(bytesOf(again, name).equals(bytesOf(out, name)), name).toBe(true);
    expect(bytesOf(other, name).equals(bytesOf(out, name)), name).toBe(false);
  }
});

test("other networks, batches that tokens bound, and texts that are no sentences: they train, and translate", async () => {
  const own = temporaryFolder();
  const args = ["train", "--data", data, "--units", "4", "--decoder-units", "6", "--threads", "1", "--epochs", "1"];
  const others = [
    "--attention none --cell gru --layers 2 --batch-tokens 200 --average 0 --teacher-forcing 0.5",
    "--attention additive --input-feeding --decoder-layers 2 --clipnorm 0 --warmup 10 --batch-size 9 --batch-tokens 200",
    "--target-tokens characters --tied-embeddings --attention-units 5 --preset pronunciation",
  ];
  const told: string[] = [];
  for (const [i, other] of others.entries()) {
    const folder = join(own, String(i));
    const trained = await runInside([...args, ...other.split(" "), "--out", folder]);
    expect(trained).toMatchObject({ code: 0, stderr: "" });
    told.push(trained.stdout);
    expect(await runInside(["predict", "--model", folder, "ab"])).toMatchObject({ code: 0, stderr: "" });
  }
  expect(told[2]).toMatch(/valPhoneErrorRate \d\.\d{4}\n {2}wrong {2}[a-d]+ → .* {3}\([a-z ]+\)$/m);
  expect(told[2]).toContain("Kept the model of epoch 1, which has the best validation token error rate.");
});

test("a folder of files in two languages: cleaned, learned as subwords that both share, evaluated by BLEU and chrF, exported with tokenizer.json", async () => {
  const own = temporaryFolder();
  const texts = temporaryFolder();
  const pairs = spelledRows().map((row) => row.split("\t") as [string, string]);
  const odd: [string, string][] = [["", "alfa"], ["abcd", Array(9).fill("delta").join(" ")], ["abcd", "alfa"], ["ABCD", right("abcd")]]; // biome-ignore format: a row each
  const write = (part: string, rows: readonly (readonly [string, string])[], gz: string) => {
    for (const [side, language] of ["letters", "names"].entries()) {
      const text = `${rows.map((row) => row[side]).join("\n")}\n`;
      writeFileSync(join(texts, `${part}.${language}${gz}`), gz === "" ? text : gzipSync(text));
    }
  };
  write("train", [...pairs, ...odd], ".gz");
  write("val", [...pairs.slice(0, 12), pairs[0] as [string, string], ["", ""]], "");
  const tokens = ["--vocabulary-size", "300", "--lowercase", "--max-length", "8", "--max-ratio", "3"];
  const sizes = ["--units", "4", "--decoder-units", "8", "--embedding", "4", "--batch-tokens", "300"];
  const asked = [
    ...tokens,
    ...sizes,
    "--subword-dropout",
    "0.2",
    "--threads",
    "1",
    "--epochs",
    "1",
    "--validation-sample",
    "5",
    "--out",
    own,
  ];
  const trained = await runInside(["train", "--data", texts, ...asked, "--json"]);
  expect(trained.code).toBe(0);
  const [cleaning, made] = eventsOf(trained.stdout) as [unknown, { layers: { name: string; kind: string }[] }];
  expect(made.layers.filter(({ kind }) => kind === "reversibleEmbedding").map(({ name }) => name)).toEqual(
    Array(3).fill("embedding"),
  );
  const history = JSON.parse(bytesOf(own, "history.json").toString("utf8"));
  const preset = Object.entries(setBy("sentences"));
  const kept = preset.filter(([name]) => name !== "batchSize" && !asked.includes(`--${kebabCase(name)}`));
  expect(history.options).toMatchObject({ ...Object.fromEntries(kept), embedding: 4, batchTokens: 300 });
  expect(history.options).not.toHaveProperty("batchSize");
  expect(cleaning).toEqual({
    event: "cleaning",
    pairs: pairs.length + 4,
    kept: pairs.length + 1,
    leftOut: { empty: 1, tooShort: 0, tooLong: 1, unlikeLengths: 1, untranslated: 0, repeated: 0 },
  });
  expect((await runInside(["info", "--model", own])).stdout).toMatch(/^target +subwords, made small +\d+ +\d+$/m);
  const predicted = await runInside(["predict", "--model", own, "--json", "AB"]);
  expect(eventsOf(predicted.stdout)[0]).toMatchObject({ sourceTokens: ["▁a", "b"] });
  const picture = join(own, "attention.svg");
  for (const [more, label] of [[], ["--attention-tokens"]].map((more, i) => [more, ["ab", "▁a"][i]] as const)) {
    const drawn = await runInside(["predict", "--model", own, "--attention", picture, ...more, "ABCD ab"]);
    expect(drawn).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(picture, "utf8")).toContain(`>${label}</text>`);
  }

  const evaluate = async (...more: string[]) => {
    const { code, stdout } = await runInside(["evaluate", "--model", own, "--json", "--beam", "1", ...more]);
    expect(code).toBe(0);
    return eventsOf(stdout)[0];
  };
  const scores = { bleu: expect.any(Number), chrf: expect.any(Number) };
  expect(await evaluate()).toMatchObject({ event: "test", texts: 13, ...scores });
  write("test", pairs.slice(0, 5), "");
  expect(await evaluate("--data", texts)).toMatchObject({ texts: 5, ...scores });
  write("test", [["▁", "alfa"]], "");
  expect(await runInside(["evaluate", "--model", own, "--data", texts])).toMatchObject({
    code: 2,
    stderr: 'translate: "▁" cannot be read: the text is empty\n',
  });
  write("test", pairs.slice(0, 5), "");
  const turned = await runInside(["info", "--data", texts, "--source-language", "names", "--json"]);
  expect(eventsOf(turned.stdout)).toContainEqual(expect.objectContaining({ side: "source", tokens: "words" }));

  expect(await runInside(["export", "--model", own])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("on 5 test texts and 495 random texts."),
    stderr: "",
  });
  const { vocabulary } = await loadModel(join(own, "model.safetensors"));
  const file = subwordsFromFile(bytesOf(own, "tokenizer.json").toString("utf8"));
  expect(vocabulary).toMatchObject({ source: { subwords: file }, target: { subwords: file } });
}, 30_000);

test("killed twice at drawn moments and resumed: the bytes of the training that was not", async () => {
  const args = ["train", "--data", data, ...small, "--save-every", "8", "--epochs", "16"];
  await killAndResume(translate, args, temporaryFolder(), 2, 1);
}, 240_000);

test("evaluate: BLEU and chrF of sentences, both by length, words that differ, the worst, and a picture", async () => {
  const { code, stdout, stderr } = await runInside(["evaluate", "--model", out, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const events = eventsOf(stdout);
  const [first] = events as [Record<string, number>];
  expect(first).toMatchObject({
    event: "test",
    beam: 5,
    bleuMargin: expect.any(Number),
    signatures: { bleu: expect.stringMatching(/^nrefs:1\|bs:1000\|seed:12345\|case:mixed\|.*\|tok:13a\|/) },
  });
  expect(first.phoneErrorRate).toBeLessThan(0.1);
  expect(first.phoneErrorRate).toBe(first.errors! / first.referenceTokens!);
  expect(first.wordErrorRate).toBe(first.wrongTexts! / first.texts!);
  expect(first.bleu).toBeGreaterThan(80);
  expect(first.chrf).toBeGreaterThan(90);
  const { lengths } = events[1] as unknown as { lengths: { texts: number; from: number; to: number }[] };
  expect(lengths.reduce((sum, { texts }) => sum + texts, 0)).toBe(first.texts);
  expect(lengths[0]).toMatchObject({ bleu: expect.any(Number), chrf: expect.any(Number) });
  expect(events[2]).toMatchObject({ event: "words", missing: expect.any(Array), added: expect.any(Array) });
  expect(events.filter(({ event }) => event === "mistake")).toHaveLength(Math.min(10, first.wrongTexts!));
  expect(isPng(bytesOf(out, "bleuByLength.png"))).toBe(true);
  expect(bytesOf(out, "bleuByLength.svg").toString("utf8")).toContain("words of the source");
});

test("evaluate on another file: all of it, any of several right answers, and what is written in the place of what", async () => {
  const rows = ["ab\tzulu", `ab\t${right("ab")}`, "cd\tcharlie echo", "d\tdelta"];
  const file = writeRows(folder, rows, "odd.tsv");
  const args = ["evaluate", "--model", out, "--data", file];
  const { code, stdout } = await runInside([...args, "--backend", "cpu"]);
  expect(code).toBe(0);
  expect(stdout).toContain("Testing on 3 texts with cpu, beam 5.");
  expect(stdout).toMatch(
    /^token error rate +0\.2000 +1 errors in 5 tokens\nwrong translations +0\.3333 +1 of 3 texts$/m,
  );
  // Of 5 unigrams 4 are right, of 2 bigrams 1, and no text has three words.
  const bleu = corpusBleu([["zulu", right("ab")], "charlie echo", "delta"], ["alfa bravo", "charlie delta", "delta"]);
  expect(stdout).toContain(`\n${formatTranslationScore(bleu)}\nchrF2|nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|`);
  expect(bleu.precisions.slice(0, 2)).toEqual([80, 50]);
  expect(stdout).toMatch(/^echo +delta +1 +100\.0 % +cd$/m);
  expect(stdout).toMatch(/^ {2}cd → charlie delta {3}\(charlie echo\)$/m);
  expect(isPng(bytesOf(out, "confusion.png"))).toBe(true);
  expect(bytesOf(out, "confusion.svg").toString("utf8")).toContain("token that the model writes");
  const some = writeRows(folder, ["ab\talfa bravo", "xy\tzulu"], "some.tsv");
  const warned = await runInside(["evaluate", "--model", out, "--data", some]);
  expect(warned).toMatchObject({
    code: 0,
    stderr:
      'translate: 1 of 2 texts do not fit the model, such as "xy": the model does not know the characters "x", "y"; they count as they are translated\n',
  });
});

test("predict: arguments and lines, the n best with their scores, attention as a picture", async () => {
  const plain = await runInside(["predict", "--model", out, "abc", "d"]);
  expect(plain).toEqual({ code: 0, stderr: "", stdout: `abc\t${right("abc")}\nd\tdelta\n` });
  const best = await runInside(["predict", "--model", out, "--n-best", "2", "--beam", "1", "ab"]);
  expect(best.stdout).toMatch(/^ab\talfa bravo\t-?0\.\d{4}\nab\t.*\t-\d\.\d{4}\n$/);
  const lines = [Buffer.from("abc\nd"), Buffer.from("ab\n")];
  const read = await runInside(["predict", "--model", out, "--json", "--backend", "cpu"], lines);
  expect(read).toMatchObject({ code: 0, stderr: "" });
  const answers = eventsOf(read.stdout);
  expect(answers.map(({ translation }) => translation)).toEqual([right("abc"), right("dab")]);
  expect(answers[0]).toMatchObject({
    text: "abc",
    tokens: ["alfa", "bravo", "charlie"],
    sourceTokens: ["a", "b", "c"],
    score: expect.any(Number),
    finished: true,
  });
  const picture = join(folder, "abc.svg");
  const drawn = await runInside(["predict", "--model", out, "--attention", picture, "abc"]);
  expect(drawn).toEqual({ code: 0, stderr: "", stdout: `abc\t${right("abc")}\nWrote ${picture}\n` });
  const svg = readFileSync(picture, "utf8");
  expect(svg).toContain("token that it attends to");
  for (const token of ["a", "b", "c", "alfa", "bravo", "charlie"]) expect(svg).toContain(`>${token}</text>`);
});

test("texts without a translation are told among others, and by the exit code", async () => {
  const lines = [Buffer.from("ab\n\nщи\nabcdabcda\n")];
  const { code, stdout, stderr } = await runInside(["predict", "--model", out], lines);
  expect(code).toBe(2);
  const [empty, unknown, long] = [
    "the text is empty",
    'the model does not know the characters "щ", "и"',
    "the text has 9 characters; the limit is 8",
  ];
  expect(stdout).toBe(`ab\talfa bravo\n-\t${empty}\n-\t${unknown}\n-\t${long}\n`);
  expect(stderr).toBe(`translate: not translated: line 2: ${empty}; line 3: ${unknown}; line 4: ${long}\n`);
  const json = await runInside(["predict", "--model", out, "--json", "", "щ"]);
  expect(json.stderr).toMatch(/^translate: not translated: text 1: the text is empty; text 2: .*\n$/);
  expect(eventsOf(json.stdout)[0]).toEqual({ text: "", translation: null, problem: empty });
  expect((await runInside(["predict", "--model", out, "--allow-unknown", "щ"])).code).toBe(0);
});

test("export: two files that onnxruntime agrees with, and the JSON that other runtimes need", async () => {
  const { code, stdout, stderr } = await runInside(["export", "--model", out, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [event] = eventsOf(stdout) as [{ files: string[]; maxDifference: number }];
  expect(event).toMatchObject({ event: "export", texts: 500, nearTies: 0, beam: 5, tolerance: 1e-4 });
  expect(event.files).toEqual([join(out, "encode.onnx"), join(out, "decodeStep.onnx")]);
  expect(event.maxDifference).toBeLessThan(1e-4);
  expect(JSON.parse(bytesOf(out, "model.json").toString("utf8"))).toMatchObject({
    startId: 2,
    vocabulary: { target: { tokens: "words" } },
    attention: true,
  });
  for (const file of event.files) expect(readFileSync(file).length).toBeGreaterThan(1000);
  const said = await runInside(["predict", "--model", out, "--backend", "onnx", "dbca"]);
  expect(said).toEqual({ code: 0, stderr: "", stdout: `dbca\t${right("dbca")}\n` });
});

test("export with float16 weights: the BLEU with them and with float32", async () => {
  const folder = temporaryFolder();
  const asked = ["export", "--model", out, "--out", folder, "--weights", "float16", "--token-type", "int64"];
  const { code, stdout } = await runInside([...asked, "--limit", "8", "--json"]);
  expect(code).toBe(0);
  const [event] = eventsOf(stdout) as [Record<string, number>];
  expect(event).toMatchObject({ weights: "float16", rows: 8, bleu: event.float32Bleu, maxLoss: 0.01 });
  expect(event.bytes).toBeLessThan(event.float32Bytes as number);
});

test("info tells a model, and data", async () => {
  const model = await runInside(["info", "--model", out]);
  expect(model).toMatchObject({ code: 0, stderr: "" });
  expect(model.stdout).toMatch(/^source +characters +8 +8$/m);
  expect(model.stdout).toMatch(/^target +words +8 +8$/m);
  expect(model.stdout).toMatch(/seed 0, 8 epochs; the best is epoch \d, with a BLEU of \d+\.\d\d in validation\.$/m);
  const { stdout } = await runInside(["info", "--data", data, "--json"]);
  expect(eventsOf(stdout).map(({ event }) => event)).toEqual(["split", "split", "split", "tokens", "tokens"]);
});

test("a model's file, apart from its folder: evaluate draws where it is told to, info tells what it is", async () => {
  const alone = temporaryFolder();
  const file = join(alone, "names.safetensors");
  copyFileSync(join(out, "model.safetensors"), file);
  const evaluate = ["evaluate", "--model", file, "--data", data];
  expect((await runInside([...evaluate, "--json"])).code).toBe(0);
  expect(readdirSync(alone)).toEqual(["names.safetensors"]);
  expect((await runInside([...evaluate, "--out", join(alone, "pictures")])).code).toBe(0);
  expect(readdirSync(join(alone, "pictures"))).toEqual(["bleuByLength.png", "bleuByLength.svg"]);
  expect(eventsOf((await runInside(["info", "--model", file, "--json"])).stdout)).toMatchObject([{ event: "model" }]);
});

test("the two files of an export: on every backend, as they are in onnxruntime, and as what training goes on from", async () => {
  const alone = temporaryFolder();
  expect(await runInside(["export", "--model", out, "--out", alone])).toMatchObject({ code: 0 });
  const predict = async (model: string, ...more: string[]) => {
    const { code, stdout } = await runInside(["predict", "--model", model, ...more, "--json", "abcd", "dab"]);
    expect(code).toBe(0);
    return eventsOf(stdout).map(({ translation }) => translation);
  };
  const expected = await predict(out);
  for (const model of [alone, join(alone, "encode.onnx"), join(alone, "decodeStep.onnx")])
    expect(await predict(model)).toEqual(expected);
  for (const backend of ["cpu", "onnx"]) expect(await predict(alone, "--backend", backend)).toEqual(expected);
  expect((await runInside(["evaluate", "--model", alone, "--data", data, "--limit", "5", "--json"])).code).toBe(0);
  expect(readdirSync(alone).sort()).toEqual(["decodeStep.onnx", "encode.onnx", "model.json"]);
  const train = ["train", "--data", data, "--epochs", "1", "--validation-sample", "5", "--init", alone, "--json"];
  const further = await runInside([...train, "--out", temporaryFolder()]);
  expect(further).toMatchObject({ code: 0, stderr: "" });
  expect(eventsOf(further.stdout)[0]).toMatchObject({ init: { file: "decodeStep.onnx", network: true } });

  const half = temporaryFolder();
  for (const [name, message] of [
    ["decodeStep.onnx", /encode is missing/],
    ["encode.onnx", /it is one of two files, encode, but decodeStep\.onnx is not in the same folder/],
  ] as const) {
    const file = join(half, name);
    copyFileSync(join(alone, name), file);
    const { code, stderr } = await runInside(["predict", "--model", file, "a"]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    rmSync(file);
  }
  const unasked = await runInside(["export", "--model", alone]);
  expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining("--out is required") });
});

test("train --init goes on from a model, with its tokens and limits, and here with a sample of the tokens", async () => {
  const further = temporaryFolder();
  const train = ["train", "--data", data, "--batch-size", "16", "--validation-sample", "10", "--json"];
  const course = ["--label-smoothing", "0", "--learning-rate", "0.003", "--warmup", "0", "--epochs", "1"];
  const sampled = ["--sampled-softmax", "4"];
  const { code, stdout, stderr } = await runInside([...train, ...course, ...sampled, "--init", out, "--out", further]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const events = eventsOf(stdout);
  expect(events[0]).toMatchObject({ event: "model", init: { file: "model.safetensors", network: true } });
  const { epochs } = JSON.parse(bytesOf(out, "history.json").toString("utf8"));
  expect(Number(events[1]?.loss)).toBeLessThan(epochs[0].loss / 2);
  expect(Number(events[1]?.valLoss)).toBeLessThan(epochs[0].valLoss / 2);
  expect(events[1]).not.toHaveProperty("accuracy");
  const longer = [...train, ...course.with(-1, "2"), ...sampled, "--out", further, "--resume"];
  expect(await runInside(longer)).toMatchObject({ code: 0, stderr: "" });
  const described = async (folder: string) => {
    const { vocabulary, metadata } = await loadModel(join(folder, "model.safetensors"));
    return { vocabulary, translator: metadata?.translator };
  };
  expect(await described(further)).toEqual(await described(out));
  const tooMany = ["--sampled-softmax", "9000", "--init", out, "--out", temporaryFolder()];
  expect(await runInside([...train, ...tooMany])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^translate: --sampled-softmax 9000 is more than the \d+ tokens; .*\n$/),
  });
  for (const option of [["--units", "3"], ["--lowercase"], ["--source-tokens", "words"]])
    expect(await runInside([...train, "--init", out, ...option, "--out", temporaryFolder()])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `${option[0]} describes a new network and cannot be used with --init model.safetensors`,
      ),
    });
});
