/** The table of kernels: the CPU backend's, with the hot ones replaced. */
import { basicKernels, type Kernels } from "@ostinato/backend-cpu";
import { crossentropyKernels } from "./crossentropy.ts";
import { dotKernels } from "./dot.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { indexedKernels } from "./indexed.ts";
import { gruKernels } from "./recurrent/gru.ts";
import { lstmKernels } from "./recurrent/lstm.ts";
import { rnnKernels } from "./recurrent/rnn.ts";

export const wasmKernels = (threads: number): Kernels => ({
  ...basicKernels,
  ...elementwiseKernels,
  ...crossentropyKernels,
  ...indexedKernels,
  ...dotKernels(threads),
  ...lstmKernels(threads),
  ...gruKernels(threads),
  ...rnnKernels(threads),
});
