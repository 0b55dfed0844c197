/** States that go on: rows that are read in pieces have the bits of whole rows. */
import { expectSameBits } from "@ostinato/conformance";
import { test } from "vitest";
import { cpu } from "../src/index.ts";

test("streams and stateful layers have the bits of whole rows", async () => {
  await expectSameBits(await cpu());
});
