/** Optimizers and metrics against Keras's formulas written out naively. */
import { evaluate, evaluateValues } from "@ostinato/conformance";
import {
  accuracy,
  adam,
  auc,
  feed,
  float32,
  float64,
  int32,
  type Metric,
  type Optimizer,
  type Prediction,
  RandomStream,
  sgd,
  square,
  state,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { type Judged, kerasAccuracy, kerasAuc } from "./keras/metrics.ts";

/** Σ (w - goal)², from which the gradient is 2 (w - goal). */
const goal = [3, -2, 0.5, 100, -1e-3];
const start = [0, 1, 0.5, -7, 1e-3];

/** 50 steps of an optimizer on the small problem, by its graph. */
function stepped(optimizer: Optimizer, steps = 50): number[] {
  const w = state("w", "float32", [goal.length]);
  const names = Object.keys(optimizer.slots);
  const step = state("step", "float32", []);
  const gradient = feed("gradient", "float32", [goal.length]);
  const next = optimizer.update({
    parameter: w,
    gradient,
    slots: Object.fromEntries(names.map((name) => [name, state(name, "float32", [goal.length])])),
    iteration: step,
    learningRate: state("rate", "float32", []),
  });
  const updates = [
    { name: "w", value: next.parameter },
    ...Object.entries(next.slots).map(([name, value]) => ({ name, value })),
  ];
  let known: Tensors = {
    w: float64([goal.length], start),
    rate: float64([], [optimizer.learningRate]),
    ...Object.fromEntries(
      names.map((name) => [
        name,
        float64(
          [goal.length],
          goal.map(() => optimizer.slots[name]),
        ),
      ]),
    ),
  };
  for (let t = 1; t <= steps; t++) {
    const g = Array.from(known.w.data, (value, i) => 2 * (value - goal[i]));
    const feeds = { gradient: float64([goal.length], g) };
    known = evaluate({ fetches: { kept: square(w) }, updates }, feeds, { ...known, step: float64([], [t]) }).state;
  }
  return Array.from(known.w.data);
}

/** keras/src/optimizers/adam.py, `update_step`. */
function kerasAdam(rate: number, beta1: number, beta2: number, epsilon: number): number[] {
  const w = [...start];
  const m = goal.map(() => 0);
  const v = goal.map(() => 0);
  for (let t = 1; t <= 50; t++) {
    const alpha = (rate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
    for (let i = 0; i < w.length; i++) {
      const g = 2 * (w[i] - goal[i]);
      m[i] += (g - m[i]) * (1 - beta1);
      v[i] += (g * g - v[i]) * (1 - beta2);
      w[i] -= (m[i] * alpha) / (Math.sqrt(v[i]) + epsilon);
    }
  }
  return w;
}

function kerasSgd(rate: number): number[] {
  const w = [...start];
  for (let t = 1; t <= 50; t++) for (let i = 0; i < w.length; i++) w[i] -= rate * 2 * (w[i] - goal[i]);
  return w;
}

function expectRelative(actual: readonly number[], expected: readonly number[], relative: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i]), `element ${i}`).toBeLessThanOrEqual(relative * Math.abs(expected[i]));
  });
}

describe("50 steps", () => {
  test("of adam, with Keras's defaults", () =>
    expectRelative(stepped(adam()), kerasAdam(0.001, 0.9, 0.999, 1e-7), 1e-6));
  test("of adam, with other options", () => {
    const options = { learningRate: 0.3, beta1: 0.5, beta2: 0.8, epsilon: 0.1 };
    expectRelative(stepped(adam(options)), kerasAdam(0.3, 0.5, 0.8, 0.1), 1e-6);
  });
  test("of sgd", () => {
    expectRelative(stepped(sgd()), kerasSgd(0.01), 1e-6);
    expectRelative(stepped(sgd({ learningRate: 0.2 })), kerasSgd(0.2), 1e-6);
  });
});

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
