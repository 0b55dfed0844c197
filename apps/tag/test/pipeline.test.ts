/** The way of a user with data of one's own: train, evaluate, predict, export; and the same bytes from the same seed, killed or not. */
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf, killAndResume } from "@ostinato/app/testing";
import { loadModel } from "@ostinato/core/node";
import { wordDropout } from "@ostinato/tagger";
import { beforeAll, expect, test } from "vitest";
import {
  drawnSentences,
  lastingFolder,
  runInside,
  runProcess,
  small,
  tag,
  temporaryFolder,
  writeConll,
} from "./runCli.ts";

const folder = lastingFolder();
const data = writeConll(folder, drawnSentences(160));
const out = join(folder, "names");
const training = ["train", "--data", data, ...small, "--learning-rate", "0.03", "--decay", "1", "--epochs", "6"];
const bytesOf = (...path: string[]) => readFileSync(join(...path));
const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).toString("latin1") === "\x89PNG\r\n\x1a\n";
let told: string;
beforeAll(async () => {
  const trained = await runProcess([...training, "--out", out]);
  expect(trained).toMatchObject({ code: 0, stderr: "" });
  told = trained.stdout;
}, 60_000);

test("train tells the data, the layers, each epoch and the files", () => {
  expect(told).toMatch(
    /^Your data: \d+ sentences of [\d,]+ tokens to train with, \d+ to validate; \d+ words, 4 tags: B-person B-place I-place O$/m,
  );
  expect(told).toMatch(/^wordEmbedding \(embedding\) /m);
  expect(told).toMatch(/^epoch 6\/6 {2}done in .* valLoss \S+ {2}valAccuracy \S+ {2}valSpanF1 \S+$/m);
  expect(told).not.toMatch(/[^\n\P{Cc}]/u);
  for (const name of ["loss", "accuracy"]) expect(isPng(bytesOf(out, `${name}.png`))).toBe(true);
  const { epochs } = JSON.parse(bytesOf(out, "history.json").toString("utf8"));
  const scores = epochs.map(({ valSpanF1 }: { readonly valSpanF1: number }) => valSpanF1);
  expect(scores).toHaveLength(6);
  const best = 1 + scores.indexOf(Math.max(...scores));
  expect(told).toContain(`Kept the model of epoch ${best}, which has the best validation F1 of spans.`);
});

test("the same seed gives the same bytes, another one others", async () => {
  const [again, other] = [temporaryFolder(), temporaryFolder()];
  const { code, stdout } = await runInside([...training, "--out", again, "--json"]);
  expect(code).toBe(0);
  expect(eventsOf(stdout).map(({ event }) => event)).toEqual(["model", ...Array(6).fill("epoch"), "saved"]);
  expect((await runInside([...training, "--out", other, "--seed", "4"])).code).toBe(0);
  for (const name of ["model.safetensors", "history.json"]) {
    expect(bytesOf(again, name).equals(bytesOf(out, name)), name).toBe(true);
    expect(bytesOf(other, name).equals(bytesOf(out, name)), name).toBe(false);
  }
});

test("killed twice at drawn moments and resumed: the bytes of the training that was not", async () => {
  const args = ["train", "--data", data, ...small, "--save-every", "4", "--epochs", "20"];
  await killAndResume(tag, args, temporaryFolder(), 2, 1);
}, 120_000);

