/** What runs in an engine without WebAssembly SIMD. Loaded in such an engine alone, so that others need not load the kernels. */
import { arenaBackend, basicKernels, PlainMemory } from "@ostinato/backend-cpu";
import type { Backend } from "@ostinato/core";

/** With the simplest kernels: recurrences and crossentropies are decomposed. */
export function backendWithoutSimd(): Backend {
  return arenaBackend({
    name: "wasm (no SIMD in this engine: the CPU backend's kernels)",
    kernels: basicKernels,
    createMemory: () => new PlainMemory(),
  });
}
