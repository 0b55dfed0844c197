/** Smaller weights: the stored values, their errors, and that onnxruntime computes with exactly these values. */
import { minGru } from "@ostinato/cells";
import { evaluate } from "@ostinato/conformance";
import {
  bidirectional,
  ConfigError,
  DataError,
  dense,
  embedding,
  gru,
  inferenceGraph,
  input,
  int32,
  lstm,
  model,
  reversibleEmbedding,
  rnn,
  sizeOf,
  type Tensor,
  type Tensors,
  tensorOver,
} from "@ostinato/core";
import { decodeOnnx, exportOnnx, graphToOnnx, printOnnx, type WeightType } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import { elementTypeOf } from "../src/file/schema.ts";
import { encodeOnnx } from "../src/file/wire.ts";
import { quantized } from "../src/types/int8.ts";
import { withRestoredWeights } from "../src/types/restored.ts";
import { raggedIds, sentiment, trainedOf } from "./models.ts";
import { difference } from "./run.ts";

const narrow = ["float16", "int8"] as const satisfies readonly WeightType[];

/** Tables with short and long rows, one of them transposed to score words; bidirectional recurrences, and one that becomes a Scan. */
function reader() {
  const words = input({ shape: ["time"], name: "words" });
  const letters = input({ shape: ["time"], name: "letters" });
  const tied = reversibleEmbedding({ inputDim: 60, outputDim: 40, maskZero: true });
  const x = tied(words);
  const both = bidirectional(lstm({ units: 20, returnSequences: true }))(x);
  const short = embedding({ inputDim: 90, outputDim: 6 })(letters);
  const state = gru({ units: 36, returnSequences: true })(short);
  const own = rnn(minGru({ units: 33 }), { returnSequences: true })(both);
  const back = dense({ units: 40 })(own);
  return trainedOf(model([words, letters], { next: tied.reverse(back), state, few: dense({ units: 3 })(own) }));
}

/** The state with the values that a file stores. */
function storedState(file: Uint8Array, state: Tensors): Tensors {
  const tensors = decodeOnnx(file).graph?.initializers ?? [];
  const rawOf = (name: string): ArrayBuffer =>
    Uint8Array.from(tensors.find((tensor) => tensor.name === name)?.rawData ?? []).buffer;
  const stored: Record<string, Tensor> = { ...state };
  for (const { name = "", dims = [], dataType } of tensors) {
    const type = elementTypeOf(dataType);
    if (type !== "float16" && type !== "int8") continue;
    const data = type === "float16" ? halves(name, dims, rawOf) : scaled(name, dims, rawOf);
    const names = name.includes("forward+backward")
      ? ["forward", "backward"].map((direction) => name.replace("forward+backward", direction))
      : [name];
    names.forEach((own, i) => {
      const { shape } = state[own] as Tensor;
      stored[own] = { dtype: "float32", shape, data: data.slice(i * sizeOf(shape), (i + 1) * sizeOf(shape)) };
    });
  }
  return stored;
}

type RawOf = (name: string) => ArrayBuffer;

const halves = (name: string, shape: readonly number[], rawOf: RawOf): Float32Array =>
  tensorOver({ name, type: "F16", shape }, new Uint8Array(rawOf(name))).data as Float32Array;

/** Multiplies numbers with the scales of their rows or columns. */
function scaled(name: string, dims: readonly number[], rawOf: RawOf): Float32Array {
  const [numbers, scales] = [new Int8Array(rawOf(name)), new Float32Array(rawOf(`${name}/scale`))];
  const columns = dims.at(-1) as number;
  const byRow = scales.length === numbers.length / columns;
  const matrix = sizeOf(dims.slice(-2));
  return Float32Array.from(numbers, (number, i) => {
    const part = byRow ? Math.floor(i / columns) : Math.floor(i / matrix) * columns + (i % columns);
    return number * (scales[part] as number);
  });
}

