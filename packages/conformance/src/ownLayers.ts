/** Layers as users of the library define them: with them every backend and every export is held to the reference. */
import {
  buildLayer,
  defineLayer,
  featuresOf,
  type LayerMaker,
  layerOutputs,
  OptionReader,
  type PointwiseLayer,
  parseLayer,
  type RegularizerOptions,
} from "@ostinato/core";
import {
  add,
  cast,
  div,
  exp,
  expandDims,
  matmul,
  maximum,
  mul,
  sequenceMask,
  sigmoid,
  sub,
  sum,
  tanh,
} from "@ostinato/core/graph";

/** Options of `scale`. */
export interface ScaleOptions {
  readonly initial?: number;
  readonly rate?: number;
  readonly factorRegularizer?: RegularizerOptions | null;
  readonly trainable?: boolean;
}

/** A factor for each feature, and dropout: a pointwise layer with a parameter. */
export const scale = defineLayer({
  kind: "scale",
  parse(options: ScaleOptions, owner) {
    const read = new OptionReader(owner, options, ["initial", "rate", "factorRegularizer", "trainable"]);
    return {
      initial: read.number("initial", 1, 0),
      rate: read.number("rate", 0, 0, 1),
      factorRegularizer: read.regularizer("factorRegularizer"),
      trainable: read.boolean("trainable", true),
    };
  },
  takes: "a sequence [batch, time, features] or features [batch, features]",
  outputs: { sequence: "sequence", features: "features" },
  build({ parameter, mask }, { initial, rate, factorRegularizer: regularizer, trainable }, [x]) {
    const begin = { kind: "constant", value: initial } as const;
    const factor = parameter("factor", [featuresOf(x)], begin, { regularizer, trainable });
    const dropped = mask && rate > 0 ? mul(x.values, mask(rate, x.values.type.shape)) : x.values;
    return [{ ...x, values: mul(dropped, factor) }];
  },
});

/** g ∘ a + (1 - g) ∘ b with one gate a feature: a layer of a list of inputs of one kind. */
export const blend = defineLayer({
  kind: "blend",
  parse: () => ({}),
  takes: "a list of two sequences or two features",
  merges: true,
  outputs: { sequence: "sequence", features: "features" },
  build({ parameter }, _config, [a, b = a]) {
    const gate = sigmoid(parameter("gate", [featuresOf(a)], "normal"));
    return [{ ...a, values: add(mul(a.values, gate), mul(b.values, sub(1, gate))) }];
  },
});

/** tanh(x · kernel) ∘ σ(gate), and dropout and noise: a layer that takes features alone. */
export const gated = defineLayer({
  kind: "gated",
  parse(options: { readonly units: number; readonly rate?: number; readonly stddev?: number }, owner) {
    const read = new OptionReader(owner, options, ["units", "rate", "stddev"]);
    return { units: read.integer("units", 1), rate: read.number("rate", 0, 0, 1), stddev: read.number("stddev", 0, 0) };
  },
  takes: "features [batch, features]",
  outputs: { features: "features" },
  build({ parameter, mask, noise }, { units, rate, stddev }, [x]) {
    const candidate = tanh(matmul(x.values, parameter("kernel", [featuresOf(x), units], "glorotUniform")));
    const gated = mul(candidate, sigmoid(parameter("gate", [units], "normal")));
    const noisy = noise && stddev > 0 ? add(gated, mul(noise(gated.type.shape), stddev)) : gated;
    return [{ kind: "features", values: mask && rate > 0 ? mul(noisy, mask(rate, noisy.type.shape)) : noisy }];
  },
});

/** The mean of a sequence, weighed by how its steps fit features: a layer of a list of inputs of two kinds. Zeros for rows without steps. */
export const attend = defineLayer({
  kind: "attend",
  parse: () => ({}),
  takes: "a list of a sequence and features, [memory, query]",
  merges: ["sequence", "features"],
  outputs: "features",
  build({ parameter }, _config, [memory, query]) {
    const kernel = parameter("kernel", [featuresOf(query), featuresOf(memory)], "glorotUniform");
    const scores = sum(mul(memory.values, tanh(matmul(query.values, kernel))), [2]);
    const weights = exp(tanh(scores));
    const { lengths } = memory;
    const counted = lengths
      ? mul(weights, cast(sequenceMask(lengths, scores.type.shape[0] as string), "float32"))
      : weights;
    const total = maximum(sum(counted, [0]), 1e-6);
    return [
      { kind: "features", values: div(sum(mul(memory.values, expandDims(counted, 2)), [0]), expandDims(total, 1)) },
    ];
  },
});

/** x + layer(x): a layer around another. */
export const residual: LayerMaker<{ readonly layer: PointwiseLayer }, PointwiseLayer> = defineLayer({
  kind: "residual",
  parse(options: { readonly layer: PointwiseLayer }, owner, known) {
    new OptionReader(owner, options, ["layer"]);
    return { layer: parseLayer(`${owner}: layer`, options.layer, known) };
  },
  takes: "what the layer inside takes and gives",
  outputs({ layer }, inputs) {
    const inner = layerOutputs(layer, inputs);
    return inner?.join() === inputs.join() ? inner : undefined;
  },
  build(context, { layer }, [x]) {
    const [inner = x] = buildLayer(context, "layer", layer, [x]);
    return [{ ...x, values: add(x.values, inner.values) }];
  },
});
