/** Features that only Keras or only Ostinato has are rejected by name, with the alternative; ambiguous files and maps are rejected. */
import {
  activation,
  add,
  attention,
  ConfigError,
  concatenate,
  dense,
  embedding,
  float32,
  globalMaxPooling1d,
  gru,
  input,
  lastStep,
  lstm,
  type Model,
  ModelFileError,
  model,
  parametersOf,
  repeatAlong,
  sequential,
  type Trained,
  timeDistributed,
  treeLstm,
  UnsupportedOpError,
  zeros,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { exportKeras, importKeras, loadKeras, toPytorch } from "../src/index.ts";
import { openZip, writeZip } from "../src/zip.ts";
import { kerasCases } from "./kerasFiles.ts";

const zeroWeights = ({ spec }: Model): Trained => ({
  spec,
  weights: Object.fromEntries(parametersOf({ spec }).map(({ name, shape }) => [name, zeros("float32", shape)])),
});

/** A layer of a description, for editing. */
interface Described {
  class_name: string;
  module: string;
  config: Record<string, unknown>;
  inbound_nodes: { args: unknown[]; kwargs: Record<string, unknown> }[];
}
interface Config {
  class_name: string;
  config: { layers: Described[]; [name: string]: unknown };
}

/** An archive with a modified description. */
function edited(bytes: Uint8Array, edit: (config: Config, layer: (name: string) => Described) => unknown): Uint8Array {
  const { names, member } = openZip(bytes);
  const config = JSON.parse(new TextDecoder().decode(member("config.json")));
  const layer = (name: string): Described => config.config.layers.find((one: Described) => one.config.name === name);
  const other = edit(config, layer);
  const json = new TextEncoder().encode(typeof other === "string" ? other : JSON.stringify(config));
  return writeZip(Object.fromEntries(names.map((name) => [name, name === "config.json" ? json : member(name)])));
}

const chain = exportKeras(
  zeroWeights(
    sequential([
      embedding({ inputDim: 5, outputDim: 2, maskZero: true }),
      lstm({ units: 2, returnSequences: true }),
      gru({ units: 2 }),
      activation({ activation: "relu" }),
      dense({ units: 1 }),
    ]),
  ),
);

const { everything } = kerasCases;

describe("descriptions", () => {
  type Edit = Parameters<typeof edited>[1];
  const policy = { class_name: "DTypePolicy", config: { name: "mixed_float16" } };
  const refusals: readonly (readonly [string, Uint8Array, Edit, RegExp])[] = [
    ["a layer that there is none of", chain, (_, layer) => { layer("dense").class_name = "Conv1D"; }, /Keras's Conv1D "dense" is not supported; there are Embedding, .*LSTM.*Export the model as ONNX, which importOnnx may read: .*; or write the layer with defineLayer, and pass its weights by name \(fromNpz\)$/],
    ["layers of text", chain, (_, layer) => { layer("dense").class_name = "TextVectorization"; }, /save the model without it, and use a vocabulary with the same words/],
    ["an option that there is none of", chain, (_, layer) => { layer("lstm").config.time_major = true; }, /Keras's LSTM "lstm": time_major is true; this option is not supported/],
    ["a constraint", chain, (_, layer) => { layer("dense").config.kernel_constraint = { class_name: "NonNeg" }; }, /kernel_constraint is \{"class_name":"NonNeg"\}/],
    ["half precision", chain, (_, layer) => { layer("lstm").config.dtype = policy; }, /computes in "mixed_float16", but only float32 is supported; .*set_dtype_policy/],
    ["an activation", chain, (_, layer) => { layer("dense").config.activation = "mish"; }, /activation is "mish", which is not supported; supported are linear, relu,/],
    ["an activation that is called as what all objects have", chain, (_, layer) => { layer("dense").config.activation = "constructor"; }, /activation is "constructor", which is not supported/],
    ["a function of somebody's own", chain, (_, layer) => { layer("dense").config.activation = { class_name: "function", config: "mine" }; }, /activation is .*"mine".*not supported/],
    ["a regularizer", chain, (_, layer) => { layer("dense").config.kernel_regularizer = { class_name: "OrthogonalRegularizer", config: {} }; }, /kernel_regularizer is "OrthogonalRegularizer", which is not supported/],
    ["steps in the order of reading", chain, (_, layer) => { layer("lstm").config.go_backwards = true; }, /go_backwards with return_sequences reverses the order of the steps/],
    ["another axis", chain, (_, layer) => { Object.assign(layer("activation"), { class_name: "Softmax", config: { name: "activation", axis: 1 } }); }, /axis is 1; it must be the last axis/],
    ["another slope", chain, (_, layer) => { Object.assign(layer("activation"), { class_name: "LeakyReLU", config: { name: "activation", negative_slope: 0.3 } }); }, /negative_slope is 0.3; it must be 0.2/],
    ["a model of code", chain, (config) => { config.class_name = "MyModel"; }, /which is neither a Sequential nor a Functional model; .* load only its weights with loadKeras/],
    ["texts as inputs", chain, (config) => { (config.config.layers[0] as Described).config.dtype = "string"; }, /has the type "string"/],
    ["no input", chain, (config) => { config.config.layers.shift(); }, /has no shape for the input "input"; call the model, or add an Input/],
    ["a layer in training", everything.keras, (_, layer) => { (layer("dropout").inbound_nodes[0] as Described["inbound_nodes"][0]).kwargs.training = true; }, /is called with training=True/],
    ["an argument", everything.keras, (_, layer) => { (layer("dense").inbound_nodes[0] as Described["inbound_nodes"][0]).kwargs.scale = 2; }, /is called with scale=2, which is not supported/],
    ["two calls that differ", everything.keras, (_, layer) => { const nodes = layer("attention_1").inbound_nodes; nodes.push({ ...(nodes[0] as Described["inbound_nodes"][0]), kwargs: {} }); }, /is called with and without use_causal_mask/],
    ["a mask of its own", everything.keras, (_, layer) => { (layer("not_equal").inbound_nodes[0] as Described["inbound_nodes"][0]).args[1] = 5; }, /is called with a custom mask; .*Embedding\(mask_zero=True\) and Masking/],
    ["an operation", everything.keras, (config, layer) => { const mask = (layer("lstm").inbound_nodes[0] as Described["inbound_nodes"][0]).kwargs.mask; (layer("dense").inbound_nodes[0] as Described["inbound_nodes"][0]).args = [mask]; return config; }, /reads the operation "NotEqual" \("not_equal"\), which is not supported/],
    ["a circle", everything.keras, (_, layer) => { (layer("embedding").inbound_nodes[0] as Described["inbound_nodes"][0]).args = (layer("dense").inbound_nodes[0] as Described["inbound_nodes"][0]).args; }, /form a cycle, or read something that does not exist/],
    ["brackets", chain, () => `${"[".repeat(100_000)}`, /config.json is nested more than 200 levels deep/],
    ["no JSON", chain, () => "{", /config.json is not JSON/],
    ["other layers than the weights are of", chain, (_, layer) => { layer("dense").config.units = 3; }, /Keras's Dense "dense" has the weights \[2, 1\], \[1\] in the file, but needs kernel \[2, 3\], bias \[3\]/],
  ]; // biome-ignore format: a table

  test.each(refusals)("%s", (_name, bytes, edit, message) => {
    const read = () => importKeras(edited(bytes, edit));
    expect(read).toThrow(ModelFileError);
    expect(read).toThrow(message);
  });

  /** A model that calls a nested model ten times, which does the same, and so on. */
  function nested(depth: number, innermost: unknown[]): object {
    const read = (layer: string, call: number) => ({
      args: [{ class_name: "__keras_tensor__", config: { keras_history: [layer, call, 0] } }],
      kwargs: {},
    });
    const calls = Array.from({ length: 10 }, (_, call) => (call === 0 ? read("x", 0) : read("y", call - 1)));
    const y = depth === 0 ? innermost : [{ ...nested(depth - 1, innermost), name: "y", inbound_nodes: calls }];
    return {
      class_name: "Functional",
      config: {
        layers: [
          { class_name: "InputLayer", config: { name: "x", batch_shape: [null, 1] }, name: "x", inbound_nodes: [] },
          ...y,
        ],
        input_layers: ["x", 0, 0],
        output_layers: depth === 0 ? ["x", 0, 0] : ["y", 10, 0],
      },
    };
  }

  test("models inside of each other that are applied until there are too many calls", () => {
    const x = [{ class_name: "__keras_tensor__", config: { keras_history: ["x", 0, 0] } }];
    const layer = { class_name: "ReLU", config: { name: "z" }, name: "z", inbound_nodes: [{ args: x, kwargs: {} }] };
    for (const innermost of [[], [layer]]) {
      const bomb = edited(chain, () => JSON.stringify(nested(12, innermost)));
      expect(() => importKeras(bomb)).toThrow(/it has more than \d+ (calls of layers|steps)/);
    }
    expect(() => importKeras(edited(chain, () => JSON.stringify(nested(25, []))))).toThrow(/more than 20 levels deep/);
  });

  test("rounded numbers and what changes nothing is taken", () => {
    const other = edited(chain, (_, layer) => {
      Object.assign(layer("activation"), {
        class_name: "LeakyReLU",
        config: { name: "activation", negative_slope: 0.20000000298 },
      });
      Object.assign(layer("lstm").config, { unroll: true, use_cudnn: "auto", seed: 3, zero_output_for_mask: true });
      Object.assign(layer("dense").config, { kernel_initializer: { class_name: "VarianceScaling", config: {} } });
    });
    expect(importKeras(other).spec.layers[3]?.config).toEqual({ activation: "leakyRelu" });
  });
});

describe("masks that mean something else", () => {
  const ids = () => input({ shape: ["time"] });
  const words = () => embedding({ inputDim: 5, outputDim: 2, maskZero: true });
  const plain = embedding({ inputDim: 5, outputDim: 2, name: "plain" });
  const cases: readonly (readonly [string, () => Model, RegExp])[] = [
    ["a maximum over masked steps", () => sequential([words(), globalMaxPooling1d()]), /Keras includes masked steps/],
    ["a sum with what has no mask", () => { const x = ids(); return model(x, dense({ units: 1 })(add()([words()(x), plain(x)]))); }, /its inputs have different masks/],
    ["keys with a mask that values have not", () => { const x = ids(); return model(x, attention()([words()(x), plain(x), words()(x)])); }, /its key has a mask and its value has none/],
    ["initial states without a mask", () => { const x = ids(); const [y, h, c] = lstm({ units: 2, returnState: true, returnSequences: true })(words()(x)); return model(x, lstm({ units: 2 })(y, { initialState: [h, c] })); }, /it is called with initial states and without a mask/],
  ]; // biome-ignore format: a table

  test.each(cases)("%s", (_name, make, message) => {
    const written = () => exportKeras(zeroWeights(make()));
    expect(written).toThrow(UnsupportedOpError);
    expect(written).toThrow(message);
    expect(written).toThrow(/exportOnnx supports every model/);
  });

  test("they are read where that is wanted", () => {
    const pooled = edited(
      chain,
      (_, layer) =>
        Object.assign(layer("gru"), { class_name: "GlobalMaxPooling1D", config: { name: "gru" } }) && undefined,
    );
    expect(() => importKeras(pooled)).toThrow(/pass \{ acceptDifferences: true \}/);
    expect(importKeras(pooled, { acceptDifferences: true }).spec.layers[2]?.kind).toBe("globalMaxPooling1d");
  });
});

describe("models that Keras has not", () => {
  const x = () => input({ shape: ["time", 2] });
  const cases: readonly (readonly [string, () => Model, RegExp])[] = [
    ["last steps", () => sequential([x(), lastStep()]), /lastStep "lastStep" has no Keras equivalent; .*exportOnnx supports every model/],
    ["vectors along sequences", () => { const [a, b] = [input({ shape: [2], name: "a" }), x()]; return model([a, b], repeatAlong()([a, b])); }, /repeatAlong "repeatAlong" has no Keras equivalent/],
    ["scores of another kind", () => { const a = x(); return model(a, attention({ scoreMode: "scaled", name: "look" })([a, a])); }, /attention "look": scoreMode is "scaled", which Keras's Attention does not support/],
    ["queries of features", () => { const [a, b] = [input({ shape: [2], name: "a" }), x()]; return model([a, b], attention()([a, b])); }, /has features as its query, but Keras requires a sequence/],
    ["states that go on", () => sequential([x(), gru({ units: 2, stateful: true })]), /stateful is true/],
    ["steps that keep their places", () => sequential([x(), gru({ units: 2, reverse: true, returnSequences: true })]), /Keras reverses the order of the steps/],
    ["trees", () => sequential([input({ shape: ["time", 2], tree: true }), treeLstm({ units: 2 })]), /Keras has no layers of trees/],
    ["lengths of inputs", () => sequential([input({ shape: ["time", 2], lengths: true }), gru({ units: 2 })]), /has lengths: true, which Keras does not support/],
  ]; // biome-ignore format: a table

  test.each(cases)("%s", (_name, make, message) => {
    const written = () => exportKeras(zeroWeights(make()));
    expect(written).toThrow(UnsupportedOpError);
    expect(written).toThrow(message);
  });
});

test("vocabulary, metadata and losses come back", () => {
  const trained = zeroWeights(sequential([input({ shape: ["time", 2] }), timeDistributed(dense({ units: 3 }))]));
  const losses = { output: { kind: "crf", options: {}, parameters: { transitions: [3, 3] } } };
  const full: Trained = {
    spec: trained.spec,
    weights: { ...trained.weights, "output/crf/transitions": float32([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]) },
    losses,
    vocabulary: { words: ["a", "b"] },
    metadata: { note: "mine" },
  };
  expect(importKeras(exportKeras(full))).toEqual(full);
});

test("files of something else", () => {
  expect(() => importKeras(new Uint8Array(100))).toThrow(
    "this is not a Keras file: it is neither a .keras archive nor an HDF5 file",
  );
  expect(() => importKeras(writeZip({ x: new Uint8Array(3) }))).toThrow('no member "config.json"');
  expect(() => importKeras(writeZip({ "config.json": new Uint8Array(3) }))).toThrow(
    "the .keras archive has no model.weights.h5",
  );
  expect(() => importKeras(writeZip({ "../x": new Uint8Array(3) }))).toThrow(
    'a member "../x", a path outside its folder',
  );
  expect(() => importKeras(kerasCases.small.weights)).toThrow(ConfigError);
  expect(() => importKeras(kerasCases.small.weights)).toThrow(
    "build the model and load them with loadKeras(model, bytes)",
  );
});

describe("weights for a model of ours", () => {
  const { weights } = kerasCases.chain;
  const own = (names: readonly [string, string] = ["a", "b"]) => {
    const x = input({ shape: ["time", 2] });
    const [first, second] = names.map((name) => lstm({ units: 2, returnSequences: true, name })) as [
      ReturnType<typeof lstm>,
      ReturnType<typeof lstm>,
    ];
    return model(x, concatenate()([first(x), second(x)] as never));
  };

  test("what is missing and what is left over is told in one error", () => {
    const small = sequential([
      embedding({ inputDim: 12, outputDim: 4 }),
      gru({ units: 3, name: "reader" }),
      dense({ units: 2 }),
    ]);
    const load = () => loadKeras(small, weights);
    expect(load).toThrow(ModelFileError);
    expect(load).toThrow(/gru "reader" needs \[4, 9\], \[3, 9\], \[2, 9\], but the file has no such layer/);
    expect(load).toThrow(/the file also has bidirectional "bidirectional", /);
  });

  test("layers side by side are not guessed: a map says which is which", () => {
    const stored = exportKeras(zeroWeights(own(["left", "right"])));
    const load = () => loadKeras(own(), stored);
    expect(load).toThrow(/lstm "a" may be lstm "lstm" or lstm "lstm_1"; say which, map: \{ "a": "lstm" \}/);
    expect(load).toThrow(/lstm "b" may be lstm "lstm" or lstm "lstm_1"; say which, map: \{ "b": "lstm_1" \}/);
    expect(load).not.toThrow(/beside them lstm/);
    expect(Object.keys(loadKeras(own(), stored, { map: { a: "lstm_1", b: "lstm" } }).weights)).toContain("a/W");
    expect(() => loadKeras(own(), stored, { map: { c: "lstm" } })).toThrow(
      'map names the layer "c", but the layers of the model are a, b',
    );
    expect(() => loadKeras(own(), stored, { map: { a: "gru" } })).toThrow(
      'map assigns "gru" to lstm "a", but the file does not have it',
    );
    expect(() => loadKeras(own(), stored, { map: 3 as never })).toThrow(ConfigError);
  });

  test("what is no model", () => {
    expect(() => loadKeras([] as never, weights)).toThrow("loadKeras takes a model such as");
  });
});

describe("what is no trained model is not written", () => {
  const { spec, weights } = zeroWeights(sequential([input({ shape: [3] }), dense({ units: 2 })]));
  const given: readonly (readonly [string, unknown, RegExp])[] = [
    ["nothing", undefined, /takes a trained model, such as .*, got undefined/],
    ["a promise", Promise.resolve({ spec, weights }), /got a promise: await it/],
    ["a model", { spec }, /got a model without weights/],
    ["weights that are missing", { spec, weights: {} }, /the weight "dense\/kernel" is missing/],
    [
      "weights of another shape",
      { spec, weights: { ...weights, "dense/bias": zeros("float32", [3]) } },
      /the weight "dense\/bias" must be float32 \[2\]/,
    ],
  ];
  test.each(given)("%s", (_name, trained, message) => {
    for (const write of [exportKeras, toPytorch]) {
      expect(() => write(trained as never)).toThrow(ConfigError);
      expect(() => write(trained as never)).toThrow(message);
    }
  });
});
