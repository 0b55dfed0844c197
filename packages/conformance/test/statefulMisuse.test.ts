/** Wrong use of states that go on: errors that say what is wrong with what, and the way out. */

import { minGru } from "@ostinato/cells";
import { reference } from "@ostinato/conformance";
import {
  adam,
  bidirectional,
  ConfigError,
  compile,
  continuousBatches,
  DataError,
  dense,
  embedding,
  gru,
  lstm,
  type OstinatoError,
  rnn,
  ShapeError,
  sequential,
  sparseCategoricalCrossentropy,
  type Trainer,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const WORDS = 9;
const text = Array.from({ length: 101 }, (_, i) => (7 * i + ((i * i) >> 3)) % WORDS);
const pieces = continuousBatches(text, { batchSize: 4, sequenceLength: 6 });

const trainerOf = (stateful = true): Promise<Trainer> =>
  compile(
    sequential([
      embedding({ inputDim: WORDS, outputDim: 4 }),
      lstm({ units: 5, returnSequences: true, stateful }),
      dense({ units: WORDS, activation: "softmax" }),
    ]),
    { backend: reference(), loss: sparseCategoricalCrossentropy(), optimizer: adam() },
  );

describe("what cannot work", () => {
  const wrong: Readonly<Record<string, readonly [act: () => unknown, error: typeof OstinatoError, message: string]>> = {
    "a stateful layer that reads from the end": [
      () => gru({ units: 2, stateful: true, reverse: true }),
      ConfigError,
      "gru: stateful does not go with reverse: read from the end, a row begins with what the next batch has, which is not known yet; leave out one of them",
    ],
    "the same of a cell": [
      () => rnn(minGru({ units: 2 }), { stateful: true, reverse: true }),
      ConfigError,
      "rnn: stateful does not go with reverse",
    ],
    "a stateful layer in both directions": [
      () => bidirectional(lstm({ units: 2, stateful: true })),
      ConfigError,
      "bidirectional: its lstm is stateful, and bidirectional reads each row from its end, too",
    ],
    "stateful that is no truth value": [
      () => lstm({ units: 2, stateful: 1 as unknown as boolean }),
      ConfigError,
      "stateful must be true or false",
    ],
    "rows that are shuffled": [
      async () => (await trainerOf()).fit(pieces, { shuffle: true }),
      ConfigError,
      'fit: shuffle mixes the rows, and lstm "lstm" is stateful: each row of a batch goes on with that in its place in the batch before; leave shuffle out',
    ],
    "rows that are put together by length": [
      async () => (await trainerOf()).fit(pieces, { groupByLength: true }),
      ConfigError,
      "fit: groupByLength mixes the rows",
    ],
    "rows that are no whole number of batches": [
      async () => (await trainerOf()).fit({ x: [[1], [2], [3]], y: [[1], [2], [3]] }, { batchSize: 2 }),
      DataError,
      'fit: 3 rows are no whole number of batches of 2, and lstm "lstm" is stateful',
    ],
    "validation of such": [
      async () =>
        (await trainerOf()).fit(pieces, {
          validationData: { x: [[1], [2], [3], [4], [5]], y: [[1], [2], [3], [4], [5]] },
        }),
      DataError,
      "fit: validation: 5 rows are no whole number of batches of 4",
    ],
    "another batch size than that of the rows": [
      async () => (await trainerOf()).fit(pieces, { batchSize: 5 }),
      ConfigError,
      "fit: the rows are batches of 4 and batchSize is 5; leave it out",
    ],
    "the same in evaluation": [
      async () => (await trainerOf()).evaluate(pieces, { batchSize: 5 }),
      ConfigError,
      "evaluate: the rows are batches of 4 and batchSize is 5; leave it out",
    ],
    "batches of different sizes": [
      async () =>
        (await trainerOf()).fit([
          { x: [[1], [2]], y: [[1], [2]] },
          { x: [[1]], y: [[1]] },
        ]),
      DataError,
      'epoch 1, batch 2: lstm "lstm" is stateful, and a batch of 1 follows one of 2',
    ],
    "states to begin anew where there are none": [
      async () => (await trainerOf(false)).resetStates(),
      ConfigError,
      "resetStates: no layer of the model is stateful, so that all states begin anew with every batch; give a recurrence stateful: true, or take a stream",
    ],
    "rows to begin anew before there are any": [
      async () => (await trainerOf()).resetStates([0]),
      ConfigError,
      "resetStates: there are no rows before the first batch, got 0",
    ],
    "a sequence that is too short": [
      () => continuousBatches([1, 2, 3], { batchSize: 4, sequenceLength: 6 }),
      DataError,
      "continuousBatches: a sequence of 3 steps, the first of which is no target, is too short for 4 rows; give a smaller batchSize",
    ],
    "targets of another length": [
      () => continuousBatches([[1], [2], [3]], { batchSize: 1, sequenceLength: 2, targets: [[1], [2]] }),
      ShapeError,
      "continuousBatches: targets have 2 steps, the sequence 3",
    ],
    "a step that is no number": [
      () => continuousBatches([1, Number.NaN, 3], { batchSize: 1, sequenceLength: 2 }),
      DataError,
      "continuousBatches: the sequence, row 1: a finite number is wanted, got NaN",
    ],
    "steps of different sizes": [
      () => continuousBatches([[1, 2], [3]], { batchSize: 1, sequenceLength: 2 }),
      ShapeError,
      "continuousBatches: the sequence must be float32[rows, 2]; row 1 has 1 numbers",
    ],
    "no sequence at all": [
      () => continuousBatches(undefined as never, { batchSize: 1, sequenceLength: 2 }),
      ShapeError,
      "continuousBatches: the sequence must be",
    ],
    "no length": [
      () => continuousBatches([1, 2, 3], { batchSize: 1 } as never),
      ConfigError,
      "continuousBatches: sequenceLength must be a whole number from 1 on",
    ],
    "a batch size of the data that is none": [
      async () => (await trainerOf()).fit({ ...pieces, batchSize: 0 }),
      ConfigError,
      "the data: batchSize must be a whole number from 1 on",
    ],
  };

  test.each(Object.keys(wrong))("%s", async (what) => {
    const [act, error, message] = wrong[what] as (typeof wrong)[string];
    const failure = await (async () => act())().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(error);
    expect(String(failure)).toContain(message);
  });
});
