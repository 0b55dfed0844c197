/** Sequences that are written side by side have the bits of each alone, and writing takes no more memory from call to call. */
import { expectSameDecodingBits, expectSameWriting, writingGrowth } from "@ostinato/conformance";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

test("a row's log-probabilities do not depend on the rows beside it", async () => {
  await expectSameDecodingBits(await cpu());
});

test("nor do the results of a source, whatever it is searched or sampled by", async () => {
  await expectSameWriting(await cpu());
});

test("memory does not grow over 200 calls", async () => {
  expect((await writingGrowth(await cpu())).heap).toBeLessThan(0.01);
});
