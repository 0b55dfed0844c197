/** One growable memory for everything a session holds, seen as the numbers that kernels work on. */

import { ResourceError } from "@ostinato/core";

/** Kernels read the views anew in every call: growing replaces them. Byte offsets of values are multiples of 64. */
export interface Memory {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u8: Uint8Array;
  /** Byte offset of the region that a kernel may use while it runs, a multiple of 64. */
  scratch: number;
  /** Makes room for `bytes` in all; what the memory holds stays. */
  reserve(bytes: number): void;
  /** What the memory needs beside itself may take its time to start; programs are compiled when it has. Rejects where it cannot start. */
  readonly ready?: Promise<void>;
  /** Throws where what the memory needs beside itself is gone; called before each run. */
  expectUsable?(): void;
  /** Frees what the garbage collector would not. */
  dispose?(): Promise<void>;
}

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw new ResourceError(
      `cpu: the host gives no ${Math.ceil(bytes / 2 ** 20)} MB for a session; lower the batch size, the longest sequence, or the size of the model`,
      { cause },
    );
  }
}

/** Memory over an `ArrayBuffer`. */
export class PlainMemory implements Memory {
  f32 = new Float32Array(0);
  f64 = new Float64Array(0);
  i32 = new Int32Array(0);
  u8 = new Uint8Array(0);
  scratch = 0;

  reserve(bytes: number): void {
    if (bytes <= this.u8.length) return;
    const held = this.u8;
    const buffer = allocate(Math.ceil(bytes / 64) * 64);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.u8.set(held);
  }
}
