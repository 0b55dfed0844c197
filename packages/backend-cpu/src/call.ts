/** What a kernel is given: where its operands lie and how large they are in this run. Made once at compile; only numbers in it change. */
import type { CompositeName, DType, OpAttrs, OpName, PrimitiveName, Shape, Sizes, Step } from "@ostinato/core";
import type { Memory } from "./memory.ts";

/** A value in memory. Elements of the actual size lie densely, row-major. */
export interface View {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The first element's index in the memory's view of its data type (`f32`, `i32`, `u8` for bool); -1: nothing reads this output. */
  offset: number;
  /** 0 where one element stands for all, which only elementwise kernels meet. */
  readonly stride: 0 | 1;
  /** The actual dimensions and the number of elements. */
  readonly dims: number[];
  size: number;
  /** Views of the same memory, which move along when this one moves from step to step of a scan. */
  readonly followers: View[];
}

/** Room for nested loops over strided operands, outermost first. */
export interface Walk {
  rank: number;
  readonly dims: number[];
  readonly from: number[];
  readonly to: number[];
}

/** One application of an op. */
export interface Call<O extends OpName = OpName> {
  readonly op: O;
  readonly attrs: Step<O>["attrs"];
  readonly inputs: readonly View[];
  readonly outputs: readonly View[];
  readonly sizes: Sizes;
  readonly walk: Walk;
  /** Where the kernel finds what it packed before; absent: it packs in scratch, in each run. */
  readonly packed?: View;
}

/** What a kernel makes of inputs once, where these do not change from run to run. */
export interface Packing<O extends OpName = OpName> {
  /** It pays only where the call runs many times in a run, in which it is made once. */
  readonly often?: true;
  /** The places of the inputs that it reads. */
  inputs(call: Call<O>): readonly number[];
  bytes(call: Call<O>): number;
  /** Fills `call.packed`. */
  run(memory: Memory, call: Call<O>): void;
}

/** What computes an op in memory. */
export interface Kernel<O extends OpName = OpName> {
  run(memory: Memory, call: Call<O>): void;
  /** What the kernel works out of a call beforehand: asked once, when a program is compiled and all sizes are at full capacity. */
  prepare?(call: Call<O>): Call;
  /** Bytes needed at `memory.scratch` for the sizes in `call`; asked at compile, at full capacity. */
  scratch?(call: Call<O>): number;
  readonly packing?: Packing<O>;
  /** Whether these attributes run here; absent: all. Only a composite may say no. */
  supports?(attrs: OpAttrs[O]): boolean;
}

/** Every primitive, and the composites that run natively. Inputs are not computed, and a scan is run by the executable itself. */
export type Kernels = { readonly [O in Exclude<PrimitiveName, "input" | "scan">]: Kernel<O> } & {
  readonly [O in CompositeName]?: Kernel<O>;
};

/** Bytes up to the next multiple of 64. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
