/** Folded programs: a row's bits depend on nothing beside it, nor on the number of threads. */
import { rowBits } from "@ostinato/conformance";
import { expect, test } from "vitest";
import { wasm } from "../src/index.ts";

for (const simd of ["auto", "plain"] as const) {
  test(`${simd} SIMD: a row has the same bits alone and in batches, whatever the capacity and the threads`, async () => {
    const alone = await rowBits(await wasm({ simd, threads: 1 }));
    for (const threads of [2, 3]) expect(await rowBits(await wasm({ simd, threads }))).toEqual(alone);
  });
}
