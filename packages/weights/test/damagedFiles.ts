/** PyTorch and NumPy files, damaged a given number of times and read through the public functions. */

import { damage, expectHarmless } from "@ostinato/conformance";
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
import { openZip, writeZip } from "../src/zip.ts";
import arrays from "./golden/npz.json" with { type: "json" };
import models from "./golden/pytorch.json" with { type: "json" };

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

const tagger = sequential([
  embedding({ inputDim: 11, outputDim: 3 }),
  bidirectional(lstm({ units: 2, returnSequences: true })),
  bidirectional(lstm({ units: 2, returnSequences: true })),
  dense({ units: 3 }),
]);

/** A safetensors file from a header and data. */
function withHeader(text: string, data: Uint8Array): Uint8Array {
  const header = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + header.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(data, 8 + header.length);
  return file;
}

/** Bytes per element of each supported type. */
const types = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2, F8_E5M2: 1, F8_E4M3: 1, F8_E8M0: 1 },
  ...{ BOOL: 1, I8: 1, I16: 2, I32: 4, I64: 8, U8: 1, U16: 2, U32: 4, U64: 8 },
};

/** A safetensors file with the tagger's last layer, and two zeros of each type. */
function ofEachType(): Uint8Array {
  let end = 0;
  const entry = (name: string, dtype: keyof typeof types, ...shape: readonly number[]) => {
    const start = end;
    end += types[dtype] * shape.reduce((size, dim) => size * dim, 1);
    return [name, { dtype, shape, data_offsets: [start, end] }] as const;
  };
  const entries = [
    entry("dense.weight", "F8_E4M3", 3, 4),
    entry("dense.bias", "F8_E5M2", 3),
    ...(Object.keys(types) as (keyof typeof types)[]).map((type) => entry(`bn.${type}`, type, 2)),
  ];
  return withHeader(JSON.stringify(Object.fromEntries(entries)), new Uint8Array(end));
}

const trained = loadPytorch(tagger, fromBase64(models.tagger.file));

type Read = (bytes: Uint8Array) => unknown;
type Damage = typeof damage;

/** Reads the files undamaged, to create the readers' tables, and then damaged: every other time in its `parts`. */
function damaged(files: readonly Uint8Array[], read: Read, count: number, random: RandomStream, parts: Damage) {
  files.forEach(read);
  return expectHarmless(files, read, count, random, (file, k, stream) =>
    (k % 2 === 0 ? damage : parts)(file, k >> 1, stream),
  );
}

const stateDicts = [models.tagger, models.float16, models.bfloat16, models.float64].map(({ file }) => fromBase64(file));

const fragments = [
  "-1",
  "0",
  "1e308",
  "null",
  "[]",
  "{}",
  '"F16"',
  '"__proto__"',
  '"a.weight_ih_l0"',
  "9007199254740993",
  "0.5",
];

/** Replaces a number, word or bracket of a file's header. */
function otherHeader(file: Uint8Array, _k: number, random: RandomStream): Uint8Array {
  const end = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(file.subarray(8, end));
  const tokens = [...text.matchAll(/-?\d+|"[^"]*"|[[\]{},:]/g)];
  const { index, 0: token } = tokens[random.below(tokens.length)] as RegExpExecArray;
  const fragment = fragments[random.below(fragments.length)] as string;
  return withHeader(text.slice(0, index) + fragment + text.slice(index + token.length), file.subarray(end));
}

/** State dicts with all number types, each for a model that already has weights. */
export const damagedStateDicts = (count: number, seed: number) =>
  damaged(
    [...stateDicts, ofEachType()],
    (bytes) => loadPytorch(trained, bytes, { strict: false }),
    count,
    new RandomStream(seed, "state dicts"),
    otherHeader,
  );

const archive = toNpz({
  a: float32([2, 3], [1, 2, 3, 4, 5, 6]),
  b: float64([1], [2]),
  c: int32([3], [1, 2, 3]),
  d: bool([2], [0, 1]),
});

/** An archive with a damaged array but correct sizes and checksums. */
function otherArray(file: Uint8Array, k: number, random: RandomStream): Uint8Array {
  const { names, member } = openZip(file);
  const chosen = names[random.below(names.length)] as string;
  return writeZip(
    Object.fromEntries(names.map((name) => [name, name === chosen ? damage(member(name), k, random) : member(name)])),
  );
}

/** Archives of arrays, compressed and uncompressed. */
export const damagedArchives = (count: number, seed: number) =>
  damaged(
    [fromBase64(arrays.savez), fromBase64(arrays.savez_compressed), archive],
    (bytes) => fromNpz(bytes),
    count,
    new RandomStream(seed, "archives"),
    otherArray,
  );
