/** Every op with an ONNX form, run by onnxruntime on random shapes and data, against the float64 reference. */
import { trialOf } from "@ostinato/conformance";
import { type OpName, opNames } from "@ostinato/core";
import { graphToOnnx } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import { expectParity, graphOf } from "./run.ts";

const ofTraining: readonly OpName[] = ["dropoutMask", "lstmGrad"];

function graphOfTrial(op: OpName, seed: number) {
  const { fetches, feeds } = trialOf(op, seed);
  const named = Object.entries(fetches).map(([name, value]) => [`${name} out`, value]);
  return { graph: graphOf(Object.fromEntries(named)), feeds };
}

describe("onnxruntime computes what the reference computes", () => {
  for (const op of opNames.filter((name) => !ofTraining.includes(name))) {
    test(op, async () => {
      for (let seed = 1; seed <= 12; seed++) {
        const { graph, feeds } = graphOfTrial(op, seed);
        await expectParity(graph, feeds, {}, { opset: seed % 2 === 0 ? 17 : 22 });
      }
    });
  }
});

test.each(ofTraining)("%s is refused by name", (op) => {
  expect(() => graphToOnnx(graphOfTrial(op, 1).graph, {})).toThrow(new RegExp(`^no ONNX form: ${op} \\(.*training`));
});