describe.each(narrow)("%s", (weights) => {
  test.each([17, 22])("onnxruntime computes with the numbers in the file, opset %i", async (opset) => {
    const trained = reader();
    const file = exportOnnx(trained, { weights, opset });
    const state = storedState(file, trained.weights);
    // Vectors and small matrices are unchanged.
    const changed = Object.keys(state).filter((name) => state[name] !== trained.weights[name]);
    const matrices = Object.entries(trained.weights).filter(
      ([, { shape }]) => shape.length > 1 && sizeOf(shape) >= 256,
    );
    expect(changed.sort()).toEqual(matrices.map(([name]) => name).sort());
    const feeds = { words: raggedIds(4, 5, 60, 1), letters: raggedIds(4, 5, 90, 2) };
    const session = await openSession(file, { threads: 1 });
    const given = await session.run(feeds);
    await session.dispose();
    const wanted = evaluate(inferenceGraph(trained.spec), feeds, state).fetches;
    for (const [name, tensor] of Object.entries(wanted))
      expect(difference(given[name] as Tensor, tensor), name).toBeLessThanOrEqual(1e-5);
  });

  test("is read as float32 again: the file that float32 weights of the same numbers make", () => {
    const trained = reader();
    const file = exportOnnx(trained, { weights });
    const same = { ...trained, weights: storedState(file, trained.weights) };
    const read = encodeOnnx(withRestoredWeights(decodeOnnx(file)));
    expect(printOnnx(read)).toBe(printOnnx(exportOnnx(same)));
    expect(Buffer.compare(read, exportOnnx(same))).toBe(0);
  });

  test("ids outside of a table are refused as of any other", async () => {
    const { graph, state } = sentiment({ words: 40, size: 32, units: 4 });
    const session = await openSession(graphToOnnx(graph, state, { weights }), { threads: 1 });
    await expect(session.run({ ids: int32([1, 2], [3, 40]) })).rejects.toThrow(DataError);
    await expect(session.run({ ids: int32([1, 2], [3, -1]) })).rejects.toThrow(DataError);
    await session.dispose();
  });

  test("is at most so far off", () => {
    const trained = reader();
    const state = storedState(exportOnnx(trained, { weights }), trained.weights);
    for (const [name, { data, shape }] of Object.entries(trained.weights)) {
      const stored = (state[name] as Tensor).data;
      const largest = Math.max(...Array.from(data, Math.abs));
      const off = Array.from(data, (x, i) => Math.abs(x - (stored[i] as number)));
      const allowed = (x: number): number =>
        weights === "int8" ? largest / 253.9 : Math.max(Math.abs(x) / 2048, 2 ** -25);
      expect(
        off.every((each, i) => each <= allowed(data[i] as number)),
        `${name} ${shape}`,
      ).toBe(true);
    }
  });
});

