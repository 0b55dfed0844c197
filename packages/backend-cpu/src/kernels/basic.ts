/** The kernels that every backend of this kind may have: each primitive, the product in plain loops, and a few composites. A missing primitive does not compile. */
import type { Kernels } from "../call.ts";
import { binaryKernels } from "./binary.ts";
import { dotKernels } from "./dot.ts";
import { indexedKernels } from "./indexed.ts";
import { lengthKernels } from "./lengths.ts";
import { reduceKernels } from "./reduce.ts";
import { selectKernels } from "./select.ts";
import { shapeKernels } from "./shape.ts";
import { sourceKernels } from "./source.ts";
import { unaryKernels } from "./unary.ts";

/** Kernels by op, for backends that have their own of all that takes time. What is not here is decomposed where these are all there is. */
export const basicKernels: Kernels = {
  ...sourceKernels,
  ...unaryKernels,
  ...binaryKernels,
  ...selectKernels,
  ...dotKernels,
  ...reduceKernels,
  ...shapeKernels,
  ...indexedKernels,
  ...lengthKernels,
};
