/** Deep models: what it takes to compile them grows as their layers do. */
import {
  adam,
  bind,
  dense,
  input,
  lower,
  lstm,
  type Model,
  meanSquaredError,
  sequential,
  summary,
  trainingGraph,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { processorTime } from "./processorTime.ts";

const denseStack = (layers: number): Model =>
  sequential([
    input({ shape: [4] }),
    ...Array.from({ length: layers }, () => dense({ units: 4, activation: "relu" as const })),
  ]);
const lstmStack = (layers: number): Model =>
  sequential([
    input({ shape: ["time", 2] }),
    ...Array.from({ length: layers }, () => lstm({ units: 2, returnSequences: true })),
  ]);

const native = { name: "native", runs: () => true };

function compileOnce(make: () => Model): void {
  const model = make();
  summary(model);
  const objective = { loss: meanSquaredError(), metrics: [] };
  bind(lower(trainingGraph(model.spec, objective, adam(), 1), native), { batch: 4, time: 5 });
}

describe("six times the layers take about six times the time", () => {
  const cases = [
    ["dense layers", denseStack, 60],
    ["lstms", lstmStack, 40],
  ] as const;
  test.each(cases)("%s", (_, stack, layers) => {
    compileOnce(() => stack(layers));
    const few = processorTime(() => compileOnce(() => stack(layers)));
    const many = processorTime(() => compileOnce(() => stack(6 * layers)));
    expect(many / few).toBeLessThan(12);
  });
});

test("of a thousand layers each has a name of its own", () => {
  const names = denseStack(1000).spec.layers.map(({ name }) => name);
  expect(new Set(names).size).toBe(1000);
  expect(names.slice(0, 3)).toEqual(["dense", "dense_1", "dense_2"]);
});
