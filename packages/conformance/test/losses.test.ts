/** The options of losses against Keras's formulas written out naively; class weights and penalties. */
import { checkGradients, evaluate, evaluateValues, reference } from "@ostinato/conformance";
import {
  binaryCrossentropy,
  type CrossentropyOptions,
  categoricalCrossentropy,
  compile,
  dense,
  embedding,
  evaluationGraph,
  feed,
  float64,
  huber,
  inferenceGraph,
  input,
  int32,
  lossMetric,
  lstm,
  type ModelSpec,
  meanAbsoluteError,
  meanSquaredError,
  nodesOf,
  optimizerState,
  perplexity,
  RandomStream,
  type RowwiseLoss,
  sequential,
  sgd,
  sigmoid,
  sizeOf,
  softmax,
  sparseCategoricalCrossentropy,
  type Tensor,
  type Tensors,
  trainingGraph,
  weightsOfClasses,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const features = 4;
const rows = 7;

function draw(seed: number): { x: number[][]; y: number[][]; labels: number[] } {
  const random = new RandomStream(seed, "losses");
  const list = (f: () => number): number[][] => Array.from({ length: rows }, () => Array.from({ length: features }, f));
  return {
    x: list(() => 4 * random.uniform() - 2),
    y: list(() => random.uniform()),
    labels: Array.from({ length: rows }, () => random.below(features)),
  };
}

/** The losses of all rows by the graph; `through` is the activation behind `x`. */
function lossesOf(loss: RowwiseLoss, x: number[][], target: Tensor, through?: "sigmoid" | "softmax"): number[] {
  const fed = feed("x", "float32", ["batch", features]);
  const value = through === "sigmoid" ? sigmoid(fed) : through === "softmax" ? softmax(fed) : fed;
  const goal = feed("y", target.dtype === "int32" ? "int32" : "float32", ["batch", ...target.shape.slice(1)]);
  const feeds = { x: float64([rows, features], x.flat()), y: target };
  return [...evaluateValues([loss.perRow(value, goal)], feeds)[0].data];
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const sigmoidOf = (z: number): number => 1 / (1 + Math.exp(-z));
const softmaxOf = (z: readonly number[]): number[] => {
  const total = sum(z.map(Math.exp));
  return z.map((v) => Math.exp(v) / total);
};

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => void expect(value).toBeCloseTo(expected[i], 9));
}

const wide = (y: number[][]): Tensor => float64([rows, features], y.flat());

describe("crossentropies with their options", () => {
  const smoothings = [0, 0.1, 0.5];
  const forms = ["fromLogits", "activation"] as const;
  for (const form of forms) {
    for (const labelSmoothing of smoothings) {
      const options: CrossentropyOptions = { fromLogits: form === "fromLogits", labelSmoothing };
      const through = <T>(name: T): T | undefined => (form === "activation" ? name : undefined);
      test(`${form}, labelSmoothing ${labelSmoothing}`, () => {
        for (let seed = 1; seed <= 5; seed++) {
          const { x, y, labels } = draw(seed);
          const binary = y.map((row, i) =>
            mean(
              row.map((v, k) => {
                const p = sigmoidOf(x[i][k]);
                const target = v * (1 - labelSmoothing) + 0.5 * labelSmoothing;
                return -(target * Math.log(p) + (1 - target) * Math.log(1 - p));
              }),
            ),
          );
          expectClose(lossesOf(binaryCrossentropy(options), x, wide(y), through("sigmoid")), binary);
          const categorical = (targets: readonly (readonly number[])[]): number[] =>
            targets.map((row, i) => {
              const p = softmaxOf(x[i]);
              return -sum(row.map((v, k) => (v * (1 - labelSmoothing) + labelSmoothing / features) * Math.log(p[k])));
            });
          expectClose(lossesOf(categoricalCrossentropy(options), x, wide(y), through("softmax")), categorical(y));
          const oneHot = labels.map((label) => x[0].map((_, k) => Number(k === label)));
          const sparse = lossesOf(sparseCategoricalCrossentropy(options), x, int32([rows], labels), through("softmax"));
          expectClose(sparse, categorical(oneHot));
        }
      });
    }
  }

  test("fromLogits behind an activation is a mistake that is named", () => {
    const { x, y } = draw(1);
    const options = { fromLogits: true };
    for (const through of ["sigmoid", "softmax"] as const)
      for (const loss of [binaryCrossentropy(options), categoricalCrossentropy(options)])
        expect(() => lossesOf(loss, x, wide(y), through)).toThrow(`the output ends in a ${through}`);
  });
});

