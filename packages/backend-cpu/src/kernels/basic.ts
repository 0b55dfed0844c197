/** The kernels of everything but recurrences: each primitive, and the composites that run natively. A missing primitive does not compile. */
import type { Kernels } from "../call.ts";
import { binaryKernels } from "./binary.ts";
import { crossentropyKernels } from "./crossentropy.ts";
import { dotKernels } from "./dot.ts";
import { indexedKernels } from "./indexed.ts";
import { lengthKernels } from "./lengths.ts";
import { reduceKernels } from "./reduce.ts";
import { selectKernels } from "./select.ts";
import { shapeKernels } from "./shape.ts";
import { softmaxKernels } from "./softmax.ts";
import { sourceKernels } from "./source.ts";
import { unaryKernels } from "./unary.ts";

/** Kernels by op, for backends with recurrences of their own: without any, those are decomposed. */
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
  ...softmaxKernels,
  ...crossentropyKernels,
};
