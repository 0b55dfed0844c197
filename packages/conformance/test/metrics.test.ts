/** Metrics against Keras's formulas written out naively. */
import { evaluateValues, reference } from "@ostinato/conformance";
import {
  accuracy,
  auc,
  binaryAccuracy,
  categoricalAccuracy,
  compile,
  confusion,
  dense,
  f1,
  fBeta,
  feed,
  float32,
  huber,
  input,
  int32,
  lossMetric,
  type Metric,
  meanAbsoluteError,
  meanSquaredError,
  type Prediction,
  perplexity,
  precision,
  RandomStream,
  recall,
  rootMeanSquaredError,
  sequential,
  sgd,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  type Tensor,
  topKCategoricalAccuracy,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import {
  type Judged,
  kerasAccuracy,
  kerasAuc,
  kerasBinaryAccuracy,
  kerasFBeta,
  kerasMeanAbsoluteError,
  kerasPrecision,
  kerasRecall,
  kerasRootMeanSquaredError,
  kerasTopK,
  naiveConfusion,
  naivePerplexity,
} from "./keras/metrics.ts";

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
  expect(Math.abs(metric.result(folded) - whole)).toBeLessThan(1e-12 * Math.max(1, whole));
  return whole;
}

type Kind = "one output" | "labels" | "distributions" | "tags";

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
    if (kind === "tags") {
      const tags = predicted.map(() => random.below(2));
      return { predicted, target: tags, weight: weighted ? random.below(4) / 2 : 1 };
    }
    const target =
      kind === "distributions"
        ? predicted.map((_, k) => Math.fround(k === label ? 0.7 : 0.3 / (outputs - 1)))
        : [label];
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

/** A metric, the kinds of rows it is for, and what it must be. */
type Case = readonly [
  name: string,
  metric: () => Metric,
  kinds: readonly Kind[],
  naive: (rows: readonly Judged[]) => number,
];

const diagonal = (rows: readonly Judged[], threshold: number): number => {
  const found = naiveConfusion(rows, threshold).flatMap((row, k) => {
    const all = row.reduce((a, b) => a + b, 0);
    return all === 0 ? [] : [row[k] / all];
  });
  return found.length === 0 ? 0 : found.reduce((a, b) => a + b, 0) / found.length;
};
const outputs: readonly Kind[] = ["one output", "tags"];
const each: readonly Kind[] = ["one output", "labels", "distributions"];

const cases: readonly Case[] = [
  ["binaryAccuracy", () => binaryAccuracy(), outputs, (rows) => kerasBinaryAccuracy(rows, 0.5)],
  [
    "binaryAccuracy above 0.25",
    () => binaryAccuracy({ threshold: 0.25 }),
    outputs,
    (rows) => kerasBinaryAccuracy(rows, 0.25),
  ],
  ["categoricalAccuracy", () => categoricalAccuracy(), ["distributions"], (rows) => kerasAccuracy(rows, false)],
  ["sparseCategoricalAccuracy", () => sparseCategoricalAccuracy(), ["labels"], (rows) => kerasAccuracy(rows, true)],
  ...[1, 2, 3].flatMap((k): Case[] => [
    [
      `topKCategoricalAccuracy of ${k}`,
      () => topKCategoricalAccuracy({ k }),
      ["distributions"],
      (rows) => kerasTopK(rows, k),
    ],
    [
      `sparseTopKCategoricalAccuracy of ${k}`,
      () => sparseTopKCategoricalAccuracy({ k }),
      ["labels"],
      (rows) => kerasTopK(rows, k),
    ],
  ]),
  ["sparseTopKCategoricalAccuracy", () => sparseTopKCategoricalAccuracy(), ["labels"], (rows) => kerasTopK(rows, 5)],
  ["precision", () => precision(), [...outputs, "labels"], (rows) => kerasPrecision(rows, 0.5)],
  ["precision above 0.75", () => precision({ threshold: 0.75 }), outputs, (rows) => kerasPrecision(rows, 0.75)],
  ["recall", () => recall(), [...outputs, "labels"], (rows) => kerasRecall(rows, 0.5)],
  ["recall above 0.25", () => recall({ threshold: 0.25 }), outputs, (rows) => kerasRecall(rows, 0.25)],
  ["f1 of one output", () => f1(), ["one output"], (rows) => kerasFBeta(rows, 1, 0.5, "macro")],
  ["f1 of the largest", () => f1(), ["tags", "labels", "distributions"], (rows) => kerasFBeta(rows, 1, null, "macro")],
  ...(["macro", "micro", "weighted"] as const).flatMap((average): Case[] => [
    [
      `fBeta, ${average}`,
      () => fBeta({ beta: 2, average }),
      ["labels", "tags"],
      (rows) => kerasFBeta(rows, 2, null, average),
    ],
    [
      `fBeta above 0.3, ${average}`,
      () => fBeta({ beta: 0.5, threshold: 0.3, average }),
      ["tags", "one output"],
      (rows) => kerasFBeta(rows, 0.5, 0.3, average),
    ],
  ]),
  ["confusion", () => confusion(), each, (rows) => diagonal(rows, 0.5)],
  ["confusion above 0.25", () => confusion({ threshold: 0.25 }), ["one output"], (rows) => diagonal(rows, 0.25)],
  ["perplexity", () => perplexity(), ["labels", "distributions"], naivePerplexity],
  ["lossMetric", () => lossMetric(meanAbsoluteError()), [...outputs, "distributions"], kerasMeanAbsoluteError],
  ["rootMeanSquaredError", () => rootMeanSquaredError(), [...outputs, "distributions"], kerasRootMeanSquaredError],
];