test("the sentiment model as text: rows of the table are looked up as they are stored, other weights made float32 at once", () => {
  const { graph, state } = sentiment({ words: 1000, size: 32, units: 8 });
  expect(printOnnx(graphToOnnx(graph, state, { weights: "int8" }))).toMatchInlineSnapshot(`
    "onnx ir 8, opset 17, by ostinato
    input ids: int32[batch, time]
    weight embedding/embeddings: int8[1000, 32]
    weight embedding/embeddings/scale: float32[1000, 1]
    weight lstm/W: int8[1, 32, 32]
    weight lstm/W/scale: float32[1, 32, 1]
    weight lstm/R: int8[1, 32, 8]
    weight lstm/R/scale: float32[1, 1, 8] = [0.0022120457142591476, 0.0023255087435245514, 0.002358264522626996, 0.002329083625227213, 0.002358940662816167, 0.0022829207591712475, 0.002211070153862238, 0.002321701729670167]
    weight lstm/B: float32[1, 64]
    weight dense/kernel: float32[8, 1] = [0.17723311483860016, 0.10600068420171738, 0.3087492883205414, -0.061528388410806656, 0.09784645587205887, -0.17804968357086182, -0.07582449913024902, 0.076433926820755]
    weight dense/bias: float32[1] = [-0.2863316237926483]
    lstm/W/float32/cast = Cast(lstm/W, to=1)
    lstm/W/float32 = Mul(lstm/W/float32/cast, lstm/W/scale)
    lstm/R/float32/cast = Cast(lstm/R, to=1)
    lstm/R/float32 = Mul(lstm/R/float32/cast, lstm/R/scale)
    shape = Shape(ids, start=1, end=2)
    transpose = Transpose(ids, perm=[1, 0])
    gather/rows = Gather(embedding/embeddings, transpose)
    gather/scale = Gather(embedding/embeddings/scale, transpose)
    gather/cast = Cast(gather/rows, to=1)
    gather = Mul(gather/cast, gather/scale)
    squeeze = Squeeze(shape, [0])
    cast = Cast(squeeze, to=6)
    add = Add(cast, 1)
    range = Range(1, add, 1)
    unsqueeze = Unsqueeze(range, [1])
    cast_1 = Cast(transpose, to=9)
    where = Where(cast_1, unsqueeze, 0)
    reducemax = ReduceMax(where, axes=[0], keepdims=0)
    _, lstm, _ = LSTM(gather, lstm/W/float32, lstm/R/float32, lstm/B, reducemax, hidden_size=8)
    squeeze_1 = Squeeze(lstm, [0])
    matmul = MatMul(squeeze_1, dense/kernel)
    add_1 = Add(matmul, dense/bias)
    positive = Sigmoid(add_1)
    output positive: float32[batch, 1]"
  `);
  expect(printOnnx(graphToOnnx(graph, state, { weights: "float16" }))).toMatchInlineSnapshot(`
    "onnx ir 8, opset 17, by ostinato
    input ids: int32[batch, time]
    weight embedding/embeddings: float16[1000, 32]
    weight lstm/W: float16[1, 32, 32]
    weight lstm/R: float16[1, 32, 8]
    weight lstm/B: float32[1, 64]
    weight dense/kernel: float32[8, 1] = [0.17723311483860016, 0.10600068420171738, 0.3087492883205414, -0.061528388410806656, 0.09784645587205887, -0.17804968357086182, -0.07582449913024902, 0.076433926820755]
    weight dense/bias: float32[1] = [-0.2863316237926483]
    lstm/W/float32 = Cast(lstm/W, to=1)
    lstm/R/float32 = Cast(lstm/R, to=1)
    shape = Shape(ids, start=1, end=2)
    transpose = Transpose(ids, perm=[1, 0])
    gather/rows = Gather(embedding/embeddings, transpose)
    gather = Cast(gather/rows, to=1)
    squeeze = Squeeze(shape, [0])
    cast = Cast(squeeze, to=6)
    add = Add(cast, 1)
    range = Range(1, add, 1)
    unsqueeze = Unsqueeze(range, [1])
    cast_1 = Cast(transpose, to=9)
    where = Where(cast_1, unsqueeze, 0)
    reducemax = ReduceMax(where, axes=[0], keepdims=0)
    _, lstm, _ = LSTM(gather, lstm/W/float32, lstm/R/float32, lstm/B, reducemax, hidden_size=8)
    squeeze_1 = Squeeze(lstm, [0])
    matmul = MatMul(squeeze_1, dense/kernel)
    add_1 = Add(matmul, dense/bias)
    positive = Sigmoid(add_1)
    output positive: float32[batch, 1]"
  `);
});

test("int8 takes little more than a quarter, float16 half", () => {
  const { graph, state } = sentiment();
  const size = (weights: WeightType): number => graphToOnnx(graph, state, { weights }).length;
  expect(size("float16") / size("float32")).toBeLessThan(0.52);
  expect(size("int8") / size("float32")).toBeLessThan(0.28);
});

