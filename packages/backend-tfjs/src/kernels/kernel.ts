/** What a kernel of this package is given, and what it needs of tfjs. */
import type { OpAttrs, PrimitiveName, Sizes, StructuredName } from "@ostinato/core";
import type { Device } from "../device.ts";
import type { TensorInfo } from "../tfjs.ts";

/** The ops that have a kernel: `input` is given, and an op with a body is run by the executable. */
export type KernelName = Exclude<PrimitiveName, "input" | StructuredName>;

export interface Call<O extends KernelName = KernelName> {
  readonly device: Device;
  /** A uniform value comes as a scalar, whatever its shape in the program. Inputs are not the kernel's to release. */
  readonly inputs: readonly TensorInfo[];
  readonly attrs: OpAttrs[O];
  readonly sizes: Sizes;
  /** Which output is wanted, of an op that has several, and its actual shape. */
  readonly output: number;
  readonly shape: readonly number[];
}

export interface TfjsKernel<O extends KernelName = KernelName> {
  /** The kernels of tfjs that it calls. */
  readonly needs: readonly string[];
  /** Computes one output. */
  run(call: Call<O>): TensorInfo;
}

/** The kernels of a few ops, by name. */
export type Kernels<O extends KernelName> = { readonly [N in O]: TfjsKernel<N> };

/** The input that the op's arity promises. */
export function input(call: Pick<Call, "inputs">, index = 0): TensorInfo {
  return call.inputs[index] as TensorInfo;
}
