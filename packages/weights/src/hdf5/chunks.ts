/** Reads HDF5 arrays that are stored in chunks, which may be compressed. */
import { ModelFileError } from "@ostinato/core";
import { unzlibSync } from "fflate";
import { type Bytes, damaged, NOWHERE } from "./cursor.ts";
import { treeNode } from "./tree.ts";

/** The chunked storage of an array. */
export interface Chunks {
  /** The B-tree of the chunks. */
  readonly tree: number;
  /** The shape of a chunk. */
  readonly sizes: readonly number[];
  /** The filters that were applied to each chunk when it was written. */
  readonly filters: readonly ("deflate" | "shuffle")[];
}

/** A chunk in the file. */
interface Chunk {
  readonly from: readonly number[];
  readonly data: Uint8Array;
  /** A bit mask of the filters that were skipped. */
  readonly skipped: number;
}

function chunksOf(bytes: Bytes, { tree, sizes }: Chunks): Chunk[] {
  const found: Chunk[] = [];
  const readNode = (start: number, level?: number): void => {
    const { level: own, node, count } = treeNode(bytes, start, 1, level);
    for (let k = 0; k < count; k++) {
      const [size, skipped] = [node.u32(), node.u32()];
      const from = sizes.map(() => node.u64());
      const address = node.skip(8).address();
      if (own > 0) readNode(address, own - 1);
      else found.push({ from, skipped, data: bytes.once(address, "chunk of an array", size).bytes(size) });
    }
  };
  readNode(tree);
  return found;
}

/** Undoes HDF5's shuffle filter, which stores the first bytes of all elements first. */
function unshuffled(data: Uint8Array, elementSize: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const count = Math.floor(data.length / elementSize);
  for (let place = 0; place < elementSize; place++)
    for (let i = 0; i < count; i++) out[i * elementSize + place] = data[place * count + i] as number;
  return out;
}

/** Copies the part of a chunk that is inside the array; chunks at the edges may extend beyond it. */
function place(
  out: Uint8Array,
  shape: readonly number[],
  sizes: readonly number[],
  { from }: Chunk,
  data: Uint8Array,
  elementSize: number,
): void {
  const last = shape.length - 1;
  const width = Math.min(sizes[last] as number, (shape[last] as number) - (from[last] as number));
  const rows = sizes.slice(0, -1).reduce((a, b) => a * b, 1);
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let at = 0;
    let stride = 1;
    let inside = true;
    for (let axis = last - 1; axis >= 0; axis--) {
      const [size, whole] = [sizes[axis] as number, shape[axis] as number];
      const index = (from[axis] as number) + (rest % size);
      rest = Math.floor(rest / size);
      inside &&= index < whole;
      at += index * stride;
      stride *= whole;
    }
    if (!inside) continue;
    const source = row * (sizes[last] as number) * elementSize;
    out.set(
      data.subarray(source, source + width * elementSize),
      (at * (shape[last] as number) + (from[last] as number)) * elementSize,
    );
  }
}

/** Reads the bytes of an array of `shape`. The size has been checked. */
export function chunkedBytes(bytes: Bytes, chunks: Chunks, shape: readonly number[], elementSize: number): Uint8Array {
  const { sizes, filters } = chunks;
  const count = shape.reduce((a, b) => a * b, 1);
  const chunkSize = sizes.reduce((a, b) => a * b, 1) * elementSize;
  // Every chunk contains an element of the array, but may extend beyond the array.
  if (sizes.length !== shape.length || sizes.some((size, axis) => size === 0 || size > (shape[axis] as number)))
    throw damaged("the chunk shape does not fit the shape of the array");
  const out = new Uint8Array(count * elementSize);
  const needed = shape.reduce((product, size, axis) => product * Math.ceil(size / (sizes[axis] as number)), 1);
  const found = chunks.tree === NOWHERE ? [] : chunksOf(bytes, chunks);
  if (found.length !== needed) throw damaged(`an array has ${found.length} of ${needed} chunks`);
  const seen = new Set<string>();
  for (const chunk of found) {
    if (chunk.from.some((start, axis) => start % (sizes[axis] as number) !== 0 || start >= (shape[axis] as number)))
      throw damaged("a chunk lies outside its array");
    seen.add(chunk.from.join());
    let { data } = chunk;
    for (const [i, filter] of [...filters.entries()].reverse()) {
      if (chunk.skipped & (1 << i)) continue;
      if (filter === "shuffle") data = unshuffled(data, elementSize);
      else
        try {
          data = unzlibSync(data, { out: new Uint8Array(chunkSize + 1) });
        } catch (error) {
          throw new ModelFileError("the HDF5 file is damaged: a chunk cannot be decompressed", { cause: error });
        }
    }
    if (data.length !== chunkSize) throw damaged(`a chunk has ${data.length} bytes, expected ${chunkSize}`);
    place(out, shape, sizes, chunk, data, elementSize);
  }
  if (seen.size !== needed) throw damaged("an array has a duplicate chunk");
  return out;
}
