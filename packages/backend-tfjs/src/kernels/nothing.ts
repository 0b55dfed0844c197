/** What ops give where a tensor has no elements, as there are no children of leaves: tfjs's kernels do not all take such tensors. */
import { sizeOf } from "@ostinato/core";
import type { TensorInfo } from "../tfjs.ts";
import type { Call, KernelName } from "./kernel.ts";
import { type Plain, plainData } from "./movement.ts";
import { shapeKernels } from "./shapes.ts";

const isEmpty = ({ shape }: { readonly shape: readonly number[] }): boolean => shape.includes(0);

/** Every element of what is made of nothing. */
const identities: { readonly [O in KernelName]?: number } = {
  dot: 0,
  sum: 0,
  scatterAdd: 0,
  pad: 0,
  max: Number.NEGATIVE_INFINITY,
  /** Of a number that stands for all elements, of which there are none. */
  broadcast: 0,
};

/** The output of a call in which some tensor has no elements; undefined where all have, and where only the kernel can tell what is wrong. */
export function ofNothing(op: KernelName, call: Call, dtype: Plain): TensorInfo | undefined {
  const { device, inputs, shape } = call;
  if (isEmpty(call)) return device.upload(plainData(dtype, 0), shape, dtype);
  if (!inputs.some(isEmpty)) return undefined;
  if (op === "concat")
    return shapeKernels.concat.run({ ...(call as Call<"concat">), inputs: inputs.filter((x) => !isEmpty(x)) });
  const identity = identities[op];
  return identity === undefined
    ? undefined
    : device.upload(plainData(dtype, sizeOf(shape)).fill(identity), shape, dtype);
}
