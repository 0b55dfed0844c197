/** The layer that normalizes each vector by itself. */
import { add, div, mul, sqrt, square, sub } from "../ir/build/elementwise.ts";
import { mean } from "../ir/build/reduce.ts";
import { expandDims } from "../ir/build/shape.ts";
import type { Value } from "../ir/ops.ts";
import type { Initializer } from "./initializers.ts";
import { type Flow, featuresOf } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import { outputs, takes } from "./pointwise.ts";
import type { Regularizer } from "./regularizers.ts";

/** Below it the gradient of a vector of equal elements leaves the range of float32. */
const SMALLEST_EPSILON = 1e-12;

export type LayerNormalizationConfig = {
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaInitializer: Initializer;
  readonly gammaInitializer: Initializer;
  readonly betaRegularizer: Regularizer | null;
  readonly gammaRegularizer: Regularizer | null;
  readonly trainable: boolean;
};

/** (x - mean) / √(variance + epsilon) along the last axis. */
function normalized(x: Value, epsilon: number): Value {
  const last = x.type.shape.length - 1;
  const centered = sub(x, expandDims(mean(x, [last]), last));
  const variance = mean(square(centered), [last]);
  return mul(centered, expandDims(div(1, sqrt(add(variance, epsilon))), last));
}

export const layerNormalization: LayerDefinition<LayerNormalizationConfig> = {
  takes,
  outputs,
  stepwise: true,
  parse(options, owner) {
    const read = new OptionReader(owner, options, [
      "epsilon",
      "center",
      "scale",
      "betaInitializer",
      "gammaInitializer",
      "betaRegularizer",
      "gammaRegularizer",
      "trainable",
    ]);
    return {
      epsilon: read.number("epsilon", 1e-3, SMALLEST_EPSILON),
      center: read.boolean("center", true),
      scale: read.boolean("scale", true),
      betaInitializer: read.vectorInitializer("betaInitializer", "zeros"),
      gammaInitializer: read.vectorInitializer("gammaInitializer", "ones"),
      betaRegularizer: read.regularizer("betaRegularizer"),
      gammaRegularizer: read.regularizer("gammaRegularizer"),
      trainable: read.boolean("trainable", true),
    };
  },
  build({ parameter }, config, [input]) {
    const flow = input as Flow;
    const { trainable } = config;
    let values = normalized(flow.values, config.epsilon);
    const vector = (name: string, initializer: Initializer, regularizer: Regularizer | null): Value =>
      parameter(name, [featuresOf(flow)], initializer, { trainable, regularizer });
    if (config.scale) values = mul(values, vector("gamma", config.gammaInitializer, config.gammaRegularizer));
    if (config.center) values = add(values, vector("beta", config.betaInitializer, config.betaRegularizer));
    return [{ ...flow, values }];
  },
};
