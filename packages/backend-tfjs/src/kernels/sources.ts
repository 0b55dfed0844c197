/** Ops that make elements from nothing: made on the host and uploaded. */
import { fillDropoutMask, fillNormalNoise, type OpAttrs, sizeOf, sizeOfDim } from "@ostinato/core";
import type { HostData } from "../tfjs.ts";
import { input, type Kernels, type TfjsKernel } from "./kernel.ts";

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Random numbers by the generators of core, so that the bits are those of every backend. */
const random = <O extends "dropoutMask" | "normalNoise">(
  fill: (attrs: OpAttrs[O], to: Float32Array, step: number) => void,
): TfjsKernel<O> => ({
  needs: [],
  run: (call) => {
    const { device, attrs, shape } = call;
    const numbers = new Float32Array(sizeOf(shape));
    fill(attrs, numbers, device.readNow(input(call))[0] as number);
    return device.upload(numbers, shape, "float32");
  },
});

export const sourceKernels: Kernels<"constant" | "iota" | "size" | "dropoutMask" | "normalNoise"> = {
  constant: {
    needs: [],
    run: ({ device, attrs: { dtype, shape, data } }) => {
      const elements: HostData = new arrays[dtype](sizeOf(shape));
      if (data.length === 1) elements.fill(data[0] as number);
      else elements.set(data);
      return device.upload(elements, shape, dtype);
    },
  },
  iota: {
    needs: [],
    run: ({ device, shape }) =>
      device.upload(
        Int32Array.from({ length: sizeOf(shape) }, (_, i) => i),
        shape,
        "int32",
      ),
  },
  size: {
    needs: [],
    run: ({ device, attrs, sizes }) => device.upload(Int32Array.of(sizeOfDim(attrs.dim, sizes)), [], "int32"),
  },
  dropoutMask: random(({ rate, seed, site }, to, step) =>
    fillDropoutMask(to, 0, to.length, rate, seed, site, step, new Uint32Array(2)),
  ),
  normalNoise: random(({ seed, site }, to, step) =>
    fillNormalNoise(to, 0, to.length, seed, site, step, new Uint32Array(2)),
  ),
};
