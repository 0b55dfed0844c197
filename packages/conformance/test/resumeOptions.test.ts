/** Going on from a checkpoint with every way to train, with other options, and from checkpoints that were tampered with. */
import {
  accuracy,
  adam,
  auc,
  type Callback,
  type Checkpoint,
  type CompileOptions,
  ConfigError,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  cosineDecay,
  DataError,
  earlyStopping,
  type FitOptions,
  float32,
  type History,
  int32,
  ModelFileError,
  meanSquaredError,
  OstinatoError,
  oneCycle,
  rmsprop,
  type Tensors,
  type TrainingData,
  toBytes,
} from "@ostinato/core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { bytesOf, reviews, trainerOf } from "./reviews.ts";

const data = reviews(20);
const untyped = (value: unknown): never => value as never;

const timeless = ({ epochs, ...rest }: History) =>
  JSON.stringify({ ...rest, epochs: epochs.map((event) => ({ ...event, seconds: 0, epochs: 0 })) });

/** What is the same in two trainings that are the same. */
interface Outcome {
  readonly history: string;
  readonly weights: Uint8Array;
}

interface Setting {
  readonly compile?: Partial<CompileOptions>;
  readonly given?: TrainingData;
  readonly options: FitOptions;
  readonly callbacks?: () => Callback[];
}

/** Trains, or goes on; checkpoints are taken after every step and every epoch. */
async function train(
  { compile, given = data, options, callbacks = () => [] }: Setting,
  resume?: Checkpoint,
): Promise<Outcome & { saved: Uint8Array[] }> {
  const saved: Uint8Array[] = [];
  await using trainer = await trainerOf(compile);
  const history = await trainer.fit(given, {
    ...options,
    ...(resume ? { resume } : {}),
    callbacks: [
      ...callbacks(),
      checkpoints({ save: (checkpoint) => void saved.push(checkpointToBytes(checkpoint)), everySteps: 1 }),
    ],
  });
  return { history: timeless(history), weights: toBytes(await trainer.snapshot()), saved };
}

/** Goes on from every checkpoint of a training, always to its end. */
async function expectExact(setting: Setting): Promise<void> {
  const { saved, ...whole } = await train(setting);
  expect(saved.length).toBeGreaterThan(4);
  for (const [i, bytes] of saved.entries()) {
    const { saved: after, ...again } = await train(setting, checkpointFromBytes(bytes));
    expect(again, `from checkpoint ${i}`).toEqual(whole);
    expect(after).toHaveLength(saved.length - 1 - i);
  }
}

const batches: readonly (typeof data)[] = [0, 1, 2].map((k) => reviews(3 + k, 3 + k, k));

