/** The way of a user, each command a process: train, evaluate, predict, export, predict with onnxruntime. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventsOf, type Result } from "@ostinato/app/testing";
import { textClassifier } from "@ostinato/classifier/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runInside, runProcess, smallTraining } from "./runCli.ts";

const cwd = mkdtempSync(join(tmpdir(), "imdb-test-"));
let trained: Result;

beforeAll(async () => {
  trained = await runProcess([...smallTraining, "--epochs", "2", "--seed", "3"], { cwd });
}, 60_000);
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const bytesOf = (...path: string[]): Buffer => readFileSync(join(cwd, ...path));
const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).toString("latin1") === "\x89PNG\r\n\x1a\n";

test("train tells the layers, each epoch and the files, in plain lines", () => {
  expect(trained).toMatchObject({ code: 0, stderr: "" });
  // Not a terminal: nothing but printable text and line ends.
  expect(trained.stdout).not.toMatch(/[^\n\P{Cc}]/u);
  expect(trained.stdout).toContain("180 reviews to train with, 20 to validate; 500 ids, the last 40 words");
  expect(trained.stdout).toMatch(/^embedding \(embedding\) .* 5,000$/m);
  expect(trained.stdout).toMatch(/^Total parameters: 5,617$/m); // 500·10 + 4·8·(10 + 8 + 1) + 8 + 1
  expect(trained.stdout).toMatch(
    /^epoch 1\/2 {2}step 1\/6 .* ms\/step .* left \(.* in all\) {2}loss 0\.69\d\d {2}accuracy 0\.\d{4}$/m,
  );
  expect(trained.stdout).toMatch(/^epoch 2\/2 validation {2}step 1\/1 /m);
  expect(trained.stdout).toMatch(
    /^epoch 2\/2 {2}done in .* s {2}loss \S+ {2}accuracy \S+ {2}valLoss \S+ {2}valAccuracy \S+$/m,
  );
});

test("train leaves the model, the history, and the curves as SVG and PNG in runs/imdb", () => {
  const history = JSON.parse(bytesOf("runs", "imdb", "history.json").toString("utf8"));
  expect(history.epochs).toHaveLength(2);
  expect(history.epochs[1]).toMatchObject({ epoch: 2, valLoss: expect.any(Number) });
  expect(history.options).toMatchObject({ preset: "default", seed: 3, units: 8 });
  for (const figure of ["loss", "accuracy"]) {
    expect(bytesOf("runs", "imdb", `${figure}.svg`).toString("utf8")).toMatch(/^<svg[\s\S]*validation[\s\S]*<\/svg>$/);
    expect(isPng(bytesOf("runs", "imdb", `${figure}.png`))).toBe(true);
  }
  expect(bytesOf("runs", "imdb", "model.safetensors").length).toBeGreaterThan(4 * 5617);
});

test("the same seed gives the same bytes, with --json one event a line and nothing else", async () => {
  const again = await runProcess([...smallTraining, "--epochs", "2", "--seed", "3", "--out", "again", "--json"], {
    cwd,
  });
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(bytesOf("again", "model.safetensors").equals(bytesOf("runs", "imdb", "model.safetensors"))).toBe(true);

  const events = eventsOf(again.stdout);
  expect(events.map(({ event }) => event)).toEqual(["model", "epoch", "epoch", "saved"]);
  expect(events[0]).toMatchObject({ parameters: 5617 });
  expect(Object.keys(events[1] ?? {})).toEqual([
    "event",
    "epoch",
    "epochs",
    "seconds",
    "loss",
    "accuracy",
    "valLoss",
    "valAccuracy",
  ]);
  expect(Object.values(events[2] ?? {}).slice(1)).toEqual(Array(7).fill(expect.any(Number)));
  expect(events[2]).toMatchObject({ epoch: 2, epochs: 2 });
}, 30_000);

test("the model is that of the epoch with the best validation loss, as the event tells", async () => {
  const args = [...smallTraining, "--epochs", "4", "--learning-rate", "0.3", "--seed", "3", "--out", "shaky", "--json"];
  const events = eventsOf((await runProcess(args, { cwd })).stdout);
  const losses = events.filter(({ event }) => event === "epoch").map(({ valLoss }) => Number(valLoss));
  const best = losses.indexOf(Math.min(...losses));
  expect(best).toBeLessThan(3);
  expect(events.at(-1)).toMatchObject({ event: "saved", epoch: best + 1 });
  expect(bytesOf("shaky", "model.safetensors").equals(bytesOf("shaky", "best.safetensors"))).toBe(true);
}, 30_000);

test("another seed gives another model", async () => {
  const other = await runProcess([...smallTraining, "--epochs", "2", "--seed", "4", "--out", "other"], { cwd });
  expect(other.code).toBe(0);
  expect(bytesOf("other", "model.safetensors").equals(bytesOf("runs", "imdb", "model.safetensors"))).toBe(false);
}, 30_000);

test("evaluate: the same figures from our backend and from onnxruntime, and the ROC curve", async () => {
  const [ours, theirs, plain] = await Promise.all([
    runProcess(["evaluate", "--limit", "300", "--json"], { cwd }),
    runProcess(["evaluate", "--limit", "300", "--json", "--backend", "onnx", "--model", "runs/imdb"], { cwd }),
    runProcess(["evaluate", "--limit", "300"], { cwd }),
  ]);
  expect([ours.stderr, theirs.stderr, plain.stderr]).toEqual(["", "", ""]);
  const [first] = eventsOf(ours.stdout);
  const [second] = eventsOf(theirs.stdout);
  expect(Object.keys(first ?? {})).toEqual(["event", "loss", "accuracy", "auc", "confusion"]);
  const { loss, accuracy, auc, confusion } = first as {
    loss: number;
    accuracy: number;
    auc: number;
    confusion: number[][];
  };
  expect(confusion.flat().reduce((sum, count) => sum + count)).toBe(300);
  expect((confusion[0]![0]! + confusion[1]![1]!) / 300).toBe(accuracy);
  expect(auc).toBeGreaterThan(0.3);
  expect((second as { loss: number }).loss).toBeCloseTo(loss, 5);
  expect((second as { auc: number }).auc).toBeCloseTo(auc, 3);

  expect(plain.stdout).toContain(`accuracy  ${accuracy.toFixed(4)}`);
  expect(plain.stdout).toMatch(/^class +precision +recall +F1 +reviews$/m);
  expect(isPng(bytesOf("runs", "imdb", "roc.png"))).toBe(true);
  expect(bytesOf("runs", "imdb", "roc.svg").toString("utf8")).toContain("false positive rate");
}, 30_000);

test("export agrees with onnxruntime, and onnxruntime predicts as we do", async () => {
  const exported = await runProcess(["export", "--out", "deep/er/model.onnx", "--json"], { cwd });
  expect(exported).toMatchObject({ code: 0, stderr: "" });
  const [event] = eventsOf(exported.stdout) as [{ maxDifference: number; reviews: number }];
  expect(event).toMatchObject({ event: "export", reviews: 1000, tolerance: 1e-5 });
  expect(event.maxDifference).toBeLessThanOrEqual(1e-5);
  expect(bytesOf("deep", "er", "model.onnx").length).toBeGreaterThan(4 * 5617);
  expect(JSON.parse(bytesOf("deep", "er", "model.json").toString("utf8"))).toMatchObject({
    input: "input",
    output: "output",
    labels: ["negative", "positive"],
    maxLength: 40,
    truncating: "pre",
    padding: null,
    vocabulary: { version: 1, unknownId: 1 },
  });

  const texts = ["A quiet, wonderful film.", "Two hours I will not get back.", ""];
  const [ours, theirs] = await Promise.all([
    runProcess(["predict", "--json", ...texts], { cwd }),
    runProcess(["predict", "--json", "--backend", "onnx"], { cwd, input: `${texts.join("\n")}\n` }),
  ]);
  const [a, b] = [eventsOf(ours.stdout), eventsOf(theirs.stdout)];
  expect(a.map(({ text }) => text)).toEqual(texts);
  expect(b.map(({ text }) => text)).toEqual(texts);
  const nothing = { text: "", probability: null, label: null, problem: "the text is empty" };
  expect([a.pop(), b.pop()]).toEqual([nothing, nothing]);
  for (const [row, answer] of a.entries()) {
    expect(Object.keys(answer)).toEqual(["text", "probability", "label", "probabilities"]);
    const { negative, positive } = answer.probabilities as { negative: number; positive: number };
    expect(positive).toBe(answer.probability);
    expect(negative).toBe(1 - positive);
    expect(answer.probability).toBeCloseTo(b[row]?.probability as number, 5);
    expect(answer.label).toBe((answer.probability as number) > 0.5 ? "positive" : "negative");
  }
}, 30_000);

test("export with int8 weights and int64 ids tells what they cost", async () => {
  const small = join(cwd, "small.onnx");
  const asked = ["--weights", "int8", "--token-type", "int64", "--opset", "22", "--limit", "500"];
  const model = join(cwd, "runs", "imdb");
  const { code, stdout } = await runInside(["export", "--model", model, "--out", small, "--json", ...asked]);
  expect(code).toBe(0);
  const [event] = eventsOf(stdout) as [Record<string, number>];
  expect(event).toMatchObject({ event: "export", weights: "int8", rows: 500, opset: 22, maxLoss: 0.01 });
  expect(event).not.toHaveProperty("tolerance");
  expect(Math.abs((event.accuracy as number) - (event.float32Accuracy as number))).toBeLessThanOrEqual(0.01);
  expect(event.bytes).toBe(readFileSync(small).length);
  expect(event.bytes).toBeLessThan(event.float32Bytes as number);
  await using classifier = await textClassifier(small);
  expect(await classifier.classify("A wonderful film.")).toHaveProperty("label");
});

test("options of measuring are for weights that are measured", async () => {
  const { code, stderr } = await runInside(["export", "--model", join(cwd, "runs", "imdb"), "--max-loss", "0.1"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--max-loss requires --weights float16 or int8");
});
