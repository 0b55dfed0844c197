/** Layers that make one vector of a sequence: of rows that all lie below 0 but for their padding, of one step and of none. */
import { evaluate } from "@ostinato/conformance";
import {
  float64,
  globalAveragePooling1d,
  globalMaxPooling1d,
  inferenceGraph,
  input,
  int32,
  lastStep,
  sequential,
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
