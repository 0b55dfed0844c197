/** Names of the user's own: none of them meets one of ours, or it is refused before anything runs. */
import { reference } from "@ostinato/conformance";
import {
  ConfigError,
  compile,
  dense,
  earlyStopping,
  input,
  type Metric,
  type Model,
  meanSquaredError,
  model,
  reduceLearningRateOnPlateau,
  rootMeanSquaredError,
  sequential,
  sgd,
  type Trainer,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const line = (inputName = "x", layerName = "line", outputName = "y"): Model => {
  const x = input({ shape: [1], name: inputName });
  return model(x, { [outputName]: dense({ units: 1, name: layerName })(x) });
};
const data = { x: [1, 2, 3], y: [2, 4, 6] };

const objective = { loss: meanSquaredError(), optimizer: sgd({ learningRate: 0.01 }), seed: 1 };

const trainerOf = (network: Model, metrics: readonly Metric[] = []): Promise<Trainer> =>
  compile(network, { backend: reference(), ...objective, metrics });

/** What the names that programs use of their own begin or end with, and those that are feeds, fetches or state. */
const names = [
  ...["learningRate", "sampleWeights", "training", "step", "loss", "applied", "target", "lengths", "sums", "y", "x"],
  ...["optimizer", "accumulated", "ema", "adam", "sgd", "output", "batch", "epoch", "val"],
];

describe("an input, a layer and an output can have any name", () => {
  for (const name of names) {
    test(name, async () => {
      const weights = Object.values((await plain()).weights).map(({ data: values }) => [...values]);
      for (const network of [line(name), line("x", name), line("x", "line", name)]) {
        await using trainer = await trainerOf(network);
        await trainer.fit({ ...data, sampleWeights: [1, 2, 3] }, { epochs: 2 });
        const got = Object.values((await trainer.snapshot()).weights).map(({ data: values }) => [...values]);
        // The kernel is drawn by the layer's name.
        if (network.spec.layers[0].name === "line") expect(got).toEqual(weights);
        expect(Number.isFinite(got[0][0])).toBe(true);
        expect((await trainer.predict([1])).shape).toEqual([1, 1]);
      }
    });
  }

  async function plain() {
    await using trainer = await trainerOf(line());
    await trainer.fit({ ...data, sampleWeights: [1, 2, 3] }, { epochs: 2 });
    return await trainer.snapshot();
  }
});

describe("a metric", () => {
  const named = (name: string): Metric => ({ ...rootMeanSquaredError(), name });

  test.each(["valLoss", "valAccuracy", "valX"])(
    "called %s is refused: validation calls its figures so",
    async (name) => {
      await expect(trainerOf(line(), [named(name)])).rejects.toThrow(ConfigError);
      await expect(trainerOf(line(), [named(name)])).rejects.toThrow(`"${name}" is what validation calls its figures`);
      expect(() => rootMeanSquaredError({ name })).not.toThrow();
    },
  );

  test.each(["loss", "epoch", "epochs", "seconds", "step", "steps", "logs", "stopped"])(
    "called %s is refused: events have that already",
    async (name) => {
      await expect(trainerOf(line(), [named(name)])).rejects.toThrow(`"${name}" would be in the logs twice`);
    },
  );

  test("whose figure of validation would be that of another is refused", async () => {
    await expect(trainerOf(line(), [named("error"), named("Error")])).rejects.toThrow(
      '"valError" would be in the logs',
    );
  });

  test.each(["", "my metric", "__proto__", 3 as never])(
    "put together by hand with the name %j is refused",
    async (name) => {
      await expect(trainerOf(line(), [named(name)])).rejects.toThrow("the name of a metric must be");
    },
  );

  test.each(["value", "validity", "val", "epochError"])("can be called %s", async (name) => {
    await using trainer = await trainerOf(line(), [named(name)]);
    const { epochs } = await trainer.fit(data, { validationData: data });
    const figures = [
      "epoch",
      "epochs",
      "loss",
      name,
      "seconds",
      "valLoss",
      `val${name[0].toUpperCase()}${name.slice(1)}`,
    ];
    expect(Object.keys(epochs[0]).sort()).toEqual(figures.sort());
  });
});

describe("which way is better", () => {
  /** Better in every epoch where less is better, and worse where more is. */
  const shrinking = (name: string): Metric => ({ ...rootMeanSquaredError(), name });
  const watch = async (name: string, mode?: "min" | "max") => {
    await using trainer = await trainerOf(line(), [shrinking(name)]);
    const stopping = earlyStopping({ monitor: name, patience: 1, ...(mode ? { mode } : {}) });
    return await trainer.fit(data, { epochs: 5, callbacks: [stopping] });
  };

  test.each(["rootError", "logLoss", "crossEntropy", "binaryCrossentropy", "myHuber", "perplexity", "loss2"])(
    "%s: less",
    async (name) => expect((await watch(name)).epochs).toHaveLength(5),
  );

  test.each(["accuracy", "topAcc", "prAUC", "auc", "F1", "macroF1", "fBeta", "topKCategoricalAccuracy", "recall_at_5"])(
    "%s: more",
    async (name) => expect((await watch(name)).epochs).toHaveLength(2),
  );

  test.each(["f1Loss", "accuracyError", "lossOfPrecision", "speed", "vacancy", "raccoons", "lossless", "terror"])(
    "%s does not tell, and asks for mode",
    async (name) => {
      await expect(watch(name)).rejects.toThrow(`the name ${name} does not tell whether larger is better; give mode`);
      expect((await watch(name, "min")).epochs).toHaveLength(5);
      expect((await watch(name, "max")).epochs).toHaveLength(2);
    },
  );

  test("a plateau asks as well", async () => {
    await using trainer = await trainerOf(line(), [shrinking("f1Loss")]);
    const callbacks = [reduceLearningRateOnPlateau({ monitor: "f1Loss" })];
    await expect(trainer.fit(data, { callbacks })).rejects.toThrow("give mode");
  });
});

test("a chain whose input and output have one name is a model, too", async () => {
  await using trainer = await trainerOf(line("same", "same", "same"));
  await trainer.fit(data);
  expect((await trainer.predict([1])).shape).toEqual([1, 1]);
  expect(sequential([input({ shape: [1], name: "sampleWeights" }), dense({ units: 1 })]).spec.inputs[0].name).toBe(
    "sampleWeights",
  );
});