describe("scales", () => {
  const restored = (data: Float32Array, dims: readonly number[]) => {
    const found = quantized(data, dims);
    return { found, scales: found?.scaleDims };
  };

  test("stand for rows or for columns, whichever loses less", () => {
    const byRow = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i) * 10 ** -(Math.floor(i / 64) % 5));
    const byColumn = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i) * 10 ** -(i % 5));
    expect(restored(byRow, [64, 64]).scales).toEqual([64, 1]);
    expect(restored(byColumn, [64, 64]).scales).toEqual([64]);
    expect(restored(byRow, [2, 32, 64]).scales).toEqual([2, 32, 1]);
    expect(restored(byColumn, [2, 32, 64]).scales).toEqual([2, 1, 64]);
  });

  test("stand for parts of at least 32 numbers: shorter ones would take too much", () => {
    expect(restored(new Float32Array(100 * 31), [100, 31]).scales).toEqual([31]);
    expect(restored(new Float32Array(31 * 100), [31, 100]).scales).toEqual([31, 1]);
    expect(restored(new Float32Array(31 * 31), [31, 31]).found).toBeUndefined();
  });

  test("the largest number is 127, zeros stay zeros, and so does what no scale can tell", () => {
    const data = new Float32Array(32 * 3);
    data.set([1, -0.5, 0.25, 0.00390625 * 1.5]);
    data.set([1e-44, -1e-45], 64);
    const found = quantized(data, [3, 32]);
    expect([...(found?.numbers.subarray(0, 4) ?? [])]).toEqual([127, -64, 32, 1]);
    expect([...(found?.numbers.subarray(32) ?? [])].every((number) => number === 0)).toBe(true);
  });
});

describe("numbers without room are refused, with the weight", () => {
  const { graph, state } = sentiment({ words: 40 });
  const given = (x: number): Tensors => {
    const table = state["embedding/embeddings"] as Tensor;
    const data = Float32Array.from(table.data);
    data[7] = x;
    return { ...state, "embedding/embeddings": { ...table, data } as Tensor };
  };

  test.each([
    ["float16", 65_520, /"float16" can represent numbers up to 65,504, but "embedding\/embeddings" contains 65520/],
    ["float16", -1e9, /float16/],
    ["int8", Number.NaN, /"int8" can represent finite numbers, but "embedding\/embeddings" contains NaN/],
    ["int8", Number.NEGATIVE_INFINITY, /-Infinity; export with weights: "float32"/],
  ] as const)("%s: %d", (weights, x, message) => {
    expect(() => graphToOnnx(graph, given(x), { weights })).toThrow(ConfigError);
    expect(() => graphToOnnx(graph, given(x), { weights })).toThrow(message);
  });

  test("float16 takes what rounds to its largest number, and what is infinite already", () => {
    for (const x of [65_519, Number.POSITIVE_INFINITY, Number.NaN])
      expect(() => graphToOnnx(graph, given(x), { weights: "float16" })).not.toThrow();
  });

  test("a type that there is not", () => {
    const options = { weights: "int4" } as never;
    expect(() => graphToOnnx(graph, state, options)).toThrow(
      /graphToOnnx: weights must be one of float32, float16, int8/,
    );
  });
});

describe("what was not written so stays as it is", () => {
  const { graph, state } = sentiment({ words: 40, size: 32, units: 8 });
  const file = decodeOnnx(graphToOnnx(graph, state, { weights: "int8" }));
  const { nodes = [], initializers = [] } = file.graph ?? {};
  const changed = (change: Partial<NonNullable<typeof file.graph>>) => ({
    ...file,
    graph: { ...file.graph, ...change },
  });
  const without = (name: string) => initializers.filter((tensor) => tensor.name !== name);
  const table = initializers.find(({ name }) => name === "embedding/embeddings");
  const only = (given: typeof file): string[] =>
    (withRestoredWeights(given).graph?.initializers ?? []).flatMap(({ name, dataType }) =>
      elementTypeOf(dataType) === "int8" ? [name ?? ""] : [],
    );

  test("nothing else is left", () => expect(only(file)).toEqual([]));

  test.each([
    [
      "a table whose numbers are read as they are",
      changed({ nodes: [...nodes, { op: "Identity", inputs: ["embedding/embeddings"], outputs: ["again"] }] }),
    ],
    ["a table whose rows are an output, too", changed({ outputs: [{ name: "gather/rows" }] })],
    ["one without scales", changed({ initializers: without("embedding/embeddings/scale") })],
    [
      "one that is cut off",
      changed({ initializers: [...without("embedding/embeddings"), { ...table, rawData: new Uint8Array(3) }] }),
    ],
    [
      "one of sizes below zero",
      changed({ initializers: [...without("embedding/embeddings"), { ...table, dims: [-40, -32] }] }),
    ],
  ])("%s", (_, given) => expect(only(given)).toEqual(["embedding/embeddings"]));
});
