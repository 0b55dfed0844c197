/** Every op with an ONNX form, run by onnxruntime on random shapes and data, against the float64 reference. */
import { trialOf } from "@ostinato/conformance";
import { feed, nodesOf, type OpName, opNames, ops, recurrence, rootsOf } from "@ostinato/core";
import { graphToOnnx } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import { expectParity, graphOf } from "./run.ts";

const ofTraining: readonly OpName[] = [
  "dropoutMask",
  "normalNoise",
  "softmaxCrossentropy",
  ...opNames.filter((op) => ops[op].gradientOf || ops[op].late),
];

function graphOfTrial(op: OpName, seed: number) {
  const { fetches, feeds } = trialOf(op, seed);
  const named = Object.entries(fetches).map(([name, value]) => [`${name} out`, value]);
  return { graph: graphOf(Object.fromEntries(named)), feeds };
}

describe("onnxruntime computes what the reference computes", () => {
  for (const op of opNames.filter((name) => !ofTraining.includes(name))) {
    test(op, async () => {
      for (let seed = 1, checked = 0; checked < 12; seed++) {
        expect(seed, "exportable trials are too rare").toBeLessThan(40);
        const { graph, feeds } = graphOfTrial(op, seed);
        // A mask on the recurrent input belongs to training (below).
        if (nodesOf(rootsOf(graph)).some((node) => node.op === "dropoutMask")) continue;
        checked += 1;
        await expectParity(graph, feeds, {}, { opset: seed % 2 === 0 ? 17 : 22 });
      }
    });
  }
});

test.each(ofTraining)("%s is refused by name", (op) => {
  expect(() => graphToOnnx(graphOfTrial(op, 1).graph, {})).toThrow(new RegExp(`^no ONNX form: .*${op} \\(.*training`));
});

test("an lstm with a mask on the recurrent input is refused by name", () => {
  const { y } = recurrence("lstm", {
    X: feed("X", "float32", ["time", "batch", 2]),
    W: feed("W", "float32", [12, 2]),
    R: feed("R", "float32", [12, 3]),
    B: feed("B", "float32", [12]),
    recurrentMask: feed("mask", "float32", [4, "batch", 3]),
  });
  expect(() => graphToOnnx(graphOf({ y }), {})).toThrow(/^lstm: .*recurrentMask.*inference graph/);
});
