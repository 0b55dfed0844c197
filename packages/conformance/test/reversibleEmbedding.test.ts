/** Tied weights: a matrix that is read by the way in and by the way out, against Keras and the formula, in training, files and checkpoints. */
import { evaluate, reference } from "@ostinato/conformance";
import {
  adam,
  add,
  type Checkpoint,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  dense,
  type Float32Tensor,
  float32,
  fromBytes,
  inferenceGraph,
  input,
  lstm,
  meanSquaredError,
  model,
  nodesOf,
  predictor,
  reversibleEmbedding,
  rootsOf,
  sequential,
  sgd,
  simpleRnn,
  sparseCategoricalCrossentropy,
  type Tensors,
  toBytes,
  trainingGraph,
} from "@ostinato/core";
import { expect, test } from "vitest";
import keras from "../src/golden/keras-reversible.json" with { type: "json" };
import { expectGradients, trainedBy } from "./keras/gradients.ts";
import { kerasPredict } from "./keras/layers.ts";
import { kerasLoss } from "./keras/losses.ts";
import { feedsOf, Trials, targetFeed } from "./keras/trial.ts";

const words = (options: object = {}) =>
  reversibleEmbedding({ inputDim: 9, outputDim: 4, name: "words", maskZero: true, ...options });

/** A language model with the softmax inside. */
const tied = (options: object = {}) => {
  const both = words({ useBias: true, activation: "softmax", ...options });
  return sequential([both, lstm({ units: 4, returnSequences: true }), both.reverse]);
};

const data = {
  x: [
    [1, 2, 3, 4],
    [5, 6],
    [7, 8, 1],
    [3, 3, 2, 1],
  ],
  y: [
    [2, 3, 4, 5],
    [6, 7],
    [8, 1, 2],
    [3, 2, 1, 0],
  ],
};

const trainerOf = (made = tied()) =>
  compile(made, {
    backend: reference(),
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({ learningRate: 0.05 }),
    seed: 3,
  });

test("Keras's has the same logits, losses and weights", async () => {
  const both = reversibleEmbedding({ inputDim: 6, outputDim: 3, embeddingsRegularizer: { l2: 0.01 }, name: "words" });
  const made = sequential([both, simpleRnn({ units: 3, returnSequences: true, name: "rnn" }), both.reverse]);
  const weights: Tensors = Object.fromEntries(
    Object.entries(keras.initial).map(([name, { shape, data: own }]) => [name, float32(shape, own)]),
  );
  await using ours = await compile(made, {
    backend: reference(),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    optimizer: sgd({ learningRate: 0.5 }),
    weights,
  });
  const logits = await ours.predict(keras.x);
  expect(logits.shape).toEqual(keras.logits.shape);
  const close = (given: Float32Tensor["data"], wanted: readonly number[]) =>
    wanted.forEach((value, i) => {
      expect(given[i]).toBeCloseTo(value, 5);
    });
  close(logits.data, keras.logits.data);
  const { epochs } = await ours.fit(
    { x: keras.x, y: keras.y },
    { epochs: 3, batchSize: keras.x.length, shuffle: false },
  );
  epochs.forEach(({ loss }, i) => {
    expect(loss).toBeCloseTo(keras.losses[i], 6);
  });
  const snapshot = await ours.snapshot();
  expect(Object.keys(snapshot.weights).sort()).toEqual(Object.keys(keras.trained).sort());
  for (const [name, { data: wanted }] of Object.entries(keras.trained))
    close((snapshot.weights[name] as Float32Tensor).data, wanted);
});

test("values and the gradient, summed over both uses, are those of the formula", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const trials = new Trials("reversible", seed);
    const both = words({ useBias: seed % 2 === 0, activation: seed % 3 === 0 ? "softmax" : "tanh", outputDim: 3 });
    const made = sequential([both, dense({ units: 3, activation: "tanh" }), both.reverse]);
    const rows = [0, 1, 3].map((length) => ({
      ids: Array.from({ length: 3 }, (_, t) => (t < length ? 1 + trials.random.below(8) : 0)),
      steps: [],
      length: 3,
    }));
    const trial = { model: made, weights: trials.weights(made), rows, time: 3 };
    const predictions = (weights: Tensors) => rows.map((row) => kerasPredict(made.spec, weights, row));
    const first = predictions(trial.weights);
    const { output } = evaluate(inferenceGraph(made.spec), feedsOf(trial, 3), trial.weights).fetches;
    first.forEach(({ steps, length }, row) => {
      steps.slice(0, length).forEach((step, t) => {
        step.forEach((value, k) => {
          expect(output.data[(row * 3 + t) * 9 + k]).toBeCloseTo(value, 12);
        });
      });
    });
    const loss = meanSquaredError();
    const targets = trials.targets(loss.kind, first);
    const trained = trainedBy(trial, loss, {
      ...feedsOf(trial, 3),
      "output/target": targetFeed(loss, targets, true, 3),
    });
    const naive = (weights: Tensors) => kerasLoss(loss.kind, predictions(weights), targets);
    expectGradients(trial, trained, naive, `seed ${seed}`);
  }
});

