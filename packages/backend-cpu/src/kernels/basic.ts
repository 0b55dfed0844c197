/** The kernels that every backend of this kind may have: each primitive, the product in plain loops, and a few composites. A missing primitive does not compile. */
import type { Kernels } from "../call.ts";
import { copyAlong } from "../walk.ts";
import { binaryKernels } from "./binary.ts";
import { dotKernels } from "./dot.ts";
import { indexedKernels } from "./indexed.ts";
import { reduceKernels } from "./reduce.ts";
import { type Mover, shapeKernelsBy } from "./shape.ts";
import { supportingKernels } from "./supporting.ts";
import { unaryKernels } from "./unary.ts";

const moveHere: Mover = ({ i32, u8 }, { dtype }, walk, from, to) =>
  copyAlong(dtype === "bool" ? u8 : i32, walk, 0, from, to);

/** Kernels by op, for backends that have their own of all that takes time. What is not here is decomposed where these are all there is. */
export const basicKernels: Kernels = {
  ...supportingKernels,
  ...unaryKernels,
  ...binaryKernels,
  ...dotKernels,
  ...reduceKernels,
  ...shapeKernelsBy(moveHere),
  ...indexedKernels,
};
