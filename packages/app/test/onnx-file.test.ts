/** The checks of an export: the difference with float32 weights, the metric with smaller weights. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FailureError } from "../src/failures.ts";
import { type CheckedExport, type MeasuredWeights, openOnnxTarget, writeOnnx } from "../src/onnx-file.ts";
import type { Output } from "../src/output.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ostinato-app-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const checked: CheckedExport = {
  bytes: [new Uint8Array(30)],
  description: { labels: [] },
  describes: "labels",
  maxDifference: 1e-6,
  tolerance: 1e-5,
  compared: "12 texts",
  event: {},
};

const measured = (own: number, better: "higher" | "lower" = "higher"): MeasuredWeights => ({
  type: "int8",
  float32Bytes: 100,
  figure: { name: "accuracy", title: "accuracy", better, float32: 0.8, own, maxLoss: 0.01 },
  rows: 12,
  changed: 1,
  changes: "1 of 12 texts gets another label",
});

/** What is said and told when it is written. */
async function written(more: Partial<CheckedExport>): Promise<{ said: string[]; told: object[] }> {
  const [said, told]: [string[], object[]] = [[], []];
  const output = { say: (text: string) => said.push(text), event: (event: object) => told.push(event) };
  const target = await openOnnxTarget(join(folder, "model.onnx"), () => true);
  await writeOnnx(target, { ...checked, ...more }, output as unknown as Output);
  return { said, told };
}

test("float32 weights have to agree", async () => {
  const { told } = await written({});
  expect(told).toEqual([expect.objectContaining({ bytes: 30, maxDifference: 1e-6, tolerance: 1e-5 })]);
  expect(readFileSync(join(folder, "model.onnx"))).toHaveLength(30);
});

test.each([1.1e-5, Number.NaN])("a difference of %d is a failure, and nothing is written", async (maxDifference) => {
  await expect(written({ maxDifference })).rejects.toThrow(FailureError);
  expect(existsSync(join(folder, "model.onnx"))).toBe(false);
});

test("weights in fewer bits may differ, and what they cost is told", async () => {
  const { said, told } = await written({ maxDifference: 0.02, weights: measured(0.795) });
  expect(said.join()).toContain("accuracy 0.7950 with int8 weights, 0.8000 with float32; 1 of 12 texts gets another");
  expect(said.join()).toContain("(30 bytes, 100 with float32)");
  const figures = { accuracy: 0.795, float32Accuracy: 0.8, maxLoss: 0.01, rows: 12, changed: 1, float32Bytes: 100 };
  expect(told).toEqual([expect.objectContaining({ weights: "int8", ...figures })]);
  expect(told[0]).not.toHaveProperty("tolerance");
});

test.each([
  ["an accuracy", measured(0.7899)],
  ["a rate of errors", measured(0.8101, "lower")],
  ["a figure that is none", measured(Number.NaN)],
])("%s that is worse by more than is allowed is a failure", async (_, weights) => {
  const failing = written({ weights });
  await expect(failing).rejects.toThrow(FailureError);
  await expect(failing).rejects.toThrow(
    /int8 weights cost too much: .* more than the limit of 0.01; .*--max-loss to allow more/,
  );
  expect(existsSync(join(folder, "model.onnx"))).toBe(false);
});

test("the limit is a share of the best there is, and told as it was asked for", async () => {
  const bleu = { name: "bleu", title: "BLEU", better: "higher", float32: 37, whole: 100, maxLoss: 0.01 } as const;
  const { told } = await written({ weights: { ...measured(0), figure: { ...bleu, own: 36.1 } } });
  expect(told).toEqual([expect.objectContaining({ bleu: 36.1, float32Bleu: 37, maxLoss: 0.01 })]);
  const failing = written({ weights: { ...measured(0), figure: { ...bleu, own: 35.9 } } });
  await expect(failing).rejects.toThrow("more than the limit of 1;");
});

test("better ones are none, in either direction", async () => {
  await written({ weights: measured(0.9) });
  await written({ weights: measured(0.7, "lower") });
  expect(existsSync(join(folder, "model.onnx"))).toBe(true);
});

test("without right answers only what changed is told", async () => {
  const { figure: _, ...weights } = measured(0);
  const { said } = await written({ weights });
  expect(said.join()).toContain("int8 weights: 1 of 12 texts gets another label; there are no labelled test data");
});
