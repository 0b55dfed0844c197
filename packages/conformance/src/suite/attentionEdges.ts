/** Attention where softmax is put to the test: huge scores, long rows, rows without steps. */
import {
  attention,
  attentionWeights,
  feed,
  float32,
  inferenceGraph,
  input,
  int32,
  model,
  RandomStream,
  type Tensor,
} from "@ostinato/core";
import { expect } from "vitest";
import { evaluate } from "../reference/evaluate.ts";
import { expectClose, type SuiteTest, withExecutable } from "./suiteTest.ts";

const sequence = (shape: readonly number[], scale: number): Tensor => {
  const random = new RandomStream(1, `sequence ${shape}`);
  const size = shape.reduce((a, b) => a * b, 1);
  return float32(
    shape,
    Float32Array.from({ length: size }, () => scale * (2 * random.uniform() - 1)),
  );
};

export const attentionTests: readonly SuiteTest[] = [
  {
    name: "attention > long rows and huge scores stay finite, and what is past the end has no weight at all",
    run: async (backend) => {
      const x = input({ name: "x", shape: ["time", 4], lengths: true });
      const [context, scores] = attention({ returnAttentionScores: true })([x, x]);
      const graph = inferenceGraph(model(x, { context, scores }).spec);
      const time = 300;
      const lengths = [time, 1, 0, 299];
      // Scores of up to 4e12.
      const feeds = { x: sequence([4, time, 4], 1e6), "x/lengths": int32([4], lengths) };
      await withExecutable(backend, { graph, capacities: { batch: 4, time } }, async (executable) => {
        const results = await executable.run(feeds);
        expect([...results.context.data, ...results.scores.data].every(Number.isFinite)).toBe(true);
        lengths.forEach((length, row) => {
          for (let step = 0; step < time; step++) {
            const from = (row * time + step) * time;
            const weights = results.scores.data.subarray(from, from + time) as Float32Array;
            const counted = step < length ? length : 0;
            const total = weights.reduce((sum, weight) => sum + weight, 0);
            const beyond = weights.subarray(counted).some((weight) => weight !== 0);
            if (beyond || Math.abs(total - (counted > 0 ? 1 : 0)) > 1e-5)
              expect.fail(`row ${row}, step ${step}: the weights sum to ${total}`);
          }
        });
        const zeros = results.context.data.subarray(2 * time * 4, 3 * time * 4);
        expect(zeros.every((value) => value === 0)).toBe(true);
      });
    },
  },
  {
    name: "attention > scores near the ends of single precision",
    run: async (backend) => {
      const given = feed("scores", "float32", ["batch", 5]);
      const graph = { fetches: { weights: attentionWeights(given, feed("steps", "int32", ["batch"])) }, updates: [] };
      const feeds = {
        scores: float32(
          [4, 5],
          [3e38, -3e38, 3e38, 0, 1, -1e38, -1e38, -2e38, 7, 7, 1e30, 0, 0, 0, 0, -5, -6, 1, 2, 3],
        ),
        steps: int32([4], [3, 3, 1, 0]),
      };
      await withExecutable(backend, { graph, capacities: { batch: 4 } }, async (executable) => {
        const { weights } = await executable.run(feeds);
        expectClose(weights, evaluate(graph, feeds).fetches.weights, "weights");
        expect(Array.from(weights.data.subarray(5))).toEqual([0.5, 0.5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      });
    },
  },
];
