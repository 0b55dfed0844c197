/** The file itself: what stands in it, byte by byte and as text, and what reading a damaged one does. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ModelFileError } from "@ostinato/core";
import { decodeOnnx, graphToOnnx, printOnnx } from "@ostinato/onnx";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recurrent, sentiment } from "./models.ts";

test("the sentiment model as text", () => {
  const { graph, state } = sentiment();
  expect(printOnnx(graphToOnnx(graph, state))).toMatchInlineSnapshot(`
    "onnx ir 8, opset 17, by ostinato
    input ids: int32[batch, time]
    weight embedding/embeddings: float32[5000, 10]
    weight lstm/W: float32[1, 512, 10]
    weight lstm/R: float32[1, 512, 128]
    weight lstm/B: float32[1, 1024]
    weight dense/kernel: float32[128, 1]
    weight dense/bias: float32[1] = [0.26586124300956726]
    shape = Shape(ids, start=1, end=2)
    transpose = Transpose(ids, perm=[1, 0])
    gather = Gather(embedding/embeddings, transpose)
    squeeze = Squeeze(shape, [0])
    cast = Cast(squeeze, to=6)
    add = Add(cast, 1)
    range = Range(1, add, 1)
    unsqueeze = Unsqueeze(range, [1])
    cast_1 = Cast(transpose, to=9)
    where = Where(cast_1, unsqueeze, 0)
    reducemax = ReduceMax(where, axes=[0], keepdims=0)
    _, lstm, _ = LSTM(gather, lstm/W, lstm/R, lstm/B, reducemax, hidden_size=128)
    squeeze_1 = Squeeze(lstm, [0])
    matmul = MatMul(squeeze_1, dense/kernel)
    add_1 = Add(matmul, dense/bias)
    positive = Sigmoid(add_1)
    output positive: float32[batch, 1]"
  `);
});

test("an lstm with everything as text", () => {
  const { graph, state } = recurrent("lstm", {
    ...{ lengths: true, initialH: true, initialC: true, P: true },
    ...{ direction: "reverse", clip: 0.5, inputForget: true, activations: ["Sigmoid", "Relu", "Tanh"] },
  });
  expect(printOnnx(graphToOnnx(graph, state, { opset: 22 }))).toMatchInlineSnapshot(`
    "onnx ir 10, opset 22, by ostinato
    input x: float32[batch, time, 3]
    input lengths: int32[batch]
    input initialH: float32[batch, 5]
    input initialC: float32[batch, 5]
    weight W: float32[1, 20, 3]
    weight R: float32[1, 20, 5]
    weight B: float32[1, 40]
    weight P: float32[1, 15]
    transpose = Transpose(x, perm=[1, 0, 2])
    unsqueeze = Unsqueeze(initialH, [0])
    unsqueeze_1 = Unsqueeze(initialC, [0])
    lstm, lstm_1, lstm_2 = LSTM(transpose, W, R, B, lengths, unsqueeze, unsqueeze_1, P, hidden_size=5, direction=reverse, activations=[Sigmoid, Relu, Tanh], clip=0.5, input_forget=1)
    squeeze = Squeeze(lstm, [1])
    squeeze_1 = Squeeze(lstm_1, [0])
    less = Less(0, lengths)
    unsqueeze_2 = Unsqueeze(less, [1])
    h = Where(unsqueeze_2, squeeze_1, initialH)
    squeeze_2 = Squeeze(lstm_2, [0])
    c = Where(unsqueeze_2, squeeze_2, initialC)
    y = Transpose(squeeze, perm=[1, 0, 2])
    output y: float32[batch, time, 5]
    output h: float32[batch, 5]
    output c: float32[batch, 5]"
  `);
});

test("a gru with everything as text: two biases, the reset after the product", () => {
  const { graph, state } = recurrent("gru", {
    ...{ lengths: true, initialH: true, recurrentBias: true },
    ...{ direction: "reverse", clip: 0.5, linearBeforeReset: true, activations: ["Tanh", "Relu"] },
  });
  expect(printOnnx(graphToOnnx(graph, state, { opset: 22 }))).toMatchInlineSnapshot(`
    "onnx ir 10, opset 22, by ostinato
    input x: float32[batch, time, 3]
    input lengths: int32[batch]
    input initialH: float32[batch, 5]
    weight W: float32[1, 15, 3]
    weight R: float32[1, 15, 5]
    weight B: float32[1, 30]
    transpose = Transpose(x, perm=[1, 0, 2])
    unsqueeze = Unsqueeze(initialH, [0])
    gru, gru_1 = GRU(transpose, W, R, B, lengths, unsqueeze, hidden_size=5, direction=reverse, activations=[Tanh, Relu], clip=0.5, linear_before_reset=1)
    squeeze = Squeeze(gru, [1])
    squeeze_1 = Squeeze(gru_1, [0])
    less = Less(0, lengths)
    unsqueeze_1 = Unsqueeze(less, [1])
    h = Where(unsqueeze_1, squeeze_1, initialH)
    y = Transpose(squeeze, perm=[1, 0, 2])
    output y: float32[batch, time, 5]
    output h: float32[batch, 5]"
  `);
});

test("an rnn as text", () => {
  const { graph, state } = recurrent("rnn", { activations: ["Relu"] });
  expect(printOnnx(graphToOnnx(graph, state, { opset: 22 }))).toMatchInlineSnapshot(`
    "onnx ir 10, opset 22, by ostinato
    input x: float32[batch, time, 3]
    weight W: float32[1, 5, 3]
    weight R: float32[1, 5, 5]
    weight B: float32[1, 10]
    transpose = Transpose(x, perm=[1, 0, 2])
    rnn, rnn_1 = RNN(transpose, W, R, B, hidden_size=5, activations=[Relu])
    squeeze = Squeeze(rnn, [1])
    h = Squeeze(rnn_1, [0])
    y = Transpose(squeeze, perm=[1, 0, 2])
    output y: float32[batch, time, 5]
    output h: float32[batch, 5]"
  `);
});

/** The contents of one field, in order; read without this package's own reader. */
function fields(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}

