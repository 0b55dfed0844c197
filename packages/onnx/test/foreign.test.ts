/** Models of other programs in onnxruntime: `onnxPredictor` reads them as ones of ours. */
import { DataError, dense, embedding, globalAveragePooling1d, sequential, type Trained } from "@ostinato/core";
import { decodeOnnx, exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { encodeOnnx } from "../src/file/wire.ts";
import { trainedOf } from "./models.ts";
import { difference } from "./run.ts";

/** The file as another program would have written it: nothing says what model it is. */
const stripped = (bytes: Uint8Array): Uint8Array => {
  const { metadata: _, producerName: __, ...model } = decodeOnnx(bytes);
  return encodeOnnx(model);
};

const models: Readonly<Record<string, Trained>> = {
  "ids to a class": trainedOf(
    sequential([embedding({ inputDim: 20, outputDim: 4 }), globalAveragePooling1d(), dense({ units: 1 })]),
  ),
  "ids to tags": trainedOf(
    sequential([embedding({ inputDim: 20, outputDim: 4 }), dense({ units: 3, activation: "softmax" })]),
  ),
};

test.each(Object.entries(models))("%s: the same without its description", async (_name, trained) => {
  const bytes = exportOnnx(trained);
  await using ours = await onnxPredictor(bytes, { threads: 1 });
  await using foreign = await onnxPredictor(stripped(bytes), { threads: 1 });
  const x = [
    [3, 7, 1],
    [12, 19, 0],
    [2, 2, 5],
  ];
  for (const batchSize of [1, 2]) {
    const [wanted, given] = [await ours.predict(x, { batchSize }), await foreign.predict(x, { batchSize })];
    expect(difference(given, wanted)).toBeLessThanOrEqual(1e-6);
  }
  await expect(foreign.predict([[3, 20]])).rejects.toThrow(DataError);
  await expect(foreign.predict([[3, -1]])).rejects.toThrow(DataError);
  expect(foreign.weights).toEqual({});
});
