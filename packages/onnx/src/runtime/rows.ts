/** Rows of tensors by number: what steps go on from. */
import { sizeOf, type Tensor, type Tensors } from "@ostinato/core";

type Data = Float32Array | Int32Array;

/** Whether rows stay as they are: each goes on once, in its place. */
export const inPlace = (rows: Int32Array, count: number): boolean =>
  rows.length === count && rows.every((row, at) => row === at);

/** Gathers rows into memory that is used again: each tensor that it gave is valid until it gives the next of that name. */
export class RowGatherer {
  readonly #rooms = new Map<string, Data>();

  /** The rows of these numbers of each tensor, one after another. */
  gather(tensors: Tensors, rows: Int32Array): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, this.#one(name, tensor, rows)]));
  }

  #one(name: string, { dtype, shape, data }: Tensor, rows: Int32Array): Tensor {
    const [, ...rest] = shape;
    const width = sizeOf(rest);
    const room = this.#roomFor(name, dtype, rows.length * width);
    rows.forEach((row, at) => {
      room.set((data as Data).subarray(row * width, (row + 1) * width), at * width);
    });
    return { dtype, shape: [rows.length, ...rest], data: room } as Tensor;
  }

  #roomFor(name: string, dtype: Tensor["dtype"], size: number): Data {
    const known = this.#rooms.get(name);
    if (known && known.length >= size) return known;
    const room = dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
    this.#rooms.set(name, room);
    return room;
  }
}
