/** The watch over weights: when it looks, what that costs, what it says, and that nothing diverged is ever kept. */
import { type Checkpoint, float32, NonFiniteError, type Tensors, type TrainingControl } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { divergenceWatch } from "../src/divergence.ts";

const fine = { "lstm/kernel": float32([2], [0.5, -3]) };
const beyond = { "lstm/kernel": float32([2], [0.5, -2e19]) };

/** A training in which a step takes `stepTime` and reading the weights `readTime` milliseconds; both pass on a clock of its own. */
function training(stepTime: number, readTime: number, weights: (step: number) => Tensors = () => fine) {
  let time = 0;
  let reading = 0;
  const looked: number[] = [];
  const watch = divergenceWatch(() => time);
  return {
    watch,
    looked,
    share: () => reading / time,
    async run(from: number, to: number, steps: number, epoch = 1) {
      for (let step = from; step <= to; step++) {
        time += stepTime;
        const readWeights = async () => {
          looked.push(step);
          time += readTime;
          reading += readTime;
          return weights(step);
        };
        const event = { epoch, epochs: 9, step, steps, logs: {} };
        await watch.callback.onStep?.(event, { readWeights } as unknown as TrainingControl);
      }
    },
  };
}

describe("looking at the weights", () => {
  test("costs less than 2 %, whatever a step and a look take", async () => {
    for (const [step, look] of [
      [300, 100],
      [300, 2700],
      [1, 0.4],
      [20, 0.01],
    ] as const) {
      const { run, share, looked } = training(step, look);
      await run(1, 20_000, 20_000);
      expect(share(), `${step} ms a step, ${look} ms a look`).toBeLessThan(0.02);
      expect(looked[0]).toBe(1);
    }
  });

  test("happens after every step where it is cheap", async () => {
    const { run, looked } = training(20, 0.01);
    await run(1, 200, 200);
    expect(looked).toHaveLength(200);
  });

  test("happens at the end of each epoch, however little time has passed", async () => {
    const { run, looked } = training(1, 1000);
    for (const epoch of [1, 2, 3]) await run(1, 10, 10, epoch);
    expect(looked).toEqual([1, 10, 10, 10]);
  });
});

describe("what has diverged", () => {
  const failure = (action: Promise<void>) => action.then(() => undefined).catch((error: unknown) => error as Error);

  test("is named with step, layer and weight; where steps lie between, with the one that was fine", async () => {
    const first = await failure(training(300, 1, () => beyond).run(1, 10, 10));
    expect(first).toBeInstanceOf(NonFiniteError);
    expect(first?.message).toBe(
      'epoch 1, step 1: training has diverged: a weight of the layer "lstm", in lstm/kernel, is -2.00e+19 now. A smaller learning rate is the usual way out',
    );
    const later = await failure(training(1, 1, (step) => (step > 1 ? beyond : fine)).run(1, 10, 10));
    expect(later?.message).toMatch(/^epoch 1, step 10 \(looked at last after step 1\): training has diverged/);
    const nan = await failure(training(1, 1, () => ({ "dense/bias": float32([1], [Number.NaN]) })).run(1, 1, 1));
    expect(nan?.message).toContain('layer "dense", in dense/bias, is NaN now');
  });

  test("is in no checkpoint, whether the watch has looked since or not", async () => {
    const { run, watch, looked } = training(1, 1000);
    await run(1, 5, 10);
    expect(looked).toEqual([1]);
    const checkpoint = (state: Tensors) => ({ position: { epoch: 0, step: 5 }, state }) as unknown as Checkpoint;
    expect(() => watch.refuse(checkpoint(fine))).not.toThrow();
    expect(() => watch.refuse(checkpoint({ ...fine, "lstm/kernel/velocity": beyond["lstm/kernel"] }))).not.toThrow();
    expect(() => watch.refuse(checkpoint(beyond))).toThrow(
      /^epoch 1, step 5: training has diverged: a weight of the layer "lstm"/,
    );
  });
});
