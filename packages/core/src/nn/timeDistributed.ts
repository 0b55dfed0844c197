/** The layer that applies a layer of features to each step of a sequence. */
import { ConfigError } from "../errors.ts";
import { parameter } from "../ir/build/source.ts";
import type { Dim, Value } from "../ir/value.ts";
import { hoist } from "../recurrent/hoist.ts";
import type { Flow } from "./kinds.ts";
import { type BuildContext, definitionOf, type LayerDefinition } from "./layer.ts";
import { OptionReader } from "./options.ts";
import { type PerStep, randomOfSteps, scanSteps } from "./overSteps.ts";
import { watched } from "./results.ts";
import { buildLayer, layerOutputs, parseLayer, type WrappedLayer } from "./wrapping.ts";

export type TimeDistributedConfig = { readonly layer: WrappedLayer };

/** The name of the layer inside, before those of its parameters. */
const PART = "layer";

/** The layer inside, built of one step, and run over all. Random numbers are its own in each step. */
function overSteps(context: BuildContext, layer: WrappedLayer, { values }: Flow): Value {
  const [time, batch, features] = values.type.shape as [Dim, Dim, number];
  const x = parameter("x", "float32", [batch, features]);
  const slices: PerStep[] = [{ whole: values, step: x }];
  const { context: checked, asked } = watched(context);
  const inside = randomOfSteps(checked, time, slices);
  const [built] = buildLayer(inside, PART, layer, [{ kind: "features", values: x }]);
  const { outputs } = scanSteps({ slices, outputs: [(built as Flow).values], known: asked });
  return outputs[0] as Value;
}

export const timeDistributed: LayerDefinition<TimeDistributedConfig> = {
  passes: () => [hoist],
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