describe("going on is exact", () => {
  const settings: Readonly<Record<string, Setting>> = {
    "with batches from an iterable": { given: batches, options: { epochs: 2 } },
    "with batches from an asynchronous iterable": {
      given: {
        async *[Symbol.asyncIterator]() {
          yield* batches;
        },
      },
      options: { epochs: 2, validationData: reviews(4) },
    },
    "with weights of classes": { options: { epochs: 2, batchSize: 8, classWeight: { 0: 1, 1: 3 } } },
    "with weights of rows": {
      given: { ...data, sampleWeights: data.y.map((_, row) => row % 3) },
      options: { epochs: 2, batchSize: 8 },
    },
    "with rows in their own order": { options: { epochs: 2, batchSize: 8, shuffle: false } },
    "with a cosine": {
      compile: {
        optimizer: adam({ learningRate: cosineDecay({ initialLearningRate: 0.1, decaySteps: 5, alpha: 0.1 }) }),
      },
      options: { epochs: 2, batchSize: 8 },
    },
    "with one cycle": {
      compile: { optimizer: rmsprop({ learningRate: oneCycle({ maxLearningRate: 0.1, totalSteps: 6 }) }) },
      options: { epochs: 2, batchSize: 8 },
    },
    "with a rate that a callback sets": {
      options: { epochs: 2, batchSize: 8 },
      callbacks: () => [
        {
          name: "halving",
          onStep: (_event, control) => {
            control.learningRate /= 2;
          },
        },
      ],
    },
    "where a callback stops it in a step": {
      options: { epochs: 4, batchSize: 8, validationSplit: 0.1 },
      callbacks: () => [
        {
          name: "stopper",
          onStep: ({ epoch, step }, control) => {
            if (epoch === 2 && step === 2) control.stop("enough");
          },
        },
      ],
    },
    "where early stopping ends it": {
      options: { epochs: 9, batchSize: 8, validationSplit: 0.5 },
      callbacks: () => [earlyStopping({ monitor: "valAccuracy", patience: 2 })],
    },
  };
  test.each(Object.entries(settings))("%s", (_what, setting) => expectExact(setting));

  test("to more epochs than were asked for at first, as if they had been", async () => {
    const callbacks = () => [earlyStopping({ monitor: "valAccuracy", patience: 3 })];
    const asked = (epochs: number): Setting => ({ options: { epochs, batchSize: 8, validationSplit: 0.3 }, callbacks });
    const { saved: _, ...whole } = await train(asked(8));
    for (const epochs of [1, 2, 4, 5]) {
      const { saved } = await train(asked(epochs));
      const { saved: __, ...more } = await train(asked(8), checkpointFromBytes(saved.at(-1) as Uint8Array));
      expect(more).toEqual(whole);
    }
  });

  test("after early stopping trains no further", async () => {
    const setting: Setting = {
      options: { epochs: 3, batchSize: 8 },
      callbacks: () => [{ name: "stopper", onEpoch: (_event, control) => control.stop("enough") }],
    };
    const { saved, ...whole } = await train(setting);
    const { saved: more, ...again } = await train(
      { ...setting, options: { epochs: 9, batchSize: 8 } },
      checkpointFromBytes(saved.at(-1) as Uint8Array),
    );
    expect(again).toEqual(whole);
    expect(more).toEqual([]);
  });

  test("in the same trainer, back to where it was", async () => {
    await using trainer = await trainerOf();
    await trainer.fit(data, { batchSize: 8 });
    const middle = await trainer.checkpoint();
    const first = await trainer.fit(data, { batchSize: 8, epochs: 2, resume: middle });
    const weights = toBytes(await trainer.snapshot());
    expect(timeless(await trainer.fit(data, { batchSize: 8, epochs: 2, resume: middle }))).toBe(timeless(first));
    expect(toBytes(await trainer.snapshot())).toEqual(weights);
  });
});

test("there is no checkpoint while a training is resumed, and the last one's after that failed", async () => {
  await using trainer = await trainerOf();
  const asked: unknown[] = [];
  const ask = async (): Promise<void> => void asked.push(await trainer.checkpoint().catch(String));
  const keeping = (restore: Callback["restore"]): Callback => ({
    name: "keeping",
    state: () => ({ data: 1 }),
    ...(restore ? { restore } : {}),
  });
  await trainer.fit(data, { callbacks: [keeping(undefined)] });
  const resume = await trainer.checkpoint();
  await trainer.fit(data, { epochs: 2, callbacks: [keeping(ask)], resume });
  expect(asked).toEqual([expect.stringContaining("while one is being resumed")]);
  const failing = keeping(() => {
    throw new Error("not mine");
  });
  await expect(trainer.fit(data, { epochs: 3, callbacks: [failing], resume })).rejects.toThrow("not mine");
  expect((await trainer.checkpoint()).position.epoch).toBe(2);
});

test("a clock that is set back while training runs leaves a checkpoint to go on from", async () => {
  await using trainer = await trainerOf();
  const real = Date.now;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => real() - 3_600_000);
  let resume: Checkpoint | undefined;
  const taking: Callback = {
    name: "taking",
    onStep: async ({ step }, control) => {
      if (step === 1) clock.mockImplementation(() => real() - 7_200_000);
      else resume ??= checkpointFromBytes(checkpointToBytes(await control.checkpoint()));
    },
  };
  const { epochs } = await trainer.fit(data, { batchSize: 8, callbacks: [taking] });
  clock.mockRestore();
  expect(epochs[0]?.seconds).toBeGreaterThanOrEqual(0);
  await using other = await trainerOf();
  await other.fit(data, { batchSize: 8, callbacks: [{ name: "taking" }], ...(resume ? { resume } : {}) });
  expect(await bytesOf(other)).toBe(await bytesOf(trainer));
});

