/** Schedules against Keras's and PyTorch's definitions written out naively, and against figures computed by hand. */
import { reference } from "@ostinato/conformance";
import {
  type Callback,
  compile,
  cosineDecay,
  dense,
  exponentialDecay,
  input,
  inverseTimeDecay,
  type LearningRate,
  learningRateAt,
  meanSquaredError,
  oneCycle,
  piecewiseConstant,
  polynomialDecay,
  type Schedule,
  sequential,
  sgd,
  warmup,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

type Naive = (step: number) => number;

/** keras/src/optimizers/schedules/learning_rate_schedule.py, `CosineDecay.__call__`. */
function kerasCosine(initial: number, decaySteps: number, alpha: number, target?: number, warm = 0): Naive {
  const decay = (step: number, from: number) => {
    const cosine = 0.5 * (1 + Math.cos((Math.PI * step) / decaySteps));
    return from * ((1 - alpha) * cosine + alpha);
  };
  return (step) => {
    if (target === undefined) return decay(Math.min(step, decaySteps), initial);
    const at = Math.min(step, decaySteps + warm);
    return at < warm ? ((target - initial) * at) / warm + initial : decay(at - warm, target);
  };
}

/** torch/optim/lr_scheduler.py, `OneCycleLR.get_lr`; phases as (end_step, start_lr, end_lr). */
function torchOneCycle(max: number, total: number, linear = false, threePhase = false, pct = 0.3): Naive {
  const initial = max / 25;
  const min = initial / 1e4;
  const phases: readonly (readonly [number, number, number])[] = threePhase
    ? [
        [pct * total - 1, initial, max],
        [2 * pct * total - 2, max, initial],
        [total - 1, initial, min],
      ]
    : [
        [pct * total - 1, initial, max],
        [total - 1, max, min],
      ];
  return (step) => {
    let from = 0;
    for (const [i, [end, start, stop]] of phases.entries()) {
      if (step <= end || i === phases.length - 1) {
        const share = (step - from) / (end - from);
        if (linear) return (stop - start) * share + start;
        return stop + ((start - stop) / 2) * (Math.cos(Math.PI * share) + 1);
      }
      from = end;
    }
    return Number.NaN;
  };
}

const schedules: Readonly<Record<string, readonly [Schedule, Naive]>> = {
  "piecewise constant": [
    piecewiseConstant({ boundaries: [3, 10, 11], values: [1, 0.5, 0.25, 0.1] }),
    (step) => (step <= 3 ? 1 : step <= 10 ? 0.5 : step <= 11 ? 0.25 : 0.1),
  ],
  "exponential decay": [
    exponentialDecay({ initialLearningRate: 0.1, decaySteps: 7, decayRate: 0.6 }),
    (step) => 0.1 * 0.6 ** (step / 7),
  ],
  "exponential decay in stairs": [
    exponentialDecay({ initialLearningRate: 0.1, decaySteps: 7, decayRate: 0.6, staircase: true }),
    (step) => 0.1 * 0.6 ** Math.floor(step / 7),
  ],
  "inverse time decay": [
    inverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 4, decayRate: 0.5 }),
    (step) => 0.1 / (1 + (0.5 * step) / 4),
  ],
  "inverse time decay in stairs": [
    inverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 4, decayRate: 0.5, staircase: true }),
    (step) => 0.1 / (1 + 0.5 * Math.floor(step / 4)),
  ],
  "polynomial decay": [
    polynomialDecay({ initialLearningRate: 0.1, decaySteps: 20, endLearningRate: 0.02, power: 0.5 }),
    (step) => (0.1 - 0.02) * (1 - Math.min(step, 20) / 20) ** 0.5 + 0.02,
  ],
  "polynomial decay with its defaults": [
    polynomialDecay({ initialLearningRate: 0.1, decaySteps: 20 }),
    (step) => (0.1 - 0.0001) * (1 - Math.min(step, 20) / 20) + 0.0001,
  ],
  "polynomial decay in cycles": [
    polynomialDecay({ initialLearningRate: 0.1, decaySteps: 15, endLearningRate: 0.01, power: 2, cycle: true }),
    (step) => {
      const over = 15 * (step === 0 ? 1 : Math.ceil(step / 15));
      return (0.1 - 0.01) * (1 - step / over) ** 2 + 0.01;
    },
  ],
  "cosine decay": [cosineDecay({ initialLearningRate: 0.1, decaySteps: 30 }), kerasCosine(0.1, 30, 0)],
  "cosine decay after a warm-up": [
    cosineDecay({ initialLearningRate: 0.01, decaySteps: 30, alpha: 0.2, warmupTarget: 0.3, warmupSteps: 6 }),
    kerasCosine(0.01, 30, 0.2, 0.3, 6),
  ],
  "one cycle": [oneCycle({ maxLearningRate: 0.1, totalSteps: 50 }), torchOneCycle(0.1, 50)],
  "one cycle in straight lines": [
    oneCycle({ maxLearningRate: 0.1, totalSteps: 50, annealStrategy: "linear", pctStart: 0.45 }),
    torchOneCycle(0.1, 50, true, false, 0.45),
  ],
  "one cycle in three phases": [
    oneCycle({ maxLearningRate: 0.1, totalSteps: 50, threePhase: true }),
    torchOneCycle(0.1, 50, false, true),
  ],
  "warm-up to a constant": [
    warmup({ warmupSteps: 5, schedule: 0.3, initialLearningRate: 0.1 }),
    (step) => (step < 5 ? 0.1 + (0.2 * step) / 5 : 0.3),
  ],
  "warm-up to a schedule": [
    warmup({ warmupSteps: 5, schedule: exponentialDecay({ initialLearningRate: 0.1, decaySteps: 7, decayRate: 0.6 }) }),
    (step) => (step < 5 ? (0.1 * step) / 5 : 0.1 * 0.6 ** ((step - 5) / 7)),
  ],
};

