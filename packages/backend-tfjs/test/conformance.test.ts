/** The suite that every backend must pass, on tfjs-cpu and tfjs-wasm, and on the kernels that devices run which cannot be read at once. */
import { testBackend } from "@ostinato/conformance";
import { backends } from "./backends.ts";

for (const backend of backends) testBackend(backend);
