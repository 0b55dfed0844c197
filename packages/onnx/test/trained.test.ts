/** Trained models, exported and at work in onnxruntime, against the same models on our own backend. */
import { cpu } from "@ostinato/backend-cpu";
import {
  adam,
  add,
  average,
  binaryCrossentropy,
  ConfigError,
  compile,
  concatenate,
  DataError,
  dense,
  embedding,
  feed,
  float32,
  fromBytes,
  globalAveragePooling1d,
  globalMaxPooling1d,
  gru,
  type Inputs,
  input,
  lastStep,
  layerNormalization,
  lstm,
  ModelFileError,
  masking,
  maximum,
  minimum,
  model,
  multiply,
  predictor,
  RandomStream,
  repeatAlong,
  repeatVector,
  StateError,
  type Symbolic,
  sequential,
  simpleRnn,
  spatialDropout1d,
  subtract,
  type Tensor,
  type Trained,
  tanh,
  timeDistributed,
  toBytes,
  UnsupportedOpError,
} from "@ostinato/core";
import { decodeOnnx, exportDecoding, exportOnnx, graphToOnnx } from "@ostinato/onnx";
import { onnxPredictor, openSession } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import { randomFloats, trainedOf } from "./models.ts";
import { difference } from "./run.ts";

/** Reviews of 0 to 20 words. */
function reviews(rows: number, words: number): number[][] {
  const random = new RandomStream(1, "reviews");
  return Array.from({ length: rows }, (_, row) => Array.from({ length: row % 21 }, () => 1 + random.below(words - 1)));
}

/** Every output of the exported model equals the one of our backend. */
async function expectSame(trained: Trained, x: Inputs, batchSize: number): Promise<void> {
  await using ours = await predictor(trained, { backend: await cpu() });
  await using exported = await onnxPredictor(exportOnnx(trained), { threads: 1 });
  const wanted = await ours.predictAll(x, { batchSize });
  const given = await exported.predictAll(x, { batchSize });
  expect(Object.keys(given)).toEqual(Object.keys(wanted));
  for (const [name, tensor] of Object.entries(wanted)) {
    expect(difference(given[name] as Tensor, tensor), name).toBeLessThanOrEqual(1e-5);
  }
}

const sentiment = (): Trained =>
  trainedOf(
    sequential([
      embedding({ inputDim: 40, outputDim: 10, maskZero: true }),
      lstm({ units: 16 }),
      dense({ units: 1, activation: "sigmoid" }),
    ]),
  );

test("states that come out of one lstm and go into another, and states that are inputs", async () => {
  const asked = input({ shape: ["asked"], name: "asked" });
  const start = input({ shape: [3], name: "start" });
  const tokens = embedding({ inputDim: 50, outputDim: 4, maskZero: true })(asked);
  const reader = lstm({ units: 3, returnSequences: true, returnState: true, dropout: 0.5, recurrentDropout: 0.5 });
  const [y, h, c] = reader(tokens, { initialState: [start, start] });
  const [z, last] = lstm({ units: 3, returnSequences: true, returnState: true, reverse: true })(y, {
    initialState: [c, h],
  });
  const trained = trainedOf(model([asked, start], { z, last, c, y: dense({ units: 2 })(y) }));
  const x = { asked: reviews(25, 50), start: Array.from({ length: 25 }, (_, i) => [i / 25, -0.5, 0.5]) };
  for (const batchSize of [25, 7]) await expectSame(trained, x, batchSize);
});

const recurrences = {
  lstm: () => lstm({ units: 6 }),
  gru: () => gru({ units: 6 }),
  "gru, reset before": () => gru({ units: 6, resetAfter: false }),
  simpleRnn: () => simpleRnn({ units: 6 }),
};

test.each(Object.entries(recurrences))("a model with %s learns, is saved, loaded and exported", async (_, layer) => {
  // Whether the last word is below 5: something for a state to keep.
  const x = reviews(63, 10).filter((row) => row.length > 0);
  const y = x.map((row) => ((row.at(-1) ?? 0) < 5 ? 1 : 0));
  const chain = sequential([
    embedding({ inputDim: 10, outputDim: 6, maskZero: true }),
    layer(),
    dense({ units: 1, activation: "sigmoid" }),
  ]);
  const backend = await cpu();
  const settings = { backend, loss: binaryCrossentropy(), optimizer: adam({ learningRate: 0.02 }), seed: 1 };
  await using trainer = await compile(chain, settings);
  const { epochs } = await trainer.fit({ x, y }, { epochs: 20, batchSize: 16 });
  expect(epochs.at(-1)?.loss).toBeLessThan(0.5 * (epochs[0]?.loss ?? 0));
  const saved = toBytes(await trainer.snapshot());
  const loaded = fromBytes(saved);
  expect(toBytes(loaded)).toEqual(saved);
  await using again = await predictor(loaded, { backend });
  expect(await again.predict(x)).toEqual(await trainer.predict(x));
  await expectSame(loaded, reviews(25, 10), 7);
});

