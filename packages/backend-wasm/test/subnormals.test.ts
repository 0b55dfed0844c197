/** No float that a kernel writes is subnormal, and no state stays at what soon gives subnormal products: `subnormals.soak.ts` in a small size. */
import { describe, expect, test } from "vitest";
import { optimizers, readers, readLong, stayAway } from "./vanishing.ts";
import { type Found, watchedCpu, watchedWasm } from "./watched.ts";

describe.each([
  ["cpu", watchedCpu],
  ["wasm", (found: Found) => watchedWasm("relaxed", found)],
] as const)("%s", (_name, create) => {
  test.each(Object.keys(readers))("1,000 steps of time: %s", async (reader) => {
    const found: Found = {};
    await readLong(await create(found), reader, 9, 1000);
    expect(found).toEqual({});
  });

  // 0.7 fades in 250 steps as far as 0.9 in 850.
  test.each(Object.keys(optimizers))("300 steps without most words: %s", async (optimizer) => {
    const found: Found = {};
    await stayAway(await create(found), optimizer, 0.7, 300);
    expect(found).toEqual({});
  });
});
