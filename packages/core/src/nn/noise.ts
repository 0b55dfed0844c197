/** Layers that disturb what they are given in training, beside `dropout`. */
import { add, mul } from "../ir/build/elementwise.ts";
import { broadcastTo } from "../ir/build/shape.ts";
import type { Flow } from "./kinds.ts";
import type { LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import { type DropoutConfig, outputs, takes } from "./pointwise.ts";

export const spatialDropout1d: LayerDefinition<DropoutConfig> = {
  parse: (options, owner) => ({ rate: new OptionReader(owner, options, ["rate"]).number("rate", Number.NaN, 0, 1) }),
  takes: "a sequence [batch, time, features]; for features there is dropout",
  outputs: (_config, inputs) => (inputs.join() === "sequence" ? inputs : undefined),
  build({ mask }, { rate }, [input]) {
    const flow = input as Flow;
    if (!mask || rate === 0) return [flow];
    const { shape } = flow.values.type;
    return [{ ...flow, values: mul(flow.values, broadcastTo(mask(rate, shape.slice(1)), shape)) }];
  },
};

export type GaussianNoiseConfig = { readonly stddev: number };

export const gaussianNoise: LayerDefinition<GaussianNoiseConfig> = {
  parse: (options, owner) => ({ stddev: new OptionReader(owner, options, ["stddev"]).number("stddev", Number.NaN, 0) }),
  takes,
  outputs,
  stepwise: true,
  build({ noise }, { stddev }, [input]) {
    const flow = input as Flow;
    if (!noise || stddev === 0) return [flow];
    return [{ ...flow, values: add(flow.values, mul(noise(flow.values.type.shape), stddev)) }];
  },
};
