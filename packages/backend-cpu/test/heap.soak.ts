/** Memory over ten thousand steps. */
import { memoryGrowth } from "@ostinato/conformance";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

test("the heap grows by less than a hundredth from step 1,000 to step 10,000", async () => {
  expect((await memoryGrowth(await cpu(), 1000, 10_000)).heap).toBeLessThan(0.01);
});
