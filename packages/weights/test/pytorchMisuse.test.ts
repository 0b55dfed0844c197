/** State dicts that do not fit: one error with the expected and actual tensors and the solution. */
import {
  additiveAttention,
  attention,
  bidirectional,
  ConfigError,
  dense,
  embedding,
  encodeSafetensors,
  float32,
  float64,
  gru,
  input,
  int32,
  lstm,
  type Model,
  ModelFileError,
  model,
  parametersOf,
  reversibleEmbedding,
  sequential,
  simpleRnn,
  type Tensor,
  type Tensors,
  type Trained,
  zeros,
} from "@ostinato/core";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { type LoadPytorchOptions, loadPytorch, toNpz, toPytorch } from "../src/index.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Tensors of these shapes with different numbers. */
function tensors(shapes: Shapes): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const { data } = zeros("float32", shape);
      return [name, float32(shape, data.map((_, k) => i + 1 + k / 64))]; // biome-ignore format: one line
    }),
  );
}

const rnn = (module: string, gates: number, size: number, units: number): Shapes => ({
  [`${module}.weight_ih_l0`]: [gates * units, size],
  [`${module}.weight_hh_l0`]: [gates * units, units],
  [`${module}.bias_ih_l0`]: [gates * units],
  [`${module}.bias_hh_l0`]: [gates * units],
});
const linear = (module: string, features: number, units: number): Shapes => ({
  [`${module}.weight`]: [units, features],
  [`${module}.bias`]: [units],
});

const classifier = sequential([
  embedding({ inputDim: 5, outputDim: 3, name: "words" }),
  lstm({ units: 2, name: "encoder" }),
  dense({ units: 2, name: "head" }),
]);
const whole: Shapes = { "emb.weight": [5, 3], ...rnn("rnn", 4, 3, 2), ...linear("fc", 2, 2) };

const load = (network: Model | Trained, shapes: Shapes, options?: LoadPytorchOptions) => () =>
  loadPytorch(network, tensors(shapes), options);

function expectProblems(act: () => unknown, ...problems: readonly string[]): void {
  expect(act).toThrow(ModelFileError);
  expect(act).toThrow(
    ["loadPytorch: the file does not fit the model:", ...problems.map((text) => `- ${text}`)].join("\n"),
  );
}

describe("what is missing and what is left over", () => {
  test("a module of another shape is told beside what the model needs", () => {
    expectProblems(
      load(classifier, { ...whole, ...linear("fc", 2, 3), ...rnn("rnn", 4, 3, 2) }),
      'dense "head" needs weight [2, 2] and bias [2], but fc of the file has weight [3, 2] and bias [3]',
      "the file also has fc.weight [3, 2] and fc.bias [3]; use strict: false to ignore them",
    );
  });

  test("all problems are in one error", () => {
    const { "emb.weight": _, ...rest } = whole;
    expectProblems(
      load(classifier, { ...rest, ...linear("aux", 7, 7) }),
      'embedding "words" needs weight [5, 3], but the file has no such module',
      "the file also has aux.weight [7, 7] and aux.bias [7]; use strict: false to ignore them",
    );
  });

  test("a bias that one side lacks is told with the option", () => {
    const { "fc.bias": _, ...without } = whole;
    expect(load(classifier, without)).toThrow(
      /fc of the file has weight \[2, 2\]; create the layer with useBias: false/,
    );
    const plain = sequential([
      embedding({ inputDim: 5, outputDim: 3 }),
      lstm({ units: 2, useBias: false }),
      dense({ units: 2 }),
    ]);
    expect(load(plain, whole)).toThrow(/lstm "lstm" needs .*; create the layer with useBias: true/);
  });

  test("a stack with fewer layers than the file", () => {
    expect(load(classifier, { ...whole, ...rnn("second", 4, 9, 9) })).toThrow(
      /also has second.weight_ih_l0 \[36, 9\], second.weight_hh_l0 \[36, 9\]/,
    );
  });

  test("with strict: false a trained model keeps what the file does not have, and what is left over is left out", () => {
    const trained = loadPytorch(classifier, tensors(whole));
    const { "emb.weight": _, ...rest } = whole;
    const other = { ...trained, metadata: { by: "hand" } };
    const again = load(other, { ...rest, ...linear("aux", 7, 7) }, { strict: false })();
    expect(again.weights["words/embeddings"]).toBe(trained.weights["words/embeddings"]);
    expect(Object.keys(again.weights)).toEqual(Object.keys(trained.weights));
    expect(again.weights["head/bias"]).not.toBe(trained.weights["head/bias"]);
    expect(again.metadata).toEqual({ by: "hand" });
    expect(load(classifier, rest, { strict: false })).toThrow(/pass a Trained instead of the model/);
    // If nothing of a file is used, it is probably the wrong file.
    expect(load(trained, linear("aux", 7, 7), { strict: false })).toThrow(/dense "head" needs weight \[2, 2\]/);
  });
});

