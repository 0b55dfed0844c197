/** How trainings end: by a signal, an error or a number that is not finite, with what callbacks promise, and what is said before. */

import { reference } from "@ostinato/conformance";
import {
  adam,
  bestModel,
  binaryCrossentropy,
  type Callback,
  ConfigError,
  compile,
  dense,
  type EpochEvent,
  type Examples,
  earlyStopping,
  type FitOptions,
  type History,
  input,
  meanSquaredError,
  NonFiniteError,
  sequential,
  sgd,
  type Trained,
  type Trainer,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { bytesAfter, bytesOf, reviews, trainerOf } from "./reviews.ts";

const data = reviews(20);
const stop = new Error("enough");

/** The weights after each epoch, and what the callback was told at the end. */
function witness(): Callback & { readonly weights: string[]; readonly ends: History[] } {
  const [weights, ends]: [string[], History[]] = [[], []];
  return {
    name: "witness",
    weights,
    ends,
    onEpoch: async (_event, control) => void weights.push(encode(await control.snapshot())),
    onEnd: (history) => void ends.push({ ...history, epochs: [...history.epochs] }),
  };
}

const encode = (trained: Trained): string => Buffer.from(toBytes(trained)).toString("base64");

const endings: Readonly<Record<string, (abort: () => void) => Pick<FitOptions, "onStep" | "onEpoch" | "callbacks">>> = {
  "a signal": (abort) => ({ onStep: ({ epoch, step }) => (epoch === 3 && step === 2 ? abort() : undefined) }),
  "an error in onStep": () => ({
    onStep: ({ epoch, step }) => {
      if (epoch === 3 && step === 2) throw stop;
    },
  }),
  "an error in onEpoch": () => ({
    onEpoch: ({ epoch }) => {
      if (epoch === 3) throw stop;
    },
  }),
  "an error of a callback": () => ({
    callbacks: [
      {
        name: "failing",
        onStep: ({ epoch, step }) => {
          if (epoch === 3 && step === 2) throw stop;
        },
      },
    ],
  }),
};

/** Rises in turn, so that the best epoch is one in the middle. */
const rates = [0.05, 0.05, 3, 3, 3];

describe("a training that does not reach its end", () => {
  for (const [what, options] of Object.entries(endings)) {
    test(`by ${what} leaves the best weights of earlyStopping, and a checkpoint of its last step`, async () => {
      const seen = witness();
      const controller = new AbortController();
      const { callbacks = [], ...hooks } = options(() => controller.abort(stop));
      const epochs: EpochEvent[] = [];
      const saved: string[] = [];
      await using trainer = await trainerOf({ optimizer: adam({ learningRate: 0.05 }) });
      const fit = trainer.fit(data, {
        epochs: 5,
        batchSize: 5,
        signal: controller.signal,
        callbacks: [
          {
            name: "rates",
            onStart: (control) => {
              control.learningRate = rates[0];
            },
            onEpoch: (event, control) => {
              control.learningRate = rates[event.epoch];
              epochs.push(event);
            },
          },
          seen,
          earlyStopping({ monitor: "loss", patience: 9 }),
          bestModel({ monitor: "loss", save: (trained) => void saved.push(encode(trained)) }),
          ...callbacks,
        ],
        ...hooks,
      });
      await expect(fit).rejects.toBe(stop);
      const best = epochs.map(({ loss }) => loss).indexOf(Math.min(...epochs.map(({ loss }) => loss)));
      expect(await bytesOf(trainer)).toBe(seen.weights[best]);
      expect(saved.at(-1)).toBe(seen.weights[best]);
      expect(seen.ends).toHaveLength(1);
      expect(seen.ends[0]).toMatchObject({ stopped: "enough" });
      expect(seen.ends[0].epochs).toHaveLength(epochs.length);
    });
  }

  test("by a signal goes on from its checkpoint to the same bytes, whatever weights were put back", async () => {
    const early = (): FitOptions => ({
      epochs: 4,
      batchSize: 5,
      callbacks: [earlyStopping({ monitor: "loss", patience: 9, restoreBestWeights: true })],
    });
    const whole = await bytesAfter((trainer) => trainer.fit(data, early()));
    await using trainer = await trainerOf();
    const controller = new AbortController();
    const stopped = trainer.fit(data, {
      ...early(),
      signal: controller.signal,
      onStep: ({ epoch, step }) => (epoch === 2 && step === 3 ? controller.abort(stop) : undefined),
    });
    await expect(stopped).rejects.toBe(stop);
    const checkpoint = await trainer.checkpoint();
    expect(checkpoint.position).toMatchObject({ epoch: 1, step: 3, iteration: 7 });
    expect(checkpoint.state["training/step"].data[0]).toBe(7);
    await trainer.fit(data, { ...early(), resume: checkpoint });
    expect(await bytesOf(trainer)).toBe(whole);
  });

  test("by a number that is not finite leaves the best weights", async () => {
    const points = { x: [1, 2, 3], y: [2, 4, 7] };
    const network = sequential([input({ shape: [1], name: "x" }), dense({ units: 1 })]);
    const seen = witness();
    await using trainer = await trainerOf({ loss: meanSquaredError(), metrics: [], optimizer: sgd() }, network);
    const rising: Callback = {
      name: "rising",
      onEpoch: ({ epoch }, control) => {
        if (epoch === 2) control.learningRate = 1e30;
      },
    };
    const losses: number[] = [];
    await expect(
      trainer.fit(points, {
        epochs: 9,
        callbacks: [rising, seen, earlyStopping({ monitor: "loss", patience: 9 })],
        onEpoch: ({ loss }) => void losses.push(loss),
      }),
    ).rejects.toThrow(NonFiniteError);
    const best = losses.indexOf(Math.min(...losses));
    expect(best).toBeLessThan(losses.length - 1);
    expect(await bytesOf(trainer)).toBe(seen.weights[best]);
    expect(seen.ends[0].stopped).toMatch(/not finite/);
  });

  test("an epoch is saved as the best though another callback fails in it; those that come last are not called", async () => {
    const saved: number[] = [];
    let last = 0;
    await using trainer = await trainerOf();
    const failing: Callback = {
      name: "failing",
      onEpoch: () => {
        throw stop;
      },
    };
    const callbacks: Callback[] = [
      failing,
      bestModel({ monitor: "loss", save: () => void saved.push(1) }),
      { name: "last", last: true, onEpoch: () => void last++ },
    ];
    await expect(trainer.fit(data, { callbacks })).rejects.toBe(stop);
    expect([saved.length, last]).toEqual([1, 0]);
  });

  test("what fails at the end of a training that failed is a warning", async () => {
    const warnings: string[] = [];
    const callbacks: Callback[] = [
      {
        name: "twice",
        onEnd: () => {
          throw new Error("the disk is full");
        },
      },
    ];
    await using trainer = await trainerOf();
    const hooks: FitOptions = {
      callbacks,
      onWarning: (message) => void warnings.push(message),
      onStep: () => {
        throw stop;
      },
    };
    await expect(trainer.fit(data, hooks)).rejects.toBe(stop);
    expect(warnings).toEqual(["twice failed at the end of training: the disk is full"]);
  });

  test("one callback that fails at the end keeps no other from its own", async () => {
    const warnings: string[] = [];
    const failing = (name: string): Callback => ({
      name,
      onEnd: () => {
        throw new Error(`${name} has no space left`);
      },
    });
    const seen = witness();
    await using trainer = await trainerOf();
    // The loss gets better by more than so much never: the first epoch is the best.
    const early = earlyStopping({ monitor: "loss", minDelta: 100, patience: 9 });
    const callbacks = [failing("table"), seen, early, failing("chart")];
    const fit = trainer.fit(data, { epochs: 3, callbacks, onWarning: (message) => void warnings.push(message) });
    await expect(fit).rejects.toThrow("table has no space left");
    expect(seen.ends).toHaveLength(1);
    expect(await bytesOf(trainer)).toBe(seen.weights[0]);
    expect(warnings).toEqual(["chart failed at the end of training: chart has no space left"]);
  });

  test("what was thrown may be anything", async () => {
    await using trainer = await trainerOf();
    const seen = witness();
    const thrown: unknown = Object.create(null);
    const onStep = (): never => {
      throw thrown;
    };
    const caught = await trainer.fit(data, { onStep, callbacks: [seen] }).catch((error: unknown) => error);
    expect(caught).toBe(thrown);
    expect(seen.ends[0]?.stopped).toBe("something that cannot be read was thrown");
  });
});

describe("what cannot be learned", () => {
  const network = (units: number, activation: "softmax" | "sigmoid") =>
    sequential([input({ shape: [2], name: "x" }), dense({ units, activation, name: "last" })]);
  const warningsOf = async (trainer: Trainer, examples: Examples, options: FitOptions = {}): Promise<string[]> => {
    const warnings: string[] = [];
    await trainer.fit(examples, { ...options, onWarning: (message) => void warnings.push(message) });
    return warnings;
  };
  const rows = (count: number): number[][] => Array.from({ length: count }, (_, i) => [i, 1]);

  test("a softmax over one unit is refused", async () => {
    const attempt = compile(network(1, "softmax"), {
      backend: reference(),
      loss: binaryCrossentropy(),
      optimizer: adam(),
    });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow('dense "last" is a softmax over one unit');
    await expect(attempt).rejects.toThrow('activation: "sigmoid"');
  });

  test("a model whose layers are all frozen is refused by fit", async () => {
    const frozen = sequential([
      input({ shape: [2], name: "x" }),
      dense({ units: 1, activation: "sigmoid", trainable: false }),
    ]);
    await using trainer = await trainerOf({ metrics: [] }, frozen);
    await trainer.evaluate({ x: rows(3), y: [0, 1, 0] });
    await expect(trainer.fit({ x: rows(3), y: [0, 1, 0] })).rejects.toThrow("nothing to train");
  });

  test("a class that is in no row is a warning, with the reason where rows are sorted", async () => {
    await using trainer = await trainerOf({ metrics: [] }, network(1, "sigmoid"));
    expect(await warningsOf(trainer, { x: rows(4), y: [0, 0, 0, 0] })).toEqual([
      'y of "output": class 1 of 2 is in no row to train on; the model cannot learn what it never sees',
    ]);
    const [sorted] = await warningsOf(trainer, { x: rows(4), y: [0, 0, 0, 1] }, { validationSplit: 0.25 });
    expect(sorted).toMatch(/validationSplit keeps the last rows.*shuffle/);
    expect(await warningsOf(trainer, { x: rows(4), y: [0, 1, 0, 1] })).toEqual([]);
    // Too few labels for all classes, or no classes at all.
    expect(await warningsOf(trainer, { x: rows(1), y: [0] })).toEqual([]);
    expect(await warningsOf(trainer, { x: rows(4), y: [0.2, 0.2, 0.2, 0.2] })).toEqual([]);
  });

  test("of labels and of one-hot rows too", async () => {
    const { categoricalCrossentropy, sparseCategoricalCrossentropy } = await import("@ostinato/core");
    const model = network(9, "softmax");
    await using sparse = await trainerOf({ metrics: [], loss: sparseCategoricalCrossentropy() }, model);
    const labels = [0, 1, 1, 0, 0, 0, 1, 1, 8];
    const warning =
      'y of "output": 6 of 9 classes are in no row to train on: 2, 3, 4, 5, 6, …; the model cannot learn what it never sees';
    expect(await warningsOf(sparse, { x: rows(9), y: labels })).toEqual([warning]);
    await using dense9 = await trainerOf({ metrics: [], loss: categoricalCrossentropy() }, model);
    const y = labels.map((label) => Array.from({ length: 9 }, (_, k) => Number(k === label)));
    expect(await warningsOf(dense9, { x: rows(9), y })).toEqual([warning]);
  });

  test("over time not those before the first that occurs: padding, and the start of a sequence", async () => {
    const { sparseCategoricalCrossentropy } = await import("@ostinato/core");
    const model = sequential([input({ shape: ["time", 2], name: "x" }), dense({ units: 5, activation: "softmax" })]);
    await using trainer = await trainerOf({ metrics: [], loss: sparseCategoricalCrossentropy() }, model);
    const x = [rows(3), rows(3)];
    const labelled = (...y: number[][]) => warningsOf(trainer, { x, y });
    expect(await labelled([3, 2, 4], [2, 4, 3])).toEqual([]);
    expect(await labelled([4, 2, 2], [2, 4, 2])).toEqual([
      'y of "output": class 3 of 5 is in no row to train on; the model cannot learn what it never sees',
    ]);
  });

  test("of a text that is written token by token none: its vocabulary may hold more", async () => {
    const { sparseCategoricalCrossentropy } = await import("@ostinato/core");
    const model = sequential([input({ shape: ["time", 1], name: "x" }), dense({ units: 5, activation: "softmax" })]);
    await using trainer = await trainerOf({ metrics: [], loss: sparseCategoricalCrossentropy() }, model);
    const of = (...rows: number[][]) => rows.map((row) => row.map((value) => [value]));
    const y = [
      [2, 4, 1],
      [4, 2, 2],
    ];
    expect(await warningsOf(trainer, { x: of([0, 2, 4], [0, 4, 2]), y })).toEqual([]);
    expect(await warningsOf(trainer, { x: of([0, 2, 4], [0, 4, 4]), y })).toEqual([
      expect.stringContaining("class 3 of 5 is in no row"),
    ]);
  });

  test("of labels that do not exclude each other only those that no row has", async () => {
    await using trainer = await trainerOf({ metrics: [] }, network(3, "sigmoid"));
    const all = [1, 1, 1];
    const two = [1, 1, 0];
    expect(await warningsOf(trainer, { x: rows(3), y: [all, two, two] })).toEqual([]);
    expect(await warningsOf(trainer, { x: rows(3), y: [two, two, [0, 0, 0]] })).toEqual([
      'y of "output": class 2 of 3 is in no row to train on; the model cannot learn what it never sees',
    ]);
  });
});
