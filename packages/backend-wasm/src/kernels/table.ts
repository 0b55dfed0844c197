/** The table of kernels: the CPU backend's, with the hot ones replaced. */
import { cpuKernels, type Kernels } from "@ostinato/backend-cpu";
import { crossentropyKernels } from "./crossentropy.ts";
import { dotKernels } from "./dot.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { indexedKernels } from "./indexed.ts";
import { lstmKernels } from "./recurrent/lstm.ts";

export const wasmKernels = (threads: number): Kernels => ({
  ...cpuKernels,
  ...elementwiseKernels,
  ...crossentropyKernels,
  ...indexedKernels,
  ...dotKernels(threads),
  ...lstmKernels(threads),
});
