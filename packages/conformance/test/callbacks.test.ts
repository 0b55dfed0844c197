/** Callbacks in a training: when they are called, what they may do, and what they may not. */
import {
  adam,
  bestModel,
  type Callback,
  type Checkpoint,
  ConfigError,
  checkpoints,
  cosineDecay,
  earlyStopping,
  type FitOptions,
  reduceLearningRateOnPlateau,
  ShapeError,
  StateError,
  sgd,
  type Tensors,
  type TrainingControl,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { bytesAfter, reviews, trainerOf } from "./reviews.ts";

const data = reviews(20);
const untyped = (value: unknown): never => value as never;

/** Writes down what it is told. */
const witness = (name: string, lines: string[], more: Partial<Callback> = {}): Callback => ({
  name,
  onStart: () => void lines.push(`${name} start`),
  onStep: ({ epoch, step }) => void lines.push(`${name} step ${epoch}.${step}`),
  onEpoch: ({ epoch }) => void lines.push(`${name} epoch ${epoch}`),
  onEnd: ({ epochs }) => void lines.push(`${name} end ${epochs.length}`),
  ...more,
});

describe("callbacks", () => {
  test("are called in their order, the last ones last, the options after all of them", async () => {
    const lines: string[] = [];
    await using trainer = await trainerOf();
    await trainer.fit(data, {
      batchSize: 10,
      callbacks: [witness("c", lines, { last: true }), witness("a", lines), witness("b", lines)],
      onStep: ({ step }) => void lines.push(`option step ${step}`),
      onEpoch: ({ epoch }) => void lines.push(`option epoch ${epoch}`),
    });
    const round = (what: string, last?: string) => [
      ...["a", "b", "c"].map((name) => `${name} ${what}`),
      ...(last ? [last] : []),
    ];
    expect(lines).toEqual([
      ...round("start"),
      ...round("step 1.1", "option step 1"),
      ...round("step 1.2", "option step 2"),
      ...round("epoch 1", "option epoch 1"),
      ...round("end 1"),
    ]);
  });

  test("that only watch change nothing", async () => {
    const alone = await bytesAfter((trainer) => trainer.fit(data, { epochs: 2 }));
    const watched = await bytesAfter((trainer) =>
      trainer.fit(data, {
        epochs: 2,
        callbacks: [
          witness("a", []),
          bestModel({ monitor: "loss", save: () => {} }),
          checkpoints({ save: () => {}, everySteps: 1 }),
        ],
      }),
    );
    expect(watched).toBe(alone);
  });

  const wrong: readonly (readonly [string, unknown, string])[] = [
    ["not in a list", earlyStopping(), "callbacks must be a list"],
    ["a function", [() => {}], "each callback is an object"],
    ["nothing", [null], "each callback is an object"],
    ["without a name", [{ onStep: () => {} }], "needs a name"],
    ["with a slash in its name", [{ name: "a/b" }], "needs a name"],
    ["called as every object is", [{ name: "__proto__" }], "needs a name"],
    [
      "two of one name",
      [earlyStopping({ monitor: "loss" }), earlyStopping({ monitor: "loss" })],
      'two callbacks are called "earlyStopping"',
    ],
  ];
  test.each(wrong)("%s are refused", async (_what, callbacks, words) => {
    await using trainer = await trainerOf();
    const train = trainer.fit(data, { callbacks: untyped(callbacks) });
    await expect(train).rejects.toThrow(ConfigError);
    await expect(train).rejects.toThrow(words);
  });

  test("a figure that there will not be is told before the first step, with those that there are", async () => {
    await using trainer = await trainerOf();
    let steps = 0;
    const train = (monitor: string, more: FitOptions = {}) =>
      trainer.fit(data, { callbacks: [earlyStopping({ monitor })], onStep: () => void steps++, ...more });
    await expect(train("valLoss")).rejects.toThrow(
      "epochs have only loss, accuracy, auc; give fit validationData or validationSplit",
    );
    await expect(train("valAcuracy", { validationSplit: 0.2 })).rejects.toThrow(
      "epochs have only loss, accuracy, auc, valLoss, valAccuracy, valAuc",
    );
    expect(steps).toBe(0);
    await train("valAuc", { validationSplit: 0.2 });
  });

  test("an error of a callback ends training, and the trainer goes on", async () => {
    await using trainer = await trainerOf();
    const broken: Callback = { name: "broken", onEpoch: () => Promise.reject(new Error("disk full")) };
    await expect(trainer.fit(data, { callbacks: [broken] })).rejects.toThrow("disk full");
    await trainer.fit(data);
  });
});

describe("stopping", () => {
  const stopper = (at: { epoch: number; step?: number }): Callback => ({
    name: "stopper",
    onStep: ({ epoch, step }, control) => {
      if (epoch === at.epoch && step === at.step) control.stop("enough");
    },
    onEpoch: ({ epoch }, control) => {
      if (epoch === at.epoch && at.step === undefined) control.stop("enough");
    },
  });

  test("in a step ends its epoch there, with validation and all callbacks", async () => {
    const lines: string[] = [];
    await using trainer = await trainerOf();
    const { epochs, stopped } = await trainer.fit(data, {
      epochs: 5,
      batchSize: 5,
      validationData: reviews(4),
      callbacks: [stopper({ epoch: 2, step: 3 }), witness("a", lines)],
    });
    expect(stopped).toBe("enough");
    expect(epochs).toHaveLength(2);
    expect(epochs[1]).toHaveProperty("valLoss");
    expect(lines.slice(-3)).toEqual(["a step 2.3", "a epoch 2", "a end 2"]);
  });

  test("of batches from an iterable takes no more of them", async () => {
    let taken = 0;
    const batches = {
      *[Symbol.iterator]() {
        for (let k = 0; k < 5; k++) {
          taken += 1;
          yield data;
        }
      },
    };
    await using trainer = await trainerOf();
    const { epochs } = await trainer.fit(batches, { epochs: 3, callbacks: [stopper({ epoch: 1, step: 2 })] });
    expect(epochs).toHaveLength(1);
    expect(taken).toBeLessThanOrEqual(3);
  });

  test("after the last epoch is no stopping before it", async () => {
    await using trainer = await trainerOf();
    expect(await trainer.fit(data, { epochs: 2, callbacks: [stopper({ epoch: 2 })] })).not.toHaveProperty("stopped");
  });

  test("early, the best weights are put back", async () => {
    const weights: Tensors[] = [];
    const losses: number[] = [];
    const keeper: Callback = {
      name: "keeper",
      onEpoch: async ({ valLoss = 0 }, control) => {
        weights.push(await control.readWeights());
        losses.push(valLoss);
      },
    };
    await using trainer = await trainerOf({ optimizer: sgd({ learningRate: 4 }) });
    const { stopped } = await trainer.fit(data, {
      epochs: 30,
      validationSplit: 0.4,
      callbacks: [earlyStopping({ patience: 2 }), keeper],
    });
    const best = losses.indexOf(Math.min(...losses));
    expect(stopped).toContain(`valLoss has not got better since epoch ${best + 1}`);
    expect(losses).toHaveLength(best + 3);
    expect((await trainer.snapshot()).weights).toEqual(weights[best]);
  });
});

describe("the learning rate", () => {
  const setting = (rate: number): Callback => ({
    name: "setting",
    onStep: (_event, control) => {
      control.learningRate = rate;
    },
  });

  test("set by a callback is that of the next step", async () => {
    const once = (learningRate: number, callbacks: Callback[] = []) =>
      bytesAfter((trainer) => trainer.fit(data, { epochs: 2, batchSize: 20, callbacks }), {
        optimizer: adam({ learningRate }),
      });
    expect(await once(0.03, [setting(0.03)])).toBe(await once(0.03));
    const halted = await bytesAfter((trainer) => trainer.fit(data, { batchSize: 20 }), {
      optimizer: adam({ learningRate: 0.03 }),
    });
    expect(await once(0.03, [setting(0)])).toBe(halted);
  });

  test("stays for the next fit", async () => {
    await using trainer = await trainerOf();
    const rates: number[] = [];
    const reader: Callback = { name: "reader", onStart: ({ learningRate }) => void rates.push(learningRate) };
    await trainer.fit(data, { callbacks: [setting(0.25), reader] });
    await trainer.fit(data, { callbacks: [reader] });
    expect(rates).toEqual([0.03, 0.25]);
  });

  test("of a schedule is not set beside it: told at the first try, by the plateau before the first step", async () => {
    await using trainer = await trainerOf({
      optimizer: adam({ learningRate: cosineDecay({ initialLearningRate: 0.1, decaySteps: 9 }) }),
    });
    await expect(trainer.fit(data, { callbacks: [setting(1)] })).rejects.toThrow(ConfigError);
    let steps = 0;
    const plateau = trainer.fit(data, {
      callbacks: [reduceLearningRateOnPlateau({ monitor: "loss" })],
      onStep: () => void steps++,
    });
    await expect(plateau).rejects.toThrow("follows a schedule");
    expect(steps).toBe(0);
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, "0.1"])("cannot be %s", async (rate) => {
    await using trainer = await trainerOf();
    await expect(trainer.fit(data, { callbacks: [setting(untyped(rate))] })).rejects.toThrow(ConfigError);
  });
});

describe("weights", () => {
  const writing = (weights: (control: TrainingControl) => Promise<Tensors>): Callback => ({
    name: "writing",
    onStep: async (_event, control) => control.writeWeights(await weights(control)),
  });

  test("that are written are those of the next step, and of the model", async () => {
    await using trainer = await trainerOf();
    const { weights: first } = await trainer.snapshot();
    const { loss } = await trainer.evaluate(data);
    const losses: number[] = [];
    const again: Callback = { name: "again", onEpoch: ({ loss: seen = 0 }) => void losses.push(seen) };
    await trainer.fit(data, { epochs: 2, batchSize: 20, callbacks: [writing(async () => first), again] });
    // Both epochs are one step from the first weights, which were read as float32.
    expect(losses[1]).toBeCloseTo(loss as number, 6);
    expect((await trainer.snapshot()).weights).toEqual(first);
  });

  test("are parameters, of their shapes: slots and counters are out of reach", async () => {
    await using trainer = await trainerOf();
    const train = (tensors: Tensors) => trainer.fit(data, { callbacks: [writing(async () => tensors)] });
    const tensor = { dtype: "float32", shape: [1], data: Float32Array.of(0) } as const;
    await expect(train({ nothing: tensor })).rejects.toThrow(
      /"nothing" is no parameter of the model; it has embedding/,
    );
    await expect(train({ "training/step": { dtype: "int32", shape: [], data: Int32Array.of(0) } })).rejects.toThrow(
      ConfigError,
    );
    await expect(train({ "dense/kernel": tensor })).rejects.toThrow(ShapeError);
  });
});

describe("checkpoints in callbacks", () => {
  const taking = (name: string, hook: "onStep" | "onEpoch", more: Partial<Callback> = {}): Callback => ({
    name,
    [hook]: async (_event: unknown, control: TrainingControl) => {
      await control.checkpoint();
    },
    ...more,
  });
  const train = async (callbacks: Callback[]) => {
    await using trainer = await trainerOf();
    return await trainer.fit(data, { callbacks });
  };

  test("are refused before others have been told, who would not go on exactly", async () => {
    await expect(train([taking("mine", "onEpoch"), earlyStopping({ monitor: "loss" })])).rejects.toThrow(StateError);
    await expect(train([taking("mine", "onEpoch"), earlyStopping({ monitor: "loss" })])).rejects.toThrow(
      "earlyStopping has not been told of the last epoch yet",
    );
  });

  test("are right where the others have no part in it, or have been told", async () => {
    await train([taking("mine", "onStep"), earlyStopping({ monitor: "loss" })]);
    await train([taking("mine", "onEpoch"), witness("stateless", [])]);
    await train([earlyStopping({ monitor: "loss" }), taking("mine", "onEpoch")]);
    await train([
      taking("mine", "onEpoch", { last: true, state: () => ({ data: 1 }) }),
      earlyStopping({ monitor: "loss" }),
    ]);
  });

  test("from outside are refused while a callback that keeps a state is called", async () => {
    await using trainer = await trainerOf();
    const asked: string[] = [];
    const ask = async (): Promise<void> => {
      asked.push(await trainer.checkpoint().then(({ callbacks }) => JSON.stringify(callbacks), String));
    };
    const callbacks: Callback[] = [
      bestModel({ monitor: "loss", save: ask }),
      { name: "mine", onStart: ask, onEpoch: ask, state: () => ({ data: 1 }) },
      { name: "stateless", last: true, onEpoch: ask },
    ];
    const { epochs } = await trainer.fit(data, { callbacks });
    const refusal = (name: string, what: string) =>
      expect.stringContaining(`StateError: ${name} has not been told of ${what} yet`);
    expect(asked).toEqual([
      refusal("mine", "the start"),
      refusal("bestModel", "the last epoch"),
      refusal("mine", "the last epoch"),
      JSON.stringify({ bestModel: { best: epochs[0]?.loss }, mine: 1 }),
    ]);
  });

  test("that are asked for while a step runs are of its end, and there are none before the first fit", async () => {
    await using trainer = await trainerOf();
    await expect(trainer.checkpoint()).rejects.toThrow("before the first fit");
    const asked: Promise<Checkpoint>[] = [];
    // In the first task after the one that began the step, which is in the middle of it or waits for its turn.
    const callbacks = [
      { name: "asking", onStep: () => void Promise.resolve().then(() => asked.push(trainer.checkpoint())) },
    ];
    await trainer.fit(data, { batchSize: 5, callbacks });
    const taken = await Promise.all(asked);
    expect(taken).toHaveLength(4);
    for (const { position, state } of taken) expect(state["training/step"].data[0]).toBe(position.iteration);
    expect((await trainer.checkpoint()).position).toMatchObject({ epoch: 1, step: 0, iteration: 4 });
  });

  test("every so many steps over epochs, and at the end of each", async () => {
    const places: string[] = [];
    await using trainer = await trainerOf();
    await trainer.fit(data, {
      epochs: 2,
      batchSize: 3,
      callbacks: [
        checkpoints({ everySteps: 3, save: ({ position: { epoch, step } }) => void places.push(`${epoch}+${step}`) }),
      ],
    });
    expect(places).toEqual(["0+3", "0+6", "1+0", "1+3", "1+6", "2+0"]);
  });
});
