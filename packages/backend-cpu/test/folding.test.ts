/** Folded programs: a row's bits depend on nothing beside it. */
import { rowBits } from "@ostinato/conformance";
import { expect, test } from "vitest";
import { cpu } from "../src/index.ts";

test("a row has the same bits alone and in batches, whatever the capacity", async () => {
  // Four forms of recurrences, two widths of the embedding, 33 rows.
  expect(await rowBits(await cpu())).toHaveLength(4 * 2 * 33);
});
