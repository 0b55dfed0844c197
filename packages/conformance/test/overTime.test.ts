/** Layers over time: pooling of rows that all lie below 0 but for their padding, of one step and of none; and what others learn from ragged rows and fixed steps. */
import { evaluate, gated, reference } from "@ostinato/conformance";
import {
  adam,
  compile,
  dense,
  float64,
  globalAveragePooling1d,
  globalMaxPooling1d,
  inferenceGraph,
  input,
  int32,
  lastStep,
  layerNormalization,
  lstm,
  masking,
  meanSquaredError,
  repeatVector,
  sequential,
  timeDistributed,
} from "@ostinato/core";
import { expect, test } from "vitest";

const x = [
  [
    [-1, -2],
    [-3, -1],
    [-2, -6],
  ],
  [
    [-4, -5],
    [0, 7],
    [0, 7],
  ],
  [
    [9, 9],
    [9, 9],
    [9, 9],
  ],
];
const feeds = { input: float64([3, 3, 2], x.flat(2)), "input/lengths": int32([3], [3, 1, 0]) };

test.each([
  ["globalMaxPooling1d", globalMaxPooling1d, [-1, -1, -4, -5, 0, 0], [-1, -1, 0, 7, 9, 9]],
  ["globalAveragePooling1d", globalAveragePooling1d, [-2, -3, -4, -5, 0, 0], [-2, -3, -4 / 3, 3, 9, 9]],
  ["lastStep", lastStep, [-2, -6, -4, -5, 0, 0], [-2, -6, 0, 7, 9, 9]],
] as const)("%s sees the steps that count", (_, layer, ofLengths, ofAll) => {
  for (const [lengths, expected] of [
    [true, ofLengths],
    [false, ofAll],
  ] as const) {
    const { spec } = sequential([input({ shape: ["time", 2], lengths }), layer()]);
    const { output } = evaluate(inferenceGraph(spec), feeds).fetches;
    expect(output).toEqual(float64([3, 2], expected));
  }
});

const learning = { backend: reference(), loss: meanSquaredError(), optimizer: adam({ learningRate: 0.05 }), seed: 1 };

test("ragged rows that masking ends are learned from, and padding changes no prediction", async () => {
  const chain = sequential([
    input({ shape: ["time", 1] }),
    masking(),
    timeDistributed(gated({ units: 4, rate: 0.1, stddev: 0.1 })),
    layerNormalization(),
    lstm({ units: 3 }),
    dense({ units: 1 }),
  ]);
  const x = Array.from({ length: 12 }, (_, row) => Array.from({ length: row % 5 }, (_, t) => [1 + ((row + t) % 3)]));
  const y = x.map((row) => row.length / 5);
  await using trainer = await compile(chain, learning);
  const { epochs } = await trainer.fit({ x, y }, { epochs: 12, batchSize: 4 });
  expect(epochs.at(-1)?.loss).toBeLessThan(0.5 * (epochs[0]?.loss ?? 0));
  const padded = x.map((row) => [...row, ...Array.from({ length: 7 - row.length }, () => [0])]);
  expect((await trainer.predict(padded)).data).toEqual((await trainer.predict(x)).data);
});

test("what repeatVector makes is trained with targets of as many steps, and of no others", async () => {
  const chain = sequential([
    input({ shape: [2] }),
    repeatVector({ n: 3 }),
    lstm({ units: 4, returnSequences: true }),
    dense({ units: 1 }),
  ]);
  const x = Array.from({ length: 8 }, (_, row) => [row / 8, 1 - row / 8]);
  const y = x.map(([first = 0]) => [0, 1, 2].map((t) => [first * t]));
  await using trainer = await compile(chain, learning);
  const { epochs } = await trainer.fit({ x, y }, { epochs: 15, batchSize: 4 });
  expect(epochs.at(-1)?.loss).toBeLessThan(0.5 * (epochs[0]?.loss ?? 0));
  expect((await trainer.predict(x)).shape).toEqual([8, 3, 1]);
  await expect(trainer.fit({ x, y: y.map((steps) => steps.slice(1)) })).rejects.toThrow(/2 steps/);
});