describe("streamed over odd batches, with weights and without", () => {
  for (const [name, metric, kinds, naive] of cases) {
    test(name, () => {
      for (const kind of kinds) {
        for (let seed = 1; seed <= 30; seed++) {
          const { rows, weighted, random } = judged(kind, seed);
          const actual = streamed(metric(), rows, kind === "labels", weighted, random);
          const expected = naive(rows);
          const error = Math.abs(actual - expected);
          expect(error, `${kind}, seed ${seed}`).toBeLessThanOrEqual(1e-9 * Math.max(1, expected));
        }
      }
    });
  }
});

test("the table of confusion is the matrix, rows actual, columns predicted", () => {
  for (const kind of each) {
    for (let seed = 1; seed <= 10; seed++) {
      const { rows, weighted } = judged(kind, seed);
      const sums = sumsOf(confusion(), rows, kind === "labels", weighted);
      expect(confusion().table?.(sums)).toEqual(naiveConfusion(rows, 0.5));
    }
  }
});

describe("wrong metrics", () => {
  const row: Judged = { predicted: [0.1, 0.9], target: [1], weight: 1 };
  test("a metric for other targets says so", () => {
    const wrong: readonly (readonly [Metric, boolean, string])[] = [
      [binaryAccuracy(), true, "binaryAccuracy is for targets with a number for each output"],
      [categoricalAccuracy(), true, "categoricalAccuracy is for targets with a number for each output"],
      [sparseCategoricalAccuracy(), false, "sparseCategoricalAccuracy is for labels"],
      [lossMetric(huber()), true, "the metric huber takes a number for each output"],
    ];
    for (const [metric, labels, message] of wrong) {
      const target = labels ? [1] : [0, 1];
      expect(() => sumsOf(metric, [{ ...row, target }], labels, false)).toThrow(message);
    }
  });

  test("two of one name are refused, and may be told apart by a name", async () => {
    const net = sequential([input({ shape: [2] }), dense({ units: 1, activation: "sigmoid" })]);
    const parts = { backend: reference(), loss: meanSquaredError(), optimizer: sgd() };
    const twice = [precision(), precision({ threshold: 0.9 })];
    await expect(compile(net, { ...parts, metrics: twice })).rejects.toThrow('"precision" would be in the logs twice');
    await expect(compile(net, { ...parts, metrics: [recall({ name: "loss" })] })).rejects.toThrow('"loss" would be');
    expect(() => recall({ name: "a b" })).toThrow("name must be");
    const metrics = [precision(), precision({ threshold: 0.9, name: "surePrecision" })];
    await using trainer = await compile(net, { ...parts, metrics });
    const logs = await trainer.evaluate({ x: [[1, 2]], y: [1] });
    expect(Object.keys(logs)).toEqual(["loss", "precision", "surePrecision"]);
  });
});
