/** Data as notebooks, tables and other programs hold them: truth values, bigints, texts, nothing; arrays of another realm. */
import { runInNewContext } from "node:vm";
import {
  binaryCrossentropy,
  bool,
  categoricalCrossentropy,
  checkpointFromBytes,
  decodeSafetensors,
  encodeSafetensors,
  float32,
  float64,
  fromBytes,
  int32,
  ModelFileError,
  meanSquaredError,
  sparseCategoricalCrossentropy,
  type Tensor,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { systemCode, writing } from "../src/node/reasons.ts";
import { failureOf } from "../src/worker/failure.ts";
import { classes, features, masked, read, sequence, single, tagged } from "./data.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { smallModel } from "./models.ts";

const rows = [
  [1, 2],
  [3, 4],
  [5, 6],
];
const sparse = sparseCategoricalCrossentropy();
const labelsIn = (...given: Parameters<typeof read>) => [...read(...given).fed[1]!.column.data];

describe("what stands for numbers", () => {
  test("truth values are 0 and 1: labels of two classes, of more, over time, in a tensor", () => {
    expect(labelsIn(features, rows, [true, false, true])).toEqual([1, 0, 1]);
    expect(labelsIn(features, rows, [[true], [false], [true]])).toEqual([1, 0, 1]);
    expect(labelsIn(classes, rows, [true, false, true], sparse)).toEqual([1, 0, 1]);
    expect(labelsIn(classes, rows, bool([3], [1, 0, 1]), sparse)).toEqual([1, 0, 1]);
    expect(labelsIn(tagged, [[1, 2], [3]], [[true, false], [true]], sparse)).toEqual([1, 0, 1]);
    expect(
      labelsIn(
        classes,
        rows,
        rows.map((_, row) => [row === 0, row === 1, row === 2]),
        categoricalCrossentropy(),
      ),
    ).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect([...read(features, [[true, false]]).fed[0]!.column.data]).toEqual([1, 0]);
    expect([...read(sequence, [[[true, 2]]]).fed[0]!.column.data]).toEqual([1, 2]);
  });

  test("bigints are whole numbers: labels and ids as 64-bit integers come", () => {
    expect(labelsIn(classes, rows, BigInt64Array.of(2n, 0n, 1n), sparse)).toEqual([2, 0, 1]);
    expect(labelsIn(features, rows, [1n, 0n, 1n])).toEqual([1, 0, 1]);
    expect([...read(masked, [BigInt64Array.of(4n, 5n), [6n]]).fed[0]!.column.data]).toEqual([4, 5, 6]);
    expect([...read(features, rows, [1, 0, 1], binaryCrossentropy(), [1n, true, 0.5]).fed[2]!.column.data]).toEqual([
      1, 1, 0.5,
    ]);
  });
});

const encode = "labels become numbers by encodeLabels(labelEncoder(labels), labels) of @ostinato/text";
const wrong: readonly Misuse[] = [
  [
    "labels that are texts",
    () => read(features, rows, untyped(["pos", "neg", "pos"])),
    "DataError",
    'y of "output", row 0',
    'got the string "pos"',
    encode,
  ],
  [
    "the same for a sparse loss",
    () => read(classes, rows, untyped(["a", "b", "c"]), sparse),
    "DataError",
    'the string "a"',
    encode,
  ],
  [
    "the same for one-hot targets",
    () => read(classes, rows, untyped(["a", "b", "c"]), categoricalCrossentropy()),
    "ShapeError",
    "row 0",
    'the string "a"',
    encode,
    "sparseCategoricalCrossentropy",
  ],
  [
    "a text among labels",
    () => read(features, rows, untyped([0, "1", 1])),
    "DataError",
    "row 1",
    'the string "1"',
    encode,
  ],
  [
    "texts over time",
    () => read(tagged, [[1, 2]], untyped([["NOUN", "VERB"]]), sparse),
    "DataError",
    "row 0",
    'the string "NOUN"',
    encode,
  ],
  ["one text for all labels", () => read(features, rows, untyped("pos")), "ShapeError", 'the string "pos"', encode],
  [
    "targets of a regression",
    () => read(single, [1, 2], untyped([1, "2"]), meanSquaredError()),
    "DataError",
    "row 1",
    'the string "2"',
  ],
  ["no label", () => read(features, rows, untyped([0, null, 1])), "DataError", "row 1", "got null", "leave out rows"],
  [
    "no label first",
    () => read(features, rows, untyped([null, 0, 1])),
    "DataError",
    "row 0",
    "got null",
    "leave out rows",
  ],
  [
    "an undefined label",
    () => read(classes, rows, untyped([0, undefined, 1]), sparse),
    "DataError",
    "row 1",
    "got undefined",
  ],
  ["an object for a label", () => read(features, rows, untyped([{}, 0, 1])), "DataError", "row 0", "got an object"],
  [
    "a date for a label",
    () => read(features, rows, untyped([new Date(0), 0, 1])),
    "DataError",
    "row 0",
    "got an object",
  ],
  [
    "a bigint that is no class",
    () => read(classes, rows, BigInt64Array.of(0n, 1n, 3n), sparse),
    "DataError",
    "row 2",
    "label 3",
    "3 classes",
  ],
  [
    "a bigint beyond 32 bits",
    () => read(classes, rows, [0n, 1n, 2n ** 40n], sparse),
    "DataError",
    "row 2",
    "a whole number is wanted, got 1099511627776n",
  ],
  [
    "texts for ids",
    () => read(masked, untyped(["a review"])),
    "ShapeError",
    "row 0",
    'the string "a review"',
    "encodeTexts(vocabulary, texts) of @ostinato/text",
  ],
  [
    "words for ids",
    () => read(masked, untyped([["a", "review"]])),
    "DataError",
    "row 0",
    'the string "a"',
    "encodeTexts",
  ],
  [
    "one text for all ids",
    () => read(masked, untyped("a review")),
    "ShapeError",
    'the string "a review"',
    "encodeTexts",
  ],
  [
    "texts for features",
    () => read(features, untyped([["1", "2"]])),
    "DataError",
    "row 0",
    'a finite number is wanted, got the string "1"',
  ],
  [
    "nothing for a feature",
    () => read(features, untyped([[1, null]])),
    "DataError",
    "row 0",
    "got null",
    "leave out rows",
  ],
  ["a list for a feature", () => read(features, untyped([[1, [2]]])), "DataError", "row 0", "got a list"],
  [
    "a weight that is a text",
    () => read(features, rows, [0, 1, 0], binaryCrossentropy(), untyped([1, "2", 1])),
    "DataError",
    "sampleWeights, row 1",
    'the string "2"',
  ],
  [
    "a tensor of 64-bit integers",
    () => read(classes, rows, untyped({ dtype: "int64", shape: [3], data: BigInt64Array.of(0n, 1n, 2n) }), sparse),
    "DTypeError",
    '"int64"',
    "float32, int32, bool, float64",
    "BigInt64Array is taken as a list",
  ],
];

describe("what does not stand for a number is told, with what to do", () => {
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));
});

