/** Layers of several inputs against formulas written out naively: values and gradients, over inputs of every kind and of different lengths. */
import { evaluate } from "@ostinato/conformance";
import {
  add,
  average,
  concatenate,
  dense,
  inferenceGraph,
  input,
  lstm,
  type MergingLayer,
  maximum,
  meanSquaredError,
  minimum,
  model,
  multiply,
  type Symbolic,
  subtract,
  type Tensors,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectGradients, trainedBy } from "./keras/gradients.ts";
import { kerasPredict, type Row } from "./keras/layers.ts";
import { kerasLoss } from "./keras/losses.ts";
import { feedsOfInput, Trials, targetFeed } from "./keras/trial.ts";

const layers: Readonly<Record<string, () => MergingLayer>> = {
  concatenate,
  add,
  multiply,
  average,
  maximum,
  minimum,
  subtract,
};
const forms = ["features", "sequences", "ragged sequences", "ragged and whole sequences"] as const;

/** Two or three inputs through a dense layer each, merged, and behind that a dense layer, or a recurrence that must know lengths. */
function draw(name: string, form: (typeof forms)[number], seed: number) {
  const trials = new Trials(`${name}/${form}`, seed);
  const [batch, time, units] = [trials.size(), trials.size(), trials.size()];
  const count = name === "subtract" || seed % 3 === 0 ? 2 : 3;
  const own = Array.from({ length: count }, (_, i) => {
    const features = trials.size();
    const lengths = form === "ragged sequences" || (form === "ragged and whole sequences" && i !== seed % count);
    const start: Symbolic =
      form === "features"
        ? input({ name: `x${i}`, shape: [features] })
        : input({ name: `x${i}`, shape: ["time", features], lengths });
    const rows = Array.from({ length: batch }, (_, row): Row => {
      if (form === "features") return { ids: [], steps: [], vector: trials.floats(features), length: 1 };
      const length = lengths ? [0, 1, time, trials.random.below(time + 1)][(row + i + seed) % 4] : time;
      return { ids: [], steps: Array.from({ length: time }, () => trials.floats(features)), length };
    });
    return { start, rows, width: name === "concatenate" ? trials.size() : units };
  });
  const wide = own.map(({ start, width }) => dense({ units: width })(start as Symbolic<"sequence">));
  const merged = layers[name]()(wide);
  const last =
    form !== "features" && seed % 2 ? lstm({ units: 2, reverse: true })(merged) : dense({ units: 2 })(merged);
  const made = model(
    own.map(({ start }) => start),
    last,
  );
  const rows = own.map((one) => one.rows);
  return { trials, model: made, weights: trials.weights(made), rows, batch, time };
}

type Drawn = ReturnType<typeof draw>;

const predictions = ({ model: { spec }, rows, batch }: Drawn, weights: Tensors): Row[] =>
  Array.from({ length: batch }, (_, row) => kerasPredict(spec, weights, ...rows.map((own) => own[row])));

/** The feeds of all inputs; what stands after the end of a row is large, so that it shows where it is read. */
const feeds = ({ model: { spec }, rows, time }: Drawn, more = 0): Tensors =>
  Object.assign(
    {},
    ...spec.inputs.map((one, i) =>
      feedsOfInput(
        one,
        rows[i].map((row) => (one.lengths ? { ...row, steps: row.steps.slice(0, row.length) } : row)),
        time + more,
        () => 50,
      ),
    ),
  );

for (const name of Object.keys(layers)) {
  describe(name, () => {
    for (const form of forms) {
      test(`of ${form}`, () => {
        for (let seed = 1; seed <= 12; seed++) {
          const drawn = draw(name, form, seed);
          const { output } = evaluate(inferenceGraph(drawn.model.spec), feeds(drawn), drawn.weights).fetches;
          const expected = predictions(drawn, drawn.weights);
          expected.forEach(({ vector, steps, length }, row) => {
            const wanted = vector ?? steps.slice(0, length).flat();
            const from = (row * output.data.length) / drawn.batch;
            wanted.forEach((value, i) => {
              expect(Math.abs(output.data[from + i] - value), `seed ${seed}, row ${row}`).toBeLessThanOrEqual(1e-12);
            });
          });

          const loss = meanSquaredError();
          const over = expected[0].vector === undefined;
          const shown = expected.map((row) => (over && row.length === 0 ? { ...row, steps: [[0, 0]] } : row));
          const targets = drawn.trials.targets(loss.kind, shown);
          const target = targetFeed(loss, targets, over, drawn.time);
          const trained = trainedBy(drawn, loss, { ...feeds(drawn), "output/target": target });
          const naive = (weights: Tensors) => kerasLoss(loss.kind, predictions(drawn, weights), targets);
          expect(Math.abs(trained.loss - naive(drawn.weights)), `seed ${seed}`).toBeLessThanOrEqual(1e-9);
          expectGradients(drawn, trained, naive, `seed ${seed}`);
        }
      });
    }
  });
}

test("steps past the end of all inputs change nothing at all", () => {
  for (const name of Object.keys(layers)) {
    for (const seed of [1, 3, 5, 7]) {
      const drawn = draw(name, "ragged sequences", seed);
      const run = (more: number) =>
        Array.from(evaluate(inferenceGraph(drawn.model.spec), feeds(drawn, more), drawn.weights).fetches.output.data);
      expect(run(2), `${name}, seed ${seed}`).toEqual(run(0));
    }
  }
});
