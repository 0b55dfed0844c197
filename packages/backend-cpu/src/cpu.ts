/** The CPU backend: plain kernels over one `ArrayBuffer`, on the caller's thread. */
import type { Backend } from "@ostinato/core";
import { cpuKernels } from "./kernels/table.ts";
import { PlainMemory } from "./memory.ts";
import { arenaBackend } from "./session.ts";

/**
 * Plain TypeScript kernels over typed arrays: no native code, no workers, the same in Node and in a browser. Computes in single
 * precision, with sums in double. A run computes before its promise is returned.
 *
 * @example const session = await (await cpu()).open({ weights: float32([2], [1, 2]) });
 */
export async function cpu(): Promise<Backend> {
  return arenaBackend({ name: "cpu", kernels: cpuKernels, createMemory: () => new PlainMemory() });
}
