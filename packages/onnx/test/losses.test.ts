/** Losses that predictions are read by: they travel beside the graph, and decode what onnxruntime gives. */
import { cpu } from "@ostinato/backend-cpu";
import {
  bidirectional,
  bioConstraints,
  compile,
  crf,
  crfDecoder,
  ctc,
  ctcDecoder,
  dense,
  embedding,
  gru,
  input,
  lossesFromJson,
  lossesToJson,
  ModelFileError,
  meanSquaredError,
  model,
  predictor,
  sgd,
  type Trained,
} from "@ostinato/core";
import { decodeOnnx, exportOnnx, importOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { expect, test } from "vitest";

const x = [[1, 2, 3, 4], [5, 6], [7]]; // biome-ignore format: a table
const lengths = x.map((row) => row.length);

async function trainedReader(): Promise<Trained> {
  const words = input({ shape: ["time"], name: "words" });
  const steps = bidirectional(gru({ units: 5, returnSequences: true }))(
    embedding({ inputDim: 9, outputDim: 4, maskZero: true })(words),
  );
  const several = model(words, {
    tags: dense({ units: 3 })(steps),
    letters: dense({ units: 4, activation: "softmax" })(steps),
    score: dense({ units: 1 })(steps),
  });
  await using trainer = await compile(several, {
    backend: await cpu(),
    loss: {
      tags: crf({ constraints: bioConstraints(["O", "B-x", "I-x"]) }),
      letters: ctc({ blank: "last" }),
      score: meanSquaredError(),
    },
    optimizer: sgd({ learningRate: 0.5 }),
  });
  const zeros = x.map((row) => row.map(() => 0));
  await trainer.fit({ x, y: { tags: [[0, 1, 2, 0], [1, 2], [1]], letters: [[0, 1], [2], [1]], score: zeros } }, { epochs: 3 }); // biome-ignore format: a table
  return trainer.snapshot();
}

test("an exported model decodes as the trained one does", async () => {
  const trained = await trainedReader();
  for (const form of ["layers", "graph"] as const) {
    const { losses, weights } = importOnnx(exportOnnx(trained), { form });
    expect(losses).toEqual(trained.losses);
    expect(weights["tags/crf/transitions"]).toEqual(trained.weights["tags/crf/transitions"]);
  }
  await using exported = await onnxPredictor(exportOnnx(trained), { threads: 1 });
  expect(exported.losses).toEqual(trained.losses);
  expect(exported.weights["tags/crf/transitions"]).toEqual(trained.weights["tags/crf/transitions"]);
  expect(Object.keys(exported.weights)).toEqual(["tags/crf/transitions", "tags/crf/start", "tags/crf/end"]);
  await using ours = await predictor(trained, { backend: await cpu() });
  const [wanted, given] = [await ours.predictAll(x), await exported.predictAll(x)];
  const tags = crfDecoder(trained).viterbi(wanted.tags!, lengths);
  const again = crfDecoder(exported).viterbi(given.tags!, lengths);
  expect(again.tags).toEqual(tags.tags);
  tags.scores.forEach((score, row) => void expect(again.scores[row]).toBeCloseTo(score, 4));
  const letters = ctcDecoder(trained).beamSearch(wanted.letters!, { lengths });
  const same = ctcDecoder(exported).beamSearch(given.letters!, { lengths });
  expect(same.map(([best]) => best!.labels)).toEqual(letters.map(([best]) => best!.labels));
});

test("parameters of losses are no part of the graph, and other models have the metadata that they had", async () => {
  const trained = await trainedReader();
  const { graph, metadata } = decodeOnnx(exportOnnx(trained));
  const names = (graph?.initializers ?? []).map(({ name }) => name);
  expect(names.filter((name) => name?.includes("crf"))).toEqual([]);
  expect((metadata ?? []).map(({ key }) => key)).toEqual(["ostinato.spec", "ostinato.losses"]);
  const { losses: _, ...plain } = trained;
  const weights = Object.fromEntries(Object.entries(trained.weights).filter(([name]) => !name.includes("/crf/")));
  const without = decodeOnnx(exportOnnx({ ...plain, weights })).metadata ?? [];
  expect(without.map(({ key }) => key)).toEqual(["ostinato.spec"]);
});

test("losses as plain data come back, and others' are checked", async () => {
  const trained = await trainedReader();
  const data = JSON.parse(JSON.stringify(lossesToJson(trained)));
  const { losses, weights } = lossesFromJson(data, trained.spec);
  expect(losses).toEqual(trained.losses);
  for (const [name, tensor] of Object.entries(weights)) expect(tensor).toEqual(trained.weights[name]);
  expect(lossesToJson({ weights: {} })).toBeUndefined();
  expect(lossesFromJson(undefined, trained.spec)).toEqual({ weights: {} });
  const start = "tags/crf/start";
  for (const [wrong, words] of [
    [[], "not { losses, weights }"],
    [{ ...data, weights: {} }, '"tags/crf/transitions" must be 9 numbers'],
    [{ ...data, weights: { ...data.weights, [start]: [0, 1] } }, `"${start}" must be 3 numbers`],
    [{ ...data, weights: { ...data.weights, [start]: [0, 1, "2"] } }, `"${start}" must be 3 numbers`],
    [{ ...data, losses: { other: data.losses.tags } }, "of no output of the model"],
  ] as const) {
    expect(() => lossesFromJson(wrong, trained.spec)).toThrow(ModelFileError);
    expect(() => lossesFromJson(wrong, trained.spec)).toThrow(words);
  }
});
