/** Reads trained models from Keras files. */
import {
  ConfigError,
  type Float32Tensor,
  lossesFromJson,
  ModelFileError,
  OptionReader,
  type Trained,
} from "@ostinato/core";
import type { Dataset } from "../hdf5/dataset.ts";
import { type KerasFile, readKerasFile } from "./files.ts";
import { readGraph } from "./graph.ts";
import { damaged, type Fields, isFields } from "./json.ts";
import { calledThere } from "./layers.ts";
import type { Place, ReadModel } from "./parts.ts";
import { folderOf, layersWithWeights, memberAt, readModule, variablesAt, wantedOf } from "./variables.ts";

/** Options of `importKeras`. */
export interface ImportKerasOptions {
  /**
   * Accept layers that treat the steps after the end of a row differently: a `GlobalMaxPooling1D` that includes masked steps, sums of sequences of which only one is masked, and attention with a mask only on its keys.
   * Results for rows without padding are the same in either case. Default false: such layers are rejected by name.
   */
  readonly acceptDifferences?: boolean;
}

/** Reads the weights of a model from a file that stores them by position. */
function placedWeights({ model, places }: ReadModel, { weights }: KerasFile): Record<string, Float32Tensor> {
  if (weights.kind === "named") return namedWeights({ model, places }, weights.layers);
  const found: [string, Float32Tensor][] = [];
  // Keras 2.13 used another name for the group of layers.
  const isOlder = memberAt(weights.root, "_layer_checkpoint_dependencies") !== undefined;
  for (const { layer, modules } of layersWithWeights(model)) {
    const { path, name, className } = places.get(layer) as Place;
    const place = isOlder ? path.replace(/(^|\/)layers\//g, "$1_layer_checkpoint_dependencies/") : path;
    for (const module of modules)
      found.push(
        ...readModule(calledThere(className, name), module, variablesAt(weights.root, place + folderOf(module))),
      );
  }
  return Object.fromEntries(found);
}

/** Reads the weights from a file that has a list for each layer. */
function namedWeights(
  { model, places }: ReadModel,
  layers: ReadonlyMap<string, readonly Dataset[]>,
): Record<string, Float32Tensor> {
  const found = layersWithWeights(model).flatMap(({ layer, modules }) => {
    const { path, name, className } = places.get(layer) as Place;
    const owner = calledThere(className, name);
    if (path.split("layers/").length > 2)
      throw new ModelFileError(
        `${owner} is part of a nested model, whose weights cannot be read from .h5 files; save the model as .keras`,
      );
    const arrays = layers.get(name) ?? [];
    let at = 0;
    const read = modules.flatMap((module) => {
      const from = at;
      at += wantedOf(owner, module).length;
      return readModule(owner, module, arrays.slice(from, at));
    });
    if (at !== arrays.length)
      throw damaged(`${owner} has ${arrays.length} weights in the file, but only ${at} are supported`);
    return read;
  });
  return Object.fromEntries(found);
}

/** The data that `exportKeras` stored with the model. */
function kept(
  { metadata }: KerasFile,
  { model }: ReadModel,
): Partial<Trained> & { readonly weights: Trained["weights"] } {
  const own: Fields = isFields(metadata?.ostinato) ? metadata.ostinato : {};
  const losses = lossesFromJson(own.losses, model.spec);
  return {
    ...losses,
    ...(own.vocabulary === undefined ? {} : { vocabulary: own.vocabulary as NonNullable<Trained["vocabulary"]> }),
    ...(isFields(own.metadata) ? { metadata: own.metadata as NonNullable<Trained["metadata"]> } : {}),
  };
}

/**
 * Reads a trained model from a Keras file: a `.keras` archive of Keras 3, or an `.h5` file of Keras 2 or 3 that contains a model. Supports Sequential and Functional models, nested models, shared
 * layers, and several inputs and outputs. Layers keep their names. A single output is named "output"; several outputs are named after their layers.
 *
 * Masks become row lengths, so ids and masked steps must be padded at the end.
 *
 * @throws ModelFileError for damaged and other files, and for unsupported layers and options, with their name and the alternative; ConfigError, ShapeError for layers that do not fit together
 * @example
 * const trained = importKeras(await readFile("model.keras"));
 * const trainer = await compile(trained, { … }); // continues training
 */
export function importKeras(bytes: Uint8Array | ArrayBuffer, options: ImportKerasOptions = {}): Trained {
  const read = new OptionReader("importKeras", options, ["acceptDifferences"]);
  const file = readKerasFile(bytes);
  if (file.config === undefined)
    throw new ConfigError(
      "importKeras: the file contains only weights; build the model and load them with loadKeras(model, bytes)",
    );
  const graph = readGraph(file.config, {
    acceptDifferences: read.boolean("acceptDifferences", false),
    isOlder: file.isOlder,
  });
  const { weights, ...beside } = kept(file, graph);
  return { spec: graph.model.spec, ...beside, weights: { ...placedWeights(graph, file), ...weights } };
}