const words = (bytes: readonly Uint8Array[]): string[] => bytes.map((one) => new TextDecoder().decode(one));

describe("the bytes, by the field numbers of the ONNX format", () => {
  const { graph, state } = sentiment({ words: 20, units: 4 });
  const bytes = graphToOnnx(graph, state);
  const [body] = fields(bytes, 7) as [Uint8Array];

  test("versions", () => {
    const reader = new BinaryReader(bytes);
    expect(reader.tag()).toEqual([1, WireType.Varint]);
    expect(Number(reader.int64())).toBe(8);
    const [opset] = fields(bytes, 8) as [Uint8Array];
    expect([...opset]).toEqual([0x0a, 0, 0x10, 17]);
  });

  test("nodes, inputs, outputs and weights", () => {
    expect(fields(body, 1).flatMap((node) => words(fields(node, 4)))).toEqual(
      decodeOnnx(bytes).graph?.nodes?.map((node) => node.op),
    );
    expect(fields(body, 11).flatMap((info) => words(fields(info, 1)))).toEqual(["ids"]);
    expect(fields(body, 12).flatMap((info) => words(fields(info, 1)))).toEqual(["positive"]);
    const weights = fields(body, 5).map((tensor) => ({
      name: words(fields(tensor, 8))[0],
      bytes: fields(tensor, 9)[0] as Uint8Array,
    }));
    const kernel = weights.find(({ name }) => name === "lstm/R")?.bytes.slice();
    expect(new Float32Array((kernel as Uint8Array<ArrayBuffer>).buffer)).toEqual(state["lstm/R"]?.data);
  });

  test("the second bias is zeros", () => {
    const bias = decodeOnnx(bytes).graph?.initializers?.find(({ name }) => name === "lstm/B");
    expect(bias?.dims).toEqual([1, 32]);
    const data = new Float32Array(Uint8Array.from(bias?.rawData ?? []).buffer);
    expect(data.slice(0, 16)).toEqual(state["lstm/B"]?.data);
    expect(data.slice(16)).toEqual(new Float32Array(16));
  });

  test("equal graphs and weights give equal bytes", () => {
    const again = sentiment({ words: 20, units: 4 });
    expect(graphToOnnx(again.graph, again.state)).toEqual(bytes);
  });
});

describe("damaged files", () => {
  const { graph, state } = sentiment({ words: 20, units: 4 });
  const bytes = graphToOnnx(graph, state);

  test("every cut and every change of bytes is read or is a ModelFileError", () => {
    const read = (damaged: Uint8Array): void => {
      try {
        decodeOnnx(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelFileError);
      }
    };
    for (let length = 0; length < bytes.length; length += 7) read(bytes.subarray(0, length));
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const damaged = bytes.slice();
        for (const [place, bits] of changes) damaged[place] = (damaged[place] as number) ^ bits;
        read(damaged);
      }),
      { numRuns: 1000, seed: 1 },
    );
  });

  test("what is no model is refused", () => {
    expect(() => decodeOnnx(new Uint8Array())).toThrow(ModelFileError);
    expect(() => decodeOnnx(new TextEncoder().encode("PK not a model"))).toThrow(/not an ONNX model/);
  });

  test("messages nested without end are refused", () => {
    // graph → node → attribute → graph → …
    let inner = new Uint8Array();
    const numbers = [7, 1, 5, 6, 1, 5];
    const wrap = (number: number): void => {
      const size: number[] = [];
      for (let rest = inner.length; size.length === 0 || rest > 0; rest >>= 7)
        size.push((rest & 127) | (rest > 127 ? 128 : 0));
      inner = Uint8Array.from([(number << 3) | 2, ...size, ...inner]);
    };
    for (let depth = 0; depth < 200; depth++) for (const number of [6, 5, 1]) wrap(number);
    wrap(numbers[0] as number);
    expect(() => decodeOnnx(Uint8Array.from([8, 8, ...inner]))).toThrow(/deeper/);
  });
});
