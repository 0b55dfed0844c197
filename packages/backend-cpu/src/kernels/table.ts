/** The table of kernels. */
import type { Kernels } from "../call.ts";
import { basicKernels } from "./basic.ts";
import { fusedKernel } from "./fused.ts";
import { recurrentKernels } from "./recurrent/table.ts";

/** The kernels of the CPU backend, by op. */
export const cpuKernels: Kernels = {
  ...basicKernels,
  ...recurrentKernels,
  fused: fusedKernel(basicKernels),
};