describe("50 steps of", () => {
  test.each(Object.entries(schedules))("%s", (_name, [schedule, naive]) => {
    for (let step = 0; step < 50; step++) {
      const [actual, expected] = [learningRateAt(schedule, step), naive(step)];
      expect(Math.abs(actual - expected), `step ${step}: ${actual}, ${expected}`).toBeLessThanOrEqual(1e-12 * expected);
    }
  });

  test("a constant", () => expect(learningRateAt(0.1, 7)).toBe(0.1));
});

test.each(Object.entries(schedules))("%s survives JSON", (_name, [schedule]) => {
  const read = JSON.parse(JSON.stringify(schedule)) as LearningRate;
  expect(learningRateAt(read, 11)).toBe(learningRateAt(schedule, 11));
});

test("one cycle begins at max / 25, tops at the share of its steps, ends at max / 250000 and stays", () => {
  const schedule = oneCycle({ maxLearningRate: 1, totalSteps: 10 });
  const rates = [0, 2, 9, 10, 1000].map((step) => learningRateAt(schedule, step));
  [1 / 25, 1, 1 / 250000, 1 / 250000, 1 / 250000].forEach((rate, i) => void expect(rates[i]).toBeCloseTo(rate, 12));
  for (const totalSteps of [1, 2, 3])
    for (let step = 0; step < 4; step++)
      expect(learningRateAt(oneCycle({ maxLearningRate: 1, totalSteps }), step)).toBeGreaterThan(0);
});

describe("wrong options", () => {
  const wrong: readonly (readonly [string, () => Schedule, string])[] = [
    ["a value too few", () => piecewiseConstant({ boundaries: [1], values: [1] }), "one value more"],
    ["falling boundaries", () => piecewiseConstant({ boundaries: [2, 1], values: [1, 2, 3] }), "must rise"],
    [
      "no steps to decay over",
      () => exponentialDecay({ initialLearningRate: 1, decaySteps: 0, decayRate: 0.5 }),
      "decaySteps must be a whole number from 1 on",
    ],
    ["no rate", () => cosineDecay({ decaySteps: 3 } as never), "initialLearningRate must be a number from 0 on"],
    [
      "half a warm-up",
      () => cosineDecay({ initialLearningRate: 1, decaySteps: 3, warmupSteps: 2 }),
      "warmupTarget and warmupSteps go together",
    ],
    ["an unknown option", () => oneCycle({ maxLearningRate: 1, totalSteps: 3, cycles: 2 } as never), "has no option"],
    ["a warm-up to nothing", () => warmup({ warmupSteps: 2 } as never), "schedule must be a number from 0 on, or a"],
  ];
  test.each(wrong)("%s", (_name, make, message) => {
    expect(make).toThrow(message);
  });
});

test("fit feeds the rate of each step, micro-batches counted one by one as in Keras", async () => {
  const schedule = piecewiseConstant({ boundaries: [1, 4], values: [0.5, 0.25, 0.125] });
  const net = sequential([input({ shape: [2] }), dense({ units: 1, name: "dense" })]);
  const optimizer = sgd({ learningRate: schedule, gradientAccumulationSteps: 2 });
  await using trainer = await compile(net, { backend: reference(), loss: meanSquaredError(), optimizer });
  const rates: number[] = [];
  const watch: Callback = { name: "watch", onStep: (_event, control) => void rates.push(control.learningRate) };
  const x = Array.from({ length: 4 }, (_, row) => [row, 1]);
  await trainer.fit({ x, y: [0, 1, 2, 3] }, { epochs: 2, batchSize: 1, callbacks: [watch] });
  expect(rates).toEqual([0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125]);
});
