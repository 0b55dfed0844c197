/** Every primitive on the kernels of tfjs. */
import { elementwiseKernels } from "./elementwise.ts";
import { indexKernels } from "./indexes.ts";
import type { KernelName, Kernels } from "./kernel.ts";
import { linearKernels } from "./linear.ts";
import { shapeKernels } from "./shapes.ts";
import { sourceKernels } from "./sources.ts";

export const kernels: Kernels<KernelName> = {
  ...sourceKernels,
  ...elementwiseKernels,
  ...linearKernels,
  ...shapeKernels,
  ...indexKernels,
};
