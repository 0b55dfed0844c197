/** Ops that look up and scatter by whole numbers. */
import { DataError, sizeOfDim } from "@ostinato/core";
import type { Device } from "../device.ts";
import type { TensorInfo } from "../tfjs.ts";
import { input, type Kernels } from "./kernel.ts";
import { around, repeat, shaped } from "./movement.ts";

/** A wrong id stops the run, which then leaves the state as it was. On devices that cannot read at once ids are not checked. */
function checkIds(device: Device, op: string, ids: TensorInfo, rows: number): void {
  if (!device.readsAtOnce) return;
  const data = device.readNow(ids);
  const wrong = data.findIndex((id: number) => id < 0 || id >= rows);
  if (wrong >= 0) throw new DataError(`${op}: id ${data[wrong]} at position ${wrong} is not one of 0 … ${rows - 1}`);
}

/** For each element of [time, batch], the index that it comes from in the flat tensor: time runs backwards up to the row's length. */
function mirrored(device: Device, lengths: TensorInfo, time: number, batch: number): TensorInfo {
  const grid = (element: (t: number, b: number) => number): TensorInfo =>
    device.upload(
      Int32Array.from({ length: time * batch }, (_, i) => element(Math.floor(i / batch), i % batch)),
      [time, batch],
      "int32",
    );
  const last = shaped(device, repeat(device, lengths, 1, time, batch), [time, batch]);
  const steps = grid((t) => t);
  const next = grid((t) => t + 1);
  const columns = grid((_, b) => b);
  const stride = device.upload(Int32Array.of(batch), [], "int32");
  return device.using([last, steps, next, columns, stride], () => {
    const inside = device.run("Less", { a: steps, b: last });
    const back = device.run("Sub", { a: last, b: next });
    const from = device.using([inside, back], () => device.run("Select", { condition: inside, t: back, e: steps }));
    const rows = device.using([from], () => device.run("Multiply", { a: from, b: stride }));
    return device.using([rows], () => device.run("Add", { a: rows, b: columns }));
  });
}

export const indexKernels: Kernels<"gather" | "scatterAdd" | "reverseSequence"> = {
  gather: {
    needs: ["Reshape", "GatherV2"],
    run: (call) => {
      const { device, shape } = call;
      const [table, ids] = [input(call), input(call, 1)];
      const { extent: rows, inner } = around(table.shape, 0);
      checkIds(device, "gather", ids, rows);
      const x = device.reshape(table, [rows, inner]);
      const indices = device.reshape(ids, [-1]);
      const found = device.using([x, indices], () => device.run("GatherV2", { x, indices }, { axis: 0, batchDims: 0 }));
      return shaped(device, found, shape);
    },
  },
  /** `ScatterNd` adds up what meets in one row. */
  scatterAdd: {
    needs: ["Reshape", "ScatterNd"],
    run: (call) => {
      const { device, attrs, sizes, shape } = call;
      const rows = sizeOfDim(attrs.rows, sizes);
      checkIds(device, "scatterAdd", input(call), rows);
      const inner = around(shape, 0).inner;
      const indices = device.reshape(input(call), [-1, 1]);
      const updates = device.reshape(input(call, 1), [-1, inner]);
      const sums = device.using([indices, updates], () =>
        device.run("ScatterNd", { indices, updates }, { shape: [rows, inner] }),
      );
      return shaped(device, sums, shape);
    },
  },
  reverseSequence: {
    needs: ["Reshape", "Tile", "Less", "Sub", "Select", "Multiply", "Add", "GatherV2"],
    run: (call) => {
      const { device, shape } = call;
      const [time, batch] = shape as [number, number];
      const indices = shaped(device, mirrored(device, input(call, 1), time, batch), [time * batch]);
      const x = device.reshape(input(call), [time * batch, around(shape, 1).inner]);
      const moved = device.using([indices, x], () => device.run("GatherV2", { x, indices }, { axis: 0, batchDims: 0 }));
      return shaped(device, moved, shape);
    },
  },
};
