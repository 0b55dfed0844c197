/** Models from other programs in onnxruntime, imported by `onnxPredictor`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  bidirectional,
  DataError,
  dense,
  embedding,
  gru,
  input,
  lstm,
  sequential,
  type Tensor,
  type Trained,
} from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import { stripped } from "./import/stripped.ts";
import { trainedOf } from "./models.ts";
import { difference } from "./run.ts";

const models: Readonly<Record<string, Trained>> = {
  "ids to a class": trainedOf(
    sequential([embedding({ inputDim: 20, outputDim: 4, maskZero: true }), lstm({ units: 4 }), dense({ units: 1 })]),
  ),
  "ids to tags": trainedOf(
    sequential([
      embedding({ inputDim: 20, outputDim: 4, maskZero: true }),
      bidirectional(gru({ units: 4, returnSequences: true })),
      dense({ units: 3, activation: "softmax" }),
    ]),
  ),
};

test.each(Object.entries(models))("%s: the same without its description", async (_name, trained) => {
  const bytes = exportOnnx(trained);
  await using ours = await onnxPredictor(bytes, { threads: 1 });
  await using foreign = await onnxPredictor(stripped(bytes), { threads: 1 });
  const x = [[3, 7, 1], [12], [2, 2, 5, 9, 19], [4, 4]];
  for (const batchSize of [1, 3]) {
    const [wanted, given] = [await ours.predict(x, { batchSize }), await foreign.predict(x, { batchSize })];
    expect(difference(given, wanted)).toBeLessThanOrEqual(1e-6);
  }
  await expect(foreign.predict([[3, 20]])).rejects.toThrow(DataError);
  await expect(foreign.predict([[3, -1]])).rejects.toThrow(DataError);
  expect(foreign.weights).toEqual({});
});

test("ragged rows without padding of their own are refused, first with what can be done to them", async () => {
  const layers = [embedding({ inputDim: 20, outputDim: 3 }), gru({ units: 4, returnSequences: true })] as const;
  await using foreign = await onnxPredictor(stripped(exportOnnx(trainedOf(sequential([...layers])))), { threads: 1 });
  await expect(foreign.predict([[3, 7], [1]])).rejects.toThrow(
    "the model does not know lengths; pad the rows to one length, or build it with maskZero: true in the embedding",
  );
});

test("lengths are fed as ours are", async () => {
  const trained = trainedOf(sequential([input({ shape: ["time", 2], lengths: true }), lstm({ units: 4 })]));
  const bytes = exportOnnx(trained);
  await using ours = await onnxPredictor(bytes, { threads: 1 });
  await using foreign = await onnxPredictor(stripped(bytes), { threads: 1 });
  const x = [
    [
      [0.5, -1],
      [0.25, 2],
    ],
    [[1, 1]],
    [],
  ];
  expect(difference(await foreign.predict(x), await ours.predict(x))).toBeLessThanOrEqual(1e-6);
});

const folder = join(import.meta.dirname, "../../../../shared/data/pytorch-files");
const there = existsSync(folder);

interface Recorded {
  readonly file: string;
  readonly cases?: readonly Readonly<Record<"x" | "y", { readonly shape: number[]; readonly data: number[] }>>[];
}

describe.skipIf(!there)(`files of PyTorch${there ? "" : ` (skipped: there is no ${folder})`}`, () => {
  const { cases = {} } = there ? JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) : {};
  const recorded = (Object.values(cases) as Recorded[]).filter(({ file }) => file.endsWith(".onnx"));

  test.each(recorded)("$file gives what PyTorch gave", async ({ file, cases = [] }) => {
    await using model = await onnxPredictor(join(folder, file), { threads: 1 });
    expect(cases.length).toBeGreaterThan(0);
    for (const { x, y } of cases) {
      const [rows, time] = x.shape as [number, number];
      const ids = Array.from({ length: rows }, (_, row) => x.data.slice(row * time, (row + 1) * time));
      const wanted: Tensor = { dtype: "float32", shape: y.shape, data: Float32Array.from(y.data) };
      expect(difference(await model.predict(ids), wanted), `${x.shape}`).toBeLessThanOrEqual(1e-5);
    }
  });
});
