/** Conversion of weights between layouts and back: the same bits, in the documented positions. */
import { type Float32Tensor, float32, RandomStream, sizeOf } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import {
  type ConvertedKind,
  fromLibrary,
  isConverted,
  type Library,
  shapesIn,
  toLibrary,
  withoutPlace,
} from "../src/conversions.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

const recurrent = (gates: number, ...biases: readonly string[]): Shapes => ({
  W: [gates * 3, 2],
  R: [gates * 3, 3],
  ...Object.fromEntries(biases.map((name) => [name, [gates * 3]])),
});

/** Each kind of layer with all of its weights, and with fewer. */
const cases: readonly (readonly [ConvertedKind, Shapes])[] = [
  ["embedding", { embeddings: [5, 4] }],
  ["reversibleEmbedding", { embeddings: [5, 4] }],
  ["dense", { kernel: [4, 3], bias: [3] }],
  ["dense", { kernel: [4, 3] }],
  ["layerNormalization", { gamma: [4], beta: [4] }],
  ["layerNormalization", { beta: [4] }],
  ["lstm", recurrent(4, "B")],
  ["lstm", recurrent(4)],
  ["gru", recurrent(3, "B", "recurrentBias")],
  ["gru", recurrent(3, "B")],
  ["simpleRnn", recurrent(1, "B")],
  ["attention", { scale: [], concatScoreWeight: [] }],
  ["additiveAttention", { scale: [4] }],
];

function drawn(shapes: Shapes): Record<string, Float32Tensor> {
  const random = new RandomStream(1, "weights");
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      float32(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
      ),
    ]),
  );
}

const shapesOf = (tensors: Readonly<Record<string, Float32Tensor>>): Shapes =>
  Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));

describe.each(["keras", "pytorch"] satisfies Library[])("to %s and back", (library) => {
  test.each(cases)("%s %j", (kind, shapes) => {
    const missing = withoutPlace(library, kind, shapes);
    const ours = Object.fromEntries(Object.entries(drawn(shapes)).filter(([name]) => !missing.includes(name)));
    const theirs = toLibrary(library, kind, ours);
    expect(shapesOf(theirs)).toEqual(shapesIn(library, kind, shapes));
    expect(fromLibrary(library, kind, shapes, theirs)).toEqual(ours);
  });
});

const listed = (tensors: Readonly<Record<string, Float32Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]));

const matrix = (rows: readonly (readonly number[])[]): Float32Tensor =>
  float32([rows.length, rows[0]?.length ?? 0], rows.flat());
const vector = (...data: readonly number[]): Float32Tensor => float32([data.length], data);

test("kinds that hold no weights, or hold other layers, are not converted", () => {
  const kinds = ["gru", "dense", "dropout", "bidirectional", "rnn", "toString"];
  expect(kinds.filter(isConverted)).toEqual(["gru", "dense"]);
});

/** One unit and one feature, so that each gate is one number, in the documented orders of the libraries. */
describe("the layouts", () => {
  const cell = (gates: number, ...biases: readonly string[]): Shapes => ({
    W: [gates, 1],
    R: [gates, 1],
    ...Object.fromEntries(biases.map((name) => [name, [gates]])),
  });
  const [i, f, c, o, z, r, h] = [1, 2, 3, 4, 5, 6, 7];

  test("Keras's LSTM has i, f, c, o in columns", () => {
    const theirs = {
      kernel: matrix([[i, f, c, o]]),
      recurrent_kernel: matrix([[-i, -f, -c, -o]]),
      bias: vector(i, f, c, o),
    };
    expect(listed(fromLibrary("keras", "lstm", cell(4, "B"), theirs))).toEqual({
      W: { shape: [4, 1], data: [i, o, f, c] },
      R: { shape: [4, 1], data: [-i, -o, -f, -c] },
      B: { shape: [4], data: [i, o, f, c] },
    });
  });

  test("PyTorch's LSTM has i, f, g, o in rows, and two biases, of which ours is the sum", () => {
    const theirs = {
      weight_ih: matrix([[i], [f], [c], [o]]),
      weight_hh: matrix([[-i], [-f], [-c], [-o]]),
      bias_ih: vector(i, f, c, o),
      bias_hh: vector(10, 20, 30, 40),
    };
    const ours = fromLibrary("pytorch", "lstm", cell(4, "B"), theirs);
    expect(listed(ours)).toEqual({
      W: { shape: [4, 1], data: [i, o, f, c] },
      R: { shape: [4, 1], data: [-i, -o, -f, -c] },
      B: { shape: [4], data: [i + 10, o + 40, f + 20, c + 30] },
    });
    expect(listed(toLibrary("pytorch", "lstm", ours))).toMatchObject({
      bias_ih: { data: [i + 10, f + 20, c + 30, o + 40] },
      bias_hh: { data: [0, 0, 0, 0] },
    });
  });

  test("Keras's GRU has z, r, h, and its two biases in one tensor", () => {
    const bias = matrix([
      [z, r, h],
      [-z, -r, -h],
    ]);
    const theirs = { kernel: matrix([[z, r, h]]), recurrent_kernel: matrix([[z, r, h]]), bias };
    expect(listed(fromLibrary("keras", "gru", cell(3, "B", "recurrentBias"), theirs))).toMatchObject({
      W: { data: [z, r, h] },
      B: { shape: [3], data: [z, r, h] },
      recurrentBias: { shape: [3], data: [-z, -r, -h] },
    });
    // With reset_after=False, there is one bias with one axis.
    expect(shapesIn("keras", "gru", cell(3, "B"))).toMatchObject({ bias: [3] });
  });

  test("PyTorch's GRU has r, z, n, and two biases as ours", () => {
    const theirs = {
      weight_ih: matrix([[r], [z], [h]]),
      weight_hh: matrix([[r], [z], [h]]),
      bias_ih: vector(r, z, h),
      bias_hh: vector(-r, -z, -h),
    };
    expect(listed(fromLibrary("pytorch", "gru", cell(3, "B", "recurrentBias"), theirs))).toMatchObject({
      W: { data: [z, r, h] },
      R: { data: [z, r, h] },
      B: { data: [z, r, h] },
      recurrentBias: { data: [-z, -r, -h] },
    });
  });

  test("dense kernels are [in, out] in Keras, [out, in] in PyTorch", () => {
    const shapes = { kernel: [2, 3] };
    const kernel = { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
    const rows = float32([2, 3], [1, 2, 3, 4, 5, 6]);
    const columns = float32([3, 2], [1, 4, 2, 5, 3, 6]);
    expect(listed(fromLibrary("keras", "dense", shapes, { kernel: rows }))).toEqual({ kernel });
    expect(listed(fromLibrary("pytorch", "dense", shapes, { weight: columns }))).toEqual({ kernel });
  });
});
