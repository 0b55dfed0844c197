/** Prediction on the reference: rows, steps and several outputs, whatever the batches. */
import { reference } from "@ostinato/conformance";
import {
  accuracy,
  binaryCrossentropy,
  compile,
  dense,
  dropout,
  embedding,
  float32,
  input,
  lstm,
  meanSquaredError,
  model,
  predictor,
  ShapeError,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  zeros,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { kerasPredict } from "./keras/layers.ts";
import { kerasLoss } from "./keras/losses.ts";
import { reviews, trainerOf } from "./reviews.ts";

const data = reviews(23);

describe("predict", () => {
  test("gives one row of outputs for each row, by Keras's formulas, whatever the batch size", async () => {
    await using trainer = await trainerOf();
    await trainer.fit(data);
    const trained = await trainer.snapshot();
    await using alone = await predictor(trained, { backend: reference() });
    const expected = data.x.map(
      (ids) => kerasPredict(trained.spec, trained.weights, { ids, steps: [], length: ids.length }).vector?.[0] ?? 0,
    );
    for (const batchSize of [1, 4, 100]) {
      for (const output of [await trainer.predict(data.x, { batchSize }), await alone.predict(data.x, { batchSize })]) {
        expect([output.dtype, ...output.shape]).toEqual(["float32", 23, 1]);
        for (const [row, value] of expected.entries()) expect(Math.abs(output.data[row] - value)).toBeLessThan(1e-6);
      }
    }
  });

  test("tells its steps", async () => {
    await using trainer = await trainerOf();
    const events: unknown[] = [];
    await trainer.predict(data.x, { batchSize: 10, onStep: (event) => void events.push(event) });
    expect(events).toEqual([1, 2, 3].map((step) => ({ step, steps: 3, logs: {} })));
  });

  test("leaves dropout out", async () => {
    const network = sequential([input({ shape: [2] }), dropout({ rate: 0.9 }), dense({ units: 1 })]);
    await using trainer = await trainerOf({ loss: meanSquaredError(), metrics: [] }, network);
    const x = [[1, 2]];
    expect(await trainer.predict(x)).toEqual(await trainer.predict(x));
    expect((await trainer.predict(x)).data[0]).not.toBe(0);
  });
});

describe("sequences", () => {
  const network = () =>
    sequential([
      input({ shape: ["time", 2], name: "signal", lengths: true }),
      lstm({ units: 5, returnSequences: true }),
      dense({ units: 3, activation: "softmax" }),
    ]);
  // The class of a step: which of the two features is larger, or 2 where the row begins.
  const x = Array.from({ length: 9 }, (_, row) =>
    Array.from({ length: row % 5 }, (_step, t) => [Math.sin(row + t), Math.cos(3 * t)]),
  );
  const y = x.map((steps) => steps.map(([a, b], t) => (t === 0 ? 2 : Number(a < b))));

  test("train on steps, and predict [rows, time, units], zero after each row's end, whatever the batch size", async () => {
    await using trainer = await trainerOf({ loss: sparseCategoricalCrossentropy(), metrics: [] }, network());
    const { epochs } = await trainer.fit({ x, y }, { epochs: 30, batchSize: 3 });
    expect(epochs[29].loss).toBeLessThan(0.5 * epochs[0].loss);
    const whole = await trainer.predict(x);
    expect(whole.shape).toEqual([9, 4, 3]);
    x.forEach((steps, row) => {
      for (let t = 0; t < 4; t++) {
        const sum = whole.data.subarray((row * 4 + t) * 3, (row * 4 + t + 1) * 3).reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - Number(t < steps.length))).toBeLessThan(1e-6);
      }
    });
    for (const batchSize of [1, 2, 5]) expect(await trainer.predict(x, { batchSize })).toEqual(whole);
    await using alone = await predictor(await trainer.snapshot(), { backend: reference() });
    expect((await alone.predict(x, { batchSize: 4 })).shape).toEqual([9, 4, 3]);
  });

  test("the loss is the mean over the steps there are, in every batching", async () => {
    await using trainer = await trainerOf({ loss: sparseCategoricalCrossentropy(), metrics: [] }, network());
    const { spec, weights } = await trainer.snapshot();
    const rows = x.map((steps) => kerasPredict(spec, weights, { ids: [], steps, length: steps.length }));
    const expected = kerasLoss(
      "sparseCategoricalCrossentropy",
      rows,
      y.map((labels) => labels.map((label) => [label])),
    );
    for (const batchSize of [1, 4, 9])
      expect(Math.abs((await trainer.evaluate({ x, y }, { batchSize })).loss - expected)).toBeLessThan(1e-6);
  });

  test("each output is as long as its own input", async () => {
    const [short, long] = [input({ shape: ["a", 1], name: "short" }), input({ shape: ["b", 1], name: "long" })];
    const both = model([short, long], {
      first: dense({ units: 2, name: "p" })(short),
      second: dense({ units: 1, name: "q" })(long),
    });
    const weights = {
      "p/kernel": float32([1, 2], [1, 2]),
      "p/bias": zeros("float32", [2]),
      "q/kernel": float32([1, 1], [3]),
      "q/bias": zeros("float32", [1]),
    };
    await using runner = await predictor({ spec: both.spec, weights }, { backend: reference() });
    const outputs = await runner.predictAll(
      {
        short: [[[1]], [[2]]],
        long: [
          [[1], [2], [3]],
          [[4], [5], [6]],
        ],
      },
      { batchSize: 1 },
    );
    expect(Object.keys(outputs)).toEqual(["first", "second"]);
    expect(outputs.first).toEqual(float32([2, 1, 2], [1, 2, 2, 4]));
    expect(outputs.second).toEqual(float32([2, 3, 1], [3, 6, 9, 12, 15, 18]));
  });
});

