/**
 * Repeating, cutting, extending and adding up along one axis of [outer, extent, inner]. tfjs's kernels for these go from element to element
 * by index vectors on its plain backend and copy whole tensors for a slice in WebAssembly (measured: 5 to 100 times slower than a copy on
 * the host), and in WebAssembly they add in single precision. So where data can be read at once it is done on the host.
 */
import { ShapeError } from "@ostinato/core";
import type { Device } from "../device.ts";
import type { HostData, TensorInfo } from "../tfjs.ts";

/** A tensor seen as [outer, extent, inner] around one axis. */
export interface Around {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
}

const product = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);

/** The sizes before, at and behind `axis`, or the axes up to `end`. */
export function around(shape: readonly number[], axis: number, end: number = axis + 1): Around {
  return {
    outer: product(shape.slice(0, axis)),
    extent: product(shape.slice(axis, end)),
    inner: product(shape.slice(end)),
  };
}

/** The data types of programs. */
export type Plain = "float32" | "int32" | "bool";

/** Zeros, as tfjs holds them. */
export function plainData(dtype: Plain, size: number): HostData {
  if (dtype === "float32") return new Float32Array(size);
  return dtype === "int32" ? new Int32Array(size) : new Uint8Array(size);
}

function onHost(device: Device, x: TensorInfo, shape: readonly number[], fill: (from: HostData, to: HostData) => void) {
  const to = plainData(x.dtype as Plain, product(shape));
  fill(device.readNow(x), to);
  return device.upload(to, shape, x.dtype as Plain);
}

/** Each of `outer` pieces of `inner` elements `times` times, one after the other: [outer, times, inner]. */
function repeatOnHost(from: HostData, to: HostData, outer: number, times: number, inner: number): void {
  for (let o = 0; o < outer; o++) {
    const start = o * times * inner;
    const end = start + times * inner;
    if (inner === 1) {
      to.fill(from[o] as number, start, end);
      continue;
    }
    to.set(from.subarray(o * inner, (o + 1) * inner), start);
    for (let done = start + inner; done < end; done += done - start) {
      to.copyWithin(done, start, Math.min(done, start + end - done));
    }
  }
}

/** `x`, seen as [outer, 1, inner], with its entry repeated: [outer, times, inner]. */
export function repeat(device: Device, x: TensorInfo, outer: number, times: number, inner: number): TensorInfo {
  const shape = [outer, times, inner];
  if (device.readsAtOnce) {
    return onHost(device, x, shape, (from, to) => repeatOnHost(from, to, outer, times, inner));
  }
  const seen = device.reshape(x, [outer, 1, inner]);
  return device.using([seen], () => device.run("Tile", { x: seen }, { reps: [1, times, 1] }));
}

/** One number in every place of `shape`. */
export function spread(device: Device, x: TensorInfo, shape: readonly number[]): TensorInfo {
  return shaped(device, repeat(device, x, 1, product(shape), 1), shape);
}

/** `x` in another shape; `x` itself is released. */
export function shaped(device: Device, x: TensorInfo, shape: readonly number[]): TensorInfo {
  return device.using([x], () => device.reshape(x, shape));
}

/** `size` entries from `start` on: [outer, size, inner]. */
export function cut(
  device: Device,
  x: TensorInfo,
  { outer, extent, inner }: Around,
  start: number,
  size: number,
): TensorInfo {
  if (start < 0 || start + size > extent) {
    throw new ShapeError(`slice: ${size} entries from ${start} do not lie within the actual size ${extent}`);
  }
  if (device.readsAtOnce) {
    return onHost(device, x, [outer, size, inner], (from, to) => {
      for (let o = 0; o < outer; o++) {
        const begin = (o * extent + start) * inner;
        to.set(from.subarray(begin, begin + size * inner), o * size * inner);
      }
    });
  }
  const seen = device.reshape(x, [outer, extent, inner]);
  return device.using([seen], () =>
    device.run("Slice", { x: seen }, { begin: [0, start, 0], size: [outer, size, inner] }),
  );
}

/** Zeros [outer, extent, inner] with `x` at `start`, where `size` is the extent of `x`. */
export function extend(
  device: Device,
  x: TensorInfo,
  { outer, extent, inner }: Around,
  start: number,
  size: number,
): TensorInfo {
  if (start < 0 || start + size > extent) {
    throw new ShapeError(`pad: ${size} entries at ${start} do not lie within the actual size ${extent}`);
  }
  if (device.readsAtOnce) {
    return onHost(device, x, [outer, extent, inner], (from, to) => {
      for (let o = 0; o < outer; o++) {
        to.set(from.subarray(o * size * inner, (o + 1) * size * inner), (o * extent + start) * inner);
      }
    });
  }
  const paddings = [
    [0, 0],
    [start, extent - start - size],
    [0, 0],
  ];
  const seen = device.reshape(x, [outer, size, inner]);
  return device.using([seen], () => device.run("PadV2", { x: seen }, { paddings, constantValue: 0 }));
}

/** The sums over `extent`, added up in double precision where the host does it: [outer, inner]. */
export function addUp(device: Device, x: TensorInfo, { outer, extent, inner }: Around): TensorInfo {
  if (device.readsAtOnce) {
    const sums = new Float64Array(outer * inner);
    const from = device.readNow(x);
    for (let o = 0, at = 0; o < outer; o++) {
      const base = o * inner;
      for (let k = 0; k < extent; k++) {
        for (let i = 0; i < inner; i++, at++) sums[base + i]! += from[at] as number;
      }
    }
    const to = plainData(x.dtype as Plain, outer * inner);
    to.set(sums);
    return device.upload(to, [outer, inner], x.dtype as Plain);
  }
  const seen = device.reshape(x, [outer, extent, inner]);
  return device.using([seen], () => device.run("Sum", { x: seen }, { axis: [1], keepDims: false }));
}

/** The entries along the leading axis, one at a time, each without that axis. */
export function entriesOf(device: Device, x: TensorInfo): (index: number) => TensorInfo {
  const [extent = 1, ...shape] = x.shape;
  const size = product(shape);
  if (device.readsAtOnce) {
    const data = device.readNow(x);
    return (index) => device.upload(data.subarray(index * size, (index + 1) * size), shape, x.dtype as Plain);
  }
  return (index) => shaped(device, cut(device, x, { outer: 1, extent, inner: size }, index, 1), shape);
}

/** Entries of one shape along a new leading axis. The entries are released. */
export function stacked(device: Device, entries: readonly TensorInfo[]): TensorInfo {
  const { shape } = entries[0] as TensorInfo;
  const rows = entries.map((entry) => shaped(device, entry, [1, product(shape)]));
  const joined = device.using(rows, () => device.run("Concat", rows, { axis: 0 }));
  return shaped(device, joined, [entries.length, ...shape]);
}
