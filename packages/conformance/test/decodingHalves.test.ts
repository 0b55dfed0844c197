/** The two halves of decoding: run token by token they give what the whole model gives of all tokens at once. */
import { evaluate } from "@ostinato/conformance";
import {
  activation,
  add,
  additiveAttention,
  attention,
  attentionDecoder,
  bidirectional,
  concatenate,
  type DecodingParts,
  decodingOf,
  defineCell,
  defineLayer,
  dense,
  dropout,
  embedding,
  feed,
  float64,
  gaussianNoise,
  gru,
  inferenceGraph,
  input,
  int32,
  layerNormalization,
  lstm,
  type Model,
  model,
  nodesOf,
  OptionReader,
  repeatAlong,
  reversibleEmbedding,
  rnn,
  rootsOf,
  type Symbolic,
  sequential,
  simpleRnn,
  sizeOf,
  type Tensor,
  type Tensors,
  timeDistributed,
  type Value,
} from "@ostinato/core";
import { dot, add as plus, softmax, tanh } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

/** Numbers between -0.8 and 0.8, the same ones for the same seed. */
const numbers = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => 0.8 * Math.sin(12.9 * seed + 78.2 * (i + 1) + (i * i) / 7));

const weightsOf = ({ spec }: Model): Tensors =>
  Object.fromEntries(
    nodesOf(rootsOf(inferenceGraph(spec))).flatMap(({ op, attrs }, k) =>
      op === "input" && attrs.kind === "state"
        ? [[attrs.name, float64(attrs.shape as number[], numbers(sizeOf(attrs.shape as number[]), k + 1))]]
        : [],
    ),
  );

/** Three rows: source lengths 4, 1, 3, target lengths 3, 5, 1. */
const source = int32([3, 4], [3, 1, 4, 1, 5, 0, 0, 0, 2, 6, 4, 0]);
const target = int32([3, 5], [1, 5, 2, 0, 0, 1, 4, 4, 3, 6, 1, 0, 0, 0, 0]);
const whole = int32([3, 5], [1, 5, 2, 3, 3, 1, 4, 4, 3, 6, 1, 2, 2, 5, 0]);
const speaker = float64([3, 2], numbers(6, 40));
const sound = float64([3, 6, 2], numbers(36, 41));

const graphOf = (fetches: Record<string, Value>) => ({ fetches, updates: [] });

function firstOf({ memory, states }: DecodingParts, feeds: Tensors, weights: Tensors, rows: number): Tensors {
  const parts = [...memory, ...states];
  const made = parts.flatMap(({ name, first }) => (first ? [[name, first] as const] : []));
  const given = made.length === 0 ? {} : evaluate(graphOf(Object.fromEntries(made)), feeds, weights).fetches;
  const zero = parts.filter(({ first }) => first === undefined);
  return {
    ...given,
    ...Object.fromEntries(
      zero.map(({ name, type }) => {
        const shape = [rows, type.shape[1] as number];
        return [name, float64(shape, new Array(sizeOf(shape)).fill(0))];
      }),
    ),
  };
}

/** Runs the halves over the tokens of `feeds.target`; holds each step against the whole model. */
function expectSame(made: Model, feeds: Tensors, output = "next", tokens = "target"): DecodingParts {
  const weights = weightsOf(made);
  const all = evaluate(inferenceGraph(made.spec), feeds, weights).fetches;
  const scores = all[output] as Tensor;
  const decoding = decodingOf(made.spec);
  const ids = feeds[tokens] as Tensor;
  const [rows, steps] = ids.shape as [number, number];
  const width = scores.shape[2] as number;
  expect(decoding.vocabularySize).toBe(width);
  const { [tokens]: _, ...sources } = feeds;
  let held = firstOf(decoding, sources, weights, rows);
  const step = decoding.step(feed("token", "int32", ["batch"]), ({ name, type }) => feed(name, type.dtype, type.shape));
  const graph = graphOf({
    scores: step.logProbabilities,
    ...(step.attention ? { attention: step.attention } : {}),
    ...Object.fromEntries(decoding.states.map(({ name }, i) => [name, step.states[i] as Value])),
  });
  let compared = 0;
  for (let t = 0; t < steps; t++) {
    const token = Int32Array.from({ length: rows }, (_, row) => Number(ids.data[row * steps + t]));
    const { fetches } = evaluate(graph, { ...held, token: int32([rows], token) }, weights);
    const { scores: given, attention: attended, ...next } = fetches as Record<string, Tensor>;
    held = { ...held, ...next };
    for (let row = 0; row < rows; row++) {
      if (token[row] === 0 && tokens === "target") continue;
      for (let k = 0; k < width; k++) {
        const p = Number(scores.data[(row * steps + t) * width + k]);
        expect(Math.exp(Number(given?.data[row * width + k]))).toBeCloseTo(p, 10);
        compared += 1;
      }
      const wanted = all.attention;
      if (!attended || !wanted) continue;
      const time = wanted.shape[2] as number;
      for (let s = 0; s < time; s++)
        expect(attended.data[row * time + s]).toBeCloseTo(Number(wanted.data[(row * steps + t) * time + s]), 10);
    }
  }
  expect(compared).toBeGreaterThan(0);
  return decoding;
}

