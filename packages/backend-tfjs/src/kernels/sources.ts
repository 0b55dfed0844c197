/** Ops that make elements from nothing: made on the host and uploaded. */
import { fillDropoutMask, sizeOf, sizeOfDim } from "@ostinato/core";
import type { HostData } from "../tfjs.ts";
import { input, type Kernels } from "./kernel.ts";

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export const sourceKernels: Kernels<"constant" | "iota" | "size" | "dropoutMask"> = {
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
  /** The generator of core, so that the bits are those of every backend. */
  dropoutMask: {
    needs: [],
    run: (call) => {
      const { device, attrs, shape } = call;
      const mask = new Float32Array(sizeOf(shape));
      const step = device.readNow(input(call))[0] as number;
      fillDropoutMask(mask, 0, mask.length, attrs.rate, attrs.seed, attrs.site, step, new Uint32Array(2));
      return device.upload(mask, shape, "float32");
    },
  },
};
