/** The table of kernels: those of the module, and of the CPU backend what it lacks. */
import { type Kernels, supportingKernels } from "@ostinato/backend-cpu";
import { crossentropyKernels } from "./crossentropy.ts";
import { dotKernels } from "./dot.ts";
import { fusedKernels, totalKernel } from "./fused.ts";
import { indexedKernels } from "./indexed.ts";
import { largestKernels } from "./largest.ts";
import { moveKernels } from "./move.ts";
import { gruKernels } from "./recurrent/gru.ts";
import { lstmKernels } from "./recurrent/lstm.ts";
import { rnnKernels } from "./recurrent/rnn.ts";
import { reduceKernels } from "./reduce.ts";
import { softmaxKernels } from "./softmax.ts";

export function wasmKernels(threads: number): Kernels {
  return {
    ...supportingKernels,
    ...softmaxKernels,
    ...moveKernels,
    ...fusedKernels(threads),
    ...reduceKernels(threads, totalKernel(threads)),
    ...largestKernels(threads),
    ...crossentropyKernels,
    ...indexedKernels,
    ...dotKernels(threads),
    ...lstmKernels(threads),
    ...gruKernels(threads),
    ...rnnKernels(threads),
  };
}
