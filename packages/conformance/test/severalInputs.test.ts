/** Models of two inputs of different lengths, from data to predictions, to a file and back. */
import { reference } from "@ostinato/conformance";
import {
  adam,
  add,
  average,
  compile,
  concatenate,
  dense,
  embedding,
  float32,
  fromBytes,
  input,
  lstm,
  maximum,
  meanSquaredError,
  minimum,
  model,
  multiply,
  predictor,
  subtract,
  toBytes,
} from "@ostinato/core";
import { expect, test } from "vitest";

const sequence = (name: string) => input({ shape: ["time", 1], name, lengths: true });
const everyLayer = { concatenate, add, subtract, multiply, average, maximum, minimum };

test("a model of two inputs of different lengths learns, and predicts the same from its file", async () => {
  const [left, right] = [input({ shape: ["time"], name: "left" }), sequence("right")];
  const words = embedding({ inputDim: 6, outputDim: 4, maskZero: true })(left);
  const both = concatenate()([words, dense({ units: 4 })(right)]);
  const state = lstm({ units: 8 })(both);
  const made = model([left, right], dense({ units: 1 })(state));
  const rows = Array.from({ length: 24 }, (_, row) => row);
  const x = {
    left: rows.map((row) => Array.from({ length: row % 4 }, (_, t) => 1 + ((row + t) % 5))),
    right: rows.map((row) => Array.from({ length: (row % 3) + (row % 2) }, (_, t) => [((row * (t + 1)) % 5) / 5])),
  };
  // What neither input tells alone: the number of steps of both.
  const y = rows.map((row) => [((row % 4) + (row % 3) + (row % 2)) / 6]);
  const backend = reference();
  await using trainer = await compile(made, {
    backend,
    loss: meanSquaredError(),
    optimizer: adam({ learningRate: 0.02 }),
    seed: 1,
  });
  const { epochs } = await trainer.fit({ x, y }, { epochs: 40, batchSize: 8 });
  const losses = epochs.map(({ loss }) => loss as number);
  expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 10);
  const file = fromBytes(toBytes(await trainer.snapshot()));
  await using loaded = await predictor(file, { backend });
  const [ours, theirs] = [await trainer.predict(x), await loaded.predict(x)];
  // The file holds the weights in single precision, the session of the reference in double.
  expect(theirs.shape).toEqual(ours.shape);
  theirs.data.forEach((value, i) => {
    expect(Math.abs(value - (ours.data[i] as number))).toBeLessThanOrEqual(1e-6);
  });
  // Row by row, without the padding of a batch.
  for (const row of [0, 5, 11]) {
    const one = await loaded.predict({ left: [x.left[row] as number[]], right: [x.right[row] as number[][]] });
    expect(one.data[0]).toBeCloseTo(ours.data[row] as number, 5);
  }
});

test("the sum of sequences of different lengths is as long as the longer, for predictions and targets", async () => {
  const [a, b] = [sequence("a"), sequence("b")];
  const x = {
    a: { values: float32([2, 3, 1], [1, 2, 3, 4, 5, 6]), lengths: [1, 3] },
    b: { values: float32([2, 3, 1], [10, 20, 30, 40, 50, 60]), lengths: [2, 0] },
  };
  const wanted = {
    add: [11, 20, 0, 4, 5, 6],
    subtract: [-9, -20, 0, 4, 5, 6],
    multiply: [10, 20, 0, 4, 5, 6],
    average: [5.5, 20, 0, 4, 5, 6],
    maximum: [10, 20, 0, 4, 5, 6],
    minimum: [1, 20, 0, 4, 5, 6],
    concatenate: [1, 10, 0, 20, 0, 0, 4, 0, 5, 0, 6, 0],
  };
  const backend = reference();
  for (const [name, values] of Object.entries(wanted)) {
    const made = model([a, b], everyLayer[name as keyof typeof everyLayer]()([a, b]));
    await using ready = await predictor({ spec: made.spec, weights: {} }, { backend });
    expect(Array.from((await ready.predict(x)).data), name).toEqual(values);
  }
});
