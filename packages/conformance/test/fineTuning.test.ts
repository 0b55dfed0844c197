/** Fine-tuning: training of a trained model with frozen parameters and learning rate factors. */
import { reference } from "@ostinato/conformance";
import {
  adam,
  adamw,
  binaryCrossentropy,
  type Checkpoint,
  type CompileOptions,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  crf,
  dense,
  embedding,
  float32,
  fromBytes,
  graphLayer,
  graphTrained,
  inferenceGraph,
  input,
  lstm,
  type Model,
  meanSquaredError,
  model,
  printGraph,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type Tensors,
  type Trained,
  toBytes,
  trainingGraph,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { reviews } from "./reviews.ts";

const data = reviews(20);
const reader = () => [embedding({ inputDim: 30, outputDim: 3, maskZero: true }), lstm({ units: 4 })] as const;
const base = () => sequential([...reader(), dense({ units: 1, activation: "sigmoid", name: "head" })]);
const objective: Pick<CompileOptions, "backend" | "loss" | "optimizer" | "seed"> = {
  backend: reference(),
  loss: binaryCrossentropy(),
  optimizer: adam({ learningRate: 0.05 }),
  seed: 3,
};

async function trainedFor(epochs: number, of: Model | Trained = base(), more = {}): Promise<Trained> {
  await using trainer = await compile(of, { ...objective, ...more });
  if (epochs > 0) await trainer.fit(data, { epochs, batchSize: 4 });
  return trainer.snapshot({ vocabulary: ["a"], metadata: { made: "here" } });
}

const numbers = (weights: Tensors, name: string): number[] => [...(weights[name]?.data ?? [])];

describe("training goes on from a trained model", () => {
  test("with its weights, where others are not given, and with its vocabulary and metadata", async () => {
    const before = await trainedFor(2);
    const ones = float32([4, 1], [1, 1, 1, 1]);
    await using trainer = await compile(before, { ...objective, weights: { "head/kernel": ones } });
    const after = await trainer.snapshot();
    expect(after.weights).toEqual({ ...before.weights, "head/kernel": ones });
    expect([after.vocabulary, after.metadata]).toEqual([["a"], { made: "here" }]);
    const other = await trainer.snapshot({ vocabulary: ["b"] });
    expect([other.vocabulary, other.metadata]).toEqual([["b"], { made: "here" }]);
    expect(Object.keys(trainer.model)).not.toContain("weights");
  });

  test("with what a loss learned, where it is of the same kind", async () => {
    const words = input({ shape: ["time"] });
    const tagger = model(words, {
      tags: dense({ units: 3 })(embedding({ inputDim: 9, outputDim: 4, maskZero: true })(words)),
    });
    const rows = {
      x: [
        [1, 2, 3],
        [4, 5],
      ],
      y: [
        [0, 1, 2],
        [1, 1],
      ],
    };
    await using first = await compile(tagger, { ...objective, loss: crf() });
    await first.fit(rows, { epochs: 2 });
    const before = await first.snapshot();
    expect(Object.keys(before.weights)).toContain("tags/crf/transitions");
    await using same = await compile(before, { ...objective, loss: crf() });
    expect((await same.snapshot()).weights).toEqual(before.weights);
    await using another = await compile(before, {
      ...objective,
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    });
    const { weights, losses } = await another.snapshot();
    expect(losses).toBeUndefined();
    expect(Object.keys(weights)).not.toContain("tags/crf/transitions");
    expect(weights["dense/kernel"]).toEqual(before.weights["dense/kernel"]);
  });
});

describe("frozen parameters", () => {
  /** A model with a graph as its base, as imported from another library, and a head of two layers. */
  async function tuned() {
    const { weights } = await trainedFor(10);
    const { spec } = sequential([...reader()]);
    const read = Object.fromEntries(Object.entries(weights).filter(([name]) => !name.startsWith("head/")));
    const whole = fromBytes(toBytes(graphTrained(inferenceGraph(spec), read, { name: "base" })));
    const words = input({ shape: ["words"], name: "words" });
    const hidden = dense({ units: 5, activation: "tanh" })(graphLayer(whole)(words));
    return { whole, composed: model(words, dense({ units: 1, activation: "sigmoid", name: "head" })(hidden)) };
  }
  const trainable = (name: string) => !name.startsWith("base/");

  test("keep their bytes, and the others learn; the optimizer keeps nothing for them", async () => {
    const { whole, composed } = await tuned();
    await using trainer = await compile(composed, { ...objective, weights: whole.weights, trainable });
    const before = (await trainer.snapshot()).weights;
    const { loss } = await trainer.evaluate(data);
    await trainer.fit(data, { epochs: 8, batchSize: 4 });
    expect((await trainer.evaluate(data)).loss).toBeLessThan(0.9 * (loss as number));
    const after = (await trainer.snapshot()).weights;
    for (const name of Object.keys(after))
      expect(numbers(after, name).join() === numbers(before, name).join(), name).toBe(!trainable(name));
    const { state, settings } = await trainer.checkpoint();
    const slots = Object.keys(state).filter((name) => name.startsWith("adam/"));
    expect(slots.length).toBe(2 * Object.keys(after).filter(trainable).length);
    expect(slots.filter((name) => name.includes("base/"))).toEqual([]);
    expect(Object.fromEntries(Object.entries(settings).filter(([setting]) => setting.includes(" of ")))).toEqual(
      Object.fromEntries(Object.keys(whole.weights).map((name) => [`trainable of ${name}`, false])),
    );
  });

  test("are thawed by compiling the trained model again", async () => {
    const { whole, composed } = await tuned();
    await using first = await compile(composed, { ...objective, weights: whole.weights, trainable });
    await first.fit(data, { epochs: 2, batchSize: 4 });
    const before = await first.snapshot();
    await using second = await compile(before, { ...objective, learningRates: (name) => (trainable(name) ? 1 : 0.1) });
    await second.fit(data, { epochs: 2, batchSize: 4 });
    const after = (await second.snapshot()).weights;
    for (const name of Object.keys(after))
      expect(numbers(after, name), name).not.toEqual(numbers(before.weights, name));
  });

  test("a graph among layers needs its weights", async () => {
    const { composed } = await tuned();
    await expect(compile(composed, objective)).rejects.toThrow(
      'the parameter "base/embedding/embeddings" has no initial weights',
    );
  });

  test("what a layer freezes stays so, and regularizers do not count what is frozen", async () => {
    const spec = (trainable: boolean) =>
      sequential([input({ shape: [2] }), dense({ units: 1, trainable, kernelRegularizer: { l2: 1 } })]);
    const options = { ...objective, loss: meanSquaredError(), optimizer: sgd({ learningRate: 0.1 }) };
    const rows = { x: [[0, 0]], y: [[0]] };
    await using frozen = await compile(spec(false), { ...options, trainable: () => true });
    await expect(frozen.fit(rows)).rejects.toThrow("fit: the model has nothing to train");
    await using some = await compile(spec(true), { ...options, trainable: (name) => name === "dense/bias" });
    expect((await some.evaluate(rows)).loss).toBe(0);
  });
});

test("what is not finite in a graph is told by the name of the parameter", async () => {
  const { spec, weights } = await trainedFor(0);
  const damaged = { ...weights, "lstm/R": float32([16, 4], new Array<number>(64).fill(Number.NaN)) };
  await using trainer = await compile(graphTrained(inferenceGraph(spec), damaged), objective);
  await expect(trainer.fit(data)).rejects.toThrow(
    'in the weights model/lstm/R of graph "model", 64 values are not finite',
  );
});

describe("learning rates by name", () => {
  const line = sequential([input({ shape: [1] }), dense({ units: 1 })]);
  const rows = { x: [[1], [-2], [3]], y: [[2], [1], [-1]] };
  const weights = { "dense/kernel": float32([1, 1], [0.5]), "dense/bias": float32([1], [-0.25]) };
  const rates: Readonly<Record<string, number>> = { "dense/kernel": 0.1, "dense/bias": 3 };

  test("are those of Adam with a tenth, or three times, of its rate, and so is the decay", async () => {
    const [rate, decay, steps] = [0.02, 0.1, 6];
    let [kernel, bias] = [0.5, -0.25];
    const moments = { kernel: [0, 0], bias: [0, 0] };
    /** Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), in Keras's order of operations. */
    const step = (w: number, gradient: number, moment: number[], own: number, t: number): number => {
      moment[0] = 0.9 * (moment[0] as number) + 0.1 * gradient;
      moment[1] = 0.999 * (moment[1] as number) + 0.001 * gradient * gradient;
      const alpha = (own * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
      return w - w * decay * own - (alpha * (moment[0] as number)) / (Math.sqrt(moment[1] as number) + 1e-7);
    };
    for (let t = 1; t <= steps; t++) {
      const errors = rows.x.map(([x], i) => kernel * (x as number) + bias - (rows.y[i]?.[0] as number));
      const mean = (of: (error: number, i: number) => number): number =>
        (2 * errors.map(of).reduce((a, b) => a + b)) / 3;
      const ofKernel = mean((error, i) => error * (rows.x[i]?.[0] as number));
      const ofBias = mean((error) => error);
      kernel = step(kernel, ofKernel, moments.kernel, 0.1 * rate, t);
      bias = step(bias, ofBias, moments.bias, 3 * rate, t);
    }
    await using trainer = await compile(line, {
      backend: reference(),
      loss: meanSquaredError(),
      optimizer: adamw({ learningRate: rate, weightDecay: decay }),
      weights,
      learningRates: (name) => rates[name] as number,
    });
    await trainer.fit(rows, { epochs: steps, batchSize: 3, shuffle: false });
    const after = (await trainer.snapshot()).weights;
    expect(numbers(after, "dense/kernel")[0]).toBeCloseTo(kernel, 6);
    expect(numbers(after, "dense/bias")[0]).toBeCloseTo(bias, 6);
  });

  test("of 1 add no operation, and of 0 change nothing", async () => {
    const graphOf = (more = {}) =>
      printGraph(trainingGraph(line.spec, { loss: meanSquaredError(), ...more }, adam(), 1));
    expect(graphOf({ learningRates: () => 1, trainable: () => true })).toBe(graphOf());
    await using trainer = await compile(line, {
      ...objective,
      loss: meanSquaredError(),
      weights,
      learningRates: () => 0,
    });
    await trainer.fit(rows, { epochs: 2 });
    expect((await trainer.snapshot()).weights).toEqual(weights);
  });
});

describe("a fine-tuning that is stopped and goes on", () => {
  const tuning = {
    trainable: (name: string) => !name.includes("embeddings"),
    learningRates: (name: string) => (name.includes("lstm") ? 0.1 : 1),
  };

  test("as a graph ends in the same bytes from every step", async () => {
    const { spec, weights } = await trainedFor(0);
    const form = graphTrained(inferenceGraph(spec), weights);
    const saved: Uint8Array[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
    const options = { epochs: 2, batchSize: 7 };
    await using whole = await compile(form, { ...objective, ...tuning });
    await whole.fit(data, { ...options, callbacks: [checkpoints({ save, everySteps: 1 })] });
    const expected = toBytes(await whole.snapshot());
    expect(saved.length).toBeGreaterThan(4);
    for (const bytes of saved) {
      await using resumed = await compile(form, { ...objective, ...tuning });
      await resumed.fit(data, {
        ...options,
        resume: checkpointFromBytes(bytes),
        callbacks: [checkpoints({ save: () => {}, everySteps: 1 })],
      });
      expect(toBytes(await resumed.snapshot())).toEqual(expected);
    }
  });

  test("is refused where others are frozen, or have another pace", async () => {
    await using first = await compile(base(), { ...objective, ...tuning });
    await first.fit(data, { batchSize: 7 });
    const resume = await first.checkpoint();
    const again = async (more: Partial<CompileOptions>): Promise<void> => {
      await using trainer = await compile(base(), { ...objective, ...more });
      await trainer.fit(data, { epochs: 2, batchSize: 7, resume });
    };
    await again(tuning);
    const paced = "cannot go on from this checkpoint: learningRates of lstm/W was 0.1, is undefined";
    const frozen = "cannot go on from this checkpoint: trainable of embedding/embeddings was false, is undefined";
    await expect(again({ trainable: tuning.trainable })).rejects.toThrow(paced);
    await expect(again({ learningRates: tuning.learningRates })).rejects.toThrow(frozen);
    await expect(again({})).rejects.toThrow(frozen);
    await expect(again({})).rejects.toThrow("learningRates of lstm/W was 0.1, is undefined");
  });
});

test("what is no function, or gives something else than it must, is refused by name", async () => {
  const refused = (more: object, words: string) =>
    expect(compile(base(), { ...objective, ...more } as CompileOptions)).rejects.toThrow(words);
  await refused({ trainable: "head" }, "compile: trainable must be a function");
  await refused({ learningRates: { head: 1 } }, "compile: learningRates must be a function");
  await refused({ trainable: () => 1 }, 'for "embedding/embeddings" trainable must return a boolean');
  await refused({ trainable: async () => true }, "got a promise");
  for (const rate of [Number.NaN, -1, Number.POSITIVE_INFINITY, "0.1", undefined])
    await refused({ learningRates: () => rate }, "learningRates a number >= 0, got true and");
  await using none = await compile(base(), { ...objective, trainable: () => false });
  await expect(none.fit(data)).rejects.toThrow("fit: the model has nothing to train");
});
