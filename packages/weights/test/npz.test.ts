/** NumPy arrays: files written by NumPy are read, and NumPy reads what is written. */
import { bool, ConfigError, float32, float64, int32, ModelFileError, sizeOf, type Tensor } from "@ostinato/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromNpy, fromNpz, toNpz } from "../src/index.ts";
import { writeZip } from "../src/zip.ts";
import golden from "./golden/npz.json" with { type: "json" };

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));

interface Case {
  readonly npy: string;
  readonly dtype: Tensor["dtype"];
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const makers = { float32, float64, int32, bool };
const expected = ({ dtype, shape, data }: Case): Tensor => makers[dtype](shape, data);

describe("what NumPy wrote", () => {
  test.each(Object.entries(golden.arrays as Readonly<Record<string, Case>>))("%s", (_name, written) => {
    expect(fromNpy(fromBase64(written.npy))).toEqual(expected(written));
  });

  test.each(["savez", "savez_compressed"] as const)("%s", (how) => {
    const tensors = fromNpz(fromBase64(golden[how]));
    expect(tensors).toEqual({ "lstm/kernel": float32([2, 3], [0, 1, 2, 3, 4, 5]), arr_0: int32([2], [7, -8]) });
  });
});

const tensors = {
  "dense/kernel": float32([2, 3], [1, -0, Number.NaN, 1e-45, Number.POSITIVE_INFINITY, 6]),
  scalar: float64([], [Math.PI]),
  empty: int32([0, 3], []),
  mask: bool([3], [1, 0, 1]),
};

test("what is written is read again, bit for bit; the same tensors give the same bytes", () => {
  expect(fromNpz(toNpz(tensors))).toEqual(tensors);
  const backwards = Object.fromEntries(Object.entries(tensors).reverse());
  expect(toNpz(backwards)).toEqual(toNpz(tensors));
});

test("any tensors come back", () => {
  const dims = fc.array(fc.nat(3), { maxLength: 4 });
  const tensor = fc.tuple(fc.constantFrom(...Object.values(makers)), dims).chain(([make, shape]) => {
    const length = sizeOf(shape);
    return fc.array(fc.nat(1), { minLength: length, maxLength: length }).map((data) => make(shape, data));
  });
  const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((name) => name !== "__proto__");
  fc.assert(
    fc.property(fc.dictionary(names, tensor, { maxKeys: 5, noNullPrototype: true }), (given) => {
      expect(fromNpz(toNpz(given))).toEqual(given);
    }),
    { numRuns: 100 },
  );
});

test("what is written is what NumPy wrote for the same tensor, header and all", () => {
  const written = golden.arrays["float32 C"] as Case;
  const archive = toNpz({ x: expected(written) });
  const npy = fromBase64(written.npy);
  const start = archive.findIndex((_, i) => npy.every((byte, k) => archive[i + k] === byte));
  expect(start).toBeGreaterThan(0);
});

describe("what is not read is told", () => {
  const npy = (header: string, data: readonly number[] = []): Uint8Array =>
    Uint8Array.from([
      ...Buffer.from(`\x93NUMPY\x01\x00`, "latin1"),
      header.length & 255,
      header.length >> 8,
      ...Buffer.from(header),
      ...data,
    ]);
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["no array", Uint8Array.from({ length: 20 }, () => 1), /is not a NumPy array/],
    ["a later version", Uint8Array.from([...Buffer.from(`\x93NUMPY\x09\x00`, "latin1"), 0, 0, 0, 0]), /version 9/],
    [
      "objects",
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
      /pickled Python objects, which are not read/,
    ],
    [
      "texts",
      npy("{'descr': '<U5', 'fortran_order': False, 'shape': (1,), }"),
      /the type '<U5', which is not supported/,
    ],
    ["complex numbers", npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"), /'<c8'.*save it as float32/],
    ["records", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"), /the type \[\('a'/],
    ["no shape", npy("{'descr': '<f4', 'fortran_order': False, }"), /damaged header/],
    ["a negative shape", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), /damaged header/],
    [
      "too large a shape",
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"),
      /an invalid shape/,
    ],
    [
      "too many axes",
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }"),
      /an invalid shape/,
    ],
    [
      "too few numbers",
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", [0, 0, 0, 0]),
      /4 bytes of data, but its shape \[2\] requires 8/,
    ],
    [
      "a number that does not fit",
      npy("{'descr': '<u4', 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 255]),
      /does not fit int32/,
    ],
  ];
  test.each(cases)("%s", (_name, file, message) => {
    expect(() => fromNpy(file)).toThrow(ModelFileError);
    expect(() => fromNpy(file)).toThrow(message);
    expect(() => fromNpz(writeZip({ "x.npy": file }))).toThrow(/"x" /);
  });

  test("members that are no arrays, and what are no bytes", () => {
    expect(() => fromNpz(writeZip({ "config.json": new Uint8Array() }))).toThrow(/"config.json" is not an array/);
    expect(() => fromNpz("weights.npz" as never)).toThrow(ModelFileError);
  });

  const trained = { spec: {}, weights: tensors };
  const misuses: readonly (readonly [string, unknown, RegExp])[] = [
    ["nothing", undefined, /toNpz takes tensors by name, such as trained\.weights, got undefined/],
    ["null", null, /got null/],
    ["a list", [float32([1], [1])], /got a list/],
    ["a promise", Promise.resolve(tensors), /got a promise: await it/],
    ["a trained model", trained, /"spec" is not a tensor/],
    ["a tensor", float32([1], [1]), /"dtype" is not a tensor/],
    ["data that do not fill their shape", { a: { ...float32([1], [1]), shape: [2] } }, /"a" is not a tensor/],
  ];
  test.each(misuses)("written, %s", (_name, given, message) => {
    expect(() => toNpz(given as never)).toThrow(ConfigError);
    expect(() => toNpz(given as never)).toThrow(message);
  });
});
