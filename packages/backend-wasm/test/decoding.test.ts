/** Sequences that are written side by side have the bits of each alone. */
import { expectSameDecodingBits } from "@ostinato/conformance";
import { test } from "vitest";
import { wasm } from "../src/index.ts";

for (const simd of ["auto", "plain"] as const)
  test(`${simd} SIMD: a row's log-probabilities do not depend on the rows beside it`, async () => {
    await expectSameDecodingBits(await wasm({ simd, threads: 2 }));
  });
