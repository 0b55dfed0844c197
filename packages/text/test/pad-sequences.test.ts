/** padSequences against a plain transcription of Keras's formula. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
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
});
