/** The kernels that a backend with a module of its own takes from here. */
import { lengthKernels } from "./lengths.ts";
import { powerKernels } from "./power.ts";
import { selectKernels } from "./select.ts";
import { sourceKernels } from "./source.ts";

/** Kernels of ops that are rare or small: values from nothing, lengths of sequences, `select`, `cast` and `pow`. In a table of its own, so that a bundle has no others. */
export const supportingKernels = { ...sourceKernels, ...lengthKernels, ...selectKernels, ...powerKernels };
