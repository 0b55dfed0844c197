/** Batches that tokens bound: of pairs of sequences, in training, validation, evaluation and prediction, and in trainings that go on. */
import { idle, reference } from "@ostinato/conformance";
import {
  adam,
  attention,
  type Backend,
  type Checkpoint,
  checkpoints,
  compile,
  concatenate,
  dense,
  embedding,
  type FitOptions,
  input,
  lstm,
  model,
  type Program,
  predictor,
  RandomStream,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const words = 9;

/** Reads a source, and tells the next word of the target at each of its steps. */
function translator() {
  const source = input({ shape: ["source"], name: "source" });
  const target = input({ shape: ["target"], name: "target" });
  const table = { inputDim: words, outputDim: 4, maskZero: true };
  const [memory, h, c] = lstm({ units: 5, returnSequences: true, returnState: true })(embedding(table)(source));
  const state = lstm({ units: 5, returnSequences: true })(embedding(table)(target), { initialState: [h, c] });
  const read = attention({ scoreMode: "dot" })([state, memory]);
  return model([source, target], dense({ units: words, activation: "softmax" })(concatenate()([state, read])));
}

/** Pairs of 1 to `longest` words on either side, one of them of none at all. */
function pairs(count: number, longest: number) {
  const random = new RandomStream(4, "pairs");
  const row = (length: number) => Array.from({ length }, () => 1 + random.below(words - 1));
  const source = Array.from({ length: count }, (_, at) => row(at === 3 ? 0 : 1 + random.below(longest)));
  const target = source.map(({ length }) => row(Math.max(1, length + random.below(5) - 2)));
  return { x: { source, target }, y: target };
}

const data = pairs(41, 11);
const tokens = 36;
const trainerOn = (backend: Backend) =>
  compile(translator(), {
    backend,
    loss: sparseCategoricalCrossentropy({ labelSmoothing: 0.1 }),
    optimizer: adam({ learningRate: 0.02 }),
    metrics: [sparseCategoricalAccuracy()],
    seed: 6,
  });
const training = (more: FitOptions = {}): FitOptions => ({ batchTokens: tokens, ...more });

/** The sizes of batches as they are fed: rows, and the steps of either side. */
async function fedSizes(run: (backend: Backend) => Promise<unknown>): Promise<number[][]> {
  const sizes: number[][] = [];
  const backend = idle({
    run: ({ source, target }) => void sizes.push([source.shape[0], source.shape[1], target.shape[1]]),
  });
  await run(backend);
  return sizes;
}

describe("fit with batchTokens", () => {
  test("feeds batches whose rows times steps, on either side, are within the bound; each row once", async () => {
    const steps: number[] = [];
    const sizes = await fedSizes(async (backend) => {
      await using trainer = await trainerOn(backend);
      await trainer.fit(data, training({ onStep: (event) => void steps.push(event.steps) }));
    });
    expect(new Set(steps)).toEqual(new Set([sizes.length]));
    expect(sizes.reduce((sum, [rows]) => sum + rows, 0)).toBe(41);
    for (const [rows, source, target] of sizes) expect(rows * Math.max(source, target)).toBeLessThanOrEqual(tokens);
    expect(new Set(sizes.map(([rows]) => rows)).size).toBeGreaterThan(3);
  });

  test("takes a longer row alone", async () => {
    const sizes = await fedSizes(async (backend) => {
      await using trainer = await trainerOn(backend);
      await trainer.fit(data, { batchTokens: 5 });
    });
    expect(sizes.filter(([, source, target]) => Math.max(source, target) > 5).every(([rows]) => rows === 1)).toBe(true);
    expect(sizes.some(([rows]) => rows > 1)).toBe(true);
  });

  test("has programs of about the same size for few long rows and for many short ones, compiled once", async () => {
    const programs: Program[] = [];
    await using trainer = await trainerOn(idle({ compile: (program) => void programs.push(program) }));
    await trainer.fit(pairs(3000, 60), { batchTokens: 1024, epochs: 3 });
    expect(programs.length).toBeLessThanOrEqual(7);
    const bytes = programs.map(({ arenaBytes }) => arenaBytes);
    // 60 steps are within 64, with room for 31 rows; 3 within 4, with room for 341. Scores of attention grow with both sides.
    expect(Math.max(...bytes)).toBeLessThan(4 * Math.min(...bytes));
    await trainer.fit(pairs(1024, 60), { batchSize: 1024 });
    expect(programs.at(-1)?.arenaBytes).toBeGreaterThan(10 * Math.max(...bytes));
  });

  test("learns, and tells the same figures as evaluate does in batches of rows", async () => {
    await using trainer = await trainerOn(reference());
    const { epochs } = await trainer.fit(data, training({ epochs: 6, validationData: data }));
    expect(epochs[5].loss).toBeLessThan(0.9 * epochs[0].loss);
    const { loss, sparseCategoricalAccuracy: right } = await trainer.evaluate(data, { batchSize: 7 });
    expect(epochs[5].valLoss).toBeCloseTo(loss, 7);
    expect(epochs[5].valSparseCategoricalAccuracy).toBeCloseTo(right, 7);
  });

  test("weighs rows as it does in batches of rows", async () => {
    const sampleWeights = data.y.map((_, row) => row % 3);
    const still = () => trainerOn(reference());
    await using one = await still();
    await using other = await still();
    const whole = await one.fit({ ...data, sampleWeights }, { batchTokens: 1e6 });
    const rows = await other.fit({ ...data, sampleWeights }, { batchSize: 41 });
    expect(whole.epochs[0].loss).toBeCloseTo(rows.epochs[0].loss, 7);
    const [ours, theirs] = [(await one.snapshot()).weights, (await other.snapshot()).weights];
    for (const [name, { data: values }] of Object.entries(ours))
      values.forEach((value, i) => void expect(value).toBeCloseTo(theirs[name].data[i], 6));
  });

  test("goes on from any step with the same bytes", async () => {
    const saved: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpoint);
    const options = training({ epochs: 2, validationSplit: 0.2 });
    await using whole = await trainerOn(reference());
    const { epochs } = await whole.fit(data, { ...options, callbacks: [checkpoints({ save, everySteps: 1 })] });
    const weights = toBytes(await whole.snapshot());
    expect(saved.length).toBeGreaterThan(15);
    for (const resume of saved.filter((_, at) => at % 6 === 4)) {
      await using resumed = await trainerOn(reference());
      const history = await resumed.fit(data, {
        ...options,
        resume,
        callbacks: [checkpoints({ save: () => {}, everySteps: 1 })],
      });
      expect(toBytes(await resumed.snapshot())).toEqual(weights);
      expect(history.epochs.map(({ loss }) => loss)).toEqual(epochs.map(({ loss }) => loss));
    }
    const [resume] = saved;
    await using other = await trainerOn(reference());
    await expect(
      other.fit(data, { ...options, batchTokens: 40, resume, callbacks: [checkpoints({ save, everySteps: 1 })] }),
    ).rejects.toThrow("batchTokens was 36, is 40");
    const late = { ...resume, position: { ...resume.position, step: 40 } };
    await expect(
      other.fit(data, { ...options, resume: late, callbacks: [checkpoints({ save, everySteps: 1 })] }),
    ).rejects.toThrow(/it has made 40 steps of an epoch that has \d+/);
  });
});

