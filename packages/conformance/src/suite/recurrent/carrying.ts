/** States that go on: streams and stateful layers, read in pieces, give what the whole rows give; and truncated backpropagation follows the reference. */

import { minGru, peepholeLstm } from "@ostinato/cells";
import {
  accuracy,
  adam,
  type Backend,
  compile,
  continuousBatches,
  dense,
  embedding,
  gru,
  input,
  layerNormalization,
  lstm,
  type Model,
  masking,
  meanSquaredError,
  predictor,
  RandomStream,
  type Rows,
  rnn,
  sequential,
  simpleRnn,
  sparseCategoricalCrossentropy,
  type Trained,
} from "@ostinato/core";
import { reference } from "../../reference/backend.ts";
import { expectClose, type SuiteTest } from "../suiteTest.ts";

const WORDS = 11;
const FEATURES = 3;

type Case = (stateful: boolean) => Model;

const words = () => embedding({ inputDim: WORDS, outputDim: 6 });
const sensors = () => input({ shape: ["time", FEATURES] });

/** Chains with each recurrence, with what kernels run and with what is decomposed; outputs over time, and at the end. */
const cases: Readonly<Record<string, Case>> = {
  "an lstm over ids": (stateful) =>
    sequential([
      words(),
      lstm({ units: 9, returnSequences: true, stateful }),
      dense({ units: 5, activation: "softmax" }),
    ]),
  "more units than a block of sums has": (stateful) =>
    sequential([
      words(),
      lstm({ units: 34, returnSequences: true, stateful }),
      dense({ units: 50, activation: "relu" }),
    ]),
  "a gru over features, its last state": (stateful) =>
    sequential([sensors(), gru({ units: 7, stateful }), dense({ units: 2 })]),
  "a stack of others": (stateful) =>
    sequential([
      sensors(),
      masking(),
      dense({ units: 4, activation: "tanh" }),
      layerNormalization(),
      gru({ units: 5, resetAfter: false, returnSequences: true, stateful }),
      simpleRnn({ units: 6, activation: "relu", returnSequences: true, stateful }),
      lstm({ units: 4, recurrentActivation: "tanh", returnSequences: true, stateful }),
    ]),
  "cells of a user's own": (stateful) =>
    sequential([
      words(),
      rnn([minGru({ units: 5 }), peepholeLstm({ units: 4 })], { returnSequences: true, stateful }),
      rnn(minGru({ units: 3 }), { stateful }),
    ]),
};

/** Weights to begin with, from the seed. */
async function drawn(model: Model): Promise<Trained> {
  await using trainer = await compile(model, {
    backend: reference(),
    loss: meanSquaredError(),
    optimizer: adam(),
    seed: 7,
  });
  return trainer.snapshot();
}

const isOverIds = ({ spec }: Model): boolean => spec.inputs[0]?.kind === "ids";

/** Rows of `steps` steps: ids, or vectors. */
function drawRows(model: Model, count: number, steps: number): readonly (readonly (number | number[])[])[] {
  const random = new RandomStream(5, "rows");
  const ids = isOverIds(model);
  const step = (): number | number[] =>
    ids ? random.below(WORDS) : Array.from({ length: FEATURES }, () => 2 * random.uniform() - 1);
  return Array.from({ length: count }, () => Array.from({ length: steps }, step));
}

const STEPS = 8;

type Steps = readonly (number | number[])[];

/** The outputs of all rows after each of their steps, by row: read whole, as the backend reads shorter rows. */
async function wholeOutputs(backend: Backend, trained: Trained, rows: readonly Steps[]): Promise<number[][]> {
  await using whole = await predictor(trained, { backend });
  const [first] = trained.spec.outputs;
  const outputs: number[][] = rows.map(() => []);
  const { shape, data } = await whole.predict(rows as unknown as Rows);
  if (first !== undefined && shape.length === 3) {
    const width = shape[1] * shape[2];
    return rows.map((_, row) => [...data.subarray(row * width, (row + 1) * width)]);
  }
  for (let end = 1; end <= STEPS; end++) {
    const {
      shape: [, width],
      data: last,
    } = await whole.predict(rows.map((row) => row.slice(0, end)) as unknown as Rows);
    rows.forEach((_, row) => {
      outputs[row].push(...last.subarray(row * width, (row + 1) * width));
    });
  }
  return outputs;
}

/** The same by a stream, one step after another. Rows take turns in pausing; before the last steps all but the first have begun anew, and are read again. */
async function streamedOutputs(backend: Backend, trained: Trained, rows: readonly Steps[]): Promise<number[][]> {
  await using whole = await predictor(trained, { backend });
  await using stream = whole.stream({ batchSize: rows.length });
  const outputs: number[][] = rows.map(() => []);
  const read = rows.map(() => 0);
  const others = rows.slice(1).map((_, i) => i + 1);
  for (let turn = 0; read.some((steps) => steps < STEPS); turn++) {
    if (turn === 4) {
      await stream.reset(others);
      for (const row of others) [read[row], outputs[row]] = [0, []];
    }
    const goes = rows.map((_, row) => row !== turn % (rows.length + 1) && read[row] < STEPS);
    const x = rows.map((row, i) => (goes[i] ? [row[read[i]]] : []));
    const { shape, data } = await stream.step(x as unknown as Rows);
    const width = shape.at(-1) ?? 0;
    rows.forEach((_, row) => {
      if (!goes[row]) return;
      read[row] += 1;
      outputs[row].push(...data.subarray(row * width, (row + 1) * width));
    });
  }
  return outputs;
}

