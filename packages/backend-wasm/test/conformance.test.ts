/** The suite that every backend must pass. */
import { testBackend } from "@ostinato/conformance";
import { wasm } from "../src/index.ts";

for (const simd of ["auto", "plain"] as const) {
  testBackend({ name: `wasm, ${simd} SIMD`, create: () => wasm({ simd, threads: 1 }) });
}
