/** Layers and cells of a user's own: trained on cpu and wasm, exported, and at work in onnxruntime. */
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import { minGru, peepholeLstm } from "@ostinato/cells";
import { attend, blend, gated, ownKinds, residual, scale } from "@ostinato/conformance";
import {
  adam,
  type Backend,
  bidirectional,
  compile,
  dense,
  embedding,
  fromBytes,
  input,
  ModelFileError,
  meanSquaredError,
  model,
  predictor,
  RandomStream,
  rnn,
  timeDistributed,
  toBytes,
} from "@ostinato/core";
import { decodeOnnx, exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { difference } from "./run.ts";

/** Every form of layer, from ids to a number for each step and one for each row. */
function network() {
  const words = input({ shape: ["time"], name: "words" });
  const x = embedding({ inputDim: 9, outputDim: 4, maskZero: true })(words);
  const both = bidirectional(rnn(minGru({ units: 2 }), { returnSequences: true }))(x);
  const read = timeDistributed(gated({ units: 4, rate: 0.1 }))(both);
  const memory = scale({ initial: 0.7, rate: 0.1 })(residual({ layer: dense({ units: 4 }) })(blend()([x, read])));
  const state = rnn([minGru({ units: 3 }), peepholeLstm({ units: 2 })], { reverse: true })(memory);
  return model(words, dense({ units: 1 })(attend()([memory, state])));
}

const stream = new RandomStream(1, "rows");
const x = Array.from({ length: 20 }, (_, row) => Array.from({ length: row % 7 }, () => 1 + stream.below(8)));
const data = { x, y: x.map((row) => row.filter((id) => id > 4).length / 4) };

const backends: readonly (readonly [name: string, open: () => Promise<Backend>])[] = [
  ["cpu", cpu],
  ["wasm", () => wasm({ threads: 2 })],
];

test.each(backends)("trained on %s, saved and loaded, they predict the same in onnxruntime", async (_, open) => {
  await using trainer = await compile(network(), {
    backend: await open(),
    loss: meanSquaredError(),
    optimizer: adam({ learningRate: 0.02 }),
    seed: 1,
  });
  const { epochs } = await trainer.fit(data, { epochs: 30, batchSize: 8 });
  expect(epochs.at(-1)?.loss).toBeLessThan(0.5 * (epochs[0]?.loss as number));
  const trained = fromBytes(toBytes(await trainer.snapshot()), { layers: ownKinds });
  const exported = exportOnnx(trained);
  // One for each direction, one for the steps of timeDistributed, one for each cell of the list.
  expect(decodeOnnx(exported).graph?.nodes?.filter(({ op }) => op === "Scan")).toHaveLength(5);
  await using ours = await predictor(trained, { backend: await open() });
  await using theirs = await onnxPredictor(exported, { threads: 1, layers: ownKinds });
  for (const rows of [x, [[]], [[3]], [[1, 2, 3]]]) {
    const wanted = await ours.predict(rows);
    expect(difference(await theirs.predict(rows), wanted)).toBeLessThanOrEqual(1e-5);
  }
});

test("a model with layers that are not known is opened by nobody, and says what to pass", async () => {
  await using trainer = await compile(network(), { backend: await cpu(), loss: meanSquaredError(), optimizer: adam() });
  const exported = exportOnnx(await trainer.snapshot());
  await expect(onnxPredictor(exported)).rejects.toThrow(ModelFileError);
  await expect(onnxPredictor(exported, { layers: [] })).rejects.toThrow("pass what defineCell made for it");
});
