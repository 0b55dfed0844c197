/** The table of kernels: each primitive, and the composites that run natively. A missing primitive does not compile. */
import type { Kernels } from "../call.ts";
import { binaryKernels } from "./binary.ts";
import { crossentropyKernels } from "./crossentropy.ts";
import { dotKernels } from "./dot.ts";
import { indexedKernels } from "./indexed.ts";
import { lengthKernels } from "./lengths.ts";
import { gruKernel } from "./recurrent/gru.ts";
import { gruGradKernel } from "./recurrent/gruGrad.ts";
import { lstmKernel } from "./recurrent/lstm.ts";
import { lstmGradKernel } from "./recurrent/lstmGrad.ts";
import { rnnKernel } from "./recurrent/rnn.ts";
import { rnnGradKernel } from "./recurrent/rnnGrad.ts";
import { reduceKernels } from "./reduce.ts";
import { selectKernels } from "./select.ts";
import { shapeKernels } from "./shape.ts";
import { softmaxKernels } from "./softmax.ts";
import { sourceKernels } from "./source.ts";
import { unaryKernels } from "./unary.ts";

/** The kernels of the CPU backend, by op. */
export const cpuKernels: Kernels = {
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
  lstm: lstmKernel,
  lstmGrad: lstmGradKernel,
  gru: gruKernel,
  gruGrad: gruGradKernel,
  rnn: rnnKernel,
  rnnGrad: rnnGradKernel,
};
