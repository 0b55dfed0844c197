/** Layers and cells of a user's own in training: they learn, are saved, loaded and resumed, and predict the same. */
import { minGru, peepholeLstm } from "@ostinato/cells";
import { attend, blend, evaluate, gruCell, ownKinds, reference, residual, scale } from "@ostinato/conformance";
import {
  adam,
  bidirectional,
  type Checkpoint,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  dense,
  dropout,
  embedding,
  float64,
  fromBytes,
  inferenceGraph,
  input,
  int32,
  type Model,
  meanSquaredError,
  model,
  predictor,
  RandomStream,
  rnn,
  sequential,
  sgd,
  toBytes,
  trainingGraph,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const words = () => input({ shape: ["time"], name: "words" });
const embed = () => embedding({ inputDim: 9, outputDim: 3, maskZero: true });

/** One model for each form of layer, all from ids to one number. */
const networks: Readonly<Record<string, () => Model>> = {
  "a pointwise layer": () =>
    sequential([
      words(),
      embed(),
      scale({ initial: 0.5, rate: 0.2, factorRegularizer: { l2: 0.001 } }),
      rnn(minGru({ units: 3 })),
      scale(),
      dense({ units: 1 }),
    ]),
  "layers of several inputs": () => {
    const from = words();
    const x = embed()(from);
    const read = rnn(gruCell({ units: 3 }), { returnSequences: true })(x);
    const memory = blend()([x, read]);
    const state = attend()([memory, rnn(minGru({ units: 2 }))(memory)]);
    return model(from, dense({ units: 1 })(state));
  },
  "a layer around others": () =>
    sequential([
      words(),
      embed(),
      residual({ layer: residual({ layer: dense({ units: 3, activation: "tanh" }) }) }),
      residual({ layer: dropout({ rate: 0.3 }) }),
      rnn(minGru({ units: 2 })),
      dense({ units: 1 }),
    ]),
  "cells, one upon the other and in both directions": () =>
    sequential([
      words(),
      embed(),
      bidirectional(rnn(gruCell({ units: 2, dropout: 0.2, recurrentDropout: 0.2 }), { returnSequences: true })),
      rnn([minGru({ units: 3, dropout: 0.1 }), peepholeLstm({ units: 2 })]),
      dense({ units: 1 }),
    ]),
};

const stream = new RandomStream(3, "rows");
const x = Array.from({ length: 24 }, (_, row) => Array.from({ length: row % 6 }, () => 1 + stream.below(8)));
/** The mean of a row's words, which each network can learn. */
const y = x.map((row) => row.reduce((sum, id) => sum + id, 0) / 8 / Math.max(1, row.length));
const data = { x, y };
const options = { epochs: 6, batchSize: 5, validationSplit: 0.25 };

const trainerOf = (network: Model) =>
  compile(network, {
    backend: reference(),
    loss: meanSquaredError(),
    optimizer: adam({ learningRate: 0.03 }),
    seed: 4,
  });

describe.each(Object.entries(networks))("%s", (_, network) => {
  test("learns; its file gives the same model, bytes and predictions", async () => {
    await using trainer = await trainerOf(network());
    const { epochs } = await trainer.fit(data, { epochs: 25, batchSize: 8 });
    expect(epochs.at(-1)?.loss).toBeLessThan(0.5 * (epochs[0]?.loss as number));
    const trained = await trainer.snapshot();
    const bytes = toBytes(trained);
    const read = fromBytes(bytes, { layers: ownKinds });
    expect(read).toEqual(trained);
    expect(toBytes(read)).toEqual(bytes);
    await using loaded = await predictor(read, { backend: reference() });
    await using same = await predictor(trained, { backend: reference() });
    expect(await loaded.predict(x)).toEqual(await same.predict(x));
  });

  test("goes on from every checkpoint to the same bytes, its model read from a file or made anew", async () => {
    const saved: Uint8Array[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
    await using whole = await trainerOf(network());
    await whole.fit(data, { ...options, epochs: 3, callbacks: [checkpoints({ save, everySteps: 3 })] });
    const bytes = toBytes(await whole.snapshot());
    const { spec } = fromBytes(bytes, { layers: ownKinds });
    expect(saved.length).toBeGreaterThan(3);
    for (const [i, checkpoint] of saved.entries()) {
      await using resumed = await trainerOf(i % 2 === 0 ? { spec } : network());
      const resume = checkpointFromBytes(checkpoint);
      await resumed.fit(data, {
        ...options,
        epochs: 3,
        resume,
        callbacks: [checkpoints({ save: () => {}, everySteps: 3 })],
      });
      expect(toBytes(await resumed.snapshot())).toEqual(bytes);
    }
  });
});

const lengths = [3, 0, 1];
const draw = (...shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return float64(
    shape,
    Array.from({ length: size }, () => 2 * stream.uniform() - 1),
  );
};

test("a merging layer, a list of two kinds and a wrapper compute what they say", () => {
  const [a, q] = [input({ shape: ["time", 2], name: "a", lengths: true }), input({ shape: [1], name: "q" })];
  const around = residual({ layer: dense({ units: 2 }) })(a);
  const spec = model([a, q], { blended: blend()([a, around]), attended: attend()([a, q]) }).spec;
  const weights = {
    "residual/layer/kernel": draw(2, 2),
    "residual/layer/bias": draw(2),
    "blend/gate": draw(2),
    "attend/kernel": draw(1, 2),
  };
  const feeds = { a: draw(3, 3, 2), "a/lengths": int32([3], lengths), q: draw(3, 1) };
  const { blended, attended } = evaluate(inferenceGraph(spec), feeds, weights).fetches;
  const [kernel, bias, gate] = Object.values(weights).map(({ data }) => data);
  const step = (row: number, t: number): number[] =>
    Array.from(feeds.a.data.subarray((row * 3 + t) * 2, (row * 3 + t + 1) * 2));
  lengths.forEach((length, row) => {
    let total = 0;
    const sums = [0, 0];
    for (let t = 0; t < length; t++) {
      const v = step(row, t);
      v.forEach((value, k) => {
        const g = 1 / (1 + Math.exp(-gate[k]));
        const other = value + bias[k] + v[0] * kernel[k] + v[1] * kernel[2 + k];
        expect(blended.data[(row * 3 + t) * 2 + k]).toBeCloseTo(g * value + (1 - g) * other, 12);
      });
      const fit = v.reduce(
        (sum, value, k) => sum + value * Math.tanh(feeds.q.data[row] * weights["attend/kernel"].data[k]),
        0,
      );
      const weight = Math.exp(Math.tanh(fit));
      total += weight;
      v.forEach((value, k) => {
        sums[k] += weight * value;
      });
    }
    sums.forEach((sum, k) => {
      expect(attended.data[row * 2 + k]).toBeCloseTo(length === 0 ? 0 : sum / total, 12);
    });
  });
});

test("a frozen parameter stays, a regularizer counts in the loss, and dropout is in training alone", () => {
  const x = input({ shape: [2], name: "x" });
  const layer = scale({ initial: 3, rate: 0.5, factorRegularizer: { l1: 0.1 }, name: "scale" });
  const { spec } = model(x, layer(x));
  const graph = trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), 1);
  const feeds = { x: draw(4, 2), "output/target": float64([4, 2], new Array(8).fill(0)) };
  const zero = { "scale/factor": float64([2], [2, -3]), "training/step": int32([], [0]) };
  const { loss } = evaluate(
    { fetches: { loss: graph.fetches.loss }, updates: [] },
    { ...feeds, x: float64([4, 2], new Array(8).fill(0)) },
    zero,
  ).fetches;
  // 0.1 · (2 + 3).
  expect(loss.data[0]).toBeCloseTo(0.5, 12);
  const output = evaluate(inferenceGraph(spec), feeds, zero).fetches.output;
  expect(Array.from(output.data)).toEqual(Array.from(feeds.x.data, (value, i) => value * (i % 2 === 0 ? 2 : -3)));

  const frozen = sequential([input({ shape: [2] }), scale({ trainable: false }), dense({ units: 1 })]);
  const { updates } = trainingGraph(frozen.spec, { loss: meanSquaredError(), metrics: [] }, sgd(), 1);
  expect(updates.map(({ name }) => name)).not.toContain("scale/factor");
  expect(updates.map(({ name }) => name)).toContain("dense/kernel");
});
