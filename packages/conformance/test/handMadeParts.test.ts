/** Schedules, optimizers, losses and metrics that somebody wrote down by hand: checked as those that functions make. */
import { reference } from "@ostinato/conformance";
import {
  type CompileOptions,
  ConfigError,
  cast,
  compile,
  cosineDecay,
  dense,
  exponentialDecay,
  input,
  type LearningRate,
  learningRateAt,
  meanSquaredError,
  oneCycle,
  piecewiseConstant,
  polynomialDecay,
  rootMeanSquaredError,
  sequential,
  sgd,
  square,
  sub,
  sum,
  warmup,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const untyped = (value: unknown): never => value as never;

describe("a schedule by hand", () => {
  const wrong: readonly (readonly [what: string, schedule: unknown, message: string])[] = [
    ["without its numbers", { kind: "cosineDecay" }, "cosineDecay: initialLearningRate must be a number from 0 on"],
    [
      "with a text for a number",
      { kind: "exponentialDecay", initialLearningRate: "0.1", decaySteps: 5, decayRate: 0.5 },
      "exponentialDecay: initialLearningRate must be",
    ],
    [
      "with NaN",
      { kind: "inverseTimeDecay", initialLearningRate: 0.1, decaySteps: 5, decayRate: Number.NaN },
      "inverseTimeDecay: decayRate must be",
    ],
    [
      "with no steps",
      { kind: "polynomialDecay", initialLearningRate: 0.1, decaySteps: 0 },
      "polynomialDecay: decaySteps must be a whole number from 1 on",
    ],
    ["with a mistyped option", { kind: "oneCycle", maxLearningRate: 1, steps: 5 }, 'oneCycle has no option "steps"'],
    ["with one value too few", { kind: "piecewiseConstant", boundaries: [1], values: [0.1] }, "one value more"],
    [
      "within a warm-up",
      { kind: "warmup", warmupSteps: 5, schedule: { kind: "cosineDecay" } },
      "warmup: schedule: cosineDecay",
    ],
    ["of no known kind", { kind: "cosine" }, 'unknown kind "cosine"; there are piecewiseConstant, '],
    ["called as what every record has", { kind: "constructor" }, 'unknown kind "constructor"'],
    [
      "of a warm-up without a target",
      { kind: "cosineDecay", initialLearningRate: 1, decaySteps: 5, warmupSteps: 3 },
      "go together",
    ],
  ];
  test.each(wrong)("%s is refused", (_, learningRate, message) => {
    expect(() => sgd({ learningRate: untyped(learningRate) })).toThrow(ConfigError);
    expect(() => sgd({ learningRate: untyped(learningRate) })).toThrow(message);
  });

  test("with what has no default is filled in with what has", () => {
    const given = { kind: "cosineDecay", initialLearningRate: 0.1, decaySteps: 10 };
    const { learningRate } = sgd({ learningRate: untyped(given) });
    expect(learningRate).toEqual(cosineDecay({ initialLearningRate: 0.1, decaySteps: 10 }));
    expect(learningRateAt(learningRate, 5)).toBeCloseTo(0.05, 12);
  });

  const made: readonly LearningRate[] = [
    0.1,
    piecewiseConstant({ boundaries: [3], values: [0.1, 0.01] }),
    exponentialDecay({ initialLearningRate: 0.1, decaySteps: 5, decayRate: 0.5 }),
    polynomialDecay({ initialLearningRate: 0.1, decaySteps: 5, cycle: true }),
    cosineDecay({ initialLearningRate: 0.1, decaySteps: 5 }),
    cosineDecay({ initialLearningRate: 0.1, decaySteps: 5, warmupTarget: 0.2, warmupSteps: 3 }),
    oneCycle({ maxLearningRate: 0.1, totalSteps: 9 }),
    warmup({ warmupSteps: 4, schedule: cosineDecay({ initialLearningRate: 0.1, decaySteps: 5 }) }),
  ];
  test("of a file is what it was", () => {
    for (const schedule of made)
      expect(sgd({ learningRate: JSON.parse(JSON.stringify(schedule)) }).learningRate).toEqual(schedule);
  });

  test("that grows without bound ends in an error, and not in a rate that is none", () => {
    const growing = exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 1e100 });
    expect(learningRateAt(growing, 3)).toBeCloseTo(1e300, -290);
    expect(() => learningRateAt(growing, 4)).toThrow("its schedule, exponentialDecay, gives Infinity for step 4");
    const none = exponentialDecay({ initialLearningRate: 0, decaySteps: 1, decayRate: 1e100 });
    expect(() => learningRateAt(none, 4)).toThrow(ConfigError);
  });
});

