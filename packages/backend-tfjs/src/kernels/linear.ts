/** Products as tfjs's batched matrix product, and reductions. */
import { findLargest, sizeOf } from "@ostinato/core";
import type { Device } from "../device.ts";
import type { TensorInfo } from "../tfjs.ts";
import { input, type Kernels } from "./kernel.ts";
import { addUp, around, shaped } from "./movement.ts";

interface Operand {
  /** [batch, rows, columns]; the caller's to release. */
  readonly matrices: TensorInfo;
  /** Rows and columns lie the other way round. */
  readonly transposed: boolean;
}

/**
 * An operand of a dot as [batch, rows, columns]. Its axes form three runs, of which some may be empty, in any order; a run is given by its
 * axes and named by its place here: 0 batch, 1 rows, 2 columns.
 */
function matricesOf(device: Device, x: TensorInfo, runs: readonly (readonly number[])[]): Operand {
  const sizes = runs.map((axes) => sizeOf(axes.map((axis) => x.shape[axis] as number)));
  const order = [0, 1, 2]
    .filter((run) => (runs[run] as readonly number[]).length > 0)
    .sort((left, right) => (runs[left]?.[0] as number) - (runs[right]?.[0] as number));
  const transposed = order.indexOf(2) >= 0 && order.indexOf(1) > order.indexOf(2);
  const batchFirst = !order.includes(0) || order[0] === 0;
  const target = transposed ? [0, 2, 1] : [0, 1, 2];
  if (batchFirst && (device.transposesInProducts || !transposed)) {
    return {
      matrices: device.reshape(
        x,
        target.map((run) => sizes[run] as number),
      ),
      transposed,
    };
  }
  const seen = device.reshape(
    x,
    order.map((run) => sizes[run] as number),
  );
  const permutation = [0, 1, 2].filter((run) => order.includes(run)).map((run) => order.indexOf(run));
  const moved = device.using([seen], () => device.run("Transpose", { x: seen }, { perm: permutation }));
  return { matrices: shaped(device, moved, sizes), transposed: false };
}

/** The largest finite number of single precision. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** By tfjs's own kernel, which does not end where two numbers are infinite: their places are looked for in finite ones. */
function topOnDevice(device: Device, whole: TensorInfo, k: number, output: number): TensorInfo {
  const { outer, extent } = around(whole.shape, whole.shape.length - 1);
  const x = device.reshape(whole, [outer, extent]);
  const [low, high] = [-LARGEST, LARGEST].map((bound) => device.upload(Float32Array.of(bound), [], "float32")) as [
    TensorInfo,
    TensorInfo,
  ];
  return device.using([x, low, high], () => {
    const above = device.run("Maximum", { a: x, b: low });
    const finite = device.using([above], () => device.run("Minimum", { a: above, b: high }));
    const indices = device.using([finite], () => device.runFor(1, "TopK", { x: finite }, { k, sorted: true }));
    if (output === 1) return indices;
    return device.using([indices], () => device.run("GatherV2", { x, indices }, { axis: 1, batchDims: 1 }));
  });
}

export const linearKernels: Kernels<"dot" | "sum" | "max" | "argMax" | "topK"> = {
  dot: {
    needs: ["Reshape", "Transpose", "BatchMatMul", "Identity"],
    run: (call) => {
      const { device, attrs, shape } = call;
      const [left, right] = [0, 1].map((side) => {
        const x = input(call, side);
        const batch = attrs.batch[side] as readonly number[];
        const contract = attrs.contract[side] as readonly number[];
        const free = x.shape.map((_, axis) => axis).filter((axis) => !batch.includes(axis) && !contract.includes(axis));
        return matricesOf(device, x, side === 0 ? [batch, free, contract] : [batch, contract, free]);
      }) as [Operand, Operand];
      const [a, b] = [left.matrices, right.matrices];
      const product = device.using([a, b], () => device.product(a, b, left.transposed, right.transposed));
      return shaped(device, product, shape);
    },
  },
  sum: {
    needs: ["Reshape", "Sum"],
    run: (call) => {
      const { device, attrs, shape } = call;
      let x = device.share(input(call));
      // From the last axis on, so that the axes before it stay where they are; neighbours at once.
      for (let last = attrs.axes.length - 1; last >= 0; last--) {
        let first = last;
        while (first > 0 && attrs.axes[first - 1] === (attrs.axes[first] as number) - 1) first--;
        const [start, end] = [attrs.axes[first] as number, (attrs.axes[last] as number) + 1];
        const rest = [...x.shape.slice(0, start), ...x.shape.slice(end)];
        const whole = x;
        const sums = device.using([whole], () => addUp(device, whole, around(whole.shape, start, end)));
        x = shaped(device, sums, rest);
        last = first;
      }
      return shaped(device, x, shape);
    },
  },
  max: {
    needs: ["Max"],
    run: (call) => call.device.run("Max", { x: input(call) }, { reductionIndices: call.attrs.axes, keepDims: false }),
  },
  argMax: {
    needs: ["Reshape", "Transpose", "ArgMax"],
    run: (call) => {
      const { device, attrs, shape } = call;
      const { outer, extent, inner } = around(input(call).shape, attrs.axis);
      // The rows last: tfjs's kernel in WebAssembly gives the shape of the transposed tensor otherwise.
      const seen = device.reshape(input(call), [outer, extent, inner]);
      const rows = device.using([seen], () => device.run("Transpose", { x: seen }, { perm: [0, 2, 1] }));
      return shaped(
        device,
        device.using([rows], () => device.run("ArgMax", { x: rows }, { axis: 2 })),
        shape,
      );
    },
  },
  /** On the host where data can be read at once: tfjs sorts the whole of each row. */
  topK: {
    needs: ["Reshape", "Maximum", "Minimum", "TopK", "GatherV2"],
    run: (call) => {
      const { device, attrs, output, shape } = call;
      const x = input(call);
      if (!device.readsAtOnce) return shaped(device, topOnDevice(device, x, attrs.k, output), shape);
      const data = device.readNow(x);
      const width = x.shape.at(-1) as number;
      const found = new Int32Array(sizeOf(shape));
      for (let row = 0; row < data.length / width; row++)
        findLargest(data, row * width, width, attrs.k, found, row * attrs.k);
      return output === 0
        ? device.upload(
            Float32Array.from(found, (place) => data[place] as number),
            shape,
            "float32",
          )
        : device.upload(
            found.map((place) => place % width),
            shape,
            "int32",
          );
    },
  },
};
