/** A model of two outputs, against what Keras computes: history, weights, figures with sample weights and without. */
import {
  binaryAccuracy,
  binaryCrossentropy,
  compile,
  dense,
  float32,
  input,
  model,
  sgd,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  sparseTopKCategoricalAccuracy,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import keras from "../src/golden/keras-outputs.json" with { type: "json" };
import { reference } from "../src/index.ts";

describe("Keras", () => {
  const { x, initial, history, trained, evaluated, unweighted, sampleWeights } = keras;
  const entry = input({ shape: [3] });
  const shared = dense({ units: 4, activation: "tanh", name: "shared" })(entry);
  const heads = model(entry, {
    tone: dense({ units: 1, activation: "sigmoid", name: "tone" })(shared),
    topic: dense({ units: 3, activation: "softmax", name: "topic" })(shared),
  });
  const weights = Object.fromEntries(
    Object.entries(initial).flatMap(([name, { kernel, bias }]) => [
      [`${name}/kernel`, float32([kernel.length, bias.length], kernel.flat())],
      [`${name}/bias`, float32([bias.length], bias)],
    ]),
  );
  /** Keras's names and ours. */
  const names = {
    loss: "loss",
    tone_loss: "toneLoss",
    topic_loss: "topicLoss",
    tone_binary_accuracy: "toneBinaryAccuracy",
    topic_sparse_categorical_accuracy: "topicSparseCategoricalAccuracy",
    topic_top2: "topicTop2",
  };

  test("has the same history, weights and figures", async () => {
    await using ours = await compile(heads, {
      backend: reference(),
      loss: { tone: binaryCrossentropy(), topic: sparseCategoricalCrossentropy() },
      lossWeights: { tone: 0.5, topic: 2 },
      metrics: { tone: binaryAccuracy(), topic: sparseCategoricalAccuracy() },
      weightedMetrics: { topic: sparseTopKCategoricalAccuracy({ k: 2, name: "top2" }) },
      optimizer: sgd({ learningRate: 0.5 }),
      weights,
    });
    const data = { x, y: keras.y, sampleWeights };
    const { epochs } = await ours.fit(data, { epochs: 3, batchSize: x.length, shuffle: false });
    const checked = await ours.evaluate(data);
    const plain = await ours.evaluate({ x, y: keras.y });
    for (const [theirs, name] of Object.entries(names)) {
      // Keras computes in single precision.
      epochs.forEach((event, i) => {
        expect(event[name], `${name} of epoch ${i + 1}`).toBeCloseTo(history[theirs as keyof typeof names][i], 5);
      });
      expect(checked[name], name).toBeCloseTo(evaluated[theirs as keyof typeof names], 5);
      expect(plain[name], name).toBeCloseTo(unweighted[theirs as keyof typeof names], 5);
    }
    const snapshot = await ours.snapshot();
    for (const [name, { kernel, bias }] of Object.entries(trained)) {
      [...kernel.flat(), ...bias].forEach((value, i) => {
        const all = [...snapshot.weights[`${name}/kernel`].data, ...snapshot.weights[`${name}/bias`].data];
        expect(all[i], name).toBeCloseTo(value, 5);
      });
    }
  });
});
