/** Batches from an iterable: how many of them make an epoch, going on among them, and their end. */
import { type Callback, ConfigError, DataError, type Examples, type FitOptions } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { bytesAfter, bytesOf, reviews, trainerOf } from "./reviews.ts";

const data = reviews(20);
const stop = new Error("enough");

describe("stepsPerEpoch", () => {
  const part = (from: number): Examples => ({ x: data.x.slice(from, from + 5), y: data.y.slice(from, from + 5) });
  /** Endless, in a circle of four batches. */
  function* endless(): Generator<Examples> {
    for (let k = 0; ; k++) yield part((k % 4) * 5);
  }
  const rows = { shuffle: false, batchSize: 5 } as const;

  test("takes so many batches of a generator that never ends, and goes on with those that follow", async () => {
    const whole = await bytesAfter((trainer) => trainer.fit(data, { ...rows, epochs: 3 }));
    const events: (readonly [number, number, number])[] = [];
    const options: FitOptions = {
      epochs: 4,
      stepsPerEpoch: 3,
      onStep: ({ epoch, step, steps }) => void events.push([epoch, step, steps]),
    };
    expect(await bytesAfter((trainer) => trainer.fit(endless(), options))).toBe(whole);
    expect(events).toHaveLength(12);
    expect(events.slice(2, 5)).toEqual([
      [1, 3, 3],
      [2, 1, 3],
      [2, 2, 3],
    ]);
  });

  test("begins anew where an iterable ends", async () => {
    const batches = [0, 5, 10, 15].map(part);
    const whole = await bytesAfter((trainer) => trainer.fit(data, { ...rows, epochs: 3 }));
    expect(await bytesAfter((trainer) => trainer.fit(batches, { epochs: 2, stepsPerEpoch: 6 }))).toBe(whole);
  });

  test("goes on from a checkpoint in the middle of an epoch", async () => {
    const options: FitOptions = { epochs: 3, stepsPerEpoch: 3 };
    const whole = await bytesAfter((trainer) => trainer.fit(endless(), options));
    await using trainer = await trainerOf();
    const hooks: FitOptions = {
      onStep: ({ epoch, step }) => {
        if (epoch === 2 && step === 2) throw stop;
      },
    };
    await expect(trainer.fit(endless(), { ...options, ...hooks })).rejects.toBe(stop);
    const resume = await trainer.checkpoint();
    await using other = await trainerOf();
    await other.fit(endless(), { ...options, resume });
    expect(await bytesOf(other)).toBe(whole);
    await expect(other.fit(endless(), { epochs: 3, stepsPerEpoch: 4, resume })).rejects.toThrow("stepsPerEpoch was 3");
  });

  test("closes what it took batches from", async () => {
    let closed = 0;
    function* closing(): Generator<Examples> {
      try {
        yield* endless();
      } finally {
        closed += 1;
      }
    }
    await using trainer = await trainerOf();
    await trainer.fit(closing(), { epochs: 2, stepsPerEpoch: 2 });
    expect(closed).toBe(1);
  });

  test("an error of the iterable's end does not hide that of the training", async () => {
    const warnings: string[] = [];
    const source: Iterable<Examples> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: part(0) }),
        return: () => {
          throw new Error("cannot be closed");
        },
      }),
    };
    await using trainer = await trainerOf();
    const options: FitOptions = { stepsPerEpoch: 2, onWarning: (message) => void warnings.push(message) };
    const onStep = (): never => {
      throw stop;
    };
    await expect(trainer.fit(source, { ...options, onStep })).rejects.toBe(stop);
    expect(warnings).toEqual(["the batches could not be closed: cannot be closed"]);
    await expect(trainer.fit(source, options)).rejects.toThrow("cannot be closed");
  });

  test("no batch is asked for once a callback has stopped the training", async () => {
    for (const more of [{}, { stepsPerEpoch: 9 }]) {
      let asked = 0;
      function* counted(): Generator<Examples> {
        for (const batch of endless()) {
          asked += 1;
          yield batch;
        }
      }
      const callbacks: Callback[] = [{ name: "stopper", onStep: (_event, control) => control.stop("enough") }];
      await using trainer = await trainerOf();
      await trainer.fit(counted(), { ...more, callbacks });
      expect(asked).toBe(1);
    }
  });

  test.each([{}, { stepsPerEpoch: 4 }])("a signal ends it while it drops batches seen before: %o", async (more) => {
    const options: FitOptions = { epochs: "stepsPerEpoch" in more ? 2 : 1, ...more };
    const onStep: FitOptions["onStep"] = ({ epoch, step }) => {
      if (epoch === options.epochs && step === 3) throw stop;
    };
    await using trainer = await trainerOf();
    await expect(trainer.fit([0, 5, 10, 15].map(part), { ...options, onStep })).rejects.toBe(stop);
    const resume = await trainer.checkpoint();
    let given = 0;
    function* slow(): Generator<Examples> {
      for (const batch of endless()) {
        const began = performance.now();
        while (performance.now() - began < 20);
        given += 1;
        yield batch;
      }
    }
    const control = new AbortController();
    setTimeout(() => control.abort(stop), 1);
    await expect(trainer.fit(slow(), { ...options, resume, signal: control.signal })).rejects.toBe(stop);
    // Two, where the timer is late.
    expect(given).toBeLessThanOrEqual(2);
  });

  test("a checkpoint with more steps than an epoch has is damaged", async () => {
    await using trainer = await trainerOf();
    await trainer.fit(endless(), { stepsPerEpoch: 2 });
    const taken = await trainer.checkpoint();
    const resume = { ...taken, position: { ...taken.position, step: 3 } };
    await expect(trainer.fit(endless(), { stepsPerEpoch: 2, epochs: 2, resume })).rejects.toThrow(
      "3 steps of an epoch that has 2",
    );
  });

  test("is refused for rows, and where a generator has too few", async () => {
    await using trainer = await trainerOf();
    await expect(trainer.fit(data, { stepsPerEpoch: 2 })).rejects.toThrow(ConfigError);
    await expect(trainer.fit(endless(), { stepsPerEpoch: 0 })).rejects.toThrow(ConfigError);
    const short = trainer.fit([part(0), part(5)].values(), { epochs: 2, stepsPerEpoch: 2 });
    await expect(short).rejects.toThrow(DataError);
    await expect(short).rejects.toThrow("epoch 2: the batches ended after 0 of 2 steps");
  });
});
