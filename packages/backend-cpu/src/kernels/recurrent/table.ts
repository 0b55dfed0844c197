/** The recurrences with native kernels. */
import { gruKernel } from "./gru.ts";
import { gruGradKernel } from "./gruGrad.ts";
import { lstmKernel } from "./lstm.ts";
import { lstmGradKernel } from "./lstmGrad.ts";
import { rnnKernel } from "./rnn.ts";
import { rnnGradKernel } from "./rnnGrad.ts";

export const recurrentKernels = {
  lstm: lstmKernel,
  lstmGrad: lstmGradKernel,
  gru: gruKernel,
  gruGrad: gruGradKernel,
  rnn: rnnKernel,
  rnnGrad: rnnGradKernel,
};
