/** The exact metrics of a classifier, against counting by hand and against their definitions. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError } from "../src/errors.ts";
import {
  classificationReport,
  confusionMatrix,
  logLoss,
  rocAuc,
  rocCurve,
} from "../src/train/objective/classification.ts";
import { untyped } from "./expectMisuse.ts";

/** Rows of both classes with few distinct scores, so that there are many ties. */
const rows = fc
  .array(fc.record({ label: fc.constantFrom(0, 1), score: fc.integer({ min: 0, max: 6 }) }), {
    minLength: 2,
    maxLength: 60,
  })
  .filter((data) => new Set(data.map((row) => row.label)).size === 2);
const split = (data: readonly { label: number; score: number }[]) =>
  [data.map((row) => row.label), data.map((row) => row.score)] as const;

describe("rocAuc", () => {
  test("of scikit-learn's example", () => {
    expect(rocAuc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toBe(0.75);
  });

  test("counts ties half: equal scores are 0.5, whatever the order of the rows", () => {
    expect(rocAuc([0, 1, 0, 1, 1], [0.5, 0.5, 0.5, 0.5, 0.5])).toBe(0.5);
    expect(rocAuc([1, 0, 1], [0.9, 0.9, 1])).toBe(0.75);
  });

  test("is the share of (positive, negative) pairs in the right order", () => {
    fc.assert(
      fc.property(rows, (data) => {
        const [labels, scores] = split(data);
        const positives = data.filter((row) => row.label === 1);
        const negatives = data.filter((row) => row.label === 0);
        let pairs = 0;
        for (const p of positives)
          for (const n of negatives) pairs += p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0;
        expect(rocAuc(labels, scores)).toBeCloseTo(pairs / (positives.length * negatives.length), 12);
      }),
    );
  });

  test("is not a number when a class is missing", () => {
    expect(rocAuc([1, 1], [0.2, 0.3])).toBeNaN();
    expect(rocAuc([], [])).toBeNaN();
  });

  test("says what is wrong with the data", () => {
    expect(() => rocAuc([0, 1], [0.5])).toThrow(
      new DataError("rocAuc: 2 labels but 1 predictions; each row needs both"),
    );
    expect(() => rocAuc([0, 2], [0.5, 0.5])).toThrow("the label of row 1 is 2; labels are 0 and 1");
    expect(() => rocAuc([0, 1], [0.5, Number.NaN])).toThrow("the score of row 1 is NaN, not a number");
    expect(() => rocAuc([0, 1], untyped([0.5, "0.5"]))).toThrow('the score of row 1 is "0.5", not a number');
    expect(() => rocAuc(untyped([false, "1"]), [0.5, 0.5])).toThrow("the label of row 0 is false; labels are 0 and 1");
  });
});

describe("rocCurve", () => {
  test("of scikit-learn's example", () => {
    expect(rocCurve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toEqual([
      { threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, truePositiveRate: 0 },
      { threshold: 0.8, falsePositiveRate: 0, truePositiveRate: 0.5 },
      { threshold: 0.4, falsePositiveRate: 0.5, truePositiveRate: 0.5 },
      { threshold: 0.35, falsePositiveRate: 0.5, truePositiveRate: 1 },
      { threshold: 0.1, falsePositiveRate: 1, truePositiveRate: 1 },
    ]);
  });

  test("encloses the area that rocAuc tells, and rises from (0, 0) to (1, 1)", () => {
    fc.assert(
      fc.property(rows, (data) => {
        const [labels, scores] = split(data);
        const curve = rocCurve(labels, scores);
        let area = 0;
        for (let i = 1; i < curve.length; i++) {
          const [a, b] = [curve[i - 1]!, curve[i]!];
          expect(b.falsePositiveRate).toBeGreaterThanOrEqual(a.falsePositiveRate);
          expect(b.truePositiveRate).toBeGreaterThanOrEqual(a.truePositiveRate);
          expect(b.threshold).toBeLessThan(a.threshold);
          area += ((b.falsePositiveRate - a.falsePositiveRate) * (a.truePositiveRate + b.truePositiveRate)) / 2;
        }
        expect(area).toBeCloseTo(rocAuc(labels, scores), 12);
        expect(curve[0]).toMatchObject({ falsePositiveRate: 0, truePositiveRate: 0 });
        expect(curve.at(-1)).toMatchObject({ falsePositiveRate: 1, truePositiveRate: 1 });
      }),
    );
  });

  test("leaves out points on a straight line", () => {
    const perfect = rocCurve([1, 1, 1, 0, 0, 0], [6, 5, 4, 3, 2, 1]);
    expect(perfect.map((point) => point.threshold)).toEqual([Number.POSITIVE_INFINITY, 4, 1]);
  });
});

describe("confusionMatrix and classificationReport", () => {
  // 3 classes, counted by hand.
  const labels = [0, 0, 0, 1, 1, 2, 2, 2, 2];
  const predicted = [0, 0, 1, 1, 2, 2, 2, 2, 0];
  const matrix = [
    [2, 1, 0],
    [0, 1, 1],
    [1, 0, 3],
  ];

  test("rows are actual classes, columns predicted ones", () => {
    expect(confusionMatrix(labels, predicted, 3)).toEqual(matrix);
    expect(confusionMatrix([0, 0, 0, 1], [0, 0, 1, 0], 2)).toEqual([
      [2, 1],
      [1, 0],
    ]);
  });

  test("scores of each class", () => {
    const report = classificationReport(matrix);
    expect(report.accuracy).toBeCloseTo(6 / 9, 12);
    expect(report.classes.map((scores) => scores.support)).toEqual([3, 2, 4]);
    const [first, second, third] = report.classes.map(({ precision, recall, f1 }) => [precision, recall, f1]);
    for (const [scores, expected] of [
      [first, [2 / 3, 2 / 3, 2 / 3]],
      [second, [1 / 2, 1 / 2, 1 / 2]],
      [third, [3 / 4, 3 / 4, 3 / 4]],
    ] as const) {
      scores?.forEach((score, i) => void expect(score).toBeCloseTo(expected[i]!, 12));
    }
  });

  test("a class that is never called, or has no rows, scores 0", () => {
    expect(
      classificationReport([
        [3, 0],
        [2, 0],
      ]).classes[1],
    ).toEqual({ precision: 0, recall: 0, f1: 0, support: 2 });
    expect(
      classificationReport([
        [0, 0],
        [0, 0],
      ]),
    ).toMatchObject({ accuracy: 0 });
  });

  test("a class that is not there is an error that names the row", () => {
    expect(() => confusionMatrix([0, 2], [0, 1], 2)).toThrow("the label of row 1 is 2, not a class from 0 to 1");
    expect(() => confusionMatrix([0, 1], [0, 0.5], 2)).toThrow("the prediction of row 1 is 0.5, not a class");
  });
});

describe("logLoss", () => {
  test("is the mean of -log of the probability given to the label", () => {
    expect(logLoss([1, 0, 1], [0.9, 0.2, 0.5])).toBeCloseTo(-(Math.log(0.9) + Math.log(0.8) + Math.log(0.5)) / 3, 12);
  });

  test("stays finite at 0 and 1, as Keras", () => {
    expect(logLoss([0, 1], [1, 0])).toBeCloseTo(-Math.log(1e-7), 6);
    expect(logLoss([1], [1])).toBeCloseTo(1e-7, 12);
  });
});
