/** The quantile loss against its formula, what it settles on, and what is refused. */
import { evaluateValues, reference } from "@ostinato/conformance";
import {
  adam,
  compile,
  dense,
  feed,
  float64,
  fromBytes,
  input,
  quantileLoss,
  RandomStream,
  sequential,
  toBytes,
  trainedLoss,
} from "@ostinato/core";
import { expect, test } from "vitest";

const pinball = (q: number, y: number, p: number): number => (y > p ? q * (y - p) : (q - 1) * (y - p));

test("is the mean of the pinball losses of all units, of one number or several, over rows and steps", () => {
  const random = new RandomStream(1, "quantiles");
  const quantiles = [0.1, 0.5, 0.75];
  for (const numbers of [1, 2]) {
    const [p, y] = [12 * numbers, 4 * numbers].map((count) => Array.from({ length: count }, () => random.uniform()));
    const values = feed("p", "float32", ["time", "batch", 3 * numbers]);
    const context = { name: "", output: { kind: "sequence" as const, values }, parameter: () => values };
    const target = feed("y", "float32", ["time", "batch", numbers]);
    const [losses] = evaluateValues([quantileLoss({ quantiles }).perRow(values, target, context)], {
      p: float64([2, 2, 3 * numbers], p),
      y: float64([2, 2, numbers], y),
    });
    const expected = Array.from({ length: 4 }, (_, row) => {
      const all = Array.from({ length: numbers }, (_, k) =>
        quantiles.map((q, i) => pinball(q, y[row * numbers + k], p[(row * numbers + k) * 3 + i])),
      ).flat();
      return all.reduce((a, b) => a + b) / all.length;
    });
    expected.forEach((loss, row) => void expect(losses.data[row]).toBeCloseTo(loss, 12));
  }
});

test("units settle where their share of the targets lies below them", async () => {
  const quantiles = [0.1, 0.5, 0.9];
  await using trainer = await compile(
    sequential([input({ shape: [1] }), dense({ units: 3, kernelInitializer: "zeros" })]),
    { backend: reference(), loss: quantileLoss({ quantiles }), optimizer: adam({ learningRate: 0.05 }) },
  );
  // 0, 1, …, 100 in hundredths: the quantiles are known.
  const y = Array.from({ length: 101 }, (_, i) => i / 100);
  await trainer.fit({ x: y.map(() => [0]), y }, { epochs: 150, batchSize: 101 });
  const { data } = await trainer.predict([[0]]);
  quantiles.forEach((q, i) => void expect(Math.abs(data[i] - q)).toBeLessThan(0.03));
  const trained = fromBytes(toBytes(await trainer.snapshot()));
  expect(trainedLoss(trained, quantileLoss).options.quantiles).toEqual(quantiles);
});

test("what is refused", async () => {
  for (const quantiles of [[], [0], [1], [0.9, 0.1], [0.5, 0.5], ["0.5"], 0.5] as never[])
    expect(() => quantileLoss({ quantiles })).toThrow("quantiles must be numbers between 0 and 1, each larger");
  const compiled = async (units: number) =>
    compile(sequential([input({ shape: [1] }), dense({ units })]), {
      backend: reference(),
      loss: quantileLoss({ quantiles: [0.1, 0.9] }),
      optimizer: adam(),
    });
  await expect(compiled(3)).rejects.toThrow(
    'of "output": the output has 3 units; it needs one for each of the 2 quantiles',
  );
  await using trainer = await compiled(2);
  await expect(trainer.evaluate({ x: [[1]], y: [[1, 2]] })).rejects.toThrow("row 0 has 2 numbers");
});