describe("what is ambiguous", () => {
  const x = input({ shape: [3] });
  const twins = model(x, dense({ units: 3, name: "b" })(dense({ units: 3, name: "a" })(x)));
  const [one, two] = [linear("one", 3, 3), linear("two", 3, 3)];

  test("modules of the same shapes are told with a map to write", () => {
    expectProblems(
      load(twins, { ...two, ...one }),
      'dense "a" and dense "b" could each be two or one, which have the same shapes (weight [3, 3] and bias [3]); say which: map: { a: "two", b: "one" }',
    );
    const mapped = load(twins, { ...one, ...two }, { map: { a: "two", b: "one" } })();
    const data = (name: string) => mapped.weights[name]?.data[0];
    expect([data("a/bias"), data("b/bias")]).toEqual([4, 2]);
    const byFunction = load(twins, { ...one, ...two }, { map: (part) => ({ a: "two" })[part] })();
    expect(byFunction).toEqual(mapped);
  });

  test("names that end in a number are no order, a list of modules is one", () => {
    expect(load(twins, { ...linear("fc2", 3, 3), ...linear("fc1", 3, 3) })).toThrow(/could each be fc2 or fc1/);
    const listed = load(twins, { ...linear("net.10", 3, 3), ...linear("net.2", 3, 3) })();
    expect(listed.weights["a/bias"]?.data[0]).toBe(4);
  });

  test("one of two modules, and two of one", () => {
    const single = sequential([input({ shape: [3] }), dense({ units: 3 })]);
    expect(load(single, { ...one, ...two })).toThrow(/dense "dense" could be one or two, which have the same shapes/);
    expect(load(twins, one)).toThrow(/dense "a" and dense "b" could each be one, the only module of its shapes/);
    // If the map says so, both use it.
    const shared = load(twins, one, { map: { a: "one", b: "one" } })();
    expect(shared.weights["a/kernel"]).toEqual(shared.weights["b/kernel"]);
  });

  test("modules with the same numbers are no choice", () => {
    const same = tensors(one);
    const copies = { ...same, "two.weight": same["one.weight"] as Tensor, "two.bias": same["one.bias"] as Tensor };
    expect(loadPytorch(twins, copies).weights["b/bias"]?.data[0]).toBe(2);
  });
});

describe("maps", () => {
  test("a part that is not there, a module that is not there, a module that does not fit", () => {
    expect(load(classifier, whole, { map: { tail: "fc" } })).toThrow(
      new ConfigError('loadPytorch: map names the part "tail", but the parts of the model are words, encoder, head'),
    );
    expectProblems(
      load(classifier, whole, { map: { head: "classifier" } }),
      'map assigns "classifier" to dense "head", but the file has emb, rnn.l0 and fc',
      "the file also has fc.weight [2, 2] and fc.bias [2]; use strict: false to ignore them",
    );
    expect(load(classifier, whole, { map: { head: "emb" } })).toThrow(
      /dense "head" needs weight .* emb of the file has weight \[5, 3\]/,
    );
  });

  test("what is no map", () => {
    expect(load(classifier, whole, { map: "rnn" as never })).toThrow(ConfigError);
    expect(load(classifier, whole, { map: { head: 3 as never } })).toThrow(/must give the name of a module for "head"/);
    expect(load(classifier, whole, { maps: {} } as never)).toThrow(/has no option "maps"/);
  });

  test("both directions of a layer by its name, or each by its own", () => {
    const both = sequential([input({ shape: ["time", 3] }), bidirectional(gru({ units: 2 }), { name: "reader" })]);
    const reverse = Object.fromEntries(
      Object.entries(rnn("enc", 3, 3, 2)).map(([name, shape]) => [`${name}_reverse`, shape]),
    );
    const shapes = { ...rnn("enc", 3, 3, 2), ...reverse };
    const byOrder = load(both, shapes)();
    expect(load(both, shapes, { map: { reader: "enc" } })()).toEqual(byOrder);
    expect(load(both, shapes, { map: { reader: "enc.l0" } })()).toEqual(byOrder);
    expect(load(both, shapes, { map: { "reader/forward": "enc.l0", "reader/backward": "enc.l0_reverse" } })()).toEqual(
      byOrder,
    );
    expect(byOrder.weights["reader/backward/B"]?.data[0]).toBe(9 - 2 + 2 / 64 + 0);
  });
});

