/** The layer `lstm`: Keras's options and initial weights around the op. */
import { ShapeError } from "../errors.ts";
import { mul } from "../ir/build/elementwise.ts";
import { full } from "../ir/build/source.ts";
import type { Dim, RecurrentActivation } from "../ir/ops.ts";
import type { RandomStream } from "../random.ts";
import { toOnnxGates } from "../recurrent/gateOrder.ts";
import { lstm as lstmOp } from "../recurrent/lstm.ts";
import { type Initializer, initialize } from "./initializers.ts";
import { type Flow, featuresOf } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import type { Regularizer } from "./regularizers.ts";

/** The activations of a recurrence by Keras's names. */
export const recurrentActivationNames = ["tanh", "sigmoid", "relu"] as const;
/** The activations of recurrent layers. */
export type RecurrentActivationName = (typeof recurrentActivationNames)[number];

const activationsOfOp: { readonly [A in RecurrentActivationName]: RecurrentActivation } = {
  tanh: "Tanh",
  sigmoid: "Sigmoid",
  relu: "Relu",
};

export type LstmConfig = {
  readonly units: number;
  readonly activation: RecurrentActivationName;
  readonly recurrentActivation: RecurrentActivationName;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly reverse: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly useBias: boolean;
  readonly unitForgetBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly recurrentInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | null;
  readonly recurrentRegularizer: Regularizer | null;
  readonly biasRegularizer: Regularizer | null;
  readonly trainable: boolean;
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

const states = ["h", "c"] as const;

export const lstm: LayerDefinition<LstmConfig> = {
  parse(options, owner) {
    const read = new OptionReader(owner, options, [
      "units",
      "activation",
      "recurrentActivation",
      "returnSequences",
      "returnState",
      "reverse",
      "dropout",
      "recurrentDropout",
      "useBias",
      "unitForgetBias",
      "kernelInitializer",
      "recurrentInitializer",
      "biasInitializer",
      "kernelRegularizer",
      "recurrentRegularizer",
      "biasRegularizer",
      "trainable",
    ]);
    return {
      units: read.integer("units", 1),
      activation: read.oneOf("activation", recurrentActivationNames, "tanh"),
      recurrentActivation: read.oneOf("recurrentActivation", recurrentActivationNames, "sigmoid"),
      returnSequences: read.boolean("returnSequences", false),
      returnState: read.boolean("returnState", false),
      reverse: read.boolean("reverse", false),
      dropout: read.number("dropout", 0, 0, 1),
      recurrentDropout: read.number("recurrentDropout", 0, 0, 1),
      useBias: read.boolean("useBias", true),
      unitForgetBias: read.boolean("unitForgetBias", true),
      kernelInitializer: read.initializer("kernelInitializer", "glorotUniform"),
      recurrentInitializer: read.initializer("recurrentInitializer", "orthogonal"),
      biasInitializer: read.vectorInitializer("biasInitializer", "zeros"),
      kernelRegularizer: read.regularizer("kernelRegularizer"),
      recurrentRegularizer: read.regularizer("recurrentRegularizer"),
      biasRegularizer: read.regularizer("biasRegularizer"),
      trainable: read.boolean("trainable", true),
    };
  },
  states,
  takes: "a sequence [batch, time, features]; give the lstm before it returnSequences: true, or put an embedding first",
  outputs({ returnSequences, returnState }, [input, ...initial]) {
    const begun = initial.length === 0 || initial.join() === "features,features";
    if (input !== "sequence" || !begun) return undefined;
    const output = returnSequences ? "sequence" : "features";
    return returnState ? [output, "features", "features"] : [output];
  },
  build({ parameter, mask }, config, [input, ...initial]) {
    const { units, trainable } = config;
    const { values, lengths } = input as Flow;
    const batch = values.type.shape[1] as Dim;
    const features = featuresOf(input as Flow);
    const gates = 4 * units;
    initial.forEach((state, i) => {
      if (featuresOf(state) !== units)
        throw new ShapeError(
          `initialState ${states[i]} must be [batch, ${units}] for ${units} units, it was given [batch, ${featuresOf(state)}]`,
        );
    });
    const W = parameter(
      "W",
      [gates, features],
      (stream) => fusedKernel(config.kernelInitializer, features, units, stream),
      {
        trainable,
        regularizer: config.kernelRegularizer,
      },
    );
    const R = parameter(
      "R",
      [gates, units],
      (stream) => fusedKernel(config.recurrentInitializer, units, units, stream),
      {
        trainable,
        regularizer: config.recurrentRegularizer,
      },
    );
    const bias = (stream: RandomStream): Float32Array => {
      const data = initialize(config.biasInitializer, [gates], stream);
      return config.unitForgetBias ? data.fill(1, 2 * units, 3 * units) : data;
    };
    const B = config.useBias
      ? parameter("B", [gates], bias, { trainable, regularizer: config.biasRegularizer })
      : full(0, [gates]);
    const [initialH, initialC] = initial;
    const { y, h, c } = lstmOp(
      {
        X: mask && config.dropout > 0 ? mul(values, mask(config.dropout, [batch, features], "dropout")) : values,
        W,
        R,
        B,
        ...(lengths ? { lengths } : {}),
        ...(initialH && initialC ? { initialH: initialH.values, initialC: initialC.values } : {}),
        ...(mask && config.recurrentDropout > 0
          ? { recurrentMask: mask(config.recurrentDropout, [4, batch, units], "recurrentDropout") }
          : {}),
      },
      {
        direction: config.reverse ? "reverse" : "forward",
        activations: [
          activationsOfOp[config.recurrentActivation],
          activationsOfOp[config.activation],
          activationsOfOp[config.activation],
        ],
      },
    );
    const last: Flow = { kind: "features", values: h };
    const output: Flow = config.returnSequences
      ? { kind: "sequence", values: y, ...(lengths ? { lengths } : {}) }
      : last;
    return config.returnState ? [output, last, { kind: "features", values: c }] : [output];
  },
};