describe("what is not as it was is named", () => {
  const options: FitOptions = { epochs: 2, batchSize: 8, validationSplit: 0.2 };
  let resume: Checkpoint;
  beforeAll(async () => {
    await using trainer = await trainerOf();
    await trainer.fit(data, { ...options, callbacks: [earlyStopping()] });
    resume = await trainer.checkpoint();
  });
  const resumed = async (compile: Partial<CompileOptions>, more: FitOptions, given: TrainingData = data) => {
    await using trainer = await trainerOf(compile);
    return await trainer.fit(given, { ...options, callbacks: [earlyStopping()], resume, ...more });
  };
  const differences: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ["rows", () => resumed({}, {}, reviews(30)), "rows was 16, is 24; validationRows was 4, is 6"],
    ["the split", () => resumed({}, { validationSplit: 0.5 }), "rows was 16, is 10; validationRows was 4, is 10"],
    ["no validation", () => resumed({}, { validationSplit: 0 }), "validationRows was 4, is null"],
    ["the seed", () => resumed({ seed: 3 }, {}), "seed was 0, is 3"],
    ["the size of batches", () => resumed({}, { batchSize: 4 }), "batchSize was 8, is 4"],
    ["the order", () => resumed({}, { shuffle: false }), "shuffle was true, is false"],
    ["weights of classes", () => resumed({}, { classWeight: { 1: 2 } }), "classWeight was null, is an object"],
    [
      "the optimizer's rate",
      () => resumed({ optimizer: adam({ learningRate: 0.5 }) }, {}),
      "learningRate was 0.03, is 0.5",
    ],
    ["the optimizer", () => resumed({ optimizer: rmsprop() }, {}), 'optimizer.kind was "adam", is "rmsprop"'],
    [
      "the loss",
      () => resumed({ loss: meanSquaredError() }, {}),
      'loss.kind was "binaryCrossentropy", is "meanSquaredError"',
    ],
    ["the metrics", () => resumed({ metrics: [accuracy()] }, {}), "metrics had 2 items, has 1"],
    ["the callbacks", () => resumed({}, { callbacks: [] }), 'callbacks was ["earlyStopping"], is []'],
    ["the kind of data", () => resumed({}, { validationSplit: 0 }, [data]), "rows was 16, is null"],
    ["fewer epochs", () => resumed({}, { epochs: 1 }), "it is in epoch 2, of 1 now asked for; give epochs: 2 or more"],
  ];
  test.each(differences)("%s", async (_what, act, words) => {
    const thrown: unknown = await act().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(ConfigError);
    expect((thrown as Error).message).toContain("cannot go on from this checkpoint: ");
    expect((thrown as Error).message).toContain(words);
  });

  test("fewer epochs than were begun", async () => {
    const { saved } = await train({ options: { epochs: 2, batchSize: 8 } });
    const inSecond = checkpointFromBytes(saved[4] as Uint8Array);
    expect(inSecond.position).toMatchObject({ epoch: 1, step: 1 });
    await expect(train({ options: { epochs: 1, batchSize: 8 } }, inSecond)).rejects.toThrow(
      "it is in epoch 2, of 1 now",
    );
  });

  test("fewer batches than were seen", async () => {
    const { saved } = await train({ given: batches, options: {} });
    const fit = train({ given: batches.slice(0, 1), options: {} }, checkpointFromBytes(saved[1] as Uint8Array));
    await expect(fit).rejects.toThrow(DataError);
    await expect(fit).rejects.toThrow("gave 1, and 2 were seen before the checkpoint");
  });

  test.each([null, 5, "path", {}, [], { settings: {} }])("no checkpoint at all: %j", async (resume) => {
    await using trainer = await trainerOf();
    const fit = trainer.fit(data, { resume: untyped(resume) });
    await expect(fit).rejects.toThrow(ConfigError);
    await expect(fit).rejects.toThrow("resume must be a checkpoint");
  });
});