describe("wrapped models", () => {
  test.each(["module.", "_orig_mod.", "model.", "module._orig_mod.model."])(
    "%s before all names is taken off",
    (wrapper) => {
      const wrapped = Object.fromEntries(Object.entries(whole).map(([name, shape]) => [`${wrapper}${name}`, shape]));
      expect(load(classifier, wrapped)()).toEqual(load(classifier, whole)());
      expect(load(classifier, wrapped, { map: { head: `${wrapper}fc` } })()).toEqual(load(classifier, whole)());
    },
  );

  test("before some of them it is part of the name", () => {
    const { "fc.weight": weight, "fc.bias": bias, ...rest } = whole as Record<string, readonly number[]>;
    const shapes = { ...rest, "model.fc.weight": weight ?? [], "model.fc.bias": bias ?? [] };
    expect(load(classifier, shapes, { map: { head: "model.fc" } })()).toEqual(load(classifier, whole)());
  });
});

describe("what cannot be read", () => {
  const refused: readonly (readonly [string, Shapes, RegExp])[] = [
    ["proj_size", { "rnn.weight_hr_l0": [2, 2] }, /"rnn.weight_hr_l0" belongs to an LSTM with proj_size/],
    ["weight_norm", { "fc.weight_g": [2, 1], "fc.weight_v": [2, 2] }, /remove_weight_norm/],
    ["weight_norm of a recurrence", { "rnn.weight_hh_l0_g": [8, 1] }, /remove_weight_norm/],
    ["parametrizations", { "fc.parametrizations.weight.original0": [2, 1] }, /remove_parametrizations/],
    ["spectral_norm", { "fc.weight_orig": [2, 1] }, /spectral_norm/],
    ["buffers of other modules", { "attn.causal_mask": [2, 2] }, /also has attn.causal_mask \[2, 2\]/],
    [
      "BatchNorm",
      { "bn.running_mean": [2], "bn.num_batches_tracked": [] },
      /also has bn.running_mean \[2\] and bn.num_batches_tracked \[\]/,
    ],
    ["MultiheadAttention", { "attn.in_proj_weight": [6, 2] }, /MultiheadAttention.*importOnnx/],
  ];
  test.each(refused)("%s", (_name, shapes, message) => {
    expect(load(classifier, { ...whole, ...shapes })).toThrow(ModelFileError);
    expect(load(classifier, { ...whole, ...shapes })).toThrow(message);
  });

  test("quantized and too large numbers", () => {
    const given = (tensor: Tensor): Tensors => ({ ...tensors(whole), "fc.bias": tensor });
    expect(() => loadPytorch(classifier, given(int32([2], [1, 2])))).toThrow(
      /"fc.bias" contains integers; .* before quantization/,
    );
    expect(() => loadPytorch(classifier, given(float64([2], [1, 1e300])))).toThrow(
      /"fc.bias" contains numbers outside the range/,
    );
    const rounded = loadPytorch(classifier, given(float64([2], [0.1, Number.POSITIVE_INFINITY])));
    expect(rounded.weights["head/bias"]).toEqual(float32([2], [0.1, Number.POSITIVE_INFINITY]));
  });

  test("files of other kinds, with what reads them", () => {
    const read = (bytes: Uint8Array) => () => loadPytorch(classifier, bytes);
    const pickled = zipSync({ "model/data.pkl": new Uint8Array(9), "model/data/0": new Uint8Array(9) });
    expect(read(pickled)).toThrow(ModelFileError);
    expect(read(pickled)).toThrow(
      /a torch.save file. It is a pickle.*\n.*from safetensors.torch import save_file\n {2}save_file\(/,
    );
    const old = Uint8Array.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]);
    expect(read(old)).toThrow(/an old torch.save file/);
    expect(read(toNpz(tensors(whole)))).toThrow(/with fromNpz/);
    expect(read(Uint8Array.from([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]))).toThrow(/HDF5/);
    expect(read(new Uint8Array(30))).toThrow(/not a safetensors file/);
    expect(() => loadPytorch(classifier, "model.pt" as never)).toThrow(ModelFileError);
  });

  test("what is no model, and what are no tensors", () => {
    expect(() => loadPytorch({} as never, tensors(whole))).toThrow(ConfigError);
    expect(() => loadPytorch(classifier, { tensors: tensors(whole), metadata: {} } as never)).toThrow(
      /"tensors" is not a tensor/,
    );
  });
});

