/** The whole suite with every kind of SIMD on every number of threads, with more random shapes. */
import { soakTrials, testBackend } from "@ostinato/conformance";
import { wasm } from "../src/index.ts";
import { others, usual } from "./variants.ts";

for (const options of [usual, ...others(1, 2, 3)]) {
  const { name } = await wasm(options);
  testBackend({ name, create: () => wasm(options), trials: soakTrials });
}
