/** Callbacks that watch a figure, against Keras's rules written down anew, over made-up figures. */
import {
  bestModel,
  type Callback,
  ConfigError,
  checkpoints,
  type EpochEvent,
  earlyStopping,
  ModelFileError,
  RandomStream,
  type ReduceOnPlateauOptions,
  reduceLearningRateOnPlateau,
  type TrainingControl,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { smallModel } from "./models.ts";

/** What the callbacks did to a training that never ran. */
interface Told {
  stopped: number | undefined;
  readonly rates: number[];
  readonly written: number[];
}

/** Tells a callback of epochs with these values of `monitor`; weights are the number of the epoch. */
async function tell(
  callback: Callback,
  values: readonly number[],
  given: { monitor?: string; learningRate?: number; from?: number; figures?: readonly string[] } = {},
): Promise<Told> {
  const { monitor = "valLoss", learningRate = 1, from = 1, figures = [monitor] } = given;
  const told: Told = { stopped: undefined, rates: [], written: [] };
  let epoch = from - 1;
  const control: TrainingControl = {
    figures,
    metricOf: (figure) => figure,
    learningRate,
    stop: () => {
      told.stopped ??= epoch;
    },
    snapshot: async () => smallModel({ metadata: { epoch } }),
    readWeights: async () => ({ w: { dtype: "float32", shape: [1], data: Float32Array.of(epoch) } }),
    writeWeights: async ({ w }) => void told.written.push(w?.data[0] ?? Number.NaN),
    checkpoint: () => Promise.reject(new Error("not here")),
  };
  await callback.onStart?.(control);
  for (const value of values) {
    epoch += 1;
    const event = { epoch, epochs: 1000, seconds: 0, [monitor]: value } as EpochEvent;
    await callback.onEpoch?.(event, control);
    told.rates.push(control.learningRate);
    if (told.stopped !== undefined) break;
  }
  await callback.onEnd?.({ epochs: [] }, control);
  return told;
}

const random = new RandomStream(3, "figures");
/** Figures with plateaus, ties and now and then one that is not a number. */
const figures = (): number[] => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return Array.from({ length: 25 }, () =>
    random.below(40) === 0 ? (odd[random.below(3)] as number) : random.below(12) / 8,
  );
};

describe("earlyStopping", () => {
  /** keras/src/callbacks/early_stopping.py: epochs counted from 0 there, from 1 here. */
  function keras(values: readonly number[], mode: string, minDelta: number, patience: number, start: number) {
    const sign = mode === "max" ? 1 : -1;
    let best = -sign * Number.POSITIVE_INFINITY;
    let bestEpoch: number | undefined;
    let wait = 0;
    for (const [epoch, current] of values.entries()) {
      if (epoch < start) continue;
      wait += 1;
      const moved = current - sign * minDelta;
      if (sign > 0 ? moved > best : moved < best) {
        best = current;
        bestEpoch = epoch + 1;
        wait = 0;
      } else if (wait >= patience && epoch > 0) return { stopped: epoch + 1, bestEpoch };
    }
    return { stopped: undefined, bestEpoch };
  }

  test("stops where Keras's does, and puts back the weights of the best epoch", async () => {
    let stops = 0;
    for (let round = 0; round < 300; round++) {
      const values = figures();
      const mode = (["min", "max"] as const)[round % 2] as "min" | "max";
      const [patience, startFromEpoch, minDelta] = [random.below(6), random.below(4), random.below(3) / 8];
      const expected = keras(values, mode, minDelta, patience, startFromEpoch);
      const told = await tell(earlyStopping({ mode, patience, startFromEpoch, minDelta }), values);
      const label = JSON.stringify({ values, mode, patience, startFromEpoch, minDelta });
      expect(told.stopped, label).toBe(expected.stopped);
      expect(told.written, label).toEqual(expected.bestEpoch === undefined ? [] : [expected.bestEpoch]);
      if (told.stopped !== undefined) stops += 1;
    }
    expect(stops).toBeGreaterThan(100);
  });

  test("puts no weights back where it is told not to", async () => {
    expect((await tell(earlyStopping({ restoreBestWeights: false }), [1, 2])).written).toEqual([]);
  });

  test("given to a second fit it begins anew", async () => {
    const callback = earlyStopping({ patience: 2 });
    expect(await tell(callback, [1, 2, 3, 4])).toMatchObject({ stopped: 3, written: [1] });
    expect(await tell(callback, [9, 8, 9, 9])).toMatchObject({ stopped: 4, written: [2] });
  });

  test("says since when, or that there was nothing to go by", async () => {
    const reasons: string[] = [];
    const control = {
      figures: ["valLoss"],
      metricOf: (figure: string) => figure,
      stop: (reason: string) => void reasons.push(reason),
      readWeights: async () => ({}),
    };
    for (const values of [
      [0.5, 0.75],
      [Number.NaN, Number.NaN],
    ]) {
      const callback = earlyStopping();
      await callback.onStart?.(control as unknown as TrainingControl);
      for (const [i, valLoss] of values.entries())
        await callback.onEpoch?.(
          { epoch: i + 1, epochs: 9, seconds: 0, valLoss },
          control as unknown as TrainingControl,
        );
    }
    expect(reasons).toEqual(["valLoss has not got better since epoch 1 (0.5)", "valLoss never had a value to go by"]);
  });
});