describe("the exported model predicts what the model predicts", () => {
  test("sentiment of ragged reviews, empty ones among them", async () => {
    await expectSame(sentiment(), reviews(47, 40), 8);
  });

  test("one review, one word", async () => {
    await expectSame(sentiment(), [[7]], 32);
  });

  test("stacked and reverse recurrences, with softmax at every step", async () => {
    const tagger = sequential([
      embedding({ inputDim: 40, outputDim: 6, maskZero: true }),
      lstm({ units: 9, returnSequences: true, reverse: true }),
      lstm({ units: 7, returnSequences: true, useBias: false }),
      dense({ units: 5, activation: "softmax" }),
    ]);
    await expectSame(trainedOf(tagger), reviews(30, 40), 7);
  });

  const dropped = { dropout: 0.5, recurrentDropout: 0.5 };
  const start = () => embedding({ inputDim: 40, outputDim: 6, maskZero: true });
  const end = () => dense({ units: 5, activation: "softmax" });
  const options = {
    plain: {},
    "without bias": { useBias: false },
    "reverse, relu": { reverse: true, activation: "relu" },
  } as const;

  test.each(Object.entries(options))("two recurrent layers of each kind, %s", async (_, own) => {
    const below = { units: 5, returnSequences: true, ...dropped, ...own } as const;
    const above = { units: 3, ...own };
    for (const stack of [
      sequential([start(), lstm(below), lstm(above), end()]),
      sequential([start(), gru(below), gru(above), end()]),
      sequential([start(), gru({ ...below, resetAfter: false }), gru({ ...above, resetAfter: false }), end()]),
      sequential([start(), simpleRnn(below), simpleRnn(above), end()]),
    ])
      await expectSame(trainedOf(stack), reviews(25, 40), 7);
  });

  test("states that go from a gru to a simpleRnn and back", async () => {
    const words = input({ shape: ["time"], name: "words" });
    const start = input({ shape: [3], name: "start" });
    const tokens = embedding({ inputDim: 40, outputDim: 4, maskZero: true })(words);
    const [y, h] = gru({ units: 3, returnSequences: true, returnState: true })(tokens, { initialState: [start] });
    const [z, last] = simpleRnn({ units: 3, returnSequences: true, returnState: true, reverse: true })(y, {
      initialState: [h],
    });
    const end = gru({ units: 3, resetAfter: false })(z, { initialState: [last] });
    const trained = trainedOf(model([words, start], { y, h, z, last, end }));
    const x = { words: reviews(25, 40), start: Array.from({ length: 25 }, (_, i) => [i / 25, -0.5, 0.5]) };
    for (const batchSize of [25, 7]) await expectSame(trained, x, batchSize);
  });

  test("several inputs and outputs, lengths of their own, a layer used twice", async () => {
    const left = input({ name: "left", shape: ["time", 3], lengths: true });
    const right = input({ name: "right", shape: ["time", 3], lengths: true });
    const read = lstm({ units: 4 });
    const made = model([right, left], {
      a: dense({ units: 2, activation: "tanh" })(read(left)),
      b: dense({ units: 3, activation: "relu" })(read(right)),
    });
    const values = randomFloats([5, 6, 3], 1);
    const x = {
      left: { values, lengths: [6, 0, 1, 3, 6] },
      right: { values: randomFloats([5, 6, 3], 2), lengths: [1, 2, 3, 4, 0] },
    };
    await expectSame(trainedOf(made), x, 2);
    const names = decodeOnnx(exportOnnx(trainedOf(made))).graph?.inputs?.map(({ name }) => name);
    expect(names).toEqual(["right", "right/lengths", "left", "left/lengths"]);
  });

  test("layers of several inputs, of different lengths and of features", async () => {
    const left = input({ name: "left", shape: ["time", 3], lengths: true });
    const right = input({ name: "right", shape: ["time", 3], lengths: true });
    const layers = { concatenate, add, subtract, multiply, average, maximum, minimum };
    const over = Object.entries(layers).map(([name, layer]) => [name, layer()([left, right])] as const);
    const states = over.map(([name, merged]) => [`${name}.state`, lstm({ units: 3, reverse: true })(merged)] as const);
    const [first, second] = states.map(([, state]) => state);
    const pairs = Object.entries(layers).map(
      ([name, layer]) =>
        [`${name}.pair`, layer()([first as Symbolic<"features">, second as Symbolic<"features">])] as const,
    );
    const made = model([left, right], Object.fromEntries([...over, ...states, ...pairs]));
    const x = {
      left: { values: randomFloats([5, 6, 3], 1), lengths: [6, 0, 1, 3, 0] },
      right: { values: randomFloats([5, 6, 3], 2), lengths: [1, 2, 3, 4, 0] },
    };
    for (const batchSize of [5, 2]) await expectSame(trainedOf(made), x, batchSize);
  });

  test("layers that make one vector of a sequence, of rows with lengths and without", async () => {
    const [left, right] = [true, false].map((lengths, i) =>
      dense({ units: 4 })(input({ name: ["left", "right"][i] as string, shape: ["time", 3], lengths })),
    ) as [Symbolic<"sequence">, Symbolic<"sequence">];
    const layers = { globalMaxPooling1d, globalAveragePooling1d, lastStep };
    const outputs = Object.entries(layers).flatMap(([name, layer]) => [
      [`${name}.ragged`, layer()(left)] as const,
      [`${name}.whole`, layer()(right)] as const,
    ]);
    const inputs = [left, right].map(({ call }) => call?.inputs[0] as Symbolic);
    const x = {
      left: { values: randomFloats([5, 6, 3], 1), lengths: [6, 0, 1, 3, 0] },
      right: randomFloats([5, 6, 3], 2),
    };
    for (const batchSize of [5, 1])
      await expectSame(trainedOf(model(inputs, Object.fromEntries(outputs))), x, batchSize);
  });

  test("layers over time, those that mask and repeat steps among them", async () => {
    const vector = input({ name: "vector", shape: [2] });
    const steps = input({ name: "steps", shape: ["time", 3], lengths: true });
    const gaps = input({ name: "gaps", shape: ["time", 3] });
    const masked = masking()(gaps);
    const along = repeatAlong()([vector, steps]);
    const outputs = {
      each: timeDistributed(dense({ units: 2, activation: "tanh" }))(steps),
      normalized: layerNormalization()(steps),
      normalizedVector: layerNormalization({ scale: false })(vector),
      repeated: gru({ units: 3, returnSequences: true })(repeatVector({ n: 4 })(vector)),
      along: lstm({ units: 2 })(along),
      dropped: spatialDropout1d({ rate: 0.5 })(along),
      masked,
      state: lstm({ units: 3 })(masked),
      mean: globalAveragePooling1d()(masking({ maskValue: 0.5 })(steps)),
    };
    const values = randomFloats([5, 6, 3], 2);
    const lengths = [6, 0, 1, 3, 5];
    // Zeros behind the ends of rows, and 0.5 behind those of others.
    const cut = Float32Array.from(values.data, (value, i) =>
      Math.floor(i / 3) % 6 < lengths[Math.floor(i / 18)]! ? value : 0,
    );
    const x = {
      vector: randomFloats([5, 2], 1),
      steps: {
        values: float32(
          [5, 6, 3],
          cut.map((value) => value || 0.5),
        ),
        lengths: [6, 2, 1, 0, 6],
      },
      gaps: float32([5, 6, 3], cut),
    };
    for (const batchSize of [5, 1]) await expectSame(trainedOf(model([vector, steps, gaps], outputs)), x, batchSize);
  });

  test("features without time", async () => {
    const made = sequential([input({ shape: [4] }), dense({ units: 3, activation: "softmax" })]);
    await expectSame(trainedOf(made), randomFloats([10, 4], 3), 4);
  });
});

