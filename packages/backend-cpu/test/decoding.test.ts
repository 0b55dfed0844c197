/** Sequences that are written side by side have the bits of each alone. */
import { expectSameDecodingBits } from "@ostinato/conformance";
import { test } from "vitest";
import { cpu } from "../src/index.ts";

test("a row's log-probabilities do not depend on the rows beside it", async () => {
  await expectSameDecodingBits(await cpu());
});
