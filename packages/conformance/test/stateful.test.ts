/** Training with states that go on: what goes on where, and what begins anew. */

import { minGru } from "@ostinato/cells";
import { reference } from "@ostinato/conformance";
import {
  adam,
  add,
  type Checkpoint,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  continuousBatches,
  dense,
  type Examples,
  embedding,
  type FitOptions,
  float32,
  fromBytes,
  gru,
  input,
  lstm,
  type Model,
  ModelFileError,
  meanSquaredError,
  model,
  predictor,
  RandomStream,
  rnn,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type Tensors,
  type Trainer,
  type TrainingData,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const WORDS = 9;
const text = Array.from({ length: 101 }, (_, i) => (7 * i + ((i * i) >> 3)) % WORDS);
const pieces = continuousBatches(text, { batchSize: 4, sequenceLength: 6 });

const characters = (stateful = true, dropout = 0): Model =>
  sequential([
    embedding({ inputDim: WORDS, outputDim: 4 }),
    lstm({ units: 5, returnSequences: true, stateful, dropout, recurrentDropout: dropout }),
    rnn(minGru({ units: 4 }), { returnSequences: true, stateful }),
    dense({ units: WORDS, activation: "softmax" }),
  ]);

const trainerOf = (of = characters(), options: { learningRate?: number } = {}): Promise<Trainer> =>
  compile(of, {
    backend: reference(),
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({ learningRate: options.learningRate ?? 0.02 }),
    seed: 5,
  });

const weightsAfter = async (data: TrainingData, options?: FitOptions, of?: Model): Promise<Uint8Array> => {
  await using trainer = await trainerOf(of);
  await trainer.fit(data, options);
  return toBytes(await trainer.snapshot());
};

/** The batches of pieces, one by one. */
function batchesOf({ x, y, batchSize = 1 }: Examples): Examples[] {
  const rowsOf = (of: unknown): number[][] => {
    const { values, lengths } = of as { values: { data: Int32Array; shape: number[] }; lengths: Int32Array };
    const [, time = 0] = values.shape;
    return Array.from(lengths, (length, row) => [...values.data.subarray(row * time, row * time + length)]);
  };
  const [ids, labels] = [rowsOf(x), rowsOf(y)];
  return Array.from({ length: ids.length / batchSize }, (_, i) => {
    const part = [i * batchSize, (i + 1) * batchSize] as const;
    return { x: ids.slice(...part), y: labels.slice(...part) };
  });
}
const batches = batchesOf(pieces);

describe("truncated backpropagation", () => {
  test("has the loss of the whole rows, where nothing is learned on the way", async () => {
    await using trainer = await trainerOf(characters(), { learningRate: 0 });
    const { epochs } = await trainer.fit(pieces, { epochs: 2 });
    await using whole = await trainerOf(characters(false));
    const rows = Array.from({ length: 4 }, (_, row) => {
      const start = row * 25;
      return { x: text.slice(start, start + 25), y: text.slice(start + 1, start + 26) };
    });
    const { loss } = await whole.evaluate({ x: rows.map((row) => row.x), y: rows.map((row) => row.y) });
    for (const epoch of epochs) expect(epoch.loss).toBeCloseTo(loss as number, 6);
    expect((await trainer.evaluate(pieces)).loss).toBeCloseTo(loss as number, 6);
  });

  test("takes the steps of a model that is given its states, with gradients that end where a batch begins", async () => {
    const random = new RandomStream(2, "rows");
    const draw = (rows: number, steps: number) =>
      Array.from({ length: rows }, () => Array.from({ length: steps }, () => [random.uniform(), random.uniform()]));
    const rows = [draw(3, 4), draw(3, 4)] as const;
    const y = rows.map(() => draw(3, 4));
    const objective = {
      backend: reference(),
      loss: meanSquaredError(),
      optimizer: sgd({ learningRate: 0.5 }),
      seed: 1,
    };

    const chain = sequential([
      input({ shape: ["time", 2] }),
      lstm({ units: 3, returnSequences: true, stateful: true }),
      dense({ units: 2 }),
    ]);
    await using stateful = await compile(chain, objective);
    await stateful.fit(rows.map((x, i) => ({ x, y: y[i] as number[][][] })));

    const [x, h0, c0] = [
      input({ shape: ["time", 2] }),
      input({ shape: [3], name: "h0" }),
      input({ shape: [3], name: "c0" }),
    ];
    const [steps, h, c] = lstm({ units: 3, returnSequences: true, returnState: true })(x, { initialState: [h0, c0] });
    const given = model([x, h0, c0], { output: dense({ units: 2 })(steps), h: add()([h, h]), c: add()([c, c]) });
    await using trainer = await compile(given, {
      ...objective,
      loss: { output: meanSquaredError(), h: null, c: null },
      weights: (await (await compile(chain, objective)).snapshot()).weights,
    });
    const zeros = rows[0].map(() => [0, 0, 0]);
    const first = { input: rows[0], h0: zeros, c0: zeros };
    // The states that the first step leaves, of the weights before it.
    const after = await trainer.predictAll(first);
    const half = (name: string) =>
      float32(
        [3, 3],
        (after[name]?.data ?? []).map((number) => number / 2),
      );
    await trainer.fit({ x: first, y: y[0] as number[][][] }, { shuffle: false });
    await trainer.fit(
      { x: { input: rows[1], h0: half("h"), c0: half("c") }, y: y[1] as number[][][] },
      { shuffle: false },
    );

    const [actual, expected] = [(await stateful.snapshot()).weights, (await trainer.snapshot()).weights];
    for (const [name, { data }] of Object.entries(expected))
      for (const [i, number] of data.entries()) expect(actual[name]?.data[i]).toBeCloseTo(number, 6);
  });

  test("is the same on rows and on batches of an iterable", async () => {
    expect(await weightsAfter(batches, { epochs: 2 })).toEqual(await weightsAfter(pieces, { epochs: 2 }));
  });

  test("begins anew with every epoch, but not where an epoch ends in the middle of the batches", async () => {
    const once = await weightsAfter(batches, { epochs: 2 });
    // Five batches: epochs of two, which begin anew only with the first.
    expect(batches).toHaveLength(5);
    expect(await weightsAfter(batches, { epochs: 5, stepsPerEpoch: 2 })).toEqual(once);
    const reset: FitOptions = { epochs: 5, stepsPerEpoch: 2 };
    await using trainer = await trainerOf();
    await trainer.fit(batches, {
      ...reset,
      onEpoch: async () => trainer.resetStates(),
    });
    expect(toBytes(await trainer.snapshot())).not.toEqual(once);
  });

  test("is left alone by validation, evaluation and prediction", async () => {
    const alone = await weightsAfter(pieces, { epochs: 2 });
    expect(await weightsAfter(pieces, { epochs: 2, validationData: pieces })).toEqual(alone);
    await using trainer = await trainerOf();
    const figures: number[] = [];
    await trainer.fit(pieces, {
      epochs: 2,
      onStep: async ({ step }) => {
        if (step !== 2) return;
        for (let i = 0; i < 2; i++) figures.push((await trainer.evaluate(pieces)).loss as number);
        await trainer.predict([[1, 2, 3]]);
      },
    });
    expect(toBytes(await trainer.snapshot())).toEqual(alone);
    // Each evaluation begins anew.
    expect(figures[1]).toBe(figures[0]);
    expect(figures[2]).not.toBe(figures[0]);
  });

  test("counts what is there and no more where rows end within a batch", async () => {
    const ragged: Examples = { x: [[1, 2, 3], [4], [5, 6], []], y: [[2, 3, 4], [5], [6, 7], []], batchSize: 2 };
    await using trainer = await trainerOf();
    const { loss } = await trainer.evaluate(ragged);
    await using whole = await trainerOf(characters(false));
    const rows = [[1, 2, 3, 5, 6], [4]] as const;
    const losses = await Promise.all(
      rows.map(async (row) => {
        const { loss: mean } = await whole.evaluate({ x: [row], y: [row.map((_, i) => [2, 3, 4, 6, 7][i] as number)] });
        return (mean as number) * row.length;
      }),
    );
    const other = await whole.evaluate({ x: [[4]], y: [[5]] });
    expect(loss).toBeCloseTo(((losses[0] as number) + (other.loss as number)) / 6, 6);
  });
});

/** States are kept in single precision, which the reference does not compute in. */
function close(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i] as number, 6);
}

