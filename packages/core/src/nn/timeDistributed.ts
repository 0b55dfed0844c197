/** The layer that applies a layer of features to each step of a sequence. */
import { ConfigError } from "../errors.ts";
import { parameter } from "../ir/build/source.ts";
import { substitute } from "../ir/rewrite.ts";
import type { Dim, Shape, Value } from "../ir/value.ts";
import { hoist } from "../recurrent/hoist.ts";
import { scan } from "../recurrent/scan.ts";
import type { Flow } from "./kinds.ts";
import { type BuildContext, definitionOf, type LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import { outsideOf } from "./outside.ts";
import { watched } from "./results.ts";
import { buildLayer, layerOutputs, parseLayer, type WrappedLayer } from "./wrapping.ts";

export type TimeDistributedConfig = { readonly layer: WrappedLayer };

/** The name of the layer inside, before those of its parameters. */
const PART = "layer";

/** What differs from step to step beside the input: made for all steps at once, and read one by one. */
interface PerStep {
  readonly whole: Value;
  readonly step: Value;
}

/** The layer inside, built of one step, and run over all. Random numbers are its own in each step. */
function overSteps(context: BuildContext, layer: WrappedLayer, { values }: Flow): Value {
  const [time, batch, features] = values.type.shape as [Dim, Dim, number];
  const perStep: PerStep[] = [{ whole: values, step: parameter("x", "float32", [batch, features]) }];
  const { context: checked, asked } = watched(context);
  const { mask, noise } = checked;
  const ofStep = (make: (over: Shape) => Value, shape: Shape): Value => {
    const step = parameter(`random${perStep.length}`, "float32", shape);
    perStep.push({ whole: make([time, ...shape]), step });
    return step;
  };
  const within: BuildContext = {
    ...checked,
    ...(mask ? { mask: (rate, shape, part) => ofStep((over) => mask(rate, over, part), shape) } : {}),
    ...(noise ? { noise: (shape, part) => ofStep((over) => noise(over, part), shape) } : {}),
  };
  const x = (perStep[0] as PerStep).step;
  const [built] = buildLayer(within, PART, layer, [{ kind: "features", values: x }]);
  const steps = perStep.map(({ step }) => step);
  const result = (built as Flow).values;
  const constants = outsideOf([result], steps, asked);
  const { outputs } = scan({
    initial: [],
    sequences: perStep.map(({ whole }) => whole),
    constants,
    body: (_, slices, fixed) => ({
      carries: [],
      outputs: substitute([result], [...steps, ...constants], [...slices, ...fixed]),
    }),
  });
  return outputs[0] as Value;
}

export const timeDistributed: LayerDefinition<TimeDistributedConfig> = {
  passes: [hoist],
  parse(options, owner, known) {
    new OptionReader(owner, options, ["layer"]);
    const layer = parseLayer(`${owner}: layer`, (options as { readonly layer?: unknown }).layer, known);
    if (layerOutputs(layer, ["features"])?.join() !== "features")
      throw new ConfigError(
        `${owner} takes a layer that makes features [batch, features] of features, and applies it to each step; ${layer.kind} takes ${definitionOf(layer).takes}. Sequences of sequences, [batch, time, inner, features], are no kind of data here`,
      );
    return { layer };
  },
  takes:
    "a sequence [batch, time, features]; give the recurrence before it returnSequences: true, or put an embedding first",
  outputs: (_config, inputs) => (inputs.join() === "sequence" ? inputs : undefined),
  build(context, { layer }, [input]) {
    const flow = input as Flow;
    if (definitionOf(layer).stepwise) return buildLayer(context, PART, layer, [flow]);
    return [{ ...flow, values: overSteps(context, layer, flow) }];
  },
};
