/** The whole suite with every kind of SIMD on every number of threads. */
import { testBackend } from "@ostinato/conformance";
import { wasm } from "../src/index.ts";
import { others } from "./variants.ts";

for (const options of others(1, 2, 3)) {
  const { name } = await wasm(options);
  testBackend({ name, create: () => wasm(options) });
}