describe("fit with batchSize and batchTokens", () => {
  const both: FitOptions = { batchSize: 4, batchTokens: 24 };

  test("feeds batches within both bounds, in validation as well", async () => {
    const sizes = await fedSizes(async (backend) => {
      await using trainer = await trainerOn(backend);
      await trainer.fit(data, { ...both, validationData: data });
    });
    expect(sizes.reduce((sum, [rows]) => sum + rows, 0)).toBe(82);
    for (const [rows, source, target] of sizes) {
      expect(rows).toBeLessThanOrEqual(4);
      expect(rows * Math.max(source, target)).toBeLessThanOrEqual(24);
    }
    expect(new Set(sizes.map(([rows]) => rows))).toEqual(new Set([1, 2, 3, 4]));
  });

  test("has one program for all rows that are short enough, and one for each size of the others", async () => {
    const { x, y } = pairs(100, 12);
    const long = { source: [...x.source, Array(100).fill(1)], target: [...x.target, [1]] };
    for (const [given, count] of [
      [{ x, y }, 1],
      [{ x: long, y: long.target }, 2],
    ] as const) {
      const programs: Program[] = [];
      await using trainer = await trainerOn(idle({ compile: (program) => void programs.push(program) }));
      await trainer.fit(given, { batchSize: 4, batchTokens: 64 });
      expect(programs.length).toBe(count);
    }
  });

  test("goes on with the same bytes, and not with another bound", async () => {
    const saved: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpoint);
    const callbacks = [checkpoints({ save, everySteps: 1 })];
    await using whole = await trainerOn(reference());
    await whole.fit(data, { ...both, callbacks });
    const resume = saved[6];
    await using resumed = await trainerOn(reference());
    await resumed.fit(data, { ...both, callbacks, resume });
    expect(toBytes(await resumed.snapshot())).toEqual(toBytes(await whole.snapshot()));
    const wrong: [FitOptions, string][] = [
      [{ batchSize: 5, batchTokens: 24 }, "batchSize was 4, is 5"],
      [{ batchSize: 4, batchTokens: 25 }, "batchTokens was 24, is 25"],
      [{ batchSize: 4, groupByLength: true }, "batchTokens was 24, is undefined"],
      [{ batchTokens: 24 }, "batchSize was 4, is undefined"],
    ];
    for (const [options, message] of wrong)
      await expect(resumed.fit(data, { ...options, callbacks, resume })).rejects.toThrow(message);
  });
});