describe("reduceLearningRateOnPlateau", () => {
  /** keras/src/callbacks/reduce_lr_on_plateau.py */
  function keras(values: readonly number[], options: Required<ReduceOnPlateauOptions>): number[] {
    const { mode, minDelta, patience, cooldown, factor, minLearningRate } = options;
    let best = mode === "max" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    let [wait, counter, rate] = [0, 0, 1];
    return values.map((current) => {
      if (counter > 0) {
        counter -= 1;
        wait = 0;
      }
      if (mode === "max" ? current > best + minDelta : current < best - minDelta) {
        best = current;
        wait = 0;
      } else if (counter === 0) {
        wait += 1;
        if (wait >= patience && rate > minLearningRate) {
          rate = Math.max(rate * factor, minLearningRate);
          counter = cooldown;
          wait = 0;
        }
      }
      return rate;
    });
  }

  test("sets the rates that Keras's does", async () => {
    const seen = new Set<number>();
    for (let round = 0; round < 300; round++) {
      const values = figures();
      const options = {
        monitor: "valLoss",
        mode: (["min", "max"] as const)[round % 2] as "min" | "max",
        minDelta: random.below(3) / 8,
        patience: random.below(4),
        cooldown: random.below(4),
        factor: 0.5,
        minLearningRate: [0, 0.1][random.below(2)] as number,
      };
      const { rates } = await tell(reduceLearningRateOnPlateau(options), values);
      expect(rates, JSON.stringify({ values, options })).toEqual(keras(values, options));
      for (const rate of rates) seen.add(rate);
    }
    expect(seen).toContain(0.1);
    expect(seen.size).toBeGreaterThan(8);
  });

  test("has Keras's defaults", async () => {
    const values = [1, ...Array.from({ length: 20 }, () => 1 - 5e-5)];
    const { rates } = await tell(reduceLearningRateOnPlateau(), values);
    expect(rates.slice(9, 12)).toEqual([1, 0.1, 0.1]);
    expect(rates[20]).toBeCloseTo(0.01, 12);
  });
});

describe("bestModel", () => {
  test("saves what Keras's ModelCheckpoint with save_best_only does", async () => {
    const saved: unknown[] = [];
    const callback = bestModel({ monitor: "auc", save: ({ metadata }) => void saved.push(metadata?.epoch) });
    await tell(callback, [0.5, Number.NaN, 0.5, 0.75, 0.7, 0.8], { monitor: "auc" });
    expect(saved).toEqual([1, 4, 6]);
  });

  test("one that could not be saved is not the best", async () => {
    let full = true;
    const saved: unknown[] = [];
    const callback = bestModel({
      save: ({ metadata }) => {
        if (full) throw new Error("full");
        saved.push(metadata?.epoch);
      },
    });
    await expect(tell(callback, [1])).rejects.toThrow("full");
    full = false;
    await tell(callback, [2, 1.5]);
    expect(saved).toEqual([1, 2]);
  });
});

