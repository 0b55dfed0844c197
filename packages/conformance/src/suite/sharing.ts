/** One trainer or predictor shared: by calls that overlap, and with the host, whose timers and messages get their turns. */
import {
  adam,
  type Backend,
  binaryCrossentropy,
  compile,
  predictor,
  RandomStream,
  type Signal,
  StateError,
  type Trainer,
} from "@ostinato/core";
import { expect } from "vitest";
import { textModel } from "./recurrent/textModel.ts";
import type { SuiteTest } from "./suiteTest.ts";

declare function setTimeout(callback: () => void, milliseconds: number): unknown;
declare const performance: { now(): number };

const words = 11;

/** Rows of 1 to 8 words, positive where the first is odd. */
function rows(count: number, seed = 1): { x: number[][]; y: number[] } {
  const random = new RandomStream(seed, "sharing");
  const x = Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.below(8) }, () => 1 + random.below(words - 1)),
  );
  return { x, y: x.map(([first]) => first % 2) };
}

const trainerOn = (backend: Backend): Promise<Trainer> =>
  compile(textModel({ words }), {
    backend,
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: 0.02 }),
    seed: 1,
  });

async function weightsOf(trainer: Trainer): Promise<string> {
  const { weights } = await trainer.snapshot();
  return JSON.stringify(Object.entries(weights).map(([name, { data }]) => [name, ...data]));
}

/** Milliseconds in which a timer must fire on a machine that is busy with other things. On an idle one it is some 15 ms and a step. */
const LATEST = 1000;

/** `work` never ends by itself: a timer must get its turn and abort it, and no more than one step is made afterwards. */
async function expectAborted(work: (signal: Signal, onStep: () => void) => Promise<unknown>): Promise<void> {
  const signal = { aborted: false, reason: new Error("enough") };
  const began = performance.now();
  let firedAfter = Number.NaN;
  setTimeout(() => {
    signal.aborted = true;
    firedAfter = performance.now() - began;
  }, 20);
  let late = 0;
  const onStep = (): void => void (signal.aborted && late++);
  await expect(work(signal, onStep)).rejects.toBe(signal.reason);
  expect(firedAfter, "milliseconds until the timer fired").toBeLessThan(LATEST);
  expect(late, "steps after the abort").toBeLessThanOrEqual(1);
}

export const sharingTests: readonly SuiteTest[] = [
  {
    name: "sharing > a timer ends fit, evaluate and predict",
    run: async (backend) => {
      const data = rows(12);
      const many = { x: Array.from({ length: 2000 }, (_, i) => data.x[i % 12]), y: Array(2000).fill(1) };
      await using trainer = await trainerOn(backend);
      await expectAborted((signal, onStep) => trainer.fit(data, { epochs: 1e6, batchSize: 4, signal, onStep }));
      await expectAborted(async (signal, onStep) => {
        for (;;) await trainer.evaluate(many, { batchSize: 4, signal, onStep });
      });
      await expectAborted(async (signal, onStep) => {
        for (;;) await trainer.predict(many.x, { batchSize: 4, signal, onStep });
      });
      // Calls without a signal of their own starve nobody either.
      await expectAborted(async (signal, onStep) => {
        for (;;) {
          await trainer.predict(data.x);
          onStep();
          if (signal.aborted) throw signal.reason;
        }
      });
    },
  },
  {
    name: "sharing > 40 predictions at once are right, in the order of their calls",
    run: async (backend) => {
      const { x } = rows(40);
      await using trainer = await trainerOn(backend);
      await using alone = await predictor(await trainer.snapshot(), { backend });
      const expected: number[] = [];
      for (const row of x) expected.push((await alone.predict([row])).data[0]);
      const order: number[] = [];
      const results = await Promise.all(
        x.map(async (row, i) => {
          // Of other sizes, so that programs are made anew in between.
          const given = Array.from({ length: 1 + (i % 5) }, () => row);
          const { data } = await alone.predict(given, { batchSize: 2 });
          order.push(i);
          return data[data.length - 1];
        }),
      );
      expect(results).toEqual(expected);
      expect(order).toEqual(x.map((_, i) => i));
    },
  },
  {
    name: "sharing > predictions and evaluations during fit change no bit of it",
    run: async (backend) => {
      const data = rows(16);
      const options = { epochs: 3, batchSize: 4 };
      await using plain = await trainerOn(backend);
      const before = (await plain.predict(data.x)).data.join();
      await plain.fit(data, options);
      await using shared = await trainerOn(backend);
      const others: Promise<unknown>[] = [];
      const early = shared.predict(data.x);
      const fitting = shared.fit(data, {
        ...options,
        validationData: rows(6, 2),
        onStep: async ({ step }) => {
          others.push(shared.predict(rows(9, step).x, { batchSize: 2 }));
          if (step % 2 === 0) await shared.evaluate(data);
        },
        onValidationStep: async () => void (await shared.predict(data.x)),
      });
      for (let k = 0; k < 20; k++) others.push(shared.predict(rows(3, k).x));
      await fitting;
      await Promise.all(others);
      expect((await early).data.join()).toBe(before);
      expect(await weightsOf(shared)).toBe(await weightsOf(plain));
    },
  },
  {
    name: "sharing > dispose waits for the calls before it, and refuses those after it",
    run: async (backend) => {
      const { x } = rows(10);
      await using trainer = await trainerOn(backend);
      const alone = await predictor(await trainer.snapshot(), { backend });
      const first = alone.predict(x, { batchSize: 2 });
      const second = alone.predict(x);
      const disposed = alone.dispose();
      await expect(alone.predict(x)).rejects.toThrow(StateError);
      expect((await first).shape).toEqual([10, 1]);
      expect((await second).shape).toEqual([10, 1]);
      await disposed;
      await alone.dispose();
      const other = await trainerOn(backend);
      const fitting = expect(other.fit(rows(8), { epochs: 1e6 })).rejects.toThrow(StateError);
      await other.predict(x);
      await other.dispose();
      await fitting;
    },
  },
];
