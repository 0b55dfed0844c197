/** When training cannot go on: typed errors, weights as they were, and a trainer that works afterwards. */
import { reference } from "@ostinato/conformance";
import {
  ConfigError,
  DataError,
  dense,
  type EvaluateOptions,
  type FitOptions,
  input,
  meanSquaredError,
  NonFiniteError,
  OstinatoError,
  type PredictOptions,
  predictor,
  type SnapshotOptions,
  StateError,
  sequential,
  sgd,
  type Tensors,
  type Trainer,
  type TrainingData,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { bytesAfter, bytesOf, reviews, trainerOf, watched } from "./reviews.ts";

const data = reviews(23);
const untyped = (value: unknown): never => value as never;

/** What is done, the class of the error, and words that its message must have. */
type Wrong = readonly [what: string, act: (trainer: Trainer) => Promise<unknown>, error: string, ...words: string[]];

const train =
  (options: FitOptions, given: TrainingData = data) =>
  (trainer: Trainer) =>
    trainer.fit(given, options);

const wrong: readonly Wrong[] = [
  ...[0, -1, 1.5, Number.NaN, "a", null].map(
    (epochs): Wrong => [
      `${epochs} epochs`,
      train({ epochs: untyped(epochs) }),
      "ConfigError",
      "fit: epochs must be a whole number from 1 on",
    ],
  ),
  ...[0, -1, 1.5, "a"].map(
    (size): Wrong => [
      `a batch of ${size}`,
      train({ batchSize: untyped(size) }),
      "ConfigError",
      "batchSize",
      String(size),
    ],
  ),
  ...[1, -0.1, 2, Number.NaN, "a"].map(
    (share): Wrong => [
      `a split of ${share}`,
      train({ validationSplit: untyped(share) }),
      "ConfigError",
      "fit: validationSplit must be a number from 0 to below 1",
    ],
  ),
  [
    "a split that leaves nothing to validate on",
    train({ validationSplit: 0.1 }, reviews(1)),
    "DataError",
    "leaves 0 of 1 rows",
  ],
  [
    "a split that leaves nothing to train on",
    train({ validationSplit: 0.99 }, reviews(3)),
    "DataError",
    "validationSplit: 0.99 leaves 0 of 3 rows",
  ],
  ["a split of batches", train({ validationSplit: 0.1 }, [data]), "ConfigError", "validationSplit"],
  [
    "a split beside validation data",
    train({ validationSplit: 0.1, validationData: data }),
    "ConfigError",
    "validationSplit",
  ],
  ...["onStep", "onValidationStep", "onEpoch", "onWarning"].map(
    (name): Wrong => [
      `no function as ${name}`,
      train(untyped({ [name]: 5 })),
      "ConfigError",
      `fit: ${name} must be a function, got 5`,
    ],
  ),
  ...["onStart", "onStep", "onEpoch", "onEnd", "state", "restore"].map(
    (name): Wrong => [
      `no function as ${name} of a callback`,
      train({ callbacks: [untyped({ name: "mine", [name]: "x" })] }),
      "ConfigError",
      `fit: ${name} of the callback "mine" must be a function, got "x"`,
    ],
  ),
  [
    "no function for steps of a prediction",
    (trainer) => trainer.predict(data.x, untyped({ onStep: 5 })),
    "ConfigError",
    "predict: onStep must be a function, got 5",
  ],
  [
    "a controller as the signal of a training",
    train({ signal: untyped(new AbortController()) }),
    "ConfigError",
    "fit: signal must be an AbortSignal",
  ],
  [
    "a controller as the signal of an evaluation",
    (trainer) => trainer.evaluate(data, { signal: untyped(new AbortController()) }),
    "ConfigError",
    "evaluate: signal must be an AbortSignal",
  ],
  ["a mistyped option", train(untyped({ epoch: 3 })), "ConfigError", 'fit has no option "epoch"', "epochs"],
  [
    "an option of evaluate that there is not",
    (t) => t.evaluate(data, untyped({ batch: 3 })),
    "ConfigError",
    'evaluate has no option "batch"',
  ],
  [
    "an option of predict that there is not",
    (t) => t.predict(data.x, untyped({ batch_size: 3 })),
    "ConfigError",
    'predict has no option "batch_size"',
  ],
  [
    "an option of snapshot that there is not",
    (t) => t.snapshot(untyped({ vocab: [] })),
    "ConfigError",
    'snapshot has no option "vocab"',
  ],
  ["shuffle that is no truth value", train({ shuffle: untyped("no") }), "ConfigError", "shuffle"],
  ["a batch of 0 to evaluate", (t) => t.evaluate(data, { batchSize: 0 }), "ConfigError", "batchSize"],
  ["a batch of 0 to predict", (t) => t.predict(data.x, { batchSize: 0 }), "ConfigError", "batchSize"],
  ["no data", (t) => t.fit(untyped(undefined)), "DataError", "{ x, y }"],
  ["a string for data", (t) => t.fit(untyped("reviews")), "DataError", "{ x, y }"],
  ["no data to evaluate", (t) => t.evaluate(untyped(undefined)), "DataError", "{ x, y }"],
  [
    "a generator that nobody called",
    (t) => t.fit(untyped(function* () {})),
    "DataError",
    "epoch 1: a function gives the rows { x, y } of an epoch; call it where it gives batches",
  ],
  [
    "a split of rows that are made anew",
    (t) => t.fit(() => data, { validationSplit: 0.2 }),
    "ConfigError",
    "validationSplit splits rows",
    "nor with rows made anew",
  ],
  [
    "batches to evaluate",
    (t) => t.evaluate(untyped(new Set([data]))),
    "DataError",
    "got an iterable; only fit trains on",
  ],
  ["batches to validate with", train({ validationData: untyped(new Set([data])) }), "DataError", "got an iterable"],
  ["training without y", (t) => t.fit(untyped({ x: data.x })), "DataError", "no y"],
  ["evaluating without y", (t) => t.evaluate(untyped({ x: data.x })), "DataError", "no y"],
  [
    "mistyped weights of rows",
    (t) => t.fit(untyped({ ...data, sampleWeight: [1] })),
    "ConfigError",
    '"sampleWeight"',
    "sampleWeights",
  ],
  ["no rows", (t) => t.fit({ x: [], y: [] }), "DataError", "no rows"],
  ["no rows to predict", (t) => t.predict([]), "DataError", "no rows"],
  ["no batches", (t) => t.fit([]), "DataError", "gave none"],
  ["something else among the batches", (t) => t.fit(untyped([1])), "DataError", "{ x, y }"],
  ["an empty batch", (t) => t.fit([{ x: [], y: [] }]), "DataError", "no rows"],
  ["validation data that do not fit", train({ validationData: { x: [[1]], y: [0, 1] } }), "ShapeError", "2 rows"],
  [
    "an id outside the vocabulary, in the last row",
    (t) => t.fit({ x: [...data.x, [12]], y: [...data.y, 0] }),
    "DataError",
    'embedding "embedding"',
    "row 23",
  ],
];

describe("wrong use is refused before anything runs, and harms nothing", () => {
  for (const [what, act, error, ...words] of wrong) {
    test(what, async () => {
      const backend = watched();
      await using trainer = await trainerOf({ backend });
      const thrown: unknown = await act(trainer).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(thrown).toBeInstanceOf(OstinatoError);
      const { name, message } = thrown as OstinatoError;
      expect(name, message).toBe(error);
      for (const word of words) expect(message).toContain(word);
      expect(backend.compiled).toBe(0);
      expect((await backend.state())["training/step"].data[0]).toBe(0);
      await trainer.fit(data);
    });
  }

  test("a generator whose batches several epochs want is refused before the first", async () => {
    await using trainer = await trainerOf();
    const attempt = trainer.fit([data].values(), { epochs: 2 });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow("give stepsPerEpoch");
    expect((await trainer.fit([data].values())).epochs).toHaveLength(1);
  });

  test("rows that are made anew for each epoch are as many in all", async () => {
    await using trainer = await trainerOf();
    const fewer = (epoch: number) => ({ x: data.x.slice(epoch), y: data.y.slice(epoch) });
    await expect(trainer.fit(fewer, { epochs: 2 })).rejects.toThrow(
      `epoch 2: the data has ${data.x.length - 1} rows, and had ${data.x.length}; give as many in each epoch`,
    );
  });

  test("an iterable that begins anew without batches says in which epoch", async () => {
    await using trainer = await trainerOf();
    const once = [data].values();
    const batches = { [Symbol.iterator]: () => once };
    await expect(trainer.fit(batches, { epochs: 2 })).rejects.toThrow(/^epoch 2: .* walked again/);
  });
});

describe("a loss that is not finite", () => {
  const network = () => sequential([input({ shape: [1], name: "x" }), dense({ units: 1 })]);
  const objective = { loss: meanSquaredError(), metrics: [], optimizer: sgd({ learningRate: 1e30 }) };
  const points = { x: [1, 2, 3], y: [2, 4, 7] };

  test("stops training with the weights from before the step", async () => {
    const backend = watched();
    await using trainer = await trainerOf({ ...objective, backend }, network());
    const states: Tensors[] = [];
    const failed = await trainer
      .fit(points, { epochs: 100, onStep: async () => void states.push(await backend.state()) })
      .then(
        () => undefined,
        (caught: unknown) => caught,
      );
    expect(failed).toBeInstanceOf(NonFiniteError);
    expect((failed as Error).message).toContain(`epoch ${states.length + 1}, step 1`);
    expect((failed as Error).message).toContain("smaller learning rate");
    // Many steps were made, and of the one that was not nothing is left, nor does it count.
    expect(states.length).toBeGreaterThan(1);
    const last = states.at(-1) as Tensors;
    expect(await backend.state()).toEqual(last);
    expect(last["training/step"].data[0]).toBe(states.length);
    expect(Object.values(last).every(({ data: values }) => values.every(Number.isFinite))).toBe(true);
    await expect(trainer.fit(points)).rejects.toThrow(NonFiniteError);
    expect(await backend.state()).toEqual(last);
  });
});

describe("a signal", () => {
  const reason = new Error("enough");
  /** Aborts after so many steps. */
  const aborting = (steps: number): FitOptions & { readonly controller: AbortController } => {
    const controller = new AbortController();
    return {
      controller,
      batchSize: 6,
      epochs: 9,
      signal: controller.signal,
      onStep: ({ step, epoch }) => {
        if (4 * (epoch - 1) + step === steps) controller.abort(reason);
      },
    };
  };
  const stopped = (steps: number, more: FitOptions = {}) =>
    bytesAfter(async (trainer) => {
      const { controller: _, ...options } = aborting(steps);
      await expect(trainer.fit(data, { ...options, ...more })).rejects.toBe(reason);
    });

  test("stops training after the step that is running", async () => {
    const steps = (count: number) =>
      bytesAfter((trainer) => {
        let made = 0;
        return trainer
          .fit(data, {
            batchSize: 6,
            epochs: 9,
            onStep: () => {
              if (++made === count) throw reason;
            },
          })
          .catch((caught: unknown) => expect(caught).toBe(reason));
      });
    expect(await stopped(2)).toBe(await steps(2));
    expect(await stopped(5)).toBe(await steps(5));
  });

  test("that came before training makes no step", async () => {
    const before = await bytesAfter(async () => {});
    const after = await bytesAfter(async (trainer) => {
      await expect(trainer.fit(data, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });
    expect(after).toBe(before);
  });

  test("stops validation too", async () => {
    await using trainer = await trainerOf();
    const controller = new AbortController();
    let epochs = 0;
    const held = trainer.fit(data, {
      batchSize: 23,
      validationData: data,
      signal: controller.signal,
      onStep: () => controller.abort(reason),
      onEpoch: () => {
        epochs += 1;
      },
    });
    await expect(held).rejects.toBe(reason);
    expect(epochs).toBe(0);
  });

  test("leaves a trainer that goes on", async () => {
    await using trainer = await trainerOf();
    const { controller: _, ...options } = aborting(1);
    await expect(trainer.fit(data, options)).rejects.toBe(reason);
    expect((await trainer.fit(data, { epochs: 20 })).epochs.at(-1)?.accuracy).toBeGreaterThan(0.8);
  });
});

describe("two things at once", () => {
  test("a second fit is refused; the first is not disturbed", async () => {
    const alone = await bytesAfter((trainer) => trainer.fit(data, { epochs: 2 }));
    await using trainer = await trainerOf();
    const first = trainer.fit(data, { epochs: 2 });
    await expect(trainer.fit(data)).rejects.toThrow(StateError);
    await expect(trainer.fit(data)).rejects.toThrow("fit is running already; await it");
    await first;
    expect(await bytesOf(trainer)).toBe(alone);
  });

  test("a fit within a fit is refused", async () => {
    await using trainer = await trainerOf();
    await expect(trainer.fit(data, { onStep: () => trainer.fit(data).then(() => {}) })).rejects.toThrow(StateError);
    await trainer.fit(data);
  });

  test("a trainer that is disposed while it trains stops with an error", async () => {
    const trainer = await trainerOf();
    await expect(trainer.fit(data, { batchSize: 6, onStep: () => trainer.dispose() })).rejects.toThrow(StateError);
  });
});

describe("after dispose", () => {
  test("every use of a trainer is refused, and disposing again is nothing", async () => {
    const trainer = await trainerOf();
    await trainer.fit(data);
    await trainer.dispose();
    await trainer.dispose();
    const uses: Readonly<Record<string, () => Promise<unknown>>> = {
      fit: () => trainer.fit(data),
      evaluate: () => trainer.evaluate(data),
      predict: () => trainer.predict(data.x),
      snapshot: () => trainer.snapshot(),
    };
    for (const use of Object.values(uses)) await expect(use()).rejects.toThrow(StateError);
  });

  test("of a predictor too, and its data are checked as a trainer's are", async () => {
    await using trainer = await trainerOf();
    const alone = await predictor(await trainer.snapshot(), { backend: reference() });
    await expect(alone.predict([[99]])).rejects.toThrow(DataError);
    await expect(alone.predict([[1]], untyped({ batch: 1 }))).rejects.toThrow(ConfigError);
    expect((await alone.predict([[1]])).shape).toEqual([1, 1]);
    await alone.dispose();
    await alone.dispose();
    await expect(alone.predict([[1]])).rejects.toThrow(StateError);
  });

  test("a snapshot can still be used", async () => {
    const trainer = await trainerOf();
    const trained = await trainer.snapshot();
    await trainer.dispose();
    await using alone = await predictor(trained, { backend: reference() });
    expect((await alone.predict([[1, 2]])).shape).toEqual([1, 1]);
  });
});

test("options are those of the method, for the compiler too", () => {
  // @ts-expect-error no such option
  const a: FitOptions = { epoch: 1 };
  // @ts-expect-error no such option
  const b: EvaluateOptions = { batch: 1 };
  // @ts-expect-error no such option
  const c: PredictOptions = { batch: 1 };
  // @ts-expect-error no such option
  const d: SnapshotOptions = { vocab: 1 };
  expect([a, b, c, d]).toHaveLength(4);
});