describe("prediction with stateful layers", () => {
  const row = text.slice(0, 12);
  const outputOf = async (act: (reader: Awaited<ReturnType<typeof predictor>>) => Promise<unknown>) => {
    await using trainer = await trainerOf();
    await using reader = await predictor(fromBytes(toBytes(await trainer.snapshot()), { layers: [minGru] }), {
      backend: reference(),
    });
    return await act(reader);
  };

  test("goes on from call to call, until rows begin anew", async () => {
    await outputOf(async (reader) => {
      const [first, second] = [row.slice(0, 6), row.slice(6)];
      const whole = (await reader.predict([row, row])).data.slice(0, 12 * WORDS);
      await reader.resetStates();
      const parts = [await reader.predict([first, first]), await reader.predict([second, second])];
      const size = 6 * WORDS;
      close([...(parts[0]?.data.subarray(0, size) ?? []), ...(parts[1]?.data.subarray(0, size) ?? [])], whole);
      await reader.resetStates([1]);
      const next = await reader.predict([first, first]);
      expect(next.data.subarray(size)).toEqual(parts[0]?.data.subarray(size));
      expect(next.data.subarray(0, size)).not.toEqual(parts[0]?.data.subarray(0, size));
    });
  });

  test("takes rows of one call as batches that go on, in their order", async () => {
    await outputOf(async (reader) => {
      const { data } = await reader.predict([row], { batchSize: 1 });
      await reader.resetStates();
      const parts = await reader.predict([row.slice(0, 5), row.slice(5)], { batchSize: 1 });
      expect(parts.shape).toEqual([2, 7, WORDS]);
      const [first, second] = [parts.data.subarray(0, 5 * WORDS), parts.data.subarray(7 * WORDS)];
      close([...first, ...second], data);
    });
  });

  test("is refused where rows have no place of before", async () => {
    await outputOf(async (reader) => {
      await reader.predict([row, row]);
      await expect(reader.predict([row])).rejects.toThrow(
        'lstm "lstm" is stateful, and a batch of 1 follows one of 2: each row goes on with that in its place; give batches of one size, or call resetStates() between them',
      );
      await expect(reader.predict([row, row, row], { batchSize: 2 })).rejects.toThrow(
        "3 rows are no whole number of batches of 2",
      );
      await expect(reader.resetStates([2])).rejects.toThrow("resetStates: rows are 0 … 1, got 2");
      await reader.resetStates();
      expect((await reader.predict([row])).shape).toEqual([1, 12, WORDS]);
    });
  });
});