const names = (parts: readonly { readonly name: string }[]): string[] => parts.map(({ name }) => name);

const ids = (name: string) => input({ shape: [name], name });
/** The source, its embedding and the target's, of one size. */
const embedded = () => {
  const [from, to] = [ids("source"), ids("target")];
  const x = embedding({ inputDim: 7, outputDim: 3, maskZero: true, name: "sourceWords" })(from);
  const y = embedding({ inputDim: 8, outputDim: 3, maskZero: true, name: "targetWords" })(to);
  return { from, to, x, y };
};
const scored = (x: Symbolic<"sequence">) => dense({ units: 7, activation: "softmax", name: "scores" })(x);

const ownCell = defineCell({
  kind: "leaky",
  parse: (options: { units: number }, owner) => ({
    units: new OptionReader(owner, options, ["units"]).integer("units", 1),
  }),
  states: ["h"],
  sizes: ({ units }) => ({ h: units }),
  build({ parameter }, { units }, { features }) {
    const kernel = parameter("kernel", [features, units], "glorotUniform");
    const start = parameter("start", [units], "zeros");
    return {
      initial: { h: start },
      step: ({ x, states: { h } }) => ({ states: { h: tanh(plus(dot(x, kernel, { contract: [[1], [0]] }), h)) } }),
    };
  },
});

