/** The table of a model: the network of the article, parameter by parameter. */
import {
  activation,
  countParameters,
  dense,
  dropout,
  embedding,
  input,
  lstm,
  model,
  parametersOf,
  sequential,
  summary,
  summaryRows,
} from "@ostinato/core";
import { expect, test } from "vitest";

const article = sequential([
  embedding({ inputDim: 5000, outputDim: 10 }),
  lstm({ units: 128 }),
  dense({ units: 1, activation: "sigmoid" }),
]);

test("the article's network has 50,000 + 71,168 + 129 = 121,297 parameters", () => {
  expect(countParameters(article)).toBe(121_297);
  expect(summaryRows(article).map((row) => row.parameters)).toEqual([50_000, 71_168, 129]);
  expect(summary(article, { time: 300 })).toMatchInlineSnapshot(`
    "Layer (kind)           Output shape      Parameters
    ───────────────────────────────────────────────────
    embedding (embedding)  [batch, 300, 10]      50,000
    lstm (lstm)            [batch, 128]          71,168
    dense (dense)          [batch, 1]               129
    ───────────────────────────────────────────────────
    Total parameters: 121,297"
  `);
});

test("sizes that are not given stay names", () => {
  expect(summaryRows(article)[0]).toEqual({
    name: "embedding",
    kind: "embedding",
    shape: ["batch", "time", 10],
    parameters: 50_000,
  });
  expect(summaryRows(article, { time: 300, batch: 32 })[0]?.shape).toEqual([32, 300, 10]);
});

test("layers without parameters have none, and a layer applied twice is counted once", () => {
  const x = input({ shape: [3] });
  const twice = dense({ units: 3, name: "shared" });
  const network = model(x, activation({ activation: "tanh" })(twice(dropout({ rate: 0.5 })(twice(x)))));
  expect(summaryRows(network).map(({ name, parameters }) => [name, parameters])).toEqual([
    ["shared", 12],
    ["dropout", 0],
    ["shared", 0],
    ["activation", 0],
  ]);
  expect(countParameters(network)).toBe(12);
});

test("parameters are listed with their names and shapes, frozen ones told apart", () => {
  const network = sequential([
    embedding({ inputDim: 5, outputDim: 2, trainable: false }),
    lstm({ units: 1, name: "reader" }),
    dense({ units: 1 }),
  ]);
  expect(parametersOf(network)).toEqual([
    { name: "embedding/embeddings", shape: [5, 2], trainable: false },
    { name: "reader/W", shape: [4, 2], trainable: true },
    { name: "reader/R", shape: [4, 1], trainable: true },
    { name: "reader/B", shape: [4], trainable: true },
    { name: "dense/kernel", shape: [1, 1], trainable: true },
    { name: "dense/bias", shape: [1], trainable: true },
  ]);
});
