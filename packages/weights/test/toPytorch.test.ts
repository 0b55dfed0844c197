/** Weights saved for PyTorch: the names of its modules, and the same weights after loading. */
import { gruCell } from "@ostinato/conformance";
import {
  attention,
  bidirectional,
  ConfigError,
  concatenate,
  decodeSafetensors,
  dense,
  embedding,
  feed,
  float32,
  graphTrained,
  gru,
  input,
  layerNormalization,
  lstm,
  type Model,
  matmul,
  model,
  parametersOf,
  RandomStream,
  recursiveTensor,
  reversibleEmbedding,
  rnn,
  sequential,
  simpleRnn,
  sizeOf,
  state,
  type Trained,
  timeDistributed,
  treeLstm,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { fromNpz, loadPytorch, toNpz, toPytorch } from "../src/index.ts";
import golden from "./golden/pytorch.json" with { type: "json" };

function drawn(network: Model): Trained {
  const random = new RandomStream(1, "weights");
  const weights = parametersOf(network).map(({ name, shape }) => [
    name,
    float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
    ),
  ]);
  return { spec: network.spec, weights: Object.fromEntries(weights) };
}

const shapesIn = (file: Uint8Array): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(decodeSafetensors(file).tensors).map(([name, { shape }]) => [name, shape]));

const tagger = sequential([
  embedding({ inputDim: 5, outputDim: 3, name: "words" }),
  bidirectional(lstm({ units: 2, returnSequences: true }), { name: "first" }),
  bidirectional(lstm({ units: 2, returnSequences: true }), { name: "second" }),
  layerNormalization({ epsilon: 1e-5, name: "norm" }),
  timeDistributed(dense({ units: 3 }), { name: "tags" }),
]);

test("modules are called as the layers", () => {
  const recurrent = (module: string, size: number) =>
    ["", "_reverse"].flatMap((direction) => [
      [`${module}.weight_ih_l0${direction}`, [8, size]],
      [`${module}.weight_hh_l0${direction}`, [8, 2]],
      [`${module}.bias_ih_l0${direction}`, [8]],
      [`${module}.bias_hh_l0${direction}`, [8]],
    ]);
  expect(shapesIn(toPytorch(drawn(tagger)))).toEqual({
    "words.weight": [5, 3],
    ...Object.fromEntries([...recurrent("first", 3), ...recurrent("second", 4)]),
    "norm.weight": [4],
    "norm.bias": [4],
    "tags.weight": [3, 4],
    "tags.bias": [3],
  });
  expect(decodeSafetensors(toPytorch(drawn(tagger))).metadata).toEqual({ format: "pt" });
});

test("a map makes a stack of layers one module", () => {
  const map = { first: "rnn.l0", second: "rnn.l1", words: "embedding", tags: "head.out" };
  const names = Object.keys(shapesIn(toPytorch(drawn(tagger), { map })));
  expect(names.filter((name) => name.startsWith("rnn.weight_hh"))).toEqual([
    "rnn.weight_hh_l0",
    "rnn.weight_hh_l0_reverse",
    "rnn.weight_hh_l1",
    "rnn.weight_hh_l1_reverse",
  ]);
  expect(names.filter((name) => name.startsWith("head"))).toEqual(["head.out.bias", "head.out.weight"]);
});

