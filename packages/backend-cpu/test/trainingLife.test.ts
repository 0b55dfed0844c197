/** Training in single precision: numbers that overflow, going on from another backend's checkpoint, and memory over thousands of steps. */
import { memoryGrowth, reference } from "@ostinato/conformance";
import {
  adam,
  adamw,
  type Backend,
  binaryCrossentropy,
  type CompileOptions,
  checkpointFromBytes,
  checkpointToBytes,
  compile,
  dense,
  dropout,
  embedding,
  float32,
  input,
  lstm,
  type Model,
  meanAbsoluteError,
  meanSquaredError,
  NonFiniteError,
  type Optimizer,
  sequential,
  sgd,
  type Tensors,
  type Trainer,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { cpu } from "../src/index.ts";

const x = Array.from({ length: 24 }, (_, row) =>
  Array.from({ length: 1 + (row % 5) }, (_, t) => 1 + ((row * 7 + t * 3) % 10)),
);
const y = x.map(([first = 0]) => first % 2);

const classifier = (frozen = false): Model =>
  sequential([
    embedding({ inputDim: 12, outputDim: 3, maskZero: true, trainable: !frozen }),
    lstm({ units: 4, dropout: 0.2, recurrentDropout: 0.1 }),
    dropout({ rate: 0.3 }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);
const line = (): Model => sequential([input({ shape: [1], name: "x" }), dense({ units: 3 }), dense({ units: 1 })]);

const trainerOf = async (model: Model, options: Partial<CompileOptions> = {}): Promise<Trainer> =>
  compile(model, {
    backend: await cpu(),
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: 0.02 }),
    seed: 3,
    ...options,
  });

const finite = (tensors: Tensors): boolean => Object.values(tensors).every(({ data }) => data.every(Number.isFinite));

/** Trains until a number is not finite: the error, the step, and the state before and after that step. */
async function untilNonFinite(trainer: Trainer, data: { x: number[][] | number[]; y: number[] }) {
  let before: Tensors = (await trainer.snapshot()).weights;
  let last = "epoch 1, step 0";
  const thrown: unknown = await trainer
    .fit(data, {
      epochs: 50,
      batchSize: 8,
      callbacks: [
        {
          name: "watch",
          onStep: async ({ epoch, step }, control) => {
            before = await control.readWeights();
            last = `epoch ${epoch}, step ${step}`;
          },
        },
      ],
    })
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(NonFiniteError);
  const { message } = thrown as Error;
  return { message, before, last, after: (await trainer.snapshot()).weights };
}

/** The step after one of three steps in an epoch. */
function next(place: string): string {
  const [, epoch = 0, step = 0] = (place.match(/epoch (\d+), step (\d+)/) ?? []).map(Number);
  return step < 3 ? `epoch ${epoch}, step ${step + 1}` : `epoch ${epoch + 1}, step 1`;
}

describe("a number that is not finite", () => {
  const numbers = {
    x: Array.from({ length: 24 }, (_, i) => i / 8 - 1),
    y: Array.from({ length: 24 }, (_, i) => 3 * i + 1),
  };
  const optimizers: readonly (readonly [string, Optimizer])[] = [1e30, 1e38, 1e39].flatMap((learningRate) => [
    [`sgd at ${learningRate}`, sgd({ learningRate })] as const,
    [`adam at ${learningRate}`, adam({ learningRate })] as const,
    [`adamw at ${learningRate}`, adamw({ learningRate })] as const,
  ]);

  test.each(optimizers)(
    "of %s stops training at its step, names the layer, and leaves finite weights",
    async (_what, optimizer) => {
      for (const loss of [meanSquaredError(), meanAbsoluteError()]) {
        await using trainer = await trainerOf(line(), { optimizer, loss });
        const { message, before, last, after } = await untilNonFinite(trainer, numbers);
        expect(message).toContain(next(last));
        expect(message).toMatch(/dense "dense(_1)?"/);
        expect(after).toEqual(before);
        expect(finite(after)).toBe(true);
        // Nothing of the step has stayed, so its checkpoint is a good one.
        const checkpoint = checkpointFromBytes(checkpointToBytes(await trainer.checkpoint()));
        expect(finite(checkpoint.state)).toBe(true);
        expect(checkpoint.state["training/step"]?.data[0]).toBe(checkpoint.position.iteration);
        await using again = await trainerOf(line(), { optimizer, loss });
        const resumed = again.fit(numbers, {
          epochs: 50,
          batchSize: 8,
          resume: checkpoint,
          callbacks: [{ name: "watch" }],
        });
        await expect(resumed).rejects.toThrow(message);
      }
    },
  );

  test.each([
    ["sgd at 1e+38", sgd({ learningRate: 1e38 })],
    ["adam at 1e+39", adam({ learningRate: 1e39 })],
  ])("of a recurrence with %s the same", async (_what, optimizer) => {
    await using trainer = await trainerOf(classifier(), { optimizer });
    const { message, before, after } = await untilNonFinite(trainer, { x, y });
    expect(message).toMatch(/^epoch \d+, step \d: in .* "(embedding|lstm|dense)"/);
    expect(after).toEqual(before);
    expect(finite(after)).toBe(true);
  });

  test("among the weights that training begins with is named by its layer, in the first step", async () => {
    const kernel = float32([4, 1], [0.1, Number.NaN, 0.1, Number.NaN]);
    await using trainer = await trainerOf(classifier(), { weights: { "dense/kernel": kernel } });
    await expect(trainer.fit({ x, y })).rejects.toThrow(
      'epoch 1, step 1: in the weights dense/kernel of dense "dense", 2 values are not finite',
    );
  });

  test("in a frozen embedding too, which no update would have shown", async () => {
    const embeddings = float32(
      [12, 3],
      Array.from({ length: 36 }, (_, i) => (i === 5 ? Number.POSITIVE_INFINITY : 0.1)),
    );
    await using trainer = await trainerOf(classifier(true), { weights: { "embedding/embeddings": embeddings } });
    await expect(trainer.fit({ x, y })).rejects.toThrow(
      'epoch 1, step 1: in the weights embedding/embeddings of embedding "embedding", 1 value is not finite',
    );
  });

  test("with weights of rows and without, one after the other, in one trainer", async () => {
    await using trainer = await trainerOf(line(), { optimizer: sgd({ learningRate: 1e30 }), loss: meanSquaredError() });
    await expect(trainer.fit(numbers, { epochs: 9 })).rejects.toThrow(NonFiniteError);
    await expect(trainer.fit({ ...numbers, sampleWeights: numbers.x.map(() => 1) }, { epochs: 9 })).rejects.toThrow(
      NonFiniteError,
    );
    await expect(trainer.fit(numbers, { epochs: 9 })).rejects.toThrow(NonFiniteError);
  });
});

describe("a checkpoint of another backend", () => {
  const options = { epochs: 3, batchSize: 8, validationSplit: 0.25 };
  const on = (backend: Backend) => trainerOf(classifier(), { backend });
  const close = (a: Tensors, b: Tensors): number =>
    Math.max(
      ...Object.keys(a).flatMap((name) =>
        [...(a[name]?.data ?? [])].map((value, i) => Math.abs(value - (b[name]?.data[i] ?? Number.NaN))),
      ),
    );

  test.each([
    ["reference", "cpu"],
    ["cpu", "reference"],
  ])("from %s on %s: the same masks, the same order, the same figures but for rounding", async (from, to) => {
    const backends: Record<string, () => Promise<Backend>> = { reference: async () => reference(), cpu };
    await using whole = await on(await (backends[from] as () => Promise<Backend>)());
    const history = await whole.fit({ x, y }, options);
    await using first = await on(await (backends[from] as () => Promise<Backend>)());
    const controller = new AbortController();
    const halt = first.fit(
      { x, y },
      {
        ...options,
        signal: controller.signal,
        onStep: ({ epoch, step }) => {
          if (epoch === 2 && step === 1) controller.abort(new Error("enough"));
        },
      },
    );
    await expect(halt).rejects.toThrow("enough");
    const resume = checkpointFromBytes(checkpointToBytes(await first.checkpoint()));
    await using second = await on(await (backends[to] as () => Promise<Backend>)());
    const again = await second.fit({ x, y }, { ...options, resume });
    expect(again.epochs).toHaveLength(3);
    for (const [i, { loss = 0, valLoss = 0 }] of history.epochs.entries()) {
      expect(again.epochs[i]?.loss).toBeCloseTo(loss, 5);
      expect(again.epochs[i]?.valLoss).toBeCloseTo(valLoss, 5);
    }
    expect(close((await second.snapshot()).weights, (await whole.snapshot()).weights)).toBeLessThan(1e-5);
  });
});

test("the heap does not grow from step 300 to step 3,000", async () => {
  expect((await memoryGrowth(await cpu(), 300, 3000)).heap).toBeLessThan(0.01);
});
