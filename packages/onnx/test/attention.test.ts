/** Attention, exported and at work in onnxruntime, against the same models on our own backend. */
import { cpu } from "@ostinato/backend-cpu";
import {
  type Attended,
  additiveAttention,
  attention,
  attentionDecoder,
  embedding,
  gru,
  input,
  lstm,
  model,
  predictor,
  RandomStream,
  type Symbolic,
} from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { trainedOf } from "./models.ts";
import { difference } from "./run.ts";

const scored = { returnAttentionScores: true, useScale: true } as const;
const layers = {
  dot: () => attention(scored),
  scaled: () => attention({ ...scored, scoreMode: "scaled" }),
  general: () => attention({ ...scored, scoreMode: "general" }),
  concat: () => attention({ ...scored, scoreMode: "concat" }),
  additive: () => additiveAttention(scored),
  "additive, projected": () => additiveAttention({ ...scored, units: 5 }),
  causal: () => attention({ ...scored, useCausalMask: true }),
};

const random = new RandomStream(1, "attention");
/** Rows of words, as long as these lengths. */
const rows = (lengths: readonly number[]): number[][] =>
  lengths.map((length) => Array.from({ length }, () => 1 + random.below(29)));

const data = [
  { asked: rows([9, 1, 0, 4, 17, 6, 2]), said: rows([3, 0, 5, 1, 12, 1, 8]) },
  { asked: rows([1]), said: rows([1]) },
  { asked: rows([40]), said: rows([23]) },
];

test.each(Object.entries(layers))("%s", async (name, make) => {
  const [asked, said] = [input({ shape: ["asked"], name: "asked" }), input({ shape: ["said"], name: "said" })];
  const words = embedding({ inputDim: 30, outputDim: 6, maskZero: true });
  const value = words(asked);
  const query = name === "causal" ? value : words(said);
  const state = lstm({ units: 6 })(words(said));
  const layer = make();
  const [context, scores] = layer([query, value]);
  const outputs: Record<string, Symbolic> = { context, scores };
  if (name !== "causal") {
    // A layer applied twice, once to a query of one step.
    const [seen, overview] = layer([state, value] as unknown as Attended<"features">);
    Object.assign(outputs, { seen, overview });
  } else outputs.state = state;
  const trained = trainedOf(model([asked, said], outputs));
  await using ours = await predictor(trained, { backend: await cpu() });
  await using exported = await onnxPredictor(exportOnnx(trained), { threads: 1 });
  for (const x of data)
    for (const batchSize of [7, 3]) {
      const wanted = await ours.predictAll(x, { batchSize });
      const given = await exported.predictAll(x, { batchSize });
      expect(Object.keys(given)).toEqual(Object.keys(outputs));
      for (const [output, tensor] of Object.entries(wanted))
        expect(difference(given[output] as typeof tensor, tensor), output).toBeLessThanOrEqual(1e-5);
    }
});

const decoders = {
  "all steps at once": { attention: attention({ scoreMode: "general" }) },
  "input feeding": { attention: attention({ scoreMode: "general" }), inputFeeding: true, attentionUnits: 5 },
  "attention before, fed": {
    attention: additiveAttention({ units: 4 }),
    attentionOrder: "before",
    inputFeeding: true,
  },
} as const;

test.each(Object.entries(decoders))("a decoder: %s", async (_, options) => {
  const [asked, said] = [input({ shape: ["asked"], name: "asked" }), input({ shape: ["said"], name: "said" })];
  const words = embedding({ inputDim: 30, outputDim: 6, maskZero: true });
  const [memory, h, c] = lstm({ units: 5, returnSequences: true, returnState: true })(words(asked));
  const layers = [lstm({ units: 5 }), gru({ units: 5 })];
  const decoder = attentionDecoder({ layers, ...options, returnAttentionScores: true });
  const [vectors, scores] = decoder([words(said), memory], { initialState: [h, c, h] });
  const trained = trainedOf(model([asked, said], { vectors, scores }));
  await using ours = await predictor(trained, { backend: await cpu() });
  await using exported = await onnxPredictor(exportOnnx(trained), { threads: 1 });
  for (const x of data)
    for (const batchSize of [7, 3]) {
      const wanted = await ours.predictAll(x, { batchSize });
      const given = await exported.predictAll(x, { batchSize });
      for (const [output, tensor] of Object.entries(wanted))
        expect(difference(given[output] as typeof tensor, tensor), output).toBeLessThanOrEqual(1e-5);
    }
});
