/** States that go on: rows that are read in pieces have the bits of whole rows. */
import { expectSameBits } from "@ostinato/conformance";
import { test } from "vitest";
import { type WasmOptions, wasm } from "../src/index.ts";

const variants: readonly WasmOptions[] = [
  { simd: "auto", threads: 2 },
  { simd: "plain", threads: 1 },
];

for (const options of variants)
  test(`${options.simd} SIMD: streams and stateful layers have the bits of whole rows`, async () => {
    await expectSameBits(await wasm(options));
  });