describe("a training with states that is stopped and goes on", () => {
  const ways: Readonly<Record<string, readonly [TrainingData, FitOptions]>> = {
    "on rows": [pieces, { epochs: 2, validationData: pieces }],
    "on batches whose epochs end in their middle": [batches, { epochs: 3, stepsPerEpoch: 3 }],
  };

  test.each(Object.keys(ways))("ends in the same bytes from every step, %s", async (way) => {
    const [data, options] = ways[way] as (typeof ways)[string];
    const saved: Uint8Array[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
    const weights = await weightsAfter(
      data,
      { ...options, callbacks: [checkpoints({ save, everySteps: 2 })] },
      characters(true, 0.2),
    );
    expect(saved.length).toBeGreaterThan(5);
    for (const bytes of saved) {
      const resume = checkpointFromBytes(bytes);
      const callbacks = [checkpoints({ save: () => {}, everySteps: 2 })];
      expect(await weightsAfter(data, { ...options, callbacks, resume }, characters(true, 0.2))).toEqual(weights);
    }
  });

  test("is refused with states that are missing, of other sizes, or unknown", async () => {
    await using first = await trainerOf();
    const onStep = () => {
      throw new Error("enough");
    };
    await expect(first.fit(pieces, { onStep })).rejects.toThrow("enough");
    const checkpoint = await first.checkpoint();
    const { "states/lstm/h": h, ...others } = checkpoint.state;
    expect(h?.shape).toEqual([4, 5]);
    const resumed = async (state: Tensors) => {
      await using trainer = await trainerOf();
      return await trainer.fit(pieces, { resume: { ...checkpoint, state } });
    };
    const damaged = async (state: Tensors, message: string): Promise<void> => {
      const failure = await resumed(state).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ModelFileError);
      expect(String(failure)).toContain(message);
    };
    await damaged(others, 'its state "states/lstm/h" is missing');
    await damaged({ ...checkpoint.state, "states/lstm/h": float32([3, 5], new Float32Array(15)) }, "float32[3,5], not");
    await damaged({ ...checkpoint.state, "states/gru/h": float32([1], [0]) }, 'has no state "states/gru/h"');
    await expect(resumed(checkpoint.state)).resolves.toBeDefined();
  });
});

test("each use of a layer has states of its own", async () => {
  const layer = gru({ units: 2, returnSequences: true, stateful: true });
  const twice = sequential([input({ shape: ["time", 2] }), layer, layer]);
  await using trainer = await compile(twice, { backend: reference(), loss: meanSquaredError(), optimizer: sgd() });
  const x = [[[1, 2]]];
  await trainer.fit({ x, y: x });
  const { state } = await trainer.checkpoint();
  expect(Object.keys(state).filter((name) => name.startsWith("states/"))).toEqual([
    "states/gru/h",
    "states/gru:1/h",
    "states/fresh",
  ]);
  expect(state["states/gru/h"]?.data).not.toEqual(state["states/gru:1/h"]?.data);
});

test("a model is described as it was made, whatever it is run with", async () => {
  await using trainer = await trainerOf();
  expect((await trainer.snapshot()).spec).toEqual(characters().spec);
});