describe("a predictor from a file", () => {
  test("checks data as the predictor of core does", async () => {
    await using exported = await onnxPredictor(exportOnnx(sentiment()));
    await expect(exported.predict([[1, 40]])).rejects.toThrow(DataError);
    await expect(exported.predict([[1, 40]])).rejects.toThrow(/id 40 at step 1, outside 0 … 39/);
    await expect(exported.predict([[1, 0, 2]])).rejects.toThrow(/before its last word/);
    await expect(exported.predict([])).rejects.toThrow(DataError);
  });

  test("of more than 2 GiB is refused: no reader takes such a file", () => {
    const trained = sentiment();
    const [name = "", tensor] = Object.entries(trained.weights)[0] ?? [];
    // Says that it is large, without being so.
    const data = Object.defineProperty(new Float32Array(1), "byteLength", { value: 2 ** 31 });
    const weights = { ...trained.weights, [name]: { ...(tensor as Tensor), data } as Tensor };
    expect(() => exportOnnx({ ...trained, weights })).toThrow(UnsupportedOpError);
    expect(() => exportOnnx({ ...trained, weights })).toThrow(
      `an ONNX file must be smaller than 2,048 MB. The largest weight is "${name}"; weights: "int8" reduces the size to a quarter`,
    );
    const small = Object.defineProperty(new Float32Array(1), "byteLength", { value: 2 ** 33 });
    const larger = { ...trained.weights, [name]: { ...(tensor as Tensor), data: small } as Tensor };
    expect(() => exportOnnx({ ...trained, weights: larger }, { weights: "int8" })).toThrow(UnsupportedOpError);
  });

  test("brings its spec and metadata", async () => {
    const metadata = { labels: ["ja", "nein"], deep: { maxLength: 300 } };
    const trained = { ...sentiment(), metadata };
    await using exported = await onnxPredictor(exportOnnx(trained));
    expect(exported.metadata).toEqual(metadata);
    expect(exported.spec).toEqual(trained.spec);
  });

  test("brings its vocabulary", async () => {
    const vocabulary = { words: ["das", "größte"], oov: null };
    await using exported = await onnxPredictor(exportOnnx({ ...sentiment(), vocabulary }));
    expect(exported.vocabulary).toEqual(vocabulary);
    await using without = await onnxPredictor(exportOnnx(sentiment()));
    expect(without).not.toHaveProperty("vocabulary");
  });

  test("ends when it is disposed of", async () => {
    const exported = await onnxPredictor(exportOnnx(sentiment()));
    await exported.dispose();
    await exported.dispose();
    await expect(exported.predict([[1]])).rejects.toThrow(StateError);
  });

  test("must be one of ours or become one, and be whole", async () => {
    const graph = { fetches: { y: tanh(feed("x", "float32", [2, 3])) }, updates: [] };
    const error = await onnxPredictor(graphToOnnx(graph, {})).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UnsupportedOpError);
    expect(String(error)).toMatch(/not written by exportOnnx and cannot be imported: .* openSession runs any/);
    const damaged = exportOnnx(sentiment(), { metadata: { "ostinato.spec": "{" } });
    await expect(onnxPredictor(damaged)).rejects.toThrow(ModelFileError);
  });
});

