/** The layers: each with its options, its parameters and what it computes. */
import { add, mul } from "../ir/build/elementwise.ts";
import { gather, sequenceLengths } from "../ir/build/index.ts";
import { matmul } from "../ir/build/linear.ts";
import { dropoutMask, full } from "../ir/build/source.ts";
import { type RandomStream, siteOf } from "../random.ts";
import { toOnnxGates } from "../recurrent/gateOrder.ts";
import { lstm as lstmOp } from "../recurrent/lstm.ts";
import { type Activation, activationFunctions, activationNames } from "./activations.ts";
import { type Initializer, initialize } from "./initializers.ts";
import { featuresOf } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";

// The configs are type aliases, not interfaces: only aliases are assignable to Json.

export type EmbeddingConfig = {
  readonly inputDim: number;
  readonly outputDim: number;
  readonly maskZero: boolean;
  readonly embeddingsInitializer: Initializer;
};

const embedding: LayerDefinition<EmbeddingConfig> = {
  parse(options, owner) {
    const read = new OptionReader(owner, options, ["inputDim", "outputDim", "maskZero", "embeddingsInitializer"]);
    return {
      inputDim: read.integer("inputDim", 1),
      outputDim: read.integer("outputDim", 1),
      maskZero: read.boolean("maskZero", false),
      embeddingsInitializer: read.initializer("embeddingsInitializer", "uniform"),
    };
  },
  takes: "ids [batch, time]; make it the first layer",
  output: (_config, input) => (input === "ids" ? "sequence" : undefined),
  build({ parameter }, { inputDim, outputDim, maskZero, embeddingsInitializer }, ids) {
    const shape = [inputDim, outputDim];
    const table = parameter("embeddings", shape, (stream) => initialize(embeddingsInitializer, shape, stream));
    const lengths = maskZero ? sequenceLengths(ids.values) : ids.lengths;
    return { kind: "sequence", values: gather(table, ids.values), ...(lengths ? { lengths } : {}) };
  },
};

export type LstmConfig = {
  readonly units: number;
  readonly returnSequences: boolean;
  readonly reverse: boolean;
  readonly useBias: boolean;
  readonly unitForgetBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly recurrentInitializer: Initializer;
  readonly biasInitializer: Initializer;
};

/** A fused matrix [rows, 4 * units] in Keras's layout and gate order, as ONNX wants it: [4 * units, rows] in the order i, o, f, c. */
function fusedKernel(initializer: Initializer, rows: number, units: number, stream: RandomStream): Float32Array {
  const columns = 4 * units;
  const keras = initialize(initializer, [rows, columns], stream);
  const transposed = new Float32Array(keras.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) transposed[j * rows + i] = keras[i * columns + j] as number;
  return toOnnxGates(transposed, units, rows, "keras");
}

const lstm: LayerDefinition<LstmConfig> = {
  parse(options, owner) {
    const read = new OptionReader(owner, options, [
      "units",
      "returnSequences",
      "reverse",
      "useBias",
      "unitForgetBias",
      "kernelInitializer",
      "recurrentInitializer",
      "biasInitializer",
    ]);
    return {
      units: read.integer("units", 1),
      returnSequences: read.boolean("returnSequences", false),
      reverse: read.boolean("reverse", false),
      useBias: read.boolean("useBias", true),
      unitForgetBias: read.boolean("unitForgetBias", true),
      kernelInitializer: read.initializer("kernelInitializer", "glorotUniform"),
      recurrentInitializer: read.initializer("recurrentInitializer", "orthogonal"),
      biasInitializer: read.vectorInitializer("biasInitializer", "zeros"),
    };
  },
  takes: "a sequence [batch, time, features]; give the lstm before it returnSequences: true, or put an embedding first",
  output: ({ returnSequences }, input) =>
    input === "sequence" ? (returnSequences ? "sequence" : "features") : undefined,
  build({ parameter }, config, input) {
    const { units } = config;
    const features = featuresOf(input);
    const gates = 4 * units;
    const W = parameter("W", [gates, features], (stream) =>
      fusedKernel(config.kernelInitializer, features, units, stream),
    );
    const R = parameter("R", [gates, units], (stream) =>
      fusedKernel(config.recurrentInitializer, units, units, stream),
    );
    const bias = (stream: RandomStream): Float32Array => {
      const data = initialize(config.biasInitializer, [gates], stream);
      return config.unitForgetBias ? data.fill(1, 2 * units, 3 * units) : data;
    };
    const B = config.useBias ? parameter("B", [gates], bias) : full(0, [gates]);
    const { lengths } = input;
    const { y, h } = lstmOp(
      { X: input.values, W, R, B, ...(lengths ? { lengths } : {}) },
      { direction: config.reverse ? "reverse" : "forward" },
    );
    if (!config.returnSequences) return { kind: "features", values: h };
    return { kind: "sequence", values: y, ...(lengths ? { lengths } : {}) };
  },
};

export type DenseConfig = {
  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
};

const vectors = "a sequence [batch, time, features] or features [batch, features]; put an embedding before it";

const dense: LayerDefinition<DenseConfig> = {
  parse(options, owner) {
    const read = new OptionReader(owner, options, [
      "units",
      "activation",
      "useBias",
      "kernelInitializer",
      "biasInitializer",
    ]);
    return {
      units: read.integer("units", 1),
      activation: read.oneOf("activation", activationNames, "linear"),
      useBias: read.boolean("useBias", true),
      kernelInitializer: read.initializer("kernelInitializer", "glorotUniform"),
      biasInitializer: read.vectorInitializer("biasInitializer", "zeros"),
    };
  },
  takes: vectors,
  output: (_config, input) => (input === "ids" ? undefined : input),
  build({ parameter }, config, input) {
    const shape = [featuresOf(input), config.units];
    const kernel = parameter("kernel", shape, (stream) => initialize(config.kernelInitializer, shape, stream));
    const product = matmul(input.values, kernel);
    const bias = (stream: RandomStream): Float32Array => initialize(config.biasInitializer, [config.units], stream);
    const sums = config.useBias ? add(product, parameter("bias", [config.units], bias)) : product;
    return { ...input, values: activationFunctions[config.activation](sums) };
  },
};

export type DropoutConfig = { readonly rate: number };

const dropout: LayerDefinition<DropoutConfig> = {
  parse: (options, owner) => ({ rate: new OptionReader(owner, options, ["rate"]).number("rate", Number.NaN, 0, 1) }),
  takes: vectors,
  output: (_config, input) => (input === "ids" ? undefined : input),
  build({ name, dropout: training }, { rate }, input) {
    if (!training || rate === 0) return input;
    const { shape } = input.values.type;
    const mask = dropoutMask(training.step, { rate, seed: training.seed, site: siteOf(name), shape });
    return { ...input, values: mul(input.values, mask) };
  },
};

export type ActivationConfig = { readonly activation: Activation };

const activation: LayerDefinition<ActivationConfig> = {
  parse: (options, owner) => ({
    activation: new OptionReader(owner, options, ["activation"]).oneOf("activation", activationNames),
  }),
  takes: vectors,
  output: (_config, input) => (input === "ids" ? undefined : input),
  build: (_context, config, input) => ({ ...input, values: activationFunctions[config.activation](input.values) }),
};

/** Every kind of layer. A file's layers are looked up here and nowhere else. */
export const layerDefinitions = { embedding, lstm, dense, dropout, activation };
export type LayerKind = keyof typeof layerDefinitions;
