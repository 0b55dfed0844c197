/** The table of kernels. */
import type { Kernels } from "../call.ts";
import { basicKernels } from "./basic.ts";
import { crossentropyKernels } from "./crossentropy.ts";
import { fusedKernel } from "./fused.ts";
import { recurrentKernels } from "./recurrent/table.ts";
import { softmaxKernels } from "./softmax.ts";
import { tiledDotKernels } from "./tiledDot.ts";

/** The kernels of the CPU backend, by op. */
export const cpuKernels: Kernels = {
  ...basicKernels,
  ...tiledDotKernels,
  ...softmaxKernels,
  ...crossentropyKernels,
  ...recurrentKernels,
  fused: fusedKernel(basicKernels),
};