describe("a checkpoint that was tampered with is refused, and the trainer is as it was", () => {
  const setting: Setting = {
    options: { epochs: 3, batchSize: 8, validationSplit: 0.2 },
    callbacks: () => [earlyStopping()],
    compile: { metrics: [accuracy(), auc()] },
  };
  const place = (change: Partial<Checkpoint["position"]>) => (made: Checkpoint) => ({
    ...made,
    position: { ...made.position, ...change },
  });
  const state = (change: (state: Record<string, Tensors[string]>) => void) => (made: Checkpoint) => {
    const changed = { ...made.state };
    change(changed);
    return { ...made, state: changed };
  };
  const kept = (data: unknown) => (made: Checkpoint) => ({ ...made, callbacks: untyped(data) });
  const best = (callbackTensors: Tensors) => (made: Checkpoint) => ({ ...made, callbackTensors });
  const hostile: Readonly<Record<string, (made: Checkpoint) => unknown>> = {
    "a step past the data": place({ step: 3 }),
    "a broken step": place({ step: 0.5 }),
    "steps of another training": place({ iteration: 99 }),
    "no sums": place({ sums: [] }),
    "sums of one metric less": ({ position, ...made }) => ({
      ...made,
      position: { ...position, sums: position.sums.slice(1) },
    }),
    "short sums": ({ position, ...made }) => ({
      ...made,
      position: { ...position, sums: position.sums.map((sums) => sums.slice(1)) },
    }),
    "empty sums": ({ position, ...made }) => ({
      ...made,
      position: { ...position, sums: position.sums.map(() => []) },
    }),
    "sums that are no lists": place({ sums: untyped([1, 2, 3]) }),
    "a history that is too long": ({ position, ...made }) => ({
      ...made,
      position: { ...position, history: [...position.history, ...position.history] },
    }),
    "a learning rate that is no number": place({ learningRate: Number.NaN }),
    "state that is missing": state((changed) => delete changed["dense/kernel"]),
    "state that is not of this training": state((changed) => {
      changed.more = float32([1], [1]);
    }),
    "state of another shape": state((changed) => {
      changed["dense/kernel"] = float32([2], [1, 2]);
    }),
    "state of another type": state((changed) => {
      changed["dense/kernel"] = int32([1, 4], [1, 2, 3, 4]);
    }),
    "a counter that is a word": state((changed) => {
      changed["training/step"] = { dtype: "bool", shape: [], data: Uint8Array.of(1) };
    }),
    "state in a prototype": (made) => ({ ...made, state: Object.create(made.state) }),
    "nothing of a callback": kept({}),
    "a callback's data in a prototype": (made) => ({ ...made, callbacks: Object.create(made.callbacks) }),
    "a callback's data of the wrong type": kept({ earlyStopping: { best: 1, waited: "many", bestEpoch: 1 } }),
    "a callback's data that is nothing": kept({ earlyStopping: null }),
    "best weights that are not of the model": best({ "earlyStopping/other": float32([1], [1]) }),
    "best weights of another shape": ({ callbackTensors, ...made }) => ({
      ...made,
      callbackTensors: { ...callbackTensors, "earlyStopping/dense/kernel": float32([1], [1]) },
    }),
  };

  let made: Checkpoint;
  beforeAll(async () => {
    const { saved } = await train(setting);
    made = checkpointFromBytes(saved[3] as Uint8Array);
  });

  test.each(Object.entries(hostile))("%s", async (_what, tamper) => {
    expect(made.position).toMatchObject({ epoch: 1, step: 1 });
    await using trainer = await trainerOf(setting.compile);
    const before = toBytes(await trainer.snapshot());
    const options = { ...setting.options, callbacks: [earlyStopping(), checkpoints({ save: () => {} })] };
    const thrown: unknown = await trainer
      .fit(data, { ...options, resume: untyped(tamper(made)) })
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(OstinatoError);
    expect(thrown).toBeInstanceOf(ModelFileError);
    expect((thrown as Error).message).toContain("the checkpoint is damaged");
    // The weights that a callback keeps are looked at when all else has been taken over.
    if (!(thrown as Error).message.includes("best weights")) expect(toBytes(await trainer.snapshot())).toEqual(before);
    await trainer.fit(data, { ...options, resume: made });
  });

  test("settings that a file of any origin may have are compared, not trusted", async () => {
    const deep = JSON.parse("[".repeat(20_000) + "]".repeat(20_000));
    for (const settings of [
      {},
      { ...made.settings, seed: deep },
      { ...made.settings, toString: 1 },
      JSON.parse('{"__proto__":{"seed":0}}'),
    ]) {
      await using trainer = await trainerOf(setting.compile);
      const fit = trainer.fit(data, {
        ...setting.options,
        callbacks: [earlyStopping(), checkpoints({ save: () => {} })],
        resume: { ...made, settings },
      });
      await expect(fit).rejects.toThrow(/cannot go on from this checkpoint: /);
    }
  });
});
