/** Trainings of 1,000 and 2,000 steps of time, and of 3,000 steps at the usual rates, leave no subnormal number on any way. */
import { describe, expect, test } from "vitest";
import { optimizers, readers, readLong, stayAway } from "./vanishing.ts";
import { type Found, watchedCpu, watchedWasm } from "./watched.ts";

describe.each([
  ["cpu", watchedCpu],
  ["wasm, relaxed", (found: Found) => watchedWasm("relaxed", found)],
  ["wasm, plain", (found: Found) => watchedWasm("plain", found)],
] as const)("%s", (_name, create) => {
  const sizes = Object.keys(readers).flatMap((reader) =>
    [1000, 2000].flatMap((time) => [9, 40].map((units) => ({ reader, units, time }))),
  );
  test.each(sizes)("$time steps of time: $reader of $units", async ({ reader, units, time }) => {
    const found: Found = {};
    await readLong(await create(found), reader, units, time);
    expect(found).toEqual({});
  });

  test.each(Object.keys(optimizers))("3,000 steps without most words: %s", async (optimizer) => {
    const found: Found = {};
    await stayAway(await create(found), optimizer, 0.9, 3000);
    expect(found).toEqual({});
  });
});