test("meanAbsoluteError and huber", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { x, y } = draw(seed);
    const errors = x.map((row, i) => row.map((v, k) => v - y[i][k]));
    const absolute = errors.map((row) => mean(row.map(Math.abs)));
    expectClose(lossesOf(meanAbsoluteError(), x, wide(y)), absolute);
    for (const delta of [0.2, 1, 5]) {
      const expected = errors.map((row) =>
        mean(row.map((e) => (Math.abs(e) <= delta ? 0.5 * e * e : delta * Math.abs(e) - 0.5 * delta * delta))),
      );
      expectClose(lossesOf(huber({ delta }), x, wide(y)), expected);
      if (delta === 1) expectClose(lossesOf(huber(), x, wide(y)), expected);
    }
  }
});

test("a smoothed loss of ragged rows has the figures without smoothing beside it", async () => {
  const labelSmoothing = 0.2;
  const spec = sequential([
    embedding({ inputDim: 6, outputDim: 3, maskZero: true }),
    lstm({ units: 4, returnSequences: true }),
    dense({ units: features, activation: "softmax" }),
  ]);
  await using trainer = await compile(spec, {
    backend: reference(),
    loss: sparseCategoricalCrossentropy({ labelSmoothing }),
    optimizer: sgd(),
    metrics: [lossMetric(sparseCategoricalCrossentropy()), perplexity()],
    seed: 2,
  });
  const x = [[1, 2, 3], [4], [5, 1], []];
  const y = [[3, 0, 1], [2], [1, 1], []];
  const { shape, data } = await trainer.predict(x);
  const plain: number[] = [];
  const smoothed: number[] = [];
  y.forEach((labels, row) => {
    for (const [step, label] of labels.entries()) {
      const start = (row * shape[1] + step) * features;
      const logs = [...data.slice(start, start + features)].map(Math.log);
      plain.push(-logs[label]);
      smoothed.push(-(1 - labelSmoothing) * logs[label] - labelSmoothing * mean(logs));
    }
  });
  const { loss, sparseCategoricalCrossentropy: unsmoothed, perplexity: choices } = await trainer.evaluate({ x, y });
  expect(loss).toBeCloseTo(mean(smoothed), 5);
  expect(unsmoothed).toBeCloseTo(mean(plain), 5);
  expect(choices).toBeCloseTo(Math.exp(mean(plain)), 5);
  const [epoch] = (await trainer.fit({ x, y })).epochs;
  expect([epoch.loss, epoch.sparseCategoricalCrossentropy]).toEqual([loss, unsmoothed]);
});

describe("class weights", () => {
  test("are the weights of rows", () => {
    expect([...weightsOfClasses({ 0: 1, 1: 3 }, [1, 0, 1])]).toEqual([3, 1, 3]);
    expect([...weightsOfClasses({ 2: 0.5 }, [2, 0, 1])]).toEqual([0.5, 1, 1]);
    expect([...weightsOfClasses({ 0: 2, 2: 5 }, [0.1, 0.2, 0.7, 0.8, 0.1, 0.1, 0.3, 0.4, 0.3], 3)]).toEqual([5, 2, 1]);
    expect(() => weightsOfClasses({ 0: 1 }, [0, 0.5])).toThrow("the target of row 1 is 0.5");
  });
});

/** Feeds and weights for a model on vectors. */
function given(spec: ModelSpec, seed: number): { feeds: Tensors; weights: Tensors } {
  const random = new RandomStream(seed, "penalties");
  const drawn = (shape: readonly number[]): Tensor =>
    float64(
      shape,
      Array.from({ length: sizeOf(shape) }, () => 2 * random.uniform() - 1),
    );
  const inputs = nodesOf(Object.values(inferenceGraph(spec).fetches)).filter((node) => node.op === "input");
  const states = inputs.flatMap(({ attrs }) => (attrs.kind === "state" ? [attrs] : []));
  const weights = Object.fromEntries(states.map(({ name, shape }) => [name, drawn(shape as number[])]));
  const feeds = { input: drawn([5, 3]), "output/target": drawn([5, 2]), "training/learningRate": float64([], [0.1]) };
  return { feeds, weights };
}

