/** Files of PyTorch and NumPy, damaged as often as is asked for, and read as anybody reads them. */

import { expectHarmless } from "@ostinato/conformance";
import {
  bidirectional,
  bool,
  dense,
  embedding,
  float32,
  float64,
  int32,
  lstm,
  RandomStream,
  sequential,
} from "@ostinato/core";
import { fromNpz, loadPytorch, toNpz } from "../src/index.ts";
import arrays from "./golden/npz.json" with { type: "json" };
import models from "./golden/pytorch.json" with { type: "json" };

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

const tagger = sequential([
  embedding({ inputDim: 11, outputDim: 3 }),
  bidirectional(lstm({ units: 2, returnSequences: true })),
  bidirectional(lstm({ units: 2, returnSequences: true })),
  dense({ units: 3 }),
]);

/** A safetensors file with a tensor of each type that is read, two numbers each, all of their bits zero. */
function ofEachType(): Uint8Array {
  const types = { F32: 4, F64: 8, F16: 2, BF16: 2, F8_E5M2: 1, F8_E4M3: 1, F8_E8M0: 1, BOOL: 1, I8: 1, I16: 2, I32: 4, I64: 8, U8: 1, U16: 2, U32: 4, U64: 8 }; // biome-ignore format: a table
  let end = 0;
  const entries = Object.entries(types).map(([dtype, bytes]) => {
    const start = end;
    end += 2 * bytes;
    return [`bn.${dtype}`, { dtype, shape: [2], data_offsets: [start, end] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const file = new Uint8Array(8 + header.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

const trained = loadPytorch(tagger, fromBase64(models.tagger.file));

type Read = (bytes: Uint8Array) => unknown;

/** Reads the files as they are, by which tables are made that readers make once, and then damaged. */
function damaged(files: readonly Uint8Array[], read: Read, count: number, random: RandomStream) {
  files.forEach(read);
  return expectHarmless(files, read, count, random);
}

const stateDicts = [models.tagger, models.float16, models.bfloat16, models.float64].map(({ file }) => fromBase64(file));

/** State dicts in all types of numbers, each for a model that has weights already. */
export const damagedStateDicts = (count: number, seed: number) =>
  damaged(
    [...stateDicts, ofEachType()],
    (bytes) => loadPytorch(trained, bytes, { strict: false }),
    count,
    new RandomStream(seed, "state dicts"),
  );

const archive = toNpz({
  a: float32([2, 3], [1, 2, 3, 4, 5, 6]),
  b: float64([1], [2]),
  c: int32([3], [1, 2, 3]),
  d: bool([2], [0, 1]),
});

/** Archives of arrays, compressed and not. */
export const damagedArchives = (count: number, seed: number) =>
  damaged(
    [fromBase64(arrays.savez), fromBase64(arrays.savez_compressed), archive],
    (bytes) => fromNpz(bytes),
    count,
    new RandomStream(seed, "archives"),
  );
