/** The recipes: the Stanford Sentiment Treebank without pre-trained vectors, tested with its development set, which training never sees; and ListOps. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { expect, test } from "vitest";
import { runInside, temporaryFolder } from "./runCli.ts";

const treebank = join(import.meta.dirname, "../../../../shared/data/sst");

/** The figures of a training with the defaults. */
async function figuresOf(training: readonly string[], testing: readonly string[]): Promise<Record<string, unknown>> {
  const out = temporaryFolder();
  const begin = performance.now();
  expect(await runInside(["train", ...training, "--out", out])).toMatchObject({ code: 0, stderr: "" });
  const { code, stdout } = await runInside(["evaluate", "--model", out, ...testing, "--json"]);
  expect(code).toBe(0);
  const [event = {}] = eventsOf(stdout);
  console.log(`${training.join(" ")}: ${JSON.stringify(event)}, ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  return event;
}

test("sentiment: labels and signs of whole sentences", async ({ skip }) => {
  if (!existsSync(treebank)) skip(`the data for tests are not at ${treebank}`);
  const data = ["--data", join(treebank, "train.txt")];
  const figures = await figuresOf(data, ["--data", join(treebank, "dev.txt")]);
  expect(figures.rootAccuracy).toBeGreaterThan(0.45);
  expect(figures.rootBinaryAccuracy).toBeGreaterThan(0.82);
});

test("ListOps: a Tree-LSTM finds the values of expressions, a linear LSTM does not", async () => {
  const trees = await figuresOf([], []);
  expect(trees.rootAccuracy).toBeGreaterThan(0.95);
  const words = await figuresOf(["--model", "lstm", "--nodes", "root"], []);
  expect(words.rootAccuracy).toBeLessThan(0.8);
});