describe("penalties on weights", () => {
  const plain = sequential([input({ shape: [3] }), dense({ units: 2, name: "dense" })]);
  const penalized = sequential([
    input({ shape: [3] }),
    dense({ units: 2, name: "dense", kernelRegularizer: { l1: 0.3, l2: 0.7 }, biasRegularizer: { l2: 0.5 } }),
  ]);
  const objective = { loss: meanSquaredError(), metrics: [] };
  const { feeds, weights } = given(plain.spec, 3);
  const kernel = [...weights["dense/kernel"].data];
  const penalty =
    0.3 * sum(kernel.map(Math.abs)) +
    0.7 * sum(kernel.map((w) => w * w)) +
    0.5 * sum([...weights["dense/bias"].data].map((w) => w * w));

  test("l1 · Σ|w| + l2 · Σw² is part of the loss, in training and in evaluation", () => {
    const state = { ...weights, "training/step": int32([], [0]) };
    const losses = [plain, penalized].map(({ spec }) => {
      const trained = evaluate(trainingGraph(spec, objective, sgd(), 1), feeds, state).fetches;
      const checked = evaluate(evaluationGraph(spec, objective), feeds, state).fetches;
      // Of the loss itself, and of what the regularizers add where there are any.
      const [total, count, added = 0, rows = 1] = checked["loss/sums"].data;
      expect(total / count + added / rows).toBeCloseTo(trained.loss.data[0], 12);
      expect([...trained["loss/sums"].data]).toEqual([...checked["loss/sums"].data]);
      return trained.loss.data[0];
    });
    expect(losses[1] - losses[0]).toBeCloseTo(penalty, 12);
  });

  test("has the right gradient", () => {
    const graph = trainingGraph(penalized.spec, objective, sgd(), 1);
    const states = nodesOf([graph.fetches.loss]).flatMap((node) =>
      node.op === "input" && node.attrs.kind === "state" ? [{ node, output: 0, type: node.outputs[0] }] : [],
    );
    expect(states).toHaveLength(2);
    checkGradients({ outputs: [graph.fetches.loss], wrt: states, feeds, state: weights });
  });
});

test("what is not trainable gets no gradient, no slots and no average", () => {
  const { spec } = sequential([
    embedding({ inputDim: 5, outputDim: 3, name: "words", trainable: false }),
    lstm({ units: 2, name: "lstm" }),
    dense({ units: 1, activation: "sigmoid", name: "dense" }),
  ]);
  const optimizer = sgd({ momentum: 0.9, useEma: true, weightDecay: 0.1, gradientAccumulationSteps: 2 });
  const { updates } = trainingGraph(spec, { loss: binaryCrossentropy(), metrics: [] }, optimizer, 1);
  expect(updates.map(({ name }) => name).filter((name) => name.includes("words"))).toEqual([]);
  expect(updates.map(({ name }) => name)).toContain("lstm/W");
  const parameters = [
    { name: "words/embeddings", shape: [5, 3], trainable: false },
    { name: "dense/bias", shape: [1] },
  ];
  const kept = optimizerState(optimizer, parameters, { "dense/bias": float64([1], [0]) });
  expect(Object.keys(kept).filter((name) => name.includes("words"))).toEqual([]);
});

test("as many micro-batches as are accumulated make the step of the one batch", () => {
  const { spec } = sequential([input({ shape: [3] }), dense({ units: 2, name: "dense" })]);
  const objective = { loss: meanSquaredError(), metrics: [] };
  const random = new RandomStream(5, "accumulation");
  const numbers = (count: number) => Array.from({ length: count }, () => 2 * random.uniform() - 1);
  const [x, y] = [numbers(24), numbers(16)];
  const { weights } = given(spec, 4);
  const trained = (parts: number): Tensors => {
    const optimizer = sgd({ momentum: 0.9, globalClipnorm: 0.5, gradientAccumulationSteps: parts });
    const parameters = Object.entries(weights).map(([name, { shape }]) => ({ name, shape }));
    let state: Tensors = {
      ...weights,
      ...optimizerState(optimizer, parameters, weights),
      "training/step": int32([], [0]),
    };
    const graph = trainingGraph(spec, objective, optimizer, 1);
    const size = 8 / parts;
    for (let part = 0; part < 2 * parts; part++) {
      const at = part % parts;
      const feeds = {
        input: float64([size, 3], x.slice(at * size * 3, (at + 1) * size * 3)),
        "output/target": float64([size, 2], y.slice(at * size * 2, (at + 1) * size * 2)),
        "training/learningRate": float64([], [0.1]),
      };
      state = evaluate(graph, feeds, state).state;
    }
    return state;
  };
  const whole = trained(1);
  for (const parts of [2, 4, 8]) {
    const state = trained(parts);
    for (const name of Object.keys(weights)) expectClose([...state[name].data], [...whole[name].data]);
    expect(whole["dense/kernel"].data).not.toEqual(weights["dense/kernel"].data);
  }
});
