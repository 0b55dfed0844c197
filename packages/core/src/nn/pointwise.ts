/** The layers that work on each vector by itself: of a sequence, or one a row. */
import { add, mul } from "../ir/build/elementwise.ts";
import { matmul } from "../ir/build/linear.ts";
import { type Activation, activationFunctions, activationNames } from "./activations.ts";
import type { Initializer } from "./initializers.ts";
import { type Flow, featuresOf, type Kind } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import type { Regularizer } from "./regularizers.ts";

/** What they take, for errors. */
export const takes = "a sequence [batch, time, features] or features [batch, features]; put an embedding before it";

/** What they take they give. */
export const outputs = (_config: unknown, inputs: readonly Kind[]): readonly Kind[] | undefined =>
  inputs.join() === "sequence" || inputs.join() === "features" ? inputs : undefined;

export type DenseConfig = {
  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | null;
  readonly biasRegularizer: Regularizer | null;
  readonly trainable: boolean;
};

export const dense: LayerDefinition<DenseConfig> = {
  takes,
  outputs,
  stepwise: true,
  parse(options, owner) {
    const read = new OptionReader(owner, options, [
      "units",
      "activation",
      "useBias",
      "kernelInitializer",
      "biasInitializer",
      "kernelRegularizer",
      "biasRegularizer",
      "trainable",
    ]);
    return {
      units: read.integer("units", 1),
      activation: read.oneOf("activation", activationNames, "linear"),
      useBias: read.boolean("useBias", true),
      kernelInitializer: read.initializer("kernelInitializer", "glorotUniform"),
      biasInitializer: read.vectorInitializer("biasInitializer", "zeros"),
      kernelRegularizer: read.regularizer("kernelRegularizer"),
      biasRegularizer: read.regularizer("biasRegularizer"),
      trainable: read.boolean("trainable", true),
    };
  },
  build({ parameter }, config, [input]) {
    const flow = input as Flow;
    const { units, trainable } = config;
    const kernel = parameter("kernel", [featuresOf(flow), units], config.kernelInitializer, {
      trainable,
      regularizer: config.kernelRegularizer,
    });
    const product = matmul(flow.values, kernel);
    const bias = { trainable, regularizer: config.biasRegularizer };
    const sums = config.useBias ? add(product, parameter("bias", [units], config.biasInitializer, bias)) : product;
    return [{ ...flow, values: activationFunctions[config.activation](sums) }];
  },
};

export type DropoutConfig = { readonly rate: number };

export const dropout: LayerDefinition<DropoutConfig> = {
  takes,
  outputs,
  stepwise: true,
  parse: (options, owner) => ({ rate: new OptionReader(owner, options, ["rate"]).number("rate", Number.NaN, 0, 1) }),
  build({ mask }, { rate }, [input]) {
    const flow = input as Flow;
    if (!mask || rate === 0) return [flow];
    return [{ ...flow, values: mul(flow.values, mask(rate, flow.values.type.shape)) }];
  },
};

export type ActivationConfig = { readonly activation: Activation };

export const activation: LayerDefinition<ActivationConfig> = {
  takes,
  outputs,
  stepwise: true,
  parse: (options, owner) => ({
    activation: new OptionReader(owner, options, ["activation"]).oneOf("activation", activationNames),
  }),
  build: (_context, config, [input]) => {
    const flow = input as Flow;
    return [{ ...flow, values: activationFunctions[config.activation](flow.values) }];
  },
};