describe("the halves of a model", () => {
  test("of a decoder that begins with the encoder's states: no memory, and first states", () => {
    const { from, to, x, y } = embedded();
    const [, h, c] = lstm({ units: 4, returnState: true })(x);
    const decoded = lstm({ units: 4, returnSequences: true, name: "decoder" })(y, { initialState: [h, c] });
    const made = model([from, to], { next: scored(decoded) });
    const { memory, states, sources, attentionTime } = expectSame(made, { source, target });
    expect(names(memory)).toEqual([]);
    expect(names(states)).toEqual(["states/decoder/h", "states/decoder/c"]);
    expect(states.every(({ first }) => first)).toBe(true);
    expect(sources.inputs.map(({ name }) => name)).toEqual(["source"]);
    expect(attentionTime).toBeUndefined();
  });

  test("of stacked decoders with a bridge between states of other sizes, of other kinds and both directions", () => {
    const { from, to, x, y } = embedded();
    const both = bidirectional(gru({ units: 2, returnState: true }));
    const [, forward, backward] = both(x);
    const bridge = dense({ units: 3, activation: "tanh", name: "bridge" })(concatenate()([forward, backward]));
    const first = gru({ units: 3, returnSequences: true, resetAfter: true, name: "first" })(y, {
      initialState: [bridge],
    });
    const second = simpleRnn({ units: 3, returnSequences: true, name: "second" })(dropout({ rate: 0.5 })(first));
    const normal = layerNormalization()(gaussianNoise({ stddev: 1 })(second));
    const made = model([from, to], { next: scored(timeDistributed(dense({ units: 4 }))(normal)) });
    const { states } = expectSame(made, { source, target });
    expect(states.map(({ name, first: begins }) => [name, begins !== undefined])).toEqual([
      ["states/first/h", true],
      ["states/second/h", false],
    ]);
  });

  test("of a cell of one's own, which begins with what it learned", () => {
    const { from, to, x, y } = embedded();
    const read = rnn(ownCell({ units: 3 }), { name: "reader" })(x);
    const decoded = rnn([ownCell({ units: 3 }), ownCell({ units: 2 })], { returnSequences: true, name: "decoder" })(y);
    const made = model([from, to], { next: scored(concatenate()([decoded, repeatAlong()([read, decoded])])) });
    const { memory, states } = expectSame(made, { source, target });
    expect(names(memory)).toEqual(["memory/reader"]);
    expect(names(states)).toEqual(["states/decoder/0/h", "states/decoder/1/h"]);
  });

  for (const [what, attend, memory] of [
    ["dot", attention({ returnAttentionScores: true }), ["memory/sourceWords/lengths", "memory/encoder"]],
    [
      "general",
      attention({ scoreMode: "general", useScale: true, returnAttentionScores: true }),
      ["memory/sourceWords/lengths", "memory/encoder"],
    ],
    [
      "additive",
      additiveAttention({ units: 5, returnAttentionScores: true }),
      ["memory/sourceWords/lengths", "memory/encoder", "memory/additiveAttention/keyKernel"],
    ],
  ] as const)
    test(`of ${what} attention: the encoder projects keys once`, () => {
      const { from, to, x, y } = embedded();
      const encoded = bidirectional(lstm({ units: 2, returnSequences: true }), { name: "encoder" })(x);
      const decoded = lstm({ units: 4, returnSequences: true })(y);
      const [context, weights] = attend([decoded, encoded]);
      const made = model([from, to], { next: scored(concatenate()([decoded, context])), weights });
      const decoding = expectSame(made, { source, target });
      expect(names(decoding.memory)).toEqual(memory);
      expect(decoding.attentionTime).toBe("source");
    });

  for (const [what, options, memory, states] of [
    [
      "Luong's decoder with input feeding",
      { attention: attention({ scoreMode: "general" }), attentionUnits: 3, inputFeeding: true },
      ["memory/sourceWords/lengths", "memory/encoder"],
      ["attentionVector", "layer0/h", "layer0/c", "layer1/h"],
    ],
    [
      "Bahdanau's decoder",
      { attention: additiveAttention({ units: 4 }), attentionOrder: "before" },
      ["memory/sourceWords/lengths", "memory/encoder", "memory/decoder/attention/keyKernel"],
      ["query", "layer0/h", "layer0/c", "layer1/h"],
    ],
    [
      "a decoder that feeds nothing",
      { attention: additiveAttention({ units: 4 }) },
      ["memory/sourceWords/lengths", "memory/encoder", "memory/decoder/attention/keyKernel"],
      ["layer0/h", "layer0/c", "layer1/h"],
    ],
  ] as const)
    test(`of ${what}`, () => {
      const { from, to, x, y } = embedded();
      const [encoded, h] = gru({ units: 3, returnSequences: true, returnState: true, name: "encoder" })(x);
      const layers = [lstm({ units: 3 }), gru({ units: 3 })];
      const decoder = attentionDecoder({ layers, ...options, returnAttentionScores: true, name: "decoder" });
      const [vectors, weights] = decoder([y, encoded], { initialState: [h, h, h] });
      const made = model([from, to], { next: scored(vectors), attention: weights });
      const decoding = expectSame(made, { source, target });
      expect(names(decoding.memory)).toEqual(memory);
      expect(names(decoding.states)).toEqual(states.map((state) => `states/decoder/${state}`));
      // What is fed back begins with zeros.
      const zeros = decoding.states.filter(({ first }) => first === undefined);
      expect(names(zeros)).toEqual(
        states.filter((state) => state === "attentionVector").map((state) => `states/decoder/${state}`),
      );
    });

  test("reads memory as it lies: no step turns it", () => {
    const { from, to, x, y } = embedded();
    const encoded = gru({ units: 3, returnSequences: true })(x);
    const decoder = attentionDecoder({
      layers: [gru({ units: 3 })],
      attention: attention({ scoreMode: "general" }),
      inputFeeding: true,
    });
    const { step } = decodingOf(model([from, to], { next: scored(decoder([y, encoded])) }).spec);
    const values = step(feed("token", "int32", ["batch"]), ({ name, type }) => feed(name, type.dtype, type.shape));
    const turns = nodesOf([values.logProbabilities]).filter(
      ({ op, inputs }) => op === "transpose" && inputs[0]?.type.shape.length === 3,
    );
    expect(turns).toEqual([]);
  });

  test("with one layer for the words of both sides, and for the scores", () => {
    const [from, to] = [ids("source"), ids("target")];
    const both = reversibleEmbedding({
      inputDim: 7,
      outputDim: 3,
      maskZero: true,
      activation: "softmax",
      name: "words",
    });
    const shared = gru({ units: 3, returnState: true, returnSequences: true, name: "shared" });
    const [, h] = shared(both(from));
    const [decoded] = shared(both(to), { initialState: [h] });
    const made = model([from, to], { next: both.reverse(decoded) });
    expect(names(expectSame(made, { source, target }).states)).toEqual(["states/shared:1/h"]);
  });

  test("with scores by the words of the source", () => {
    const [from, to] = [ids("source"), ids("target")];
    const words = reversibleEmbedding({ inputDim: 7, outputDim: 3, maskZero: true, name: "words" });
    const h = gru({ units: 3 })(words(from));
    const y = embedding({ inputDim: 7, outputDim: 3 })(to);
    const decoded = gru({ units: 3, returnSequences: true })(y, { initialState: [h] });
    const made = model([from, to], { next: activation({ activation: "softmax" })(words.reverse(decoded)) });
    expectSame(made, { source, target: whole });
  });

  test("of several sources: ids, a sequence with lengths, and features", () => {
    const { from, to, x, y } = embedded();
    const place = input({ shape: [2], name: "speaker" });
    const heard = input({ shape: ["frames", 2], name: "sound", lengths: true });
    const [, h] = gru({ units: 3, returnState: true })(x);
    const [decoded, ,] = gru({ units: 3, returnSequences: true, returnState: true, name: "decoder" })(y, {
      initialState: [add()([h, dense({ units: 3, name: "bridge" })(place)])],
    });
    const context = attention({ scoreMode: "general" })([decoded, heard]);
    const seen = concatenate()([decoded, context, repeatAlong()([place, decoded])]);
    const made = model([place, from, to, heard], { next: scored(seen) });
    const lengths = int32([3], [6, 2, 4]);
    const decoding = expectSame(made, { source, target, speaker, sound, "sound/lengths": lengths });
    expect(names(decoding.memory)).toEqual(["memory/speaker", "memory/sound", "memory/sound/lengths"]);
    expect(decoding.sources.inputs.map(({ name }) => name)).toEqual(["speaker", "source", "sound"]);
    expect(decoding.sources.calls.length).toBe(4);
    expect(decoding.attentionTime).toBeUndefined();
  });

  test("of a language model, which has no sources, whatever its input is called", () => {
    const made = sequential([
      embedding({ inputDim: 7, outputDim: 3 }),
      lstm({ units: 3, returnSequences: true, stateful: true }),
      dense({ units: 7, activation: "softmax" }),
    ]);
    const decoding = expectSame(made, { input: whole }, "output", "input");
    expect(decoding.memory).toEqual([]);
    expect(decoding.sources.inputs).toEqual([]);
    expect(decoding.states.some(({ first }) => first)).toBe(false);
  });

  test("takes scores for probabilities where a softmax is hidden in a layer, else for linear units", () => {
    const hidden = defineLayer({
      kind: "hidden",
      parse: () => ({}),
      takes: "features",
      outputs: { features: "features" },
      build: (_context, _config, [x]) => [{ ...x, values: softmax(x.values) }],
    });
    const chain = (...last: readonly ReturnType<typeof hidden>[]) => {
      const x = input({ shape: ["time"] });
      const y = gru({ units: 5, returnSequences: true, name: "decoder" })(embedding({ inputDim: 5, outputDim: 4 })(x));
      return model(
        x,
        last.reduce((z, layer) => timeDistributed(layer)(z), y),
      );
    };
    expectSame(
      chain(hidden()),
      {
        input: int32(
          [3, 5],
          [...whole.data].map((id) => id % 5),
        ),
      },
      "output",
      "input",
    );
    const linear = decodingOf(chain().spec).step(feed("token", "int32", ["batch"]), ({ name, type }) =>
      feed(name, type.dtype, type.shape),
    );
    const weights = weightsOf(chain());
    const feeds = { token: int32([1], [3]), "states/decoder/h": float64([1, 5], [0, 0, 0, 0, 0]) };
    const { logs, h } = evaluate(
      graphOf({ logs: linear.logProbabilities, h: linear.states[0] as Value }),
      feeds,
      weights,
    ).fetches as Record<string, Tensor>;
    const total = Math.log([...(h as Tensor).data].reduce((sum: number, x) => sum + Math.exp(Number(x)), 0));
    (h as Tensor).data.forEach((x: number | bigint, i: number) => {
      expect(logs?.data[i]).toBeCloseTo(Number(x) - total, 10);
    });
  });
});
