/** Bidirectional layers in the file: one ONNX node each, which computes what the reference computes. */
import {
  bidirectional,
  embedding,
  gru,
  inferenceGraph,
  input,
  int32,
  type Model as LayerModel,
  lstm,
  model,
  nodesOf,
  rootsOf,
  sequential,
} from "@ostinato/core";
import { graphToOnnx, printOnnx } from "@ostinato/onnx";
import { expect, test } from "vitest";
import { type Model, randomFloats } from "./models.ts";
import { directionsOf, weightsIn } from "./written.ts";

/** The inference graph of layers, with random weights. */
function trained({ spec }: LayerModel): Model {
  const graph = inferenceGraph(spec);
  const weights = nodesOf(rootsOf(graph)).flatMap(({ op, attrs }, i) =>
    op === "input" && attrs.kind === "state"
      ? [[attrs.name, randomFloats(attrs.shape as readonly number[], i)] as const]
      : [],
  );
  return { graph, state: Object.fromEntries(weights) };
}

const fileOf = ({ graph, state }: Model): Uint8Array => graphToOnnx(graph, state);

const x = input({ shape: ["time", 3], name: "x", lengths: true });
const other = input({ shape: ["time", 3], name: "other", lengths: true });
/** 3 rows of 4 steps, one of them empty. */
const feeds = {
  x: randomFloats([3, 4, 3], 1),
  "x/lengths": int32([3], [4, 0, 2]),
  other: randomFloats([3, 4, 3], 2),
  "other/lengths": int32([3], [1, 3, 0]),
};

test("two layers of a model", () => {
  const tagger = sequential([
    embedding({ inputDim: 40, outputDim: 6, maskZero: true }),
    bidirectional(lstm({ units: 9, returnSequences: true })),
    bidirectional(gru({ units: 8, useBias: false }), { mergeMode: "sum" }),
  ]);
  expect(printOnnx(fileOf(trained(tagger)))).toMatchInlineSnapshot(`
    "onnx ir 8, opset 17, by ostinato
    input input: int32[batch, time]
    weight embedding/embeddings: float32[40, 6]
    weight bidirectional/forward+backward/W: float32[2, 36, 6]
    weight bidirectional/forward+backward/R: float32[2, 36, 9]
    weight bidirectional/forward+backward/B: float32[2, 72]
    weight bidirectional_1/forward+backward/W: float32[2, 24, 18]
    weight bidirectional_1/forward+backward/R: float32[2, 24, 8]
    shape = Shape(input, start=1, end=2)
    transpose = Transpose(input, perm=[1, 0])
    gather = Gather(embedding/embeddings, transpose)
    squeeze = Squeeze(shape, [0])
    cast = Cast(squeeze, to=6)
    add = Add(cast, 1)
    range = Range(1, add, 1)
    unsqueeze = Unsqueeze(range, [1])
    cast_1 = Cast(transpose, to=9)
    where = Where(cast_1, unsqueeze, 0)
    reducemax = ReduceMax(where, axes=[0], keepdims=0)
    lstm, _, _ = LSTM(gather, bidirectional/forward+backward/W, bidirectional/forward+backward/R, bidirectional/forward+backward/B, reducemax, hidden_size=9, direction=bidirectional)
    transpose_1 = Transpose(lstm, perm=[0, 2, 1, 3])
    reshape = Reshape(transpose_1, [0, 0, 18])
    _, gru = GRU(reshape, bidirectional_1/forward+backward/W, bidirectional_1/forward+backward/R, _, reducemax, hidden_size=8, direction=bidirectional, linear_before_reset=1)
    gather_1 = Gather(gru, 0, axis=0)
    gather_2 = Gather(gru, 1, axis=0)
    output = Add(gather_1, gather_2)
    output output: float32[batch, 8]"
  `);
});

test("two layers over one input, each with its own weights", async () => {
  const [a, b] = [bidirectional(lstm({ units: 5 }))(x), bidirectional(lstm({ units: 5 }))(x)];
  const made = trained(model([x], { a, b }));
  expect(await directionsOf(made, feeds)).toEqual(["bidirectional", "bidirectional"]);
  expect(weightsIn(fileOf(made))).toMatchObject({
    "bidirectional/forward+backward/W": [2, 20, 3],
    "bidirectional_1/forward+backward/W": [2, 20, 3],
  });
});

test("a layer beside a recurrence that could take the place of one of its directions", async () => {
  const made = trained(model([x], { alone: lstm({ units: 5 })(x), both: bidirectional(lstm({ units: 5 }))(x) }));
  expect(await directionsOf(made, feeds)).toEqual(["forward", "bidirectional"]);
  expect(weightsIn(fileOf(made))).toHaveProperty("bidirectional/forward+backward/W");
});

test("a layer used twice: one node for each use, with the weights stored once", async () => {
  const layer = bidirectional(gru({ units: 5 }));
  const made = trained(model([x, other], { a: layer(x), b: layer(other) }));
  expect(await directionsOf(made, feeds)).toEqual(["bidirectional", "bidirectional"]);
  const stored = Object.entries(weightsIn(fileOf(made))).filter(([name]) => name.startsWith("bidirectional"));
  expect(Object.fromEntries(stored)).toEqual({
    "bidirectional/forward+backward/W": [2, 15, 3],
    "bidirectional/forward+backward/R": [2, 15, 5],
    "bidirectional/forward+backward/B": [2, 30],
  });
});

test("two layers above each other, the states of one handed to the other", async () => {
  const below = bidirectional(lstm({ units: 5, returnSequences: true, returnState: true }), { mergeMode: null });
  const [y, yBackward, h, c, hBackward, cBackward] = below(x);
  const above = bidirectional(lstm({ units: 5, returnState: true }));
  const [top, ...last] = above(y, { initialState: [hBackward, c, h, cBackward] });
  const states = Object.fromEntries(last.map((state, i) => [`state${i}`, state]));
  const made = trained(model([x], { yBackward, top, ...states }));
  expect(await directionsOf(made, feeds)).toEqual(["bidirectional", "bidirectional"]);
});

test("a layer around one that reads backward", async () => {
  const layer = bidirectional(lstm({ units: 5, reverse: true, returnSequences: true }));
  expect(await directionsOf(trained(model([x], layer(x))), feeds)).toEqual(["bidirectional"]);
});

test("a layer whose directions differ in activation and bias", async () => {
  const layer = bidirectional(lstm({ units: 5, useBias: false }), {
    backwardLayer: lstm({ units: 5, reverse: true, activation: "relu" }),
  });
  expect(await directionsOf(trained(model([x], layer(x))), feeds)).toEqual(["bidirectional"]);
});
