/** Small models of every form of input and target, and their data as it is read and fed. */
import {
  binaryCrossentropy,
  dense,
  embedding,
  type Inputs,
  input,
  type Loss,
  lstm,
  type Model,
  type Rows,
  sequential,
} from "@ostinato/core";
import { inOrder } from "../src/train/data/batchOrder.ts";
import { batchWriter } from "../src/train/data/batchWriter.ts";
import { type Dataset, readDataset } from "../src/train/data/dataset.ts";
import { targetsOf } from "../src/train/objective/graphs.ts";
import { trainedOutputs } from "../src/train/objective/objective.ts";

export const masked = sequential([
  embedding({ inputDim: 9, outputDim: 2, maskZero: true, name: "words" }),
  lstm({ units: 2 }),
  dense({ units: 1, activation: "sigmoid" }),
]);
export const unmasked = sequential([
  embedding({ inputDim: 9, outputDim: 2, name: "words" }),
  lstm({ units: 2 }),
  dense({ units: 1, activation: "sigmoid" }),
]);
export const features = sequential([input({ shape: [2], name: "x" }), dense({ units: 1, activation: "sigmoid" })]);
export const single = sequential([input({ shape: [1], name: "x" }), dense({ units: 1 })]);
export const sequence = sequential([
  input({ shape: ["time", 2], name: "x" }),
  lstm({ units: 2 }),
  dense({ units: 1, activation: "sigmoid" }),
]);
export const ragged = sequential([
  input({ shape: ["time", 2], name: "x", lengths: true }),
  lstm({ units: 2, returnSequences: true }),
  dense({ units: 1, activation: "sigmoid" }),
]);
export const classes = sequential([input({ shape: [2], name: "x" }), dense({ units: 3, activation: "softmax" })]);
export const tagged = sequential([
  embedding({ inputDim: 9, outputDim: 2, maskZero: true }),
  dense({ units: 3, activation: "softmax" }),
]);

export function read(
  { spec }: Model,
  x: Inputs,
  y?: Rows,
  loss: Loss = binaryCrossentropy(),
  sampleWeights?: Rows,
): Dataset {
  const targets = targetsOf(spec, trainedOutputs(spec, { loss }));
  return readDataset(
    spec,
    x,
    y === undefined ? undefined : { targets, y, ...(sampleWeights ? { sampleWeights } : {}) },
  );
}

/** Everything that the first `count` rows are fed as, copied. */
export function batch(
  dataset: Dataset,
  count = dataset.rows,
  from = 0,
): Record<string, { shape: number[]; data: number[] }> {
  const writer = batchWriter(dataset, dataset.rows);
  writer.write(inOrder(dataset.rows), from, count);
  return Object.fromEntries(
    Object.entries(writer.feeds).map(([name, { shape, data }]) => [
      name,
      {
        shape: [...shape],
        data: Array.from(data).slice(
          0,
          shape.reduce((a, b) => a * b, 1),
        ),
      },
    ]),
  );
}
