/** A tree has the same bits alone as among others. */
import { expectSameAlone } from "@ostinato/conformance";
import { test } from "vitest";
import { cpu } from "../src/index.ts";

test("the nodes of a tree have the same bits alone and among others, whatever is in their levels", async () => {
  await expectSameAlone(await cpu());
});
