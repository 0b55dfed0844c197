/** padSequences against a plain transcription of Keras's formula. */
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type PaddingOptions, padSequences, TextDataError, TextOptionError } from "../src/index.ts";

/** Keras: x is full of `value`; `trunc` is `s[-maxlen:]` or `s[:maxlen]`; `x[idx, -len(trunc):]` or `x[idx, :len(trunc)]`. */
function transcribed(
  sequences: number[][],
  { maxLength, padding, truncating, value }: Required<Omit<PaddingOptions, "dtype">>,
) {
  return sequences.map((sequence) => {
    const row = new Array<number>(maxLength).fill(value);
    const kept = truncating === "pre" ? sequence.slice(-maxLength) : sequence.slice(0, maxLength);
    row.splice(padding === "pre" ? maxLength - kept.length : 0, kept.length, ...kept);
    return row;
  });
}

describe("padSequences", () => {
  test("Keras's defaults: zeros in front, cut in front, as long as the longest", () => {
    expect(padSequences([[1], [2, 3], [4, 5, 6]])).toEqual({
      dtype: "int32",
      shape: [3, 3],
      data: Int32Array.of(0, 0, 1, 0, 2, 3, 4, 5, 6),
    });
    expect(padSequences([[1], [2, 3, 4]], { maxLength: 2 }).data).toEqual(Int32Array.of(0, 1, 3, 4));
  });

  test("at the end, with a value of one's own, in float32", () => {
    const options = { padding: "post", truncating: "post", maxLength: 2, value: -1.5, dtype: "float32" } as const;
    expect(padSequences([[0.5], [1, 2, 3]], options)).toEqual({
      dtype: "float32",
      shape: [2, 2],
      data: Float32Array.of(0.5, -1.5, 1, 2),
    });
  });

  test("nothing to pad", () => {
    expect(padSequences([])).toEqual({ dtype: "int32", shape: [0, 0], data: new Int32Array(0) });
    expect(padSequences([[], []]).shape).toEqual([2, 0]);
    expect(padSequences([[]], { maxLength: 2 }).data).toEqual(Int32Array.of(0, 0));
  });

  test("equals Keras's formula", () => {
    const end = fc.constantFrom("pre" as const, "post" as const);
    const options = fc.record({
      maxLength: fc.integer({ min: 1, max: 8 }),
      padding: end,
      truncating: end,
      value: fc.integer({ min: -3, max: 3 }),
    });
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.array(fc.array(int32, { maxLength: 12 })), options, (sequences, options) => {
        const { shape, data } = padSequences(sequences, options);
        expect(shape).toEqual([sequences.length, options.maxLength]);
        expect([...data]).toEqual(transcribed(sequences, options).flat());
        expect(
          padSequences(
            sequences.map((row) => Int32Array.from(row)),
            options,
          ).data,
        ).toEqual(data);
      }),
    );
  });

  test("refuses what it would have to round, and options that cannot work", () => {
    expect(() => padSequences([[1], [2, 1.5]])).toThrow(
      'sequences[1][1] is 1.5, no 32-bit integer; use dtype "float32"',
    );
    expect(() => padSequences([[Number.NaN]])).toThrow(TextDataError);
    expect(() => padSequences([[1]], { value: 0.5 })).toThrow(TextOptionError);
    expect(() => padSequences([[1]], { maxLength: 0 })).toThrow(
      "maxLength must be a whole number of at least 1, got 0",
    );
    // @ts-expect-error: not an end
    expect(() => padSequences([[1]], { padding: "left" })).toThrow('padding must be "pre" or "post", got "left"');
    // @ts-expect-error: not a type of padded sequences
    expect(() => padSequences([[1]], { dtype: "bool" })).toThrow('dtype must be "int32" or "float32", got "bool"');
  });

  test("vectors are padded as Keras pads them", () => {
    // keras.utils.pad_sequences([[[1, 2]], [[3, 4], [5, 6], [7, 8]], []], maxlen=2) and with padding="post", truncating="post", value=9.
    const sequences = [
      [[1, 2]],
      [
        [3, 4],
        [5, 6],
        [7, 8],
      ],
      [],
    ];
    expect(padSequences(sequences, { maxLength: 2 })).toEqual({
      dtype: "int32",
      shape: [3, 2, 2],
      data: Int32Array.of(0, 0, 1, 2, 5, 6, 7, 8, 0, 0, 0, 0),
    });
    const behind = { maxLength: 2, padding: "post", truncating: "post", value: 9, dtype: "float32" } as const;
    expect(padSequences(sequences, behind)).toEqual({
      dtype: "float32",
      shape: [3, 2, 2],
      data: Float32Array.of(1, 2, 9, 9, 3, 4, 5, 6, 9, 9, 9, 9),
    });
    const typed = [[Float32Array.of(0.5, 1)], [[2, 3], Float64Array.of(4, 5)]];
    expect(padSequences(typed, { dtype: "float32" }).data).toEqual(Float32Array.of(0, 0, 0.5, 1, 2, 3, 4, 5));
    expect(padSequences([[[1]], [[2], [3]]]).shape).toEqual([2, 2, 1]);
    const real = padSequences(typed, { dtype: "float32" });
    expectTypeOf(real.shape).toEqualTypeOf<readonly [count: number, maxLength: number, width: number]>();
    expectTypeOf(padSequences([[1]]).shape).toEqualTypeOf<readonly [count: number, maxLength: number]>();
  });

  test("arrays of another realm are sequences", () => {
    const there = runInNewContext("[Int32Array.of(1), [2, 3]]");
    expect(padSequences(there).data).toEqual(Int32Array.of(0, 1, 2, 3));
    expect(padSequences(runInNewContext("[[Float32Array.of(1, 2)]]")).shape).toEqual([1, 1, 2]);
  });

  const encode = "texts become ids by encodeTexts(vocabulary, texts)";
  test.each<[name: string, sequences: unknown, message: string]>([
    ["a text for a sequence", [[1], "abc"], `sequences[1] must be a list of numbers or vectors, got "abc"; ${encode}`],
    ["a text for a number", [[1], [2, "3"]], `sequences[1][1] must be a number, got "3"; ${encode}`],
    ["nothing for a number", [[1, undefined]], "sequences[0][1] must be a number, got undefined"],
    ["null for a number", [[1], [null]], "sequences[1][0] must be a number, got null"],
    ["a hole", [[1], new Array(2)], "sequences[1][0] must be a number, got undefined"],
    ["null for a sequence", [[1], null], "sequences[1] must be a list of numbers or vectors, got null"],
    ["a number for a sequence", [1, 2], "sequences[0] must be a list of numbers or vectors, got 1"],
    ["a truth value", [[true]], "sequences[0][0] must be a number, got true"],
    ["a bigint", [[1n]], "sequences[0][0] must be a number, got the bigint 1n"],
    ["an object", [[{}]], "sequences[0][0] must be a number, got an object"],
    ["a vector among numbers", [[1, [2]]], "sequences[0][1] must be a number, got an array of 1"],
    ["a number among vectors", [[[1, 2]], [3]], "sequences[1][0] must be a vector, as the first item is, got 3"],
    ["null among vectors", [[[1, 2], null]], "sequences[0][1] must be a vector, as the first item is, got null"],
    ["vectors of other widths", [[[1, 2]], [[3, 4], [5]]], "sequences[1][1] has 1 numbers, the first vector has 2"],
    ["null in a vector", [[[1, null]]], "sequences[0][0][1] must be a number, got null"],
    ["matrices", [[[[1]]]], "sequences[0][0][0] must be a number, got an array of 1"],
  ])("%s is an error that names the place", (_, sequences, message) => {
    for (const dtype of ["int32", "float32"] as const) {
      expect(() => padSequences(sequences as never, { dtype } as never)).toThrow(TextDataError);
      expect(() => padSequences(sequences as never, { dtype } as never)).toThrow(message);
    }
  });

  test("what is no list of sequences", () => {
    for (const sequences of [undefined, null, "abc", 3, {}]) {
      expect(() => padSequences(sequences as never)).toThrow("sequences must be a list of sequences, got");
    }
    expect(() => padSequences([[[0.5]]])).toThrow("sequences[0][0][0] is 0.5, no 32-bit integer");
  });
});