describe("what is written comes back, bit for bit", () => {
  const x = input({ shape: ["time", 3] });
  const words = reversibleEmbedding({ inputDim: 5, outputDim: 3, useBias: true });
  const twins = () =>
    [dense({ units: 3, name: "b" }), dense({ units: 3, name: "a" }), dense({ units: 3, name: "c" })] as const;
  const networks: Readonly<Record<string, Model>> = {
    tagger,
    tied: sequential([words, gru({ units: 3, returnSequences: true }), words.reverse]),
    twins: sequential([input({ shape: [3] }), ...twins()]),
    attention: model(
      x,
      attention({ scoreMode: "general", useScale: true })([simpleRnn({ units: 3, returnSequences: true })(x), x]),
    ),
    trees: sequential([
      embedding({ inputDim: 5, outputDim: 3, maskZero: true }),
      treeLstm({ units: 3, type: "nary", arity: 2, returnSequences: true }),
      recursiveTensor({ units: 3 }),
    ]),
    plain: sequential([
      x,
      gru({ units: 2, useBias: false }),
      layerNormalization({ center: false }),
      dense({ units: 3, useBias: false }),
    ]),
  };
  test.each(Object.entries(networks))("%s", (_name, network) => {
    const trained = drawn(network);
    const file = toPytorch(trained);
    const back = loadPytorch(network, file);
    expect(back).toEqual(trained);
    expect(Object.keys(back.weights)).toEqual(Object.keys(trained.weights));
    expect(toPytorch(back)).toEqual(file);
  });

  test("what PyTorch saved, but for two biases that have become one", () => {
    const network = sequential([
      input({ shape: ["time", 2] }),
      ...[0, 1, 2].map(() => gru({ units: 3, returnSequences: true })),
    ] as never);
    const saved = decodeSafetensors(new Uint8Array(Buffer.from(golden.stack.file, "base64")));
    const map = { gru: "rnn.l0", gru_1: "rnn.l1", gru_2: "rnn.l2" };
    expect(decodeSafetensors(toPytorch(loadPytorch(network, saved.tensors), { map })).tensors).toEqual(saved.tensors);
  });

  test("cells, and graphs of other libraries, whose weights may be called as those of PyTorch", () => {
    const cells = sequential([input({ shape: ["time", 3] }), rnn([gruCell({ units: 2 }), gruCell({ units: 2 })])]);
    const graph = { fetches: {} as Record<string, Value>, updates: [] };
    const fed = feed("x", "float32", ["batch", 3]);
    const names = ["rnn.weight_ih_l0", "rnn.weight_ih_l0_reverse", "head/kernel", "kernel"];
    graph.fetches.y = names.reduce((x, name) => matmul(x, state(name, "float32", [3, 3])), fed);
    const kept = graphTrained(
      graph,
      Object.fromEntries(names.map((name, i) => [name, float32([3, 3], new Float32Array(9).fill(i))])),
    );
    expect(Object.keys(shapesIn(toPytorch(kept)))).toEqual([
      "model.head.kernel",
      "model.kernel",
      "model.rnn.weight_ih_l0",
      "model.rnn.weight_ih_l0_reverse",
    ]);
    for (const trained of [drawn(cells), kept])
      expect(loadPytorch(trained, toPytorch(trained)).weights).toEqual(trained.weights);
  });

  test("by way of NumPy, too", () => {
    const trained = drawn(tagger);
    const { tensors } = decodeSafetensors(toPytorch(trained));
    expect(loadPytorch(tagger, fromNpz(toNpz(tensors)))).toEqual(trained);
  });

  test("the parameters of losses that are kept with the model", () => {
    const spec = sequential([input({ shape: [3] }), dense({ units: 2 })]).spec;
    const losses = { output: { kind: "crf", options: {}, parameters: { transitions: [2, 2] } } };
    const transitions = float32([2, 2], [1, 2, 3, 4]);
    const trained = { spec, losses, weights: { ...drawn({ spec }).weights, "output/crf/transitions": transitions } };
    expect(Object.keys(shapesIn(toPytorch(trained)))).toContain("output.crf.transitions");
    expect(loadPytorch(trained, toPytorch(trained))).toEqual(trained);
  });
});

test("tied weights are written once, and the metadata have their other name", () => {
  const words = reversibleEmbedding({ inputDim: 5, outputDim: 3, useBias: true, name: "words" });
  const trained = drawn(sequential([words, words.reverse]));
  const { tensors, metadata } = decodeSafetensors(toPytorch(trained, { map: { "words/reverse": "out" } }));
  expect(Object.keys(tensors)).toEqual(["out.bias", "words.weight"]);
  expect(metadata).toEqual({ format: "pt", "out.weight": "words.weight" });
});

test("two parts of one name, options that there are not, and a model without weights", () => {
  const trained = drawn(tagger);
  expect(() => toPytorch(trained, { map: { first: "rnn", second: "rnn" } })).toThrow(
    new ConfigError(
      'toPytorch: lstm "second/forward" and another part would both be "rnn.weight_ih_l0"; give them different names with map',
    ),
  );
  expect(() => toPytorch(trained, { map: { third: "rnn" } })).toThrow(/map names the part "third"/);
  expect(() => toPytorch(trained, { strict: true } as never)).toThrow(/no option "strict"/);
  expect(() => toPytorch(tagger as never)).toThrow(ConfigError);
  expect(() => toPytorch({ spec: tagger.spec, weights: {} })).toThrow(/the weight "words\/embeddings" is missing/);
});

