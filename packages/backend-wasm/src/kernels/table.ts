/** The table of kernels: the CPU backend's, with the hot ones replaced. */
import { basicKernels, type Kernels } from "@ostinato/backend-cpu";
import { crossentropyKernels } from "./crossentropy.ts";
import { dotKernels } from "./dot.ts";
import { fusedKernels } from "./fused.ts";
import { indexedKernels } from "./indexed.ts";
import { moveKernels } from "./move.ts";
import { gruKernels } from "./recurrent/gru.ts";
import { lstmKernels } from "./recurrent/lstm.ts";
import { rnnKernels } from "./recurrent/rnn.ts";
import { reduceKernels } from "./reduce.ts";
import { softmaxKernels } from "./softmax.ts";

export function wasmKernels(threads: number): Kernels {
  const fused = fusedKernels(threads);
  return {
    ...basicKernels,
    ...softmaxKernels,
    ...moveKernels,
    ...fused,
    ...reduceKernels(threads, fused.sum),
    ...crossentropyKernels,
    ...indexedKernels,
    ...dotKernels(threads),
    ...lstmKernels(threads),
    ...gruKernels(threads),
    ...rnnKernels(threads),
  };
}