test("a softmax on the way back is scored by the op that makes no row of it", () => {
  const objective = { loss: sparseCategoricalCrossentropy(), metrics: [] };
  const graph = trainingGraph(tied().spec, objective, sgd(), 1);
  const ops = nodesOf(rootsOf(graph)).map(({ op }) => op);
  expect(ops).toContain("softmaxCrossentropy");
  expect(ops).not.toContain("softmax");
});

test("one matrix is trained, saved and loaded; a training that goes on ends in the same bytes", async () => {
  const saved: Uint8Array[] = [];
  const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
  const options = { epochs: 3, batchSize: 2, callbacks: [checkpoints({ save, everySteps: 1 })] };
  await using whole = await trainerOf();
  const { epochs } = await whole.fit(data, options);
  expect(epochs[2].loss).toBeLessThan(epochs[0].loss);
  const trained = await whole.snapshot();
  expect(Object.keys(trained.weights).filter((name) => name.startsWith("words/"))).toEqual([
    "words/embeddings",
    "words/bias",
  ]);
  const bytes = toBytes(trained);
  const loaded = fromBytes(bytes);
  expect(toBytes(loaded)).toEqual(bytes);
  await using first = await predictor(trained, { backend: reference() });
  await using again = await predictor(loaded, { backend: reference() });
  expect(await again.predict(data.x)).toEqual(await first.predict(data.x));
  for (const checkpoint of [saved[0], saved[2]]) {
    await using resumed = await trainerOf();
    await resumed.fit(data, { ...options, resume: checkpointFromBytes(checkpoint) });
    expect(toBytes(await resumed.snapshot())).toEqual(bytes);
  }
});

test("frozen, it is frozen on both ways", async () => {
  await using trainer = await trainerOf(tied({ trainable: false, biasInitializer: "ones" }));
  const before = (await trainer.snapshot()).weights;
  await trainer.fit(data, { epochs: 2 });
  const after = (await trainer.snapshot()).weights;
  for (const name of ["words/embeddings", "words/bias"]) expect(after[name]).toEqual(before[name]);
  expect(after["lstm/W"]).not.toEqual(before["lstm/W"]);
});

test("the regularizer counts the matrix once, though it is used twice", async () => {
  const lossOf = async (embeddingsRegularizer: object | null) => {
    await using trainer = await trainerOf(tied({ embeddingsRegularizer }));
    const { data: table } = (await trainer.snapshot()).weights["words/embeddings"];
    const { loss } = await trainer.evaluate(data);
    return { loss, squares: Array.from(table).reduce((sum: number, w: number) => sum + w * w, 0) };
  };
  const [plain, penalized] = [await lossOf(null), await lossOf({ l2: 0.5 })];
  expect(penalized.loss - plain.loss).toBeCloseTo(0.5 * plain.squares, 6);
});

test("features, too, are turned back", () => {
  const x = input({ shape: ["time"] });
  const both = words();
  const made = model(x, both.reverse(lstm({ units: 4 })(both(x))));
  expect(inferenceGraph(made.spec).fetches.output.type.shape).toEqual(["batch", 9]);
});

test("other layers that are applied twice learn from both uses, and stand in a file once", async () => {
  const [a, b] = [input({ name: "a", shape: [3] }), input({ name: "b", shape: [3] })];
  const head = dense({ units: 3, activation: "tanh", name: "head" });
  const twice = model([a, b], head(add()([head(a), b])));
  const rows = {
    a: [
      [1, 0, -1],
      [0.5, 1, 0],
    ],
    b: [
      [0, 1, 1],
      [-1, 0, 0.5],
    ],
  };
  await using trainer = await compile(twice, {
    backend: reference(),
    loss: meanSquaredError(),
    optimizer: adam({ learningRate: 0.1 }),
  });
  const y = [
    [0.5, 0, 0],
    [0, 0.5, 0],
  ];
  const { epochs } = await trainer.fit({ x: rows, y }, { epochs: 30 });
  expect(epochs[29].loss).toBeLessThan(0.2 * epochs[0].loss);
  const trained = await trainer.snapshot();
  expect(Object.keys(trained.weights)).toEqual(["head/kernel", "head/bias"]);
  const loaded = fromBytes(toBytes(trained));
  expect(loaded.spec).toEqual(twice.spec);
  await using first = await predictor(trained, { backend: reference() });
  await using again = await predictor(loaded, { backend: reference() });
  expect(await again.predict(rows)).toEqual(await first.predict(rows));
});
