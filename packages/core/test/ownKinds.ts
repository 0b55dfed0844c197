/** Small layers and cells of a user's own, one of each form. */
import {
  type AnyLayer,
  buildLayer,
  defineCell,
  defineLayer,
  featuresOf,
  type LayerMaker,
  layerOutputs,
  OptionReader,
  type PointwiseLayer,
  parseLayer,
} from "@ostinato/core";
import { add, matmul, max, mul, tanh } from "@ostinato/core/graph";

export const scale = defineLayer({
  kind: "scale",
  parse(options: { readonly initial?: number }, owner) {
    return { initial: new OptionReader(owner, options, ["initial"]).number("initial", 1, 0) };
  },
  takes: "a sequence or features",
  outputs: { sequence: "sequence", features: "features" },
  build({ parameter }, { initial }, [x]) {
    const factor = parameter("factor", [featuresOf(x)], { kind: "constant", value: initial });
    return [{ ...x, values: mul(x.values, factor) }];
  },
});

export const largest = defineLayer({
  kind: "largest",
  parse: () => ({}),
  takes: "a sequence [batch, time, features]",
  outputs: { sequence: "features" },
  build: (_context, _config, [x]) => [{ kind: "features", values: max(x.values, [0]) }],
});

export const total = defineLayer({
  kind: "total",
  parse: () => ({}),
  takes: "a list of inputs of one kind",
  merges: true,
  outputs: { sequence: "sequence", features: "features" },
  build: (_context, _config, [x, ...others]) => [
    { ...x, values: others.reduce((sum, other) => add(sum, other.values), x.values) },
  ],
});

export const gate = defineLayer({
  kind: "gate",
  parse: () => ({}),
  takes: "[sequence, features]",
  merges: ["sequence", "features"],
  outputs: ["sequence", "features"],
  build: (_context, _config, [x, by]) => [{ ...x, values: mul(x.values, by.values) }, by],
});

export const residual: LayerMaker<{ readonly layer: AnyLayer }, PointwiseLayer> = defineLayer({
  kind: "residual",
  parse(options: { readonly layer: AnyLayer }, owner, known) {
    new OptionReader(owner, options, ["layer"]);
    return { layer: parseLayer(`${owner}: layer`, options.layer, known) };
  },
  takes: "what its layer takes and gives",
  outputs: ({ layer }, inputs) => layerOutputs(layer, inputs),
  build(context, { layer }, [x]) {
    const [inner = x] = buildLayer(context, "layer", layer, [x]);
    return [{ ...x, values: add(x.values, inner.values) }];
  },
});

export const readUnits = (options: { readonly units: number }, owner: string) => ({
  units: new OptionReader(owner, options, ["units"]).integer("units", 1),
});

export const decay = defineCell({
  kind: "decay",
  parse: readUnits,
  states: ["h", "m"],
  sizes: ({ units }) => ({ h: units, m: 2 }),
  build({ parameter }, { units }, { features }) {
    const kernel = parameter("kernel", [features, units], "glorotUniform");
    return {
      prepare: (x) => matmul(x, kernel),
      step: ({ x, states: { h, m } }) => ({ states: { h: tanh(add(x, mul(h, 0.5))), m: mul(m, 0.5) } }),
    };
  },
});
