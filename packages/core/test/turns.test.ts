/** Turns of one session, and of the host's event loop: whatever clocks, timers and hosts do. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { StateError } from "../src/errors.ts";
import { Turns } from "../src/train/session/turns.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.resetModules();
});

/** More than 15 ms of work, on no clock that a test can change. */
function work(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}

describe("the host's event loop has its turn", () => {
  test("though the system's clock is set back", () => {
    const turns = new Turns("closed");
    const real = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => real() - 3_600_000);
    work();
    expect(turns.rest()).toBeInstanceOf(Promise);
  });

  test("though a test has put fake timers in, which stand still", async () => {
    const turns = new Turns("closed");
    vi.useFakeTimers();
    work();
    const rest = turns.rest();
    expect(rest).toBeInstanceOf(Promise);
    await rest;
    expect(turns.rest()).toBeUndefined();
  });

  const withoutModules = Object.create(process, { getBuiltinModule: { value: undefined } }) as typeof process;
  const hosts = {
    "only a message channel": { setImmediate: undefined, process: withoutModules },
    "only timers": { setImmediate: undefined, process: withoutModules, MessageChannel: undefined },
    "Node's modules, but none of its globals (as jsdom)": { setImmediate: undefined, MessageChannel: undefined },
  };
  for (const [name, globals] of Object.entries(hosts)) {
    test(`where there are ${name}`, async () => {
      vi.resetModules();
      for (const [key, value] of Object.entries(globals)) vi.stubGlobal(key, value);
      const { hostTurn } = await import("../src/train/session/hostTurn.ts");
      vi.unstubAllGlobals();
      let ran = 0;
      const later = new Promise<void>((resolve) => setTimeout(() => resolve(void ran++), 1));
      // Each of them is a task of its own, so that a timer comes in between.
      for (let i = 0; ran === 0 && i < 10_000; i++) await Promise.all([hostTurn(), hostTurn()]);
      expect(ran).toBe(1);
      await later;
    });
  }
});

describe("turns", () => {
  test("are first come, first served, and go on after a failure", async () => {
    const turns = new Turns("closed");
    const order: number[] = [];
    const works = [1, 2, 3].map((k) =>
      turns.inTurn(async () => {
        await undefined;
        order.push(k);
        if (k === 2) throw new Error("two");
      }),
    );
    expect((await Promise.allSettled(works)).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(order).toEqual([1, 2, 3]);
  });

  test("that are lent go to others meanwhile, and come back though the code fails", async () => {
    const turns = new Turns("closed");
    await turns.take();
    let others = 0;
    const lent = turns.lend(async () => {
      await turns.inTurn(() => void others++);
      throw new Error("in the user's code");
    });
    await expect(lent).rejects.toThrow("in the user's code");
    const next = turns.inTurn(() => void others++);
    await Promise.resolve();
    expect(others).toBe(1);
    turns.give();
    await next;
    expect(others).toBe(2);
  });

  test("that are lent while the session is closed come back with a StateError, and closing does not wait for them", async () => {
    const turns = new Turns("closed");
    await turns.take();
    let released = 0;
    const lent = turns.lend(async () => {
      await turns.close(async () => void released++);
      expect(released).toBe(1);
    });
    await expect(lent).rejects.toThrow(StateError);
    turns.give();
    expect(() => turns.expectOpen()).toThrow("closed");
    await turns.close(async () => void released++);
    expect(released).toBe(1);
  });
});
