/** The kernels that a backend with a module of its own takes from here. */
import { lengthKernels } from "./lengths.ts";
import { rareKernels } from "./rare.ts";
import { selectKernels } from "./select.ts";
import { sourceKernels } from "./source.ts";

/** Kernels of ops that are rare or small: values from nothing, lengths of sequences, `select`, `cast`, and what is elementwise and rare. In a table of its own, so that a bundle has no others. */
export const supportingKernels = { ...sourceKernels, ...lengthKernels, ...selectKernels, ...rareKernels };
