/** The suite that every backend must pass: with either binary, on one thread and on several. What threads do to large sizes is in `kernels.test.ts`. */
import { testBackend } from "@ostinato/conformance";
import { type WasmOptions, wasm } from "../src/index.ts";

const variants: readonly Required<WasmOptions>[] = [
  { simd: "auto", threads: 1 },
  { simd: "auto", threads: 2 },
  { simd: "auto", threads: 3 },
  { simd: "relaxed", threads: 1 },
  { simd: "relaxed", threads: 2 },
  { simd: "relaxed", threads: 3 },
  { simd: "plain", threads: 1 },
  { simd: "plain", threads: 2 },
  { simd: "plain", threads: 3 },
];

for (const options of variants) {
  const { name } = await wasm(options);
  testBackend({ name, create: () => wasm(options) });
}
