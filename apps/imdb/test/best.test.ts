/** The preset best: words and n-grams from one file on every backend and in onnxruntime, and options that count in the place of its own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { classifierSettings } from "@ostinato/classifier";
import { loadModel } from "@ostinato/core/node";
import { describe, expect, test } from "vitest";
import { lastingFolder, runInside, temporaryFolder } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";
import { expectSameEverywhere, expectSameFiles, trained } from "./trainings.ts";

const folder = lastingFolder();
const texts = drawnRows(40, 3, 5, 30).map(({ message }) => message);

function trainingOf(classes: 2 | 3) {
  const data = writeCsv(folder, drawnRows(160, classes), `${classes}.csv`);
  const small = ["--units", "4", "--embedding", "8", "--max-length", "40", "--batch-size", "16"];
  return ["train", "--preset", "best", "--data", data, ...columns, ...small, "--learning-rate", "0.002"];
}

describe.each([2, 3] as const)("%i classes", (classes) => {
  const out = join(folder, String(classes));

  test("trains; stopped and resumed it ends with the same bytes", async () => {
    const events = await trained([...trainingOf(classes), "--epochs", "4"], out);
    const losses = events.filter(({ event }) => event === "epoch").map(({ loss }) => Number(loss));
    expect(losses[3]).toBeLessThan(0.9 * (losses[0] as number));
    const half = temporaryFolder();
    await trained([...trainingOf(classes), "--epochs", "1"], half);
    await trained([...trainingOf(classes), "--epochs", "4", "--resume"], half);
    expectSameFiles(out, half);
  }, 30_000);

  test("the same file gives the same probabilities on every backend and in onnxruntime, within 1e-5", async () => {
    await expectSameEverywhere(out, texts);
  }, 30_000);

  test("evaluate and export agree with onnxruntime", async () => {
    const evaluated = await runInside(["evaluate", "--model", out, "--json"]);
    expect(evaluated).toMatchObject({ code: 0, stderr: "" });
    const { code, stdout } = await runInside(["export", "--model", out, "--json"]);
    expect(code).toBe(0);
    const { maxDifference, tolerance } = eventsOf(stdout)[0] as { maxDifference: number; tolerance: number };
    expect(maxDifference).toBeLessThanOrEqual(tolerance);
    const description = JSON.parse(readFileSync(join(out, "model.json"), "utf8"));
    expect(description).toMatchObject({ input: "words", others: { bigrams: { ngram: 2 }, trigrams: { ngram: 3 } } });
  }, 30_000);
});

test("what the preset stands for is kept in the file; options that are given count instead", async () => {
  const out = temporaryFolder();
  const other = "--no-bidirectional --pooling last --cell gru --max-words 30 --epochs 1".split(" ");
  const events = await trained([...trainingOf(2), ...other], out);
  const network = { cell: "gru", layers: 1, bidirectional: false, units: 4, pooling: "last" };
  expect(events.find(({ event }) => event === "model")).toMatchObject({ network });
  const model = await loadModel(join(out, "model.safetensors"));
  expect(model.spec.inputs.map(({ name }) => name)).toEqual(["words", "bigrams", "trigrams"]);
  expect(model.metadata).toMatchObject({ app: "imdb", preset: "best" });
  const { settings, vocabularies } = classifierSettings(model);
  expect(settings.maxLength).toBe(40);
  expect(vocabularies.words?.words).toHaveLength(18);
  expect(vocabularies.bigrams?.words).toContain("help with");
  expect(vocabularies.trigrams).toMatchObject({ version: 3, ngram: 3 });
  const { options } = JSON.parse(readFileSync(join(out, "history.json"), "utf8"));
  expect(options).toMatchObject({ preset: "best", units: 4, maxWords: 30, learningRate: 0.002, epochs: 1 });

  const plain = await runInside([...trainingOf(2), "--epochs", "1", "--out", temporaryFolder()]);
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout).toMatch(/ ids, \d+ of bigrams, \d+ of trigrams, the last 40 words of each text/);
  expect(plain.stdout).toMatch(/^1 bidirectional LSTM layer of 4 units, max pooling$/m);
});
