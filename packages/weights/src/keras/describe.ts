/** Writes models as Keras describes them. */
import type { Json, ModelSpec } from "@ostinato/core";
import type { Fields } from "./json.ts";
import type { WrittenLayer } from "./layers.ts";
import type { Operation } from "./order.ts";
import { described, snakeCase } from "./values.ts";

type Source = ModelSpec["outputs"][number]["source"];

/** Information about the model that is being written. */
export interface Writing {
  readonly spec: ModelSpec;
  readonly layers: readonly WrittenLayer[];
  /** The Keras names of the layers, and of the inputs, which must differ from those of layers. */
  readonly layerNames: readonly string[];
  readonly inputNames: readonly string[];
  /** For each call, its index among the calls of its layer. */
  readonly uses: readonly number[];
}

const layerName = ({ layerNames }: Writing, layer: number): string => layerNames[layer] as string;

/** A source as a Keras reference: layer, call and result. */
function historyOf(writing: Writing, source: Source): Json {
  if ("input" in source) return [writing.inputNames[source.input] as string, 0, 0];
  const { layer } = writing.spec.calls[source.call] as ModelSpec["calls"][number];
  return [layerName(writing, layer), writing.uses[source.call] as number, source.output ?? 0];
}

/** The arguments of a call other than its inputs. */
function namedArguments(
  { row, config }: WrittenLayer & { readonly config: Fields },
  states: readonly Json[],
  isReverse: boolean,
): Json {
  const options = (row.callOptions ?? []).filter((option) => config[option] === true);
  return {
    ...Object.fromEntries(options.map((option) => [snakeCase(option), true])),
    ...(states.length > 0 ? { initial_state: states.length === 1 ? (states[0] as Json) : states } : {}),
    ...(isReverse ? { reverse: true } : {}),
  };
}

/** A reference in the arguments of a call. Keras requires a shape, but uses the shape of the layer. */
const tensor = (writing: Writing, source: Source): Json => ({
  class_name: "__keras_tensor__",
  config: { shape: [null], dtype: "float32", keras_history: historyOf(writing, source) },
});

/** The calls of a layer. */
function nodesOf(writing: Writing, index: number): Json[] {
  const { spec, layers } = writing;
  const layer = layers[index] as WrittenLayer;
  const { config } = spec.layers[index] as ModelSpec["layers"][number];
  return spec.calls
    .filter((call) => call.layer === index)
    .map(({ sources }) => {
      const tensors = sources.map((source) => tensor(writing, source));
      const [first, ...states] = tensors as [Json, ...Json[]];
      const isList = layer.row.masks === "merged" || layer.row.masks === "first";
      const [source] = sources as [Source];
      const isIds = "input" in source && spec.inputs[source.input]?.kind === "ids";
      return {
        args: [isList ? tensors : first],
        kwargs: namedArguments(
          { ...layer, config: config as Fields },
          isList ? [] : states,
          layer.row.goesBack === true && !isIds,
        ),
      };
    });
}

function inputLayer({ name, kind, shape }: ModelSpec["inputs"][number], called = name): Json {
  return described("keras.layers", "InputLayer", {
    name: called,
    dtype: kind === "ids" ? "int32" : "float32",
    batch_shape: [null, ...shape.map((size) => (typeof size === "number" ? size : null))],
  });
}

/** A Sequential model. */
export function sequential({ spec, layers, inputNames }: Writing): Json {
  const [input] = spec.inputs as [ModelSpec["inputs"][number]];
  return described("keras", "Sequential", {
    name: "sequential",
    trainable: true,
    layers: [inputLayer(input, inputNames[0]), ...layers.map(({ data }) => data)],
  });
}

/** A Functional model. */
export function functional(writing: Writing, order: readonly Operation[]): Json {
  const { spec, layers, inputNames } = writing;
  const layersInOrder = order.map((operation): Json => {
    if ("layer" in operation) {
      const data = layers[operation.layer]?.data as Fields as { readonly [name: string]: Json };
      return { ...data, name: layerName(writing, operation.layer), inbound_nodes: nodesOf(writing, operation.layer) };
    }
    const name = inputNames[operation.input] as string;
    const data = inputLayer(spec.inputs[operation.input] as ModelSpec["inputs"][number], name) as {
      readonly [name: string]: Json;
    };
    return { ...data, name, inbound_nodes: [] };
  });
  const inputs = spec.inputs.map((_, input) => historyOf(writing, { input }));
  const outputs = spec.outputs.map(({ name, source }) => [name, historyOf(writing, source)] as const);
  const [only] = outputs as [readonly [string, Json]];
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    registered_name: "Functional",
    config: {
      name: "functional",
      trainable: true,
      layers: layersInOrder,
      input_layers: inputs.length === 1 ? (inputs[0] as Json) : inputs,
      output_layers: outputs.length === 1 ? only[1] : Object.fromEntries(outputs),
    },
  };
}
