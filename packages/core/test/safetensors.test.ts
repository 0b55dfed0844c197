/** Safetensors files: what is written is read back, and no file from anywhere does harm. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bool,
  bytesFrom,
  decodeSafetensors,
  encodeSafetensors,
  float32,
  float64,
  int32,
  ModelFileError,
  type Safetensors,
  tensorOver,
} from "@ostinato/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSafetensors } from "../src/node/safetensorsFile.ts";
import { edited, putTogether, takeApart } from "./models.ts";

const full: Safetensors = {
  tensors: {
    b: bool([3], [1, 0, 1]),
    a: float32([2, 2], [1, -0, Number.NaN, Number.POSITIVE_INFINITY]),
    d: float64([1], [Math.PI]),
    "c/é": int32([2, 1], [2 ** 31 - 1, -(2 ** 31)]),
    scalar: float32([], [7]),
    empty: float32([0, 5], []),
  },
  metadata: { format: "x", ünïcode: '"\\\u0000🙂' },
};

describe("round trip", () => {
  test("of every data type, of scalars, of nothing", () => {
    expect(decodeSafetensors(encodeSafetensors(full))).toEqual(full);
    const nothing = { tensors: {}, metadata: {} };
    expect(decodeSafetensors(encodeSafetensors(nothing))).toEqual(nothing);
  });

  test("of any tensors", () => {
    const tensor = fc.array(fc.nat(3), { maxLength: 4 }).chain((shape) =>
      fc.array(fc.float(), { minLength: 108, maxLength: 108 }).map((data) =>
        float32(
          shape,
          data.slice(
            0,
            shape.reduce((a, b) => a * b, 1),
          ),
        ),
      ),
    );
    const name = fc
      .string({ minLength: 1, unit: "grapheme" })
      .filter((text) => !["__proto__", "__metadata__"].includes(text));
    const file = fc.record({
      tensors: fc.dictionary(name, tensor, { noNullPrototype: true }),
      metadata: fc.dictionary(name, fc.string(), { noNullPrototype: true }),
    });
    fc.assert(
      fc.property(file, (given) => {
        expect(decodeSafetensors(encodeSafetensors(given))).toEqual(given);
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  test("the order of the tensors does not show in the bytes; data begins at a multiple of 8", () => {
    const turned = { ...full, tensors: Object.fromEntries(Object.entries(full.tensors).reverse()) };
    const bytes = encodeSafetensors(full);
    expect(encodeSafetensors(turned)).toEqual(bytes);
    expect((bytes.length - takeApart(bytes).data.length) % 8).toBe(0);
  });

  test("tensors read are copies, also of a Node.js Buffer and of bytes in the middle of a buffer", () => {
    const bytes = encodeSafetensors(full);
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    for (const given of [Buffer.from(bytes), shifted]) {
      const { tensors } = decodeSafetensors(given);
      given.fill(0);
      expect(tensors).toEqual(full.tensors);
    }
  });

  test("a view into a larger array is written alone", () => {
    const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const file = encodeSafetensors({ tensors: { x: { dtype: "float32", shape: [2], data: view } }, metadata: {} });
    expect(decodeSafetensors(file).tensors.x?.data).toEqual(Float32Array.of(1, 2));
  });
});

describe("foreign and damaged files", () => {
  const one = { a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } };
  const four = new Uint8Array(4);
  const file = (header: unknown, data = four): Uint8Array => putTogether(JSON.stringify(header), data);

  test("written by others: the metadata may be missing, and tensors in any order", () => {
    const header = { z: one.a, a: { dtype: "I32", shape: [1], data_offsets: [4, 8] } };
    expect(Object.keys(decodeSafetensors(file(header, new Uint8Array(8))).tensors).sort()).toEqual(["a", "z"]);
    expect(decodeSafetensors(file({ constructor: one.a })).tensors.constructor).toEqual(float32([1], [0]));
  });

  const wrong: Readonly<Record<string, readonly [Uint8Array, string]>> = {
    nothing: [new Uint8Array(0), "only 0 bytes"],
    "a text": [new TextEncoder().encode("this is a text, not a model"), "not a safetensors file"],
    "a PNG": [Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73), "not a safetensors file"],
    "a length beyond the file": [putTogether("{}", four, 5000n), "cut short"],
    "a length of 2⁶³": [putTogether("{}", four, 2n ** 63n), "not a safetensors file"],
    "a length of all ones": [putTogether("{}", four, 2n ** 64n - 1n), "not a safetensors file"],
    "a length of 0": [putTogether("{}", four, 0n), "not JSON"],
    "a header that is no JSON": [putTogether("{a}", four), "not JSON"],
    "a header that is no UTF-8": [putTogether('{"aaaa":1}', four).fill(0xff, 10, 12), "not JSON"],
    "a header that is a list": [putTogether("[{}]", four), "not a safetensors file"],
    "an unknown type": [file({ a: { ...one.a, dtype: "F31" } }), "F31, which the format does not have"],
    "an inherited type": [file({ a: { ...one.a, dtype: "constructor" } }), "constructor"],
    "no type": [file({ a: { shape: [1], data_offsets: [0, 4] } }), "undefined"],
    "no shape": [file({ a: { dtype: "F32", data_offsets: [0, 4] } }), '"a" has no valid shape'],
    "a negative size": [file({ a: { ...one.a, shape: [-1] } }), "no valid shape"],
    "half a size": [file({ a: { ...one.a, shape: [0.5] } }), "no valid shape"],
    "nine axes": [file({ a: { ...one.a, shape: new Array(9).fill(1) } }), "no valid shape"],
    "sizes whose product overflows": [file({ a: { ...one.a, shape: new Array(8).fill(2 ** 52) } }), "does not fill"],
    "more elements than bytes": [file({ a: { ...one.a, shape: [2] } }), "does not fill its place of 4 bytes"],
    "offsets that are no pair": [file({ a: { ...one.a, data_offsets: [0] } }), "no valid place"],
    "offsets the wrong way round": [file({ a: { ...one.a, data_offsets: [4, 0] } }), "does not fill"],
    "offsets as text": [file({ a: { ...one.a, data_offsets: ["0", "4"] } }), "no valid place"],
    "a description that is null": [file({ a: null }), "no description"],
    "a tensor called __proto__": [putTogether(`{"__proto__":${JSON.stringify(one.a)}}`, four), "no description"],
    "metadata that are not strings": [file({ __metadata__: { a: 1 }, ...one }), "not made of strings"],
    "metadata that are a list": [file({ __metadata__: ["a"], ...one }), "not made of strings"],
    "a hole": [file({ a: one.a, b: { ...one.a, data_offsets: [8, 12] } }, new Uint8Array(12)), '"b" is not where'],
    "an overlap": [file({ a: one.a, b: one.a }), "is not where the one before it ends"],
    "data that begin late": [file({ a: { ...one.a, data_offsets: [4, 8] } }, new Uint8Array(8)), "is not where"],
    "bytes left over": [file(one, new Uint8Array(5)), "damaged"],
    "bytes missing": [file(one, new Uint8Array(3)), "cut short"],
  };
  for (const [name, [bytes, words]] of Object.entries(wrong)) {
    test(name, () => {
      expect(() => decodeSafetensors(bytes)).toThrow(ModelFileError);
      expect(() => decodeSafetensors(bytes)).toThrow(words);
    });
  }

  test("nothing is added to any prototype", () => {
    const bytes = edited(encodeSafetensors(full), (header) =>
      Object.assign(header, { __metadata__: JSON.parse('{"__proto__":"x"}') }),
    );
    const { metadata } = decodeSafetensors(bytes);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(Object.keys(metadata)).toEqual(["__proto__"]);
  });
});

describe("number types that tensors do not have here", () => {
  /** A file of one tensor "a", behind one byte of another, so that its numbers begin at an odd place. */
  const typed = (dtype: string, size: number, numbers: ArrayBufferView): Uint8Array => {
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const header = {
      b: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
      a: { dtype, shape: [size], data_offsets: [1, 1 + bytes.length] },
    };
    return putTogether(JSON.stringify(header), Uint8Array.of(7, ...bytes));
  };
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

  test.each<[dtype: string, numbers: ArrayBufferView, expected: Float32Array | Int32Array]>([
    [
      // The values of IEEE 754's binary16: 1, -2, the largest, the smallest normal and subnormal one, 1/3.
      "F16",
      Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0x8000, 0x7c00, 0xfc00, 0x7e00),
      Float32Array.of(1, -2, 65504, 2 ** -14, 2 ** -24, 0.333251953125, -0, infinity, -infinity, nan),
    ],
    [
      // bfloat16: the upper half of a float32.
      "BF16",
      Uint16Array.of(0x3f80, 0xc040, 0x7f7f, 0x0001, 0x8000, 0x7f80, 0xffc0),
      Float32Array.of(1, -3, 3.3895313892515355e38, 2 ** -133, -0, infinity, nan),
    ],
    [
      // The extremes that the paper of both 8-bit types gives (Micikevicius et al. 2022).
      "F8_E4M3",
      Uint8Array.of(0x38, 0xb8, 0x7e, 0x08, 0x01, 0x80, 0x7f, 0xff),
      Float32Array.of(1, -1, 448, 2 ** -6, 2 ** -9, -0, nan, nan),
    ],
    [
      "F8_E5M2",
      Uint8Array.of(0x3c, 0xbe, 0x7b, 0x04, 0x01, 0x80, 0x7c, 0xfc, 0x7f),
      Float32Array.of(1, -1.5, 57344, 2 ** -14, 2 ** -16, -0, infinity, -infinity, nan),
    ],
    ["F8_E8M0", Uint8Array.of(127, 0, 254, 255), Float32Array.of(1, 2 ** -127, 2 ** 127, nan)],
    ["I8", Int8Array.of(-128, 127), Int32Array.of(-128, 127)],
    ["U8", Uint8Array.of(0, 255), Int32Array.of(0, 255)],
    ["I16", Int16Array.of(-32768, 32767), Int32Array.of(-32768, 32767)],
    ["U16", Uint16Array.of(0, 65535), Int32Array.of(0, 65535)],
    ["U32", Uint32Array.of(0, 2 ** 31 - 1), Int32Array.of(0, 2 ** 31 - 1)],
    ["I64", BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n), Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ["U64", BigUint64Array.of(0n, 2n ** 31n - 1n), Int32Array.of(0, 2 ** 31 - 1)],
  ])("%s is read exactly", (dtype, numbers, expected) => {
    const { tensors } = decodeSafetensors(typed(dtype, expected.length, numbers));
    expect(tensors.a?.data).toEqual(expected);
    expect(tensors.a?.shape).toEqual([expected.length]);
    expect(tensors.a?.dtype).toBe(expected instanceof Float32Array ? "float32" : "int32");
    expect(tensors.b).toEqual(int32([1], [7]));
  });

  test("the same numbers by way of a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "safetensors-"));
    const path = join(folder, "a.safetensors");
    await writeFile(path, typed("F16", 2, Uint16Array.of(0x3c00, 0xc000)));
    const { tensors } = await readSafetensors(path);
    await rm(folder, { recursive: true });
    expect(tensors).toEqual({ a: float32([2], [1, -2]), b: int32([1], [7]) });
  });

  test.each<[dtype: string, numbers: ArrayBufferView, message: string]>([
    ["U32", Uint32Array.of(1, 2 ** 31), "holds 2147483648 at place 1, which does not fit int32"],
    ["I64", BigInt64Array.of(0n, -(2n ** 31n) - 1n), "holds -2147483649 at place 1, which does not fit int32"],
    ["U64", BigUint64Array.of(2n ** 63n, 0n), "holds 9223372036854775808 at place 0, which does not fit int32"],
    ["C64", new Float32Array(4), "has numbers of the type C64, which is not read; convert it to F32"],
    ["F4", new Uint8Array(1), "has numbers of the type F4, which is not read; convert it to F32"],
  ])("%s that does not fit is told with the tensor, and the file is not called damaged", (dtype, numbers, message) => {
    const bytes = typed(dtype, 2, numbers);
    expect(() => decodeSafetensors(bytes)).toThrow(ModelFileError);
    expect(() => decodeSafetensors(bytes)).toThrow(`tensor "a" ${message}`);
    expect(() => decodeSafetensors(bytes)).not.toThrow("damaged");
  });

  test("a tensor that does not fill its place is damage in every type", () => {
    expect(() => decodeSafetensors(typed("F16", 3, new Uint8Array(4)))).toThrow("does not fill its place of 4 bytes");
  });
});

test("readers of other formats take tensors from bytes by the same rules", () => {
  expect(tensorOver({ name: "bias", type: "F16", shape: [2] }, new Uint8Array([0, 60, 0, 64]))).toEqual(
    float32([2], [1, 2]),
  );
  const large = { name: "steps", type: "U32", shape: [1] } as const;
  expect(() => tensorOver(large, new Uint8Array([0, 0, 0, 255]))).toThrow(/"steps" holds 4278190080/);
  const buffer = new Uint8Array([1, 2, 3]);
  expect([...bytesFrom(buffer.subarray(1))]).toEqual([2, 3]);
  expect([...bytesFrom(buffer.buffer)]).toEqual([1, 2, 3]);
  expect(() => bytesFrom("model.npz")).toThrow(ModelFileError);
});
