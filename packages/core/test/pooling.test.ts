/** Layers that make one vector of a sequence: their types, descriptions, wrong use. */
import {
  dense,
  embedding,
  globalAveragePooling1d,
  globalMaxPooling1d,
  inferenceGraph,
  input,
  lastStep,
  lstm,
  model,
  parseModelSpec,
  printGraph,
  sequential,
} from "@ostinato/core";
import { expect, expectTypeOf, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const rows = () => input({ shape: ["time", 2], lengths: true });

test("they give features, and are read again with the same graph", () => {
  expectTypeOf(globalMaxPooling1d()(rows()).kind).toEqualTypeOf<"features">();
  const made = sequential([
    embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
    lstm({ units: 3, returnSequences: true }),
    globalMaxPooling1d({ name: "peaks" }),
    dense({ units: 1 }),
  ]);
  const read = parseModelSpec(JSON.parse(JSON.stringify(made.spec)));
  expect(read).toEqual(made.spec);
  expect(printGraph(inferenceGraph(read))).toBe(printGraph(inferenceGraph(made.spec)));
});

const wrong: readonly Misuse[] = [
  [
    "pooling where time is gone",
    // @ts-expect-error an lstm that gives only its last state
    () => sequential([rows(), lstm({ units: 2 }), globalMaxPooling1d()]),
    "ShapeError",
    "globalMaxPooling1d takes a sequence [batch, time, features]; give the recurrence before it returnSequences: true",
    "given features [batch, features]",
  ],
  [
    "a recurrence after pooling",
    // @ts-expect-error features
    () => sequential([rows(), globalAveragePooling1d(), lstm({ units: 2 })]),
    "ShapeError",
    "lstm",
    "features",
  ],
  // @ts-expect-error ids
  ["pooling of ids", () => sequential([lastStep()]), "ShapeError", "lastStep", "put an embedding first", "ids"],
  // @ts-expect-error features
  ["features", () => model(input({ shape: [3] }), lastStep()(input({ shape: [3] }))), "ShapeError", "features"],
  ["an option", () => globalMaxPooling1d(untyped({ keepdims: true })), "ConfigError", "globalMaxPooling1d", "keepdims"],
];

for (const misuse of wrong) test(`${misuse[0]} is refused`, () => expectMisuse(misuse));
