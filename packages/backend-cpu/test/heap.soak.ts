/** Memory over ten thousand steps. */
import { expect, test } from "vitest";
import { heapGrowth } from "./heap.ts";

test("the heap grows by less than a hundredth from step 1,000 to step 10,000", async () => {
  expect(await heapGrowth(1000, 10_000)).toBeLessThan(0.01);
});
