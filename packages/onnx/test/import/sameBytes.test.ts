/** Exporting, importing and exporting again gives the same bytes, even without metadata. */

import { minGru } from "@ostinato/cells";
import {
  bidirectional,
  dense,
  embedding,
  float32,
  gru,
  lstm,
  rnn,
  sequential,
  simpleRnn,
  sizeOf,
} from "@ostinato/core";
import { decodeOnnx, exportOnnx, graphFromOnnx, graphToOnnx, printOnnx, type WeightType } from "@ostinato/onnx";
import { expect, test } from "vitest";
import { modelFiles, trialFiles, trialNames } from "../checker/models.ts";
import { trainedOf } from "../models.ts";
import { stripped } from "./stripped.ts";

/** Imports a file and exports it again. */
function writtenAgain(first: Uint8Array, opset: number, weights: WeightType = "float32"): Uint8Array {
  const { graph, state, inputs } = graphFromOnnx(first);
  return graphToOnnx(graph, state, { opset, inputs, name: decodeOnnx(first).graph?.name ?? "", weights });
}

/** int64 ids are an option of the export, not part of the graph. */
const isPlain = (name: string): boolean => !/int64|small|states$/.test(name);

/** Weight types of files by title. Weights that were restored to float32 are converted again without loss. */
const weightsOf = (title: string): WeightType => (/float16|int8/.exec(title)?.[0] ?? "float32") as WeightType;

test.each([
  { title: "every op, layer and form of export", opset: 17, names: trialNames, least: 150 },
  { title: "every form of export at the newest operator set", opset: 22, names: [], least: 10 },
])("$title", ({ opset, names: ofTrials, least }) => {
  const trials = ofTrials.map((name) => trialFiles(name, { opset }));
  const files: Record<string, Uint8Array> = Object.assign({}, ...trials, modelFiles({ opset }));
  const names = Object.keys(files).filter(isPlain);
  expect(names.length).toBeGreaterThan(least);
  for (const title of names) {
    const first = stripped(files[title] as Uint8Array);
    const again = writtenAgain(first, opset, weightsOf(title));
    if (Buffer.compare(first, again) === 0) continue;
    expect(printOnnx(again), title).toBe(printOnnx(first));
    expect.fail(`${title}: other bytes that print the same`);
  }
});

test("states among inputs and outputs", () => {
  const model = sequential([
    embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
    lstm({ units: 3, returnSequences: true }),
    rnn(minGru({ units: 3 }), { returnSequences: true }),
    gru({ units: 2, returnSequences: true }),
    simpleRnn({ units: 2, returnSequences: true }),
    dense({ units: 2 }),
  ]);
  const first = stripped(exportOnnx(trainedOf(model), { states: true }));
  expect(printOnnx(writtenAgain(first, 17))).toBe(printOnnx(first));
  expect(Buffer.compare(writtenAgain(first, 17), first)).toBe(0);
});

test("weights that happen to be zero are weights", () => {
  const { spec, weights } = trainedOf(
    sequential([
      embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
      bidirectional(gru({ units: 3, returnSequences: true })),
      lstm({ units: 2 }),
    ]),
  );
  const zeros = Object.fromEntries(
    Object.entries(weights).map(([name, { shape }]) => [name, float32(shape, new Float32Array(sizeOf(shape)))]),
  );
  const first = stripped(exportOnnx({ spec, weights: zeros }));
  expect(Buffer.compare(writtenAgain(first, 17), first)).toBe(0);
  expect(Object.keys(graphFromOnnx(first).state).sort()).toEqual(Object.keys(weights).sort());
});