test("a network of the smallest sizes, without metrics, in one row", async () => {
  await using trainer = await trainerOf({ metrics: [], loss: binaryCrossentropy() });
  const { epochs } = await trainer.fit({ x: [[1]], y: [1] });
  expect(Object.keys(epochs[0]).sort()).toEqual(["epoch", "epochs", "loss", "seconds"]);
  expect((await trainer.predict([[]])).shape).toEqual([1, 1]);
});

describe("a model of two inputs with time axes of their own", () => {
  const asked = input({ shape: ["askedTime"], name: "asked" });
  const said = input({ shape: ["saidTime"], name: "said" });
  const tokens = embedding({ inputDim: 9, outputDim: 3, maskZero: true, name: "tokens" });
  const [, h, c] = lstm({ units: 4, returnState: true, name: "reader" })(tokens(asked));
  const answer = lstm({ units: 4, returnSequences: true, name: "writer" })(tokens(said), { initialState: [h, c] });
  const translator = model([asked, said], dense({ units: 2, activation: "softmax", name: "out" })(answer));
  const x = { asked: [[1, 2, 3, 4, 5], [6], [7, 8]], said: [[1], [2, 3, 4], [5, 6]] };
  const y = [[1], [0, 1, 1], [1, 0]];
  const open = () =>
    compile(translator, {
      backend: reference(),
      loss: sparseCategoricalCrossentropy(),
      optimizer: sgd({ learningRate: 0 }),
      metrics: [accuracy()],
      seed: 3,
    });

  test("outputs follow the input whose time axis they have", async () => {
    await using trainer = await open();
    const all = await trainer.predict(x, { batchSize: 2 });
    expect(all.shape).toEqual([3, 3, 2]);
    for (const [row, length] of [1, 3, 2].entries()) {
      const alone = await trainer.predict({ asked: [x.asked[row]], said: [x.said[row]] });
      expect(alone.shape).toEqual([1, length, 2]);
      const own = [...all.data.subarray(row * 6, row * 6 + 6)];
      expect(own.slice(0, 2 * length)).toEqual([...alone.data]);
      expect(own.slice(2 * length).every((value) => value === 0)).toBe(true);
    }
  });

  test("targets are held against that input: right ones are taken, short ones refused", async () => {
    await using trainer = await open();
    const { data, shape } = await trainer.predict(x);
    const losses = y.flatMap((row, i) => row.map((tag, t) => -Math.log(data[(i * shape[1] + t) * 2 + tag])));
    const { loss } = await trainer.evaluate({ x, y });
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / losses.length, 6);
    await trainer.fit({ x, y });
    const short = trainer.evaluate({ x, y: [[1], [0, 1], [1, 0]] });
    await expect(short).rejects.toThrow(ShapeError);
    await expect(short).rejects.toThrow('y of "output", row 1 has 2 steps, input "said" has 3');
  });
});

test("outputs follow their own inputs where the first one has no time at all", async () => {
  const start = input({ shape: [4], name: "start" });
  const words = input({ shape: ["time"], name: "words" });
  const vectors = embedding({ inputDim: 9, outputDim: 3, maskZero: true })(words);
  const read = lstm({ units: 4, returnSequences: true })(vectors, { initialState: [start, start] });
  const network = model([start, words], dense({ units: 1 })(read));
  await using trainer = await compile(network, { backend: reference(), loss: meanSquaredError(), optimizer: sgd() });
  const x = {
    start: [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ],
    words: [[1, 2, 3], [4]],
  };
  expect((await trainer.predict(x)).shape).toEqual([2, 3, 1]);
  await trainer.fit({ x, y: [[1, 2, 3], [4]] });
});