describe("parts that no module of PyTorch has", () => {
  const stack = (...layers: readonly unknown[]) =>
    drawn(sequential([input({ shape: ["time", 2] }), ...layers] as never));
  const step = { returnSequences: true, units: 2 } as const;
  const [a, b] = [
    { ...step, name: "a" },
    { ...step, name: "b" },
  ];
  test.each<[what: string, trained: Trained, map: Record<string, string>, message: string]>([
    [
      "a gap",
      stack(lstm(a), lstm(b)),
      { a: "rnn.l0", b: "rnn.l3" },
      'the module "rnn" would have l0, l3 but no l1; number its layers in map from 0 without gaps',
    ],
    [
      "no first layer",
      stack(lstm(a)),
      { a: "rnn.l1" },
      'the module "rnn" would have l1 but no l0; number its layers in map from 0 without gaps',
    ],
    [
      "another kind",
      stack(lstm(a), gru(b)),
      { a: "rnn.l0", b: "rnn.l1" },
      'lstm "a" and gru "b" would be one module "rnn", but the first is a nn.LSTM(hidden_size=2) and the second a nn.GRU(hidden_size=2); give them different modules with map',
    ],
    [
      "another size",
      stack(lstm(a), lstm({ ...b, units: 3 })),
      { a: "rnn.l0", b: "rnn.l1" },
      "the first is a nn.LSTM(hidden_size=2) and the second a nn.LSTM(hidden_size=3)",
    ],
    [
      "another activation",
      stack(simpleRnn(a), simpleRnn({ ...b, activation: "relu" })),
      { a: "rnn.l0", b: "rnn.l1" },
      'nn.RNN(hidden_size=2) and the second a nn.RNN(hidden_size=2, nonlinearity="relu")',
    ],
    [
      "biases in one of two",
      stack(gru(a), gru({ ...b, useBias: false })),
      { a: "rnn.l0", b: "rnn.l1" },
      "nn.GRU(hidden_size=2) and the second a nn.GRU(hidden_size=2, bias=False)",
    ],
    [
      "no layer of a recurrence",
      stack(gru(a), dense({ units: 2, name: "b" })),
      { a: "rnn", b: "rnn" },
      'gru "a" and dense "b" would be one module "rnn"',
    ],
    [
      "another input",
      stack(gru(a), dense({ units: 3, name: "c" }), gru(b)),
      { a: "rnn.l0", b: "rnn.l1" },
      'gru "b" reads 3 features, but l1 of the module "rnn" would read 2, the outputs of l0; give it a module of its own with map',
    ],
    [
      "one direction of two",
      stack(bidirectional(gru(a), { mergeMode: "sum", name: "a" }), gru(b)),
      { a: "rnn.l0", b: "rnn.l1" },
      'gru "b" would be the only direction of l1 in the bidirectional module "rnn"; each of its layers needs both directions',
    ],
    [
      "end to start alone",
      stack(gru({ ...a, reverse: true })),
      { a: "rnn.l0_reverse" },
      'gru "a" would be the only direction of l0 in the bidirectional module "rnn"',
    ],
    [
      "directions of two kinds",
      stack(bidirectional(gru(a), { backwardLayer: lstm({ ...step, reverse: true }), name: "a" })),
      {},
      'gru "a/forward" and lstm "a/backward" would be one module "a"',
    ],
    [
      "end to start",
      stack(gru({ ...a, reverse: true })),
      {},
      'gru "a" reads rows from end to start, but "a.l0" of a PyTorch module reads from start to end; use bidirectional, or map a forward layer to "rnn.l0" and one with reverse: true to "rnn.l0_reverse"',
    ],
    [
      "start to end",
      stack(gru(a), gru(b)),
      { a: "rnn.l0", b: "rnn.l0_reverse" },
      'gru "b" reads rows from start to end, but "rnn.l0_reverse" of a PyTorch module reads from end to start',
    ],
  ])("%s", (_what, trained, map, message) => {
    const save = () => toPytorch(trained, { map });
    expect(save).toThrow(ConfigError);
    expect(save).toThrow(message);
  });

  test("directions that read something else", () => {
    const [x, z] = [input({ shape: ["time", 2], name: "x" }), input({ shape: ["time", 3], name: "z" })];
    const joined = concatenate()([gru(a)(x), gru({ ...b, reverse: true })(z)]);
    const save = () =>
      toPytorch(drawn(model([x, z], dense({ units: 1 })(joined))), { map: { a: "rnn", b: "rnn.l0_reverse" } });
    expect(save).toThrow('gru "b" reads 3 features, but l0 of the module "rnn" would read 2; give it a module');
  });

  test("two layers that read to and fro are the directions of one", () => {
    const x = input({ shape: ["time", 2], name: "x" });
    const trained = drawn(model(x, dense({ units: 1 })(concatenate()([gru(a)(x), gru({ ...b, reverse: true })(x)]))));
    const names = Object.keys(shapesIn(toPytorch(trained, { map: { a: "rnn.l0", b: "rnn.l0_reverse" } })));
    expect(names).toContain("rnn.weight_ih_l0");
    expect(names).toContain("rnn.weight_ih_l0_reverse");
  });
});
