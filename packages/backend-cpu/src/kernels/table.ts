/** The table of kernels. A missing primitive does not compile. */
import type { Kernels } from "../call.ts";
import { copyAlong } from "../walk.ts";
import { binaryKernels } from "./binary.ts";
import { crossentropyKernels } from "./crossentropy.ts";
import { fusedKernel } from "./fused.ts";
import { indexedKernels } from "./indexed.ts";
import { recurrentKernels } from "./recurrent/table.ts";
import { reduceKernels } from "./reduce.ts";
import { type Mover, shapeKernelsBy } from "./shape.ts";
import { softmaxKernels } from "./softmax.ts";
import { supportingKernels } from "./supporting.ts";
import { tiledDotKernels } from "./tiledDot.ts";
import { unaryKernels } from "./unary.ts";

const moveHere: Mover = ({ i32, u8 }, { dtype }, walk, from, to) =>
  copyAlong(dtype === "bool" ? u8 : i32, walk, 0, from, to);

/** The kernels of primitives. */
const primitives = {
  ...supportingKernels,
  ...unaryKernels,
  ...binaryKernels,
  ...tiledDotKernels,
  ...reduceKernels,
  ...shapeKernelsBy(moveHere),
  ...indexedKernels,
};

/** The kernels of the CPU backend, by op. */
export const cpuKernels: Kernels = {
  ...primitives,
  ...softmaxKernels,
  ...crossentropyKernels,
  ...recurrentKernels,
  fused: fusedKernel(primitives),
};
