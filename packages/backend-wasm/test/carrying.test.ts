/** States that go on: rows that are read in pieces have the bits of whole rows. */
import { expectSameBits } from "@ostinato/conformance";
import { test } from "vitest";
import { wasm } from "../src/index.ts";

// A row alone is computed on one thread, whatever there are.
for (const simd of ["auto", "plain"] as const)
  test(`${simd} SIMD: streams and stateful layers have the bits of whole rows`, async () => {
    await expectSameBits(await wasm({ simd, threads: 1 }));
  });
