/** Layers that are used twice, exported: their weights stand in the file once. */
import { cpu } from "@ostinato/backend-cpu";
import {
  dense,
  embedding,
  type Inputs,
  input,
  lstm,
  type Model,
  model,
  predictor,
  reversibleEmbedding,
  sequential,
} from "@ostinato/core";
import { decodeOnnx, exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { trainedOf } from "./models.ts";
import { difference } from "./run.ts";

const rows = [[4, 1, 9], [2], [], [7, 7, 7, 1, 3], [9, 8]];

/** The exported model predicts what the model does, and holds each weight once. */
async function expectShared(made: Model, x: Inputs): Promise<void> {
  const trained = trainedOf(made);
  const bytes = exportOnnx(trained);
  const held = (decodeOnnx(bytes).graph?.initializers ?? []).flatMap(({ name = "" }) =>
    name.includes("/") ? [name] : [],
  );
  expect(held.sort()).toEqual(Object.keys(trained.weights).sort());
  await using ours = await predictor(trained, { backend: await cpu() });
  await using exported = await onnxPredictor(bytes, { threads: 1 });
  for (const batchSize of [5, 2, 1])
    expect(
      difference(await exported.predict(x, { batchSize }), await ours.predict(x, { batchSize })),
    ).toBeLessThanOrEqual(1e-5);
}

test("an embedding and its way back, over steps and of a state", async () => {
  for (const options of [{}, { useBias: true, activation: "softmax" } as const]) {
    const words = reversibleEmbedding({ inputDim: 10, outputDim: 6, maskZero: true, ...options });
    await expectShared(sequential([words, lstm({ units: 6, returnSequences: true }), words.reverse]), rows);
    await expectShared(sequential([words, lstm({ units: 6, reverse: true }), words.reverse]), rows);
  }
});

test("layers applied to two inputs", async () => {
  const [asked, said] = [input({ shape: ["asked"], name: "asked" }), input({ shape: ["said"], name: "said" })];
  const tokens = embedding({ inputDim: 10, outputDim: 4, maskZero: true });
  const [, h, c] = lstm({ units: 5, returnState: true })(tokens(asked));
  const answer = lstm({ units: 5, returnSequences: true })(tokens(said), { initialState: [h, c] });
  // Applied to its own result, too.
  const head = dense({ units: 5, activation: "tanh" });
  await expectShared(model([asked, said], head(head(answer))), { asked: rows, said: [...rows].reverse() });
});