test("any runtime finds int32 ids, float32 outputs and open sizes", async () => {
  const session = await openSession(exportOnnx(sentiment()));
  expect(session.inputs).toEqual([{ name: "input", dtype: "int32", shape: ["batch", "time"] }]);
  expect(session.outputs).toEqual([{ name: "output", dtype: "float32", shape: ["batch", 1] }]);
  await session.dispose();
});

test("what is no trained model is refused, with what is", () => {
  const bare = sequential([embedding({ inputDim: 3, outputDim: 2 }), lstm({ units: 2 })]);
  for (const given of [undefined, null, "model.safetensors", bare, {}] as unknown as Trained[]) {
    expect(() => exportOnnx(given)).toThrow(ConfigError);
    expect(() => exportOnnx(given)).toThrow("what await trainer.snapshot() or await loadModel(…) gave");
  }
  const coming = Promise.resolve({}) as unknown as Trained;
  expect(() => exportOnnx(coming)).toThrow("still to come: await trainer.snapshot()");
});

test("options that are none are refused, whatever is exported", () => {
  const given = { targets: "letters" } as never;
  expect(() => exportOnnx(sentiment(), given)).toThrow('exportOnnx has no option "targets"; it takes states,');
  expect(() => exportDecoding(sentiment(), given)).toThrow('exportDecoding has no option "targets"; it takes target,');
  expect(() => exportOnnx(sentiment(), { opset: "17" as never })).toThrow(
    'opset must be one of 17, 18, 19, 20, 21, 22, got "17"',
  );
  for (const metadata of [5, null, ["a"], { labels: ["a"] }])
    expect(() => exportOnnx(sentiment(), { metadata: metadata as never })).toThrow(
      "exportOnnx: metadata must be strings by name",
    );
});