describe("a part put together by hand", () => {
  const compiled = (parts: Partial<CompileOptions>) =>
    compile(sequential([input({ shape: [1] }), dense({ units: 1 })]), {
      backend: reference(),
      loss: meanSquaredError(),
      optimizer: sgd(),
      ...parts,
    });
  const plain = sgd();
  const cosine = cosineDecay({ initialLearningRate: 0.1, decaySteps: 5 });
  const wrong: readonly (readonly [what: string, parts: Partial<CompileOptions>, message: string])[] = [
    ["a rate of NaN", { optimizer: { ...plain, learningRate: Number.NaN } }, "sgd: learningRate must be"],
    [
      "a schedule without numbers",
      { optimizer: { ...plain, learningRate: untyped({ kind: "oneCycle" }) } },
      "oneCycle: maxLearningRate",
    ],
    [
      "a schedule without what has a default",
      {
        optimizer: {
          ...plain,
          learningRate: untyped({ ...cosine, alpha: undefined, warmupSteps: undefined, kind: "exponentialDecay" }),
        },
      },
      "exponentialDecay has no option",
    ],
    [
      "a schedule that leaves out an option",
      {
        optimizer: { ...plain, learningRate: untyped({ kind: "cosineDecay", initialLearningRate: 1, decaySteps: 5 }) },
      },
      "learningRate is a schedule without alpha, warmupTarget, warmupSteps; cosineDecay({ … }) fills in",
    ],
    ["a bound of NaN", { optimizer: { ...plain, base: { ...plain.base, clipnorm: Number.NaN } } }, "sgd: clipnorm"],
    [
      "two bounds",
      { optimizer: { ...plain, base: { ...plain.base, clipnorm: 1, clipvalue: 1 } } },
      "exclude each other",
    ],
    [
      "an option of all that is missing",
      { optimizer: { ...plain, base: untyped({ ...plain.base, weightDecay: undefined }) } },
      "weightDecay",
    ],
    ["no options of all", { optimizer: { ...plain, base: untyped(undefined) } }, "sgd: base must be"],
    ["a slot of NaN", { optimizer: { ...plain, slots: { m: Number.NaN } } }, "sgd: slots must be"],
    ["no shared scalars", { optimizer: { ...plain, shared: untyped(undefined) } }, "sgd: shared must be"],
    [
      "a loss without target",
      { loss: untyped({ ...meanSquaredError(), target: undefined }) },
      "compile: loss has no method target",
    ],
    ["a loss without a kind", { loss: untyped({ ...meanSquaredError(), kind: undefined }) }, "the loss has no kind"],
    [
      "a metric without result",
      { metrics: [untyped({ ...rootMeanSquaredError(), result: 3 })] },
      "has no method result",
    ],
  ];
  const computed: readonly (readonly [what: string, parts: Partial<CompileOptions>, message: string])[] = [
    [
      "a loss for each output",
      { loss: { ...meanSquaredError(), perRow: (p, y) => square(sub(p, y)) } },
      "the loss meanSquaredError: perRow must give one number a row, float32[batch], and gives float32[batch, 1]",
    ],
    [
      "a loss of whole numbers",
      { loss: { ...meanSquaredError(), perRow: (p) => cast(sum(p, [1]), "int32") } },
      "float32[batch], and gives int32[batch]",
    ],
    [
      "a loss that gives nothing",
      { loss: { ...meanSquaredError(), perRow: () => untyped(undefined) } },
      "and gives undefined",
    ],
    [
      "a metric that gives a number for each row",
      { metrics: [{ ...rootMeanSquaredError(), sums: ({ values }) => sum(values, [1]) }] },
      "the metric rootMeanSquaredError: sums must give a list of sums over the batch, float32[2] say, and gives float32[batch]",
    ],
    [
      "a metric that gives a number",
      { metrics: [{ ...rootMeanSquaredError(), sums: () => untyped(3) }] },
      "and gives 3",
    ],
  ];
  test.each([...wrong, ...computed])("with %s is refused", async (_, parts, message) => {
    await expect(compiled(parts)).rejects.toThrow(ConfigError);
    await expect(compiled(parts)).rejects.toThrow(message);
  });

  test("is taken where it is whole", async () => {
    await using trainer = await compiled({ optimizer: { ...plain, kind: "mine", learningRate: cosine } });
    await trainer.fit({ x: [1], y: [1] });
  });
});