/** The same where a stateful model is given pieces of so many steps. Of outputs that are not over time there is one for each piece. */
async function piecedOutputs(
  backend: Backend,
  trained: Trained,
  rows: readonly Steps[],
  size: number,
): Promise<number[][]> {
  await using stateful = await predictor(trained, { backend });
  const outputs: number[][] = rows.map(() => []);
  for (let start = 0; start < STEPS; start += size) {
    const { shape, data } = await stateful.predict(
      rows.map((row) => row.slice(start, start + size)) as unknown as Rows,
    );
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    rows.forEach((_, row) => {
      outputs[row].push(...data.subarray(row * width, (row + 1) * width));
    });
  }
  return outputs;
}

interface Compared {
  readonly label: string;
  readonly pieces: number[][];
  readonly whole: number[][];
}

/** All that must be equal on a backend, for each case. */
async function* compared(backend: Backend, count: number, wholeOn = backend): AsyncGenerator<Compared> {
  for (const [label, make] of Object.entries(cases)) {
    const trained = await drawn(make(false));
    const rows = drawRows(make(false), count, STEPS);
    const whole = await wholeOutputs(wholeOn, trained, rows);
    yield { label: `${label}, streamed`, pieces: await streamedOutputs(backend, trained, rows), whole };
    for (const size of [1, 5]) {
      const stateful = { ...trained, spec: make(true).spec };
      const pieces = await piecedOutputs(backend, stateful, rows, size);
      const ends = whole.map((row, i) => (row.length === pieces[i].length ? row : atEnds(row, size)));
      yield { label: `${label}, stateful, ${size} steps at a time`, pieces, whole: ends };
    }
  }
}

/** The outputs after the last step of each piece. */
function atEnds(outputs: readonly number[], size: number): number[] {
  const width = outputs.length / STEPS;
  const ends = Array.from({ length: Math.ceil(STEPS / size) }, (_, i) => Math.min(STEPS, (i + 1) * size) - 1);
  return ends.flatMap((end) => outputs.slice(end * width, (end + 1) * width));
}

const asTensor = (rows: readonly number[][]) =>
  ({ dtype: "float64", shape: [rows.length, rows[0]?.length ?? 0], data: Float64Array.from(rows.flat()) }) as const;

/** Throws unless what is read in pieces has the bits of what is read whole. That holds of the backends that promise it. */
export async function expectSameBits(backend: Backend): Promise<void> {
  for (const count of [1, 3]) {
    for await (const { label, pieces, whole } of compared(backend, count)) {
      pieces.forEach((row, i) => {
        const at = row.findIndex((number, k) => !Object.is(number, whole[i][k]));
        if (row.length !== whole[i].length || at >= 0)
          throw new Error(
            `${label}, row ${i} of ${count}: number ${at} is ${row[at]}, of the whole row ${whole[i][at]}`,
          );
      });
    }
  }
}

/** Losses and weights of a training on pieces of one long text, with validation between. */
async function train(backend: Backend) {
  const text = Array.from({ length: 50 }, (_, i) => (i * i + (i >> 2)) % WORDS);
  const model = sequential([
    words(),
    lstm({ units: 8, returnSequences: true, stateful: true, recurrentDropout: 0.2 }),
    rnn(minGru({ units: 6 }), { returnSequences: true, stateful: true }),
    dense({ units: WORDS, activation: "softmax" }),
  ]);
  await using trainer = await compile(model, {
    backend,
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({ learningRate: 0.02 }),
    metrics: [accuracy()],
    seed: 3,
  });
  const data = continuousBatches(text, { batchSize: 4, sequenceLength: 5 });
  const validationData = continuousBatches(text.slice(0, 20), { batchSize: 2, sequenceLength: 4 });
  const { epochs } = await trainer.fit(data, { epochs: 2, validationData });
  return { epochs, weights: (await trainer.snapshot()).weights };
}

export const carryingTests: readonly SuiteTest[] = [
  {
    name: "carrying > rows that are read in pieces give what whole rows give in the reference",
    run: async (backend) => {
      for await (const { label, pieces, whole } of compared(backend, 3, reference()))
        expectClose(asTensor(pieces), asTensor(whole), label);
    },
  },
  {
    name: "carrying > truncated backpropagation through a long text follows the reference",
    run: async (backend) => {
      const [actual, expected] = [await train(backend), await train(reference())];
      expected.epochs.forEach(({ seconds: _, ...figures }, epoch) => {
        for (const [name, value] of Object.entries(figures)) {
          const got = actual.epochs[epoch][name];
          if (!(Math.abs(got - value) <= 5e-5)) throw new Error(`epoch ${epoch + 1}: ${name} is ${got}, not ${value}`);
        }
      });
      for (const [name, value] of Object.entries(expected.weights))
        expectClose(actual.weights[name], value, name, { absolute: 1e-3, relative: 1e-3 });
    },
  },
];