describe("layers that PyTorch does not have", () => {
  const over = (layer: Parameters<typeof sequential>[0][1]) =>
    sequential([input({ shape: ["time", 3] }), layer] as never);
  const networks: readonly (readonly [Model, RegExp])[] = [
    [over(gru({ units: 2, resetAfter: false })), /gru "gru" has resetAfter: false, .* only supports true/],
    [over(lstm({ units: 2, activation: "relu" })), /lstm "lstm" has activation: "relu", .* only supports "tanh"/],
    [over(simpleRnn({ units: 2, activation: "sigmoid" })), /only supports "tanh" or "relu"/],
    [
      over(bidirectional(lstm({ units: 2, reverse: true }), { name: "both" })),
      /bidirectional "both" has its backward layer first/,
    ],
  ];
  test.each(networks)("%#", (network, message) => {
    expect(load(network, whole)).toThrow(ConfigError);
    expect(load(network, whole)).toThrow(message);
    const weights = parametersOf(network).map(({ name, shape }) => [name, zeros("float32", shape)]);
    expect(() => toPytorch({ ...network, weights: Object.fromEntries(weights) })).toThrow(message);
  });

  test("their parameters have the same names and layout", () => {
    const [x, y] = [input({ name: "x", shape: ["xTime", 3] }), input({ name: "y", shape: ["yTime", 3] })];
    const attended = attention({ scoreMode: "general", name: "first" })([x, y]);
    const network = model([x, y], additiveAttention({ units: 2, name: "second" })([attended, y]));
    const shapes = {
      "first.kernel": [3, 3],
      "second.queryKernel": [3, 2],
      "second.keyKernel": [3, 2],
      "second.scale": [2],
    };
    expect(load(network, shapes)().weights["second/keyKernel"]).toEqual(tensors(shapes)["second.keyKernel"]);
  });
});

describe("tied weights", () => {
  const words = reversibleEmbedding({ inputDim: 5, outputDim: 3, useBias: true, name: "words" });
  const network = sequential([words, words.reverse]);
  const table = tensors({ "emb.weight": [5, 3] })["emb.weight"] as Tensor;
  const bias = tensors({ bias: [5] }).bias as Tensor;

  test("the output is the module with the same weight, in the file or by its metadata", () => {
    const separate = loadPytorch(network, { "emb.weight": table, "out.weight": table, "out.bias": bias });
    expect(Object.keys(separate.weights)).toEqual(["words/embeddings", "words/bias"]);
    const metadata = { "emb.weight": "out.weight" };
    const shared = encodeSafetensors({ tensors: { "out.weight": table, "out.bias": bias } as Tensors, metadata });
    expect(loadPytorch(network, shared)).toEqual(separate);
    expect(loadPytorch(network, { "emb.weight": table, "out.bias": bias })).toEqual(separate);
  });

  test("where it is another weight, that is told", () => {
    const other = { "emb.weight": table, "out.weight": float32([5, 3], new Float32Array(15)), "out.bias": bias };
    expect(() => loadPytorch(network, other)).toThrow(
      /the reverse of reversibleEmbedding "words" needs weight \[5, 3\] and bias \[5\]/,
    );
    expect(() => loadPytorch(network, other, { map: { "words/reverse": "out" } })).toThrow(
      /tied with the embedding .* if the weights differ, use embedding and dense/,
    );
  });
});
