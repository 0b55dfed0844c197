/**
 * Rows that are looked up by number while they are still being made: the states of a forest's nodes. On the host where data can be read at
 * once, which is one copy; else they stay on the device, in the pieces in which they came, so that no look-up reads or writes all of them.
 */
import { sizeOf } from "@ostinato/core";
import type { Device } from "./device.ts";
import { type Plain, plainData, shaped } from "./kernels/movement.ts";
import type { HostData, TensorInfo } from "./tfjs.ts";

export interface Rows {
  /** Takes over rows from number `start` on: `x` [rows, …] is released. */
  put(start: number, x: TensorInfo): void;
  /** The rows of these numbers, [numbers, …]; zeros for -1. */
  take(numbers: Int32Array): TensorInfo;
  /** Zeros of `shape`, seen as rows, with row `i` in place `places[i]`. */
  placed(places: Int32Array, shape: readonly number[]): TensorInfo;
  release(): void;
}

/** Room for `count` rows of a shape. */
export function rowsFor(device: Device, count: number, row: readonly number[], dtype: Plain): Rows {
  return device.readsAtOnce ? onHost(device, count, row, dtype) : onDevice(device, count, row, dtype);
}

/** The rows of tensors of one data type and row, one after another. The tensors are released. */
export function rowsOf(device: Device, parts: readonly [TensorInfo, ...TensorInfo[]]): Rows {
  const count = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  const rows = rowsFor(device, count, parts[0].shape.slice(1), parts[0].dtype as Plain);
  let start = 0;
  for (const x of parts) {
    const size = x.shape[0] as number;
    rows.put(start, x);
    start += size;
  }
  return rows;
}

function onHost(device: Device, count: number, row: readonly number[], dtype: Plain): Rows {
  const width = sizeOf(row);
  const table = plainData(dtype, count * width);
  const move = (from: HostData, source: number, to: HostData, target: number): void => {
    for (let i = 0; i < width; i++) to[target * width + i] = from[source * width + i] as number;
  };
  return {
    put: (start, x) => {
      table.set(device.readNow(x), start * width);
      device.release(x);
    },
    take: (numbers) => {
      const taken = plainData(dtype, numbers.length * width);
      numbers.forEach((number, i) => {
        if (number >= 0) move(table, number, taken, i);
      });
      return device.upload(taken, [numbers.length, ...row], dtype);
    },
    placed: (places, shape) => {
      const whole = plainData(dtype, sizeOf(shape));
      places.forEach((place, i) => {
        move(table, i, whole, place);
      });
      return device.upload(whole, shape, dtype);
    },
    release: () => {},
  };
}

/** Rows that came together: [rows, width]. */
interface Piece {
  readonly start: number;
  readonly x: TensorInfo;
}

function onDevice(device: Device, count: number, row: readonly number[], dtype: Plain): Rows {
  const width = sizeOf(row);
  const pieces: Piece[] = [];
  /** For each row the number of its piece, which is there once the row is. */
  const pieceOf = new Int32Array(count);

  const gathered = (x: TensorInfo, rows: Int32Array): TensorInfo => {
    const indices = device.upload(rows, [rows.length], "int32");
    return device.using([indices], () => device.run("GatherV2", { x, indices }, { axis: 0, batchDims: 0 }));
  };
  const joined = (parts: readonly TensorInfo[]): TensorInfo =>
    parts.length === 1 ? (parts[0] as TensorInfo) : device.using(parts, () => device.run("Concat", parts, { axis: 0 }));

  return {
    put: (start, x) => {
      const rows = x.shape[0] as number;
      if (rows > 0) {
        pieceOf.fill(pieces.length, start, start + rows);
        pieces.push({ start, x: device.reshape(x, [rows, width]) });
      }
      device.release(x);
    },
    /** From each piece the rows that are wanted of it, joined, and then brought into order. */
    take: (numbers) => {
      const shape = [numbers.length, ...row];
      if (numbers.length === 0) return device.upload(plainData(dtype, 0), shape, dtype);
      const wanted = new Map<number, number[]>();
      numbers.forEach((number, i) => {
        const piece = number < 0 ? -1 : (pieceOf[number] as number);
        const places = wanted.get(piece);
        if (places) places.push(i);
        else wanted.set(piece, [i]);
      });
      const order = new Int32Array(numbers.length);
      let before = 0;
      const parts = [...wanted].map(([number, places]) => {
        const piece = pieces[number];
        places.forEach((place, i) => {
          order[place] = piece ? before + i : before;
        });
        before += piece ? places.length : 1;
        if (piece === undefined) return device.upload(plainData(dtype, width), [1, width], dtype);
        return gathered(
          piece.x,
          Int32Array.from(places, (place) => (numbers[place] as number) - piece.start),
        );
      });
      const whole = joined(parts);
      const inOrder = order.every((from, to) => from === to);
      return shaped(device, inOrder ? whole : device.using([whole], () => gathered(whole, order)), shape);
    },
    placed: (places, shape) => {
      if (places.length === 0) return device.upload(plainData(dtype, sizeOf(shape)), shape, dtype);
      const inRows = [...pieces].sort((a, b) => a.start - b.start).map(({ x }) => device.share(x));
      const updates = joined(inRows);
      const indices = device.upload(places, [places.length, 1], "int32");
      const whole = device.using([updates, indices], () =>
        device.run("ScatterNd", { indices, updates }, { shape: [sizeOf(shape) / width, width] }),
      );
      return shaped(device, whole, shape);
    },
    release: () => {
      for (const { x } of pieces) device.release(x);
    },
  };
}