describe("arrays of another realm", () => {
  /** What a piece of code gives in a realm of its own, as the sandbox of a test runner is one. */
  const foreign = <T>(code: string, given: unknown = undefined): T => runInNewContext(`(${code})`, { given }) as T;
  const list = foreign<number[][]>("[[1, 2], [3, 4], [5, 6]]");
  const model = toBytes(smallModel());

  test("are none of ours", () => {
    expect(Object.getPrototypeOf(list)).not.toBe(Array.prototype);
    expect(foreign("Float32Array.of(1)") instanceof Float32Array).toBe(false);
  });

  test("are rows, labels and weights", () => {
    const { fed } = read(
      features,
      list,
      foreign<Int32Array>("Int32Array.of(0, 1, 0)"),
      binaryCrossentropy(),
      foreign<number[]>("[1, 2, 3]"),
    );
    expect(fed.map(({ column }) => [...column.data])).toEqual([
      [1, 2, 3, 4, 5, 6],
      [0, 1, 0],
      [1, 2, 3],
    ]);
    const ids = read(masked, foreign<Int32Array[]>("[Int32Array.of(1, 2), Int32Array.of(3)]"));
    expect([...ids.fed[0]!.column.data]).toEqual([1, 2, 3]);
    const tensor = foreign<Tensor>('({ dtype: "float32", shape: [1, 2], data: Float32Array.of(1, 2) })');
    expect([...read(features, tensor as never).fed[0]!.column.data]).toEqual([1, 2]);
    expect([...read({ ...features }, foreign("({ x: [[1, 2]] })")).fed[0]!.column.data]).toEqual([1, 2]);
    expectMisuse([
      "a DataView",
      () => read(single, foreign("new DataView(new ArrayBuffer(4))")),
      "ShapeError",
      "an object",
    ]);
  });

  test("are the data of tensors, and are not copied", () => {
    const typed = <T>(name: string): T => foreign(`${name}.of(0, 1)`);
    const [single32, whole, byte, double] = [
      typed<Float32Array>("Float32Array"),
      typed<Int32Array>("Int32Array"),
      typed<Uint8Array>("Uint8Array"),
      typed<Float64Array>("Float64Array"),
    ];
    expect(float32([2], single32).data).toBe(single32);
    expect(int32([2], whole).data).toBe(whole);
    expect(bool([2], byte).data).toBe(byte);
    expect(float64([2], double).data).toBe(double);
    expect(float32([2], whole).data).toEqual(Float32Array.of(0, 1));
    const bytes = encodeSafetensors({ tensors: { x: float32([2], single32) }, metadata: {} });
    expect(decodeSafetensors(bytes).tensors.x).toEqual(float32([2], [0, 1]));
  });

  test("errors of another realm keep their code and message", async () => {
    const error = foreign("Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', syscall: 'write' })");
    expect(error instanceof Error).toBe(false);
    expect(systemCode(error)).toBe("ENOSPC");
    const written = writing("model.safetensors", () => Promise.reject(error));
    await expect(written).rejects.toThrow("cannot write model.safetensors: there is no space left");
    expect(failureOf(error)).toMatchObject({ name: "Error", message: "ENOSPC: no space", fields: { code: "ENOSPC" } });
  });

  test("are bytes of files, as are buffers and views", () => {
    const given = [...model];
    const sources = [
      foreign<Uint8Array>("Uint8Array.from(given)", given),
      foreign<ArrayBuffer>("Uint8Array.from(given).buffer", given),
      Uint8Array.from(model).buffer,
      new DataView(Uint8Array.from([9, ...model]).buffer, 1) as never,
      Buffer.from(model),
    ];
    for (const bytes of sources) {
      expect(fromBytes(bytes)).toEqual(fromBytes(model));
      expect(Object.keys(decodeSafetensors(bytes).tensors)).toEqual(Object.keys(decodeSafetensors(model).tensors));
    }
    for (const bytes of [undefined, null, "text", [1, 2], {}, 7]) {
      for (const act of [fromBytes, decodeSafetensors, checkpointFromBytes]) {
        expect(() => act(untyped(bytes))).toThrow(ModelFileError);
        expect(() => act(untyped(bytes))).toThrow("the bytes of a file are a Uint8Array, got");
      }
    }
  });
});