test("evaluate and predict give the same with batchTokens as with batchSize, in batches within the bound", async () => {
  await using trainer = await trainerOn(reference());
  await using ready = await predictor(await trainer.snapshot(), { backend: reference() });
  const rows = { batchSize: 5 };
  const bounded = { batchTokens: tokens };
  const [a, b] = [await trainer.evaluate(data, rows), await trainer.evaluate(data, bounded)];
  expect(b.loss).toBeCloseTo(a.loss, 7);
  expect(await trainer.predict(data.x, bounded)).toEqual(await trainer.predict(data.x, rows));
  expect(await ready.predict(data.x, bounded)).toEqual(await ready.predict(data.x, rows));
  expect(await ready.predict(data.x, { ...rows, ...bounded })).toEqual(await ready.predict(data.x, rows));
  const sizes = await fedSizes(async (backend) => {
    await using still = await trainerOn(backend);
    await still.evaluate(data, bounded);
  });
  for (const [count, source, target] of sizes) expect(count * Math.max(source, target)).toBeLessThanOrEqual(tokens);
});

describe("batchTokens is refused", () => {
  const cases: readonly [string, (options: object) => FitOptions, string][] = [
    [
      "where it is no whole number",
      () => ({ batchTokens: 0.5 }),
      "batchTokens must be a whole number from 1 on, got 0.5",
    ],
  ];
  test.each(cases)("%s", async (_, options, message) => {
    await using trainer = await trainerOn(idle({}));
    await expect(trainer.fit(data, options({}))).rejects.toThrow(message);
    await expect(trainer.evaluate(data, options({}) as { batchTokens: number })).rejects.toThrow(
      message.replace("fit", "evaluate"),
    );
  });

  test("with batches of an iterable, and with rows that are batches of a size", async () => {
    await using trainer = await trainerOn(idle({}));
    await expect(trainer.fit([data], { batchTokens: 9 })).rejects.toThrow("batchTokens makes batches of rows");
    const sized = { ...data, batchSize: 4 };
    for (const batchSize of [{}, { batchSize: 4 }])
      await expect(trainer.fit(sized, { ...batchSize, batchTokens: 9 })).rejects.toThrow(
        "the rows are batches of 4 and batchTokens is 9",
      );
  });

  test("in a model with stateful layers", async () => {
    const source = input({ shape: ["time"], name: "source" });
    const table = embedding({ inputDim: words, outputDim: 2, maskZero: true })(source);
    const state = lstm({ units: 2, stateful: true, returnSequences: true })(table);
    const stateful = model([source], dense({ units: words, activation: "softmax" })(state));
    const loss = sparseCategoricalCrossentropy();
    await using trainer = await compile(stateful, { backend: idle({}), loss, optimizer: adam() });
    const rows = { x: data.x.target, y: data.y };
    await expect(trainer.fit(rows, { batchTokens: 9 })).rejects.toThrow("fit: batchTokens mixes the rows");
    await expect(trainer.evaluate(rows, { batchTokens: 9 })).rejects.toThrow(
      "is stateful, and its batches have one size",
    );
  });
});