describe("which way is better", () => {
  const rising = [
    "accuracy",
    "valAccuracy",
    "binaryAccuracy",
    "auc",
    "valAuc",
    "precision",
    "recall",
    "f1",
    "fBeta",
    "topKCategoricalAccuracy",
  ];
  const falling = [
    "loss",
    "valLoss",
    "meanSquaredError",
    "rootMeanSquaredError",
    "huber",
    "perplexity",
    "binaryCrossentropy",
  ];
  test.each([...rising.map((name) => [name, 2]), ...falling.map((name) => [name, 1])] as [string, number][])(
    "%s",
    async (monitor, best) => {
      const told = await tell(earlyStopping({ monitor, patience: 9 }), [1, 2], { monitor });
      expect(told.written).toEqual([best]);
    },
  );

  test("is asked for where the name does not tell", async () => {
    await expect(tell(earlyStopping({ monitor: "score" }), [1], { monitor: "score" })).rejects.toThrow(
      /score .* give mode/,
    );
    expect(
      (await tell(earlyStopping({ monitor: "score", mode: "max", patience: 9 }), [1, 2, 1], { monitor: "score" }))
        .written,
    ).toEqual([2]);
  });
});

describe("wrong options", () => {
  const untyped = (value: unknown): never => value as never;
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => earlyStopping({ patience: -1 }), "patience"],
    [() => earlyStopping({ startFromEpoch: 0.5 }), "startFromEpoch"],
    [() => earlyStopping(untyped({ baseline: 1 })), "baseline"],
    [() => earlyStopping({ monitor: untyped(5) }), "monitor"],
    [() => earlyStopping({ mode: untyped("up") }), "mode"],
    [() => earlyStopping({ minDelta: Number.NaN }), "minDelta"],
    [() => reduceLearningRateOnPlateau({ factor: 1 }), "factor"],
    [() => reduceLearningRateOnPlateau({ cooldown: -1 }), "cooldown"],
    [() => bestModel(untyped({})), "save"],
    [() => checkpoints(untyped({ save: "path" })), "save"],
    [() => checkpoints({ save: () => {}, everySteps: 0 }), "everySteps"],
  ];
  test.each(wrong.map(([act, word]) => ({ act, word })))("$word", ({ act, word }) => {
    expect(act).toThrow(ConfigError);
    expect(act).toThrow(word);
  });

  test.each([earlyStopping(), reduceLearningRateOnPlateau(), bestModel({ save: () => {} })])(
    "a figure that there is not is told before the first epoch: $name",
    async (callback) => {
      const start = tell(callback, [1], { figures: ["loss", "toString"] });
      await expect(start).rejects.toThrow(ConfigError);
      await expect(start).rejects.toThrow(
        /watches valLoss, but epochs have only loss, toString; give fit validationData/,
      );
    },
  );
});

describe("going on", () => {
  const makers: readonly (() => Callback)[] = [
    () => earlyStopping({ patience: 3 }),
    () => reduceLearningRateOnPlateau({ patience: 2, factor: 0.5, cooldown: 2 }),
  ];
  test.each(makers.map((make) => ({ name: make().name, make })))(
    "from what was kept, through JSON, is as if never stopped: $name",
    async ({ make }) => {
      for (let round = 0; round < 50; round++) {
        const values = figures();
        const at = 1 + random.below(20);
        const first = make();
        const whole = await tell(make(), values);
        const before = await tell(first, values.slice(0, at));
        if (before.stopped !== undefined) continue;
        const kept = first.state?.() ?? { data: null };
        const second = make();
        await second.restore?.({ ...kept, data: JSON.parse(JSON.stringify(kept.data)) });
        const rate = before.rates.at(-1) as number;
        const after = await tell(second, values.slice(at), { from: at + 1, learningRate: rate });
        expect(after.stopped).toBe(whole.stopped);
        expect(after.written).toEqual(whole.written);
        expect([...before.rates, ...after.rates]).toEqual(whole.rates);
      }
    },
  );

  /** Data of which no callback can make anything, and data of which `bestModel` alone can. */
  const hostile = [
    null,
    [],
    5,
    "best",
    {},
    { best: "x" },
    { best: [] },
    { best: true },
    JSON.parse('{"__proto__":{"best":1}}'),
  ];
  const incomplete = [
    { best: 1 },
    { best: null, waited: -1, bestEpoch: 0, cooling: 0 },
    { best: 1, waited: "1", bestEpoch: 0, cooling: 0 },
    { best: 1, waited: 0.5, bestEpoch: 0, cooling: 0 },
    { best: 1, waited: 1, bestEpoch: null, cooling: null },
  ];
  test.each([...makers.map((make) => make()), bestModel({ save: () => {} })])(
    "from data of the wrong form is a typed error: $name",
    (callback) => {
      for (const data of callback.name === "bestModel" ? hostile : [...hostile, ...incomplete])
        expect(() => callback.restore?.({ data }), JSON.stringify(data)).toThrow(ModelFileError);
    },
  );
});