test("evaluate: tokens, spans, each tag, mistakes, and the confusion picture", async () => {
  const { code, stdout, stderr } = await runInside(["evaluate", "--model", out, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const events = eventsOf(stdout);
  const [first] = events;
  expect(first).toMatchObject({ event: "test", accuracy: expect.any(Number), spanF1: expect.any(Number) });
  const { accuracy, spanF1, spanPrecision, spanRecall, sentences, tokens } = first as Record<string, number>;
  expect(accuracy).toBeGreaterThan(0.95);
  expect(spanF1).toBeGreaterThan(0.9);
  expect(spanF1).toBeCloseTo((2 * spanPrecision! * spanRecall!) / (spanPrecision! + spanRecall!), 12);
  expect(tokens).toBeGreaterThan(6 * sentences!);
  const spans = events.find(({ event }) => event === "spans")?.spans as { type: string }[];
  expect(spans.map(({ type }) => type)).toEqual(["person", "place"]);
  expect(isPng(bytesOf(out, "confusion.png"))).toBe(true);
  expect(bytesOf(out, "confusion.svg").toString("utf8")).toContain("tag that the model gives");
});

test("evaluate on another file: all of it, wrong tags in their sentences", async () => {
  const file = writeConll(folder, ["Anna\tB-person\nvisits\tB-person\nRome\tB-place\n.\tO\n"], "odd.conll");
  const { code, stdout } = await runInside(["evaluate", "--model", out, "--data", file, "--backend", "onnx"]);
  expect(code).toBe(0);
  expect(stdout).toContain("Testing on 1 sentences with onnx.");
  expect(stdout).toMatch(/^most confused +taken for +tokens +of the tag +such as$/m);
  expect(stdout).toMatch(/\[visits: O, right is B-person\]/);
});

test("predict: arguments and lines, tokens with their tags below, spans with --json; an empty sentence is told", async () => {
  const plain = await runInside(["predict", "--model", out, "Anna visits New York on 3.", ""]);
  expect(plain).toMatchObject({ code: 0, stderr: "tag: sentence 2: nothing to tag: the sentence is empty\n" });
  expect(plain.stdout).toMatch(/^Anna +visits +New +York +on +3 +\.\nB-person +O +B-place +I-place +O +O +O\n\n-\n$/);
  const lines = [Buffer.from("Anna visits New York .\n\nBruno"), Buffer.from(" likes Rome .\n")];
  const read = await runInside(
    ["predict", "--model", out, "--json", "--split", "whitespace", "--backend", "cpu"],
    lines,
  );
  expect(read).toMatchObject({ code: 0, stderr: "tag: line 2: nothing to tag: the sentence is empty\n" });
  const [first, second, third] = eventsOf(read.stdout);
  expect(first).toMatchObject({
    tokens: ["Anna", "visits", "New", "York", "."],
    tags: ["B-person", "O", "B-place", "I-place", "O"],
    spans: [
      { type: "person", start: 0, end: 1, text: "Anna" },
      { type: "place", start: 2, end: 4, text: "New York" },
    ],
  });
  expect(second).toEqual({ text: "", tokens: [], tags: null, problem: "the sentence is empty" });
  expect(third).toMatchObject({ text: "Bruno likes Rome ." });
  expect(await runInside(["predict", "--model", out, " "])).toMatchObject({
    code: 1,
    stderr: "tag: nothing to tag: the sentence is empty\n",
  });
});

test("export: checked against onnxruntime, with the JSON that other runtimes need", async () => {
  const { code, stdout } = await runInside(["export", "--model", out, "--json"]);
  expect(code).toBe(0);
  const [event] = eventsOf(stdout) as [{ maxDifference: number }];
  expect(event).toMatchObject({ event: "export", sentences: 400, tolerance: 1e-4 });
  expect(event.maxDifference).toBeLessThan(1e-4);
  expect(JSON.parse(bytesOf(out, "model.json").toString("utf8"))).toMatchObject({
    output: "output",
    tags: ["B-person", "B-place", "I-place", "O"],
  });
  expect(bytesOf(out, "model.onnx").length).toBeGreaterThan(1000);
});

test("export with int8 weights: the F1 of spans with them and with float32, as long as the data are at hand", async () => {
  const file = join(temporaryFolder(), "small.onnx");
  const asked = ["export", "--model", out, "--out", file, "--weights", "int8"];
  const { code, stdout } = await runInside([...asked, "--token-type", "int64", "--json"]);
  expect(code).toBe(0);
  const [event] = eventsOf(stdout);
  expect(event).toMatchObject({ weights: "int8", rows: 15, spanF1: expect.any(Number), maxLoss: 0.01 });
  expect(event).toHaveProperty("float32SpanF1", event?.spanF1);

  const alone = temporaryFolder();
  copyFileSync(join(out, "model.safetensors"), join(alone, "model.safetensors"));
  const without = await runInside(["export", "--model", alone, "--weights", "float16"]);
  expect(without.code).toBe(0);
  expect(without.stdout).toMatch(
    /float16 weights: 0 of [\d,]+ tokens in 400 sentences of drawn tokens get a different tag; there are no/,
  );
});

test("a CRF: no span without its beginning, from training to onnxruntime", async () => {
  const own = temporaryFolder();
  const args = ["train", "--data", data, ...small, "--output", "crf", "--epochs", "3", "--decay", "1", "--out", own];
  expect(await runInside(args)).toMatchObject({ code: 0, stderr: "" });
  const lines = [Buffer.from("York on The Anna visits\nHague New 3 likes York Hague\n")];
  const answers = async (backend: string) => {
    const { code, stdout } = await runInside(["predict", "--model", own, "--json", "--backend", backend], lines);
    expect(code).toBe(0);
    return eventsOf(stdout).map((event) => event.tags as string[]);
  };
  const said = await answers("wasm");
  for (const tags of said) {
    for (const [i, tag] of tags.entries()) if (tag.startsWith("I-")) expect(tags[i - 1]).toMatch(/-place$/);
  }
  expect(await answers("onnx")).toEqual(said);
  const { stdout } = await runInside(["evaluate", "--model", own, "--json"]);
  expect(eventsOf(stdout)[0]).toMatchObject({ event: "test", spanF1: expect.any(Number) });
  expect((await runInside(["export", "--model", own])).code).toBe(0);
  expect(JSON.parse(bytesOf(own, "model.json").toString("utf8"))).toMatchObject({
    ending: "crf",
    crf: { start: expect.any(Array) },
  });
});

test("a CRF over tags that mark no spans, weights that are averaged, and the end of patience", async () => {
  const own = temporaryFolder();
  const file = writeConll(
    own,
    drawnSentences(60).map((sentence) => sentence.replaceAll(/[BI]-/g, "")),
  );
  const args = ["train", "--data", file, ...small, "--output", "crf", "--average", "0.9", "--learning-rate", "0.3"];
  const { code, stdout } = await runInside([...args, "--epochs", "40", "--patience", "1", "--out", own, "--json"]);
  expect(code).toBe(0);
  const events = eventsOf(stdout);
  const losses = events.filter(({ event }) => event === "epoch").map(({ valLoss }) => valLoss as number);
  expect(events.at(-2)).toMatchObject({ event: "stopped", reason: expect.stringContaining("valLoss") });
  expect(events.at(-1)).toMatchObject({ event: "saved", epoch: 1 + losses.indexOf(Math.min(...losses)) });
});

test("info tells the split, the tags, lengths and words", async () => {
  const { code, stdout } = await runInside(["info", "--data", data]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^train +\d+ +\d+$/m);
  expect(stdout).toMatch(/^O +\d+ +\d+\.\d %$/m);
});

test("a model's file, apart from its folder: evaluate draws where it is told to, info tells what it is", async () => {
  const alone = temporaryFolder();
  const file = join(alone, "names.safetensors");
  copyFileSync(join(out, "model.safetensors"), file);
  const evaluate = ["evaluate", "--model", file, "--data", data];
  expect((await runInside([...evaluate, "--json"])).code).toBe(0);
  expect(readdirSync(alone)).toEqual(["names.safetensors"]);
  expect((await runInside([...evaluate, "--out", join(alone, "pictures")])).code).toBe(0);
  expect(readdirSync(join(alone, "pictures"))).toEqual(["confusion.png", "confusion.svg"]);
  const [told] = eventsOf((await runInside(["info", "--model", file, "--json"])).stdout);
  expect(told).toMatchObject({
    event: "model",
    file,
    tags: ["B-person", "B-place", "I-place", "O"],
    output: "softmax",
    trainedOn: "conll",
  });
  expect((await runInside(["info", "--model", file])).stdout).toContain("4 tags: B-person B-place I-place O\n");
});

test.each(["softmax", "crf"])(
  "train --init goes on from a model that ends in %s, with its tags and words",
  async (ending) => {
    const [base, further] = [temporaryFolder(), temporaryFolder()];
    const train = ["train", "--data", data, "--batch-size", "16", "--learning-rate", "0.03", "--decay", "1", "--json"];
    expect(await runInside([...train, ...small, "--output", ending, "--epochs", "2", "--out", base])).toMatchObject({
      code: 0,
    });
    const { code, stdout, stderr } = await runInside([...train, "--init", base, "--epochs", "1", "--out", further]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const events = eventsOf(stdout);
    expect(events[0]).toMatchObject({ event: "model", init: { file: "model.safetensors", network: true } });
    const { epochs } = JSON.parse(readFileSync(join(base, "history.json"), "utf8"));
    expect(Number(events[1]?.loss)).toBeLessThan(epochs[1].loss);
    const metadata = async (folder: string) =>
      (await loadModel(join(folder, "model.safetensors"), { layers: [wordDropout] })).metadata;
    expect((await metadata(further))?.tagger).toEqual((await metadata(base))?.tagger);

    const refused = await runInside([...train, "--init", base, "--units", "3", "--overwrite", "--out", further]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("--units describes a new network") });
    const odd = writeConll(
      temporaryFolder(),
      drawnSentences(60).map((each) => each.replaceAll("place", "town")),
    );
    const other = await runInside(["train", "--data", odd, "--init", base, "--out", temporaryFolder()]);
    expect(other).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/have the tag "B-town", .* not among the tags of the model/),
    });
  },
);
