/** Trained models from files of Keras. */
import {
  ConfigError,
  type Float32Tensor,
  lossesFromJson,
  ModelFileError,
  OptionReader,
  type Trained,
} from "@ostinato/core";
import type { Dataset } from "../hdf5/read.ts";
import { type KerasFile, readKerasFile } from "./files.ts";
import { readGraph } from "./graph.ts";
import { damaged, type Fields, isFields } from "./json.ts";
import { calledThere } from "./layers.ts";
import type { Place, ReadModel } from "./parts.ts";
import { folderOf, layersWithWeights, memberAt, readModule, variablesAt, wantedOf } from "./variables.ts";

/** Options of `importKeras`. */
export interface ImportKerasOptions {
  /**
   * Takes layers, too, that count steps otherwise behind the ends of rows: a `GlobalMaxPooling1D` that looks at masked steps, sums of sequences of which one is masked, and attention whose keys alone are masked.
   * Rows without padding have the same results anyway. Default false: they are refused by name.
   */
  readonly acceptDifferences?: boolean;
}

/** The weights of a model from a file in which they are found by their place. */
function placedWeights({ model, places }: ReadModel, { weights }: KerasFile): Record<string, Float32Tensor> {
  if (weights.kind === "named") return namedWeights({ model, places }, weights.layers);
  const found: [string, Float32Tensor][] = [];
  // Keras 2.13 called the group of layers otherwise.
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

/** The same from one in which each layer has a list. */
function namedWeights(
  { model, places }: ReadModel,
  layers: ReadonlyMap<string, readonly Dataset[]>,
): Record<string, Float32Tensor> {
  const found = layersWithWeights(model).flatMap(({ layer, modules }) => {
    const { path, name, className } = places.get(layer) as Place;
    const owner = calledThere(className, name);
    if (path.split("layers/").length > 2)
      throw new ModelFileError(
        `${owner} is part of a model inside of another, whose weights are not read from .h5 files; save the model as .keras`,
      );
    const arrays = layers.get(name) ?? [];
    let at = 0;
    const read = modules.flatMap((module) => {
      const from = at;
      at += wantedOf(owner, module).length;
      return readModule(owner, module, arrays.slice(from, at));
    });
    if (at !== arrays.length) throw damaged(`${owner} has ${arrays.length} weights in the file, and ${at} are known`);
    return read;
  });
  return Object.fromEntries(found);
}

/** What `exportKeras` kept beside the model. */
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
 * A trained model from a file of Keras: a `.keras` archive of Keras 3, or a `.h5` file with the model in it, as Keras 2 and 3 write them. Sequential and Functional models, models inside of others, layers
 * that are used several times, several inputs and outputs. Layers keep their names, a single output is called "output", and several are called after their layers.
 *
 * What a mask leaves out in Keras is here what stands behind the end of a row: ids and masked steps must be padded at the end.
 *
 * @throws ModelFileError for a file that is damaged or none of Keras, and for a layer or an option that there is none of here, by its name and with the way out; ConfigError, ShapeError where layers do not fit together
 * @example
 * const trained = importKeras(await readFile("model.keras"));
 * const trainer = await compile(trained, { … }); // goes on training
 */
export function importKeras(bytes: Uint8Array | ArrayBuffer, options: ImportKerasOptions = {}): Trained {
  const read = new OptionReader("importKeras", options, ["acceptDifferences"]);
  const file = readKerasFile(bytes);
  if (file.config === undefined)
    throw new ConfigError(
      "importKeras: the file holds weights alone, and no model; make the model and take them with loadKeras(model, bytes)",
    );
  const graph = readGraph(file.config, {
    acceptDifferences: read.boolean("acceptDifferences", false),
    isOlder: file.isOlder,
  });
  const { weights, ...beside } = kept(file, graph);
  return { spec: graph.model.spec, ...beside, weights: { ...placedWeights(graph, file), ...weights } };
}
