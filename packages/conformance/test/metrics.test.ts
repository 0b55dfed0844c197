/** Metrics against Keras's formulas written out naively. */
import { evaluateValues } from "@ostinato/conformance";
import {
  accuracy,
  auc,
  feed,
  float32,
  int32,
  type Metric,
  type Prediction,
  RandomStream,
  type Tensor,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { type Judged, kerasAccuracy, kerasAuc } from "./keras/metrics.ts";

/** The sums of one batch. */
function sumsOf(metric: Metric, rows: readonly Judged[], labels: boolean, weighted: boolean): Float64Array {
  const features = rows[0].predicted.length;
  const values = feed("values", "float32", ["batch", features]);
  const target = labels ? feed("target", "int32", ["batch"]) : feed("target", "float32", ["batch", features]);
  const weights = feed("weights", "float32", ["batch"]);
  const prediction: Prediction = { values, target, ...(weighted ? { weights } : {}) };
  const flat = rows.flatMap((row) => row.target);
  const feeds: Record<string, Tensor> = {
    values: float32(
      [rows.length, features],
      rows.flatMap((row) => row.predicted),
    ),
    target: labels ? int32([rows.length], flat) : float32([rows.length, features], flat),
    weights: float32(
      [rows.length],
      rows.map((row) => row.weight),
    ),
  };
  return Float64Array.from(evaluateValues([metric.sums(prediction) as Value], feeds)[0].data);
}

/** The metric over all rows, fed in batches of random sizes. */
function streamed(metric: Metric, rows: readonly Judged[], labels: boolean, weighted: boolean, random: RandomStream) {
  const total = sumsOf(metric, rows, labels, weighted);
  const whole = metric.result(total);
  const folded = new Float64Array(total.length);
  for (let from = 0; from < rows.length; ) {
    const count = 1 + random.below(rows.length - from);
    sumsOf(metric, rows.slice(from, from + count), labels, weighted).forEach((sum, i) => {
      folded[i] += sum;
    });
    from += count;
  }
  expect(Math.abs(metric.result(folded) - whole)).toBeLessThan(1e-12);
  return whole;
}

type Kind = "one output" | "labels" | "distributions";

function judged(kind: Kind, seed: number): { rows: Judged[]; weighted: boolean; random: RandomStream } {
  const random = new RandomStream(seed, `metrics/${kind}`);
  const count = seed === 1 ? 1 : 1 + random.below(40);
  const outputs = kind === "one output" ? 1 : 2 + random.below(4);
  const weighted = seed % 2 === 0;
  const rows = Array.from({ length: count }, (): Judged => {
    // Few distinct scores, so that there are ties, and numbers that fall on thresholds.
    const predicted = Array.from({ length: outputs }, () =>
      Math.fround([random.uniform(), random.below(5) / 4][random.below(2)]),
    );
    const label = random.below(kind === "one output" ? 2 : outputs);
    const target =
      kind === "distributions" ? predicted.map((_, k) => (k === label ? 0.7 : 0.3 / (outputs - 1))) : [label];
    return { predicted, target, weight: weighted ? random.below(4) / 2 : 1 };
  });
  return { rows, weighted, random };
}

describe("accuracy", () => {
  for (const kind of ["one output", "labels", "distributions"] as const) {
    test(`of ${kind}`, () => {
      for (let seed = 1; seed <= 40; seed++) {
        const { rows, weighted, random } = judged(kind, seed);
        const actual = streamed(accuracy(), rows, kind === "labels", weighted, random);
        expect(actual, `seed ${seed}`).toBeCloseTo(kerasAccuracy(rows, kind === "labels"), 12);
      }
    });
  }

  test("of nothing that counts is 0, as in Keras", () => {
    const rows = [{ predicted: [0.9], target: [1], weight: 0 }];
    expect(accuracy().result(sumsOf(accuracy(), rows, false, true))).toBe(0);
  });
});

describe("auc over 200 thresholds", () => {
  test("is Keras's", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { rows, weighted, random } = judged("one output", seed);
      const actual = streamed(auc(), rows, false, weighted, random);
      expect(actual, `seed ${seed}`).toBeCloseTo(kerasAuc(rows), 12);
    }
  });

  test("of a perfect and of a useless classifier", () => {
    const row = (p: number, y: number): Judged => ({ predicted: [p], target: [y], weight: 1 });
    const of = (rows: readonly Judged[]) => auc().result(sumsOf(auc(), rows, false, false));
    expect(of([row(0, 0), row(1, 1), row(0.1, 0), row(0.8, 1)])).toBe(1);
    expect(of([row(0, 1), row(1, 0)])).toBe(0);
    expect(of([row(0.5, 1), row(0.5, 0)])).toBe(0.5);
    expect(of([row(0.5, 1)])).toBe(0);
  });
});
