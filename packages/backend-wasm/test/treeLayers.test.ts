/** A tree has the same bits alone as among others, by any number of threads. */
import { expectSameAlone } from "@ostinato/conformance";
import { describe, test } from "vitest";
import { wasm } from "../src/index.ts";

describe.each(["relaxed", "plain"] as const)(
  "%s SIMD: the nodes of a tree have the same bits alone and among others",
  (simd) => {
    test.each([1, 2])("threads: %i", async (threads) => {
      await expectSameAlone(await wasm({ simd, threads }));
    });
  },
);
