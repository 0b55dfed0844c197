/** Loads Keras weights into a model of layers. */
import {
  ConfigError,
  type Float32Tensor,
  type Model,
  ModelFileError,
  OptionReader,
  showShape,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { expectModel } from "../given.ts";
import { isChain } from "./chain.ts";
import { readKerasFile } from "./files.ts";
import { isFields } from "./json.ts";
import { fileNameOf } from "./layers.ts";
import { calledThere, match, type Wanted } from "./match.ts";
import { type Stored, storedLayers } from "./stored.ts";
import { layersWithWeights, readModule, shapesOf } from "./variables.ts";

/** Options of `loadKeras`. */
export interface LoadKerasOptions {
  /** Maps layers of the model to Keras layers, for cases that class, name and shape do not decide: `{ encoder: "lstm_1" }`. The value is the Keras name of the layer or of its folder in the file. */
  readonly map?: Readonly<Record<string, string>>;
}

const shownShapes = (shapes: readonly (readonly number[])[]): string => shapes.map(showShape).join(", ");

/** @throws ConfigError if the map is not an object, or names a layer that the model does not have */
function readMap(map: unknown, wanted: readonly Wanted[]): Readonly<Record<string, string>> {
  if (map === undefined) return {};
  if (!isFields(map) || Object.values(map).some((value) => typeof value !== "string"))
    throw new ConfigError('loadKeras: map must be { layer: "Keras layer" }');
  const unknown = Object.keys(map).find((name) => !wanted.some(({ layer }) => layer === name));
  if (unknown !== undefined)
    throw new ConfigError(
      `loadKeras: map names the layer "${unknown}", but the layers of the model are ${wanted.map(({ layer }) => layer).join(", ")}`,
    );
  return map as Readonly<Record<string, string>>;
}

/**
 * Loads the weights of a Keras file into a model: `.weights.h5`, a `.keras` archive, or the older `.h5`. Layers are matched by class. Layers of the same class are matched by name, then by shape if only one
 * has it, and in a chain by order. Use `map` for the remaining cases. A single error lists everything that is missing or left over.
 *
 * @param model a model, or a trained model, which keeps its vocabulary, metadata and losses
 * @throws ModelFileError for a damaged file, and with the names and shapes of both sides if it does not fit the model; ConfigError for a map with an unknown layer
 * @example
 * const trained = loadKeras(sequential([embedding({ inputDim: 5000, outputDim: 32, maskZero: true }), lstm({ units: 64 }), dense({ units: 1 })]), await readFile("model.weights.h5"));
 */
export function loadKeras(
  model: Model | Trained,
  bytes: Uint8Array | ArrayBuffer,
  options: LoadKerasOptions = {},
): Trained {
  new OptionReader("loadKeras", options, ["map"]);
  expectModel("loadKeras", model);
  const { spec } = model;
  const all = layersWithWeights(model).map((layer): Wanted => {
    const { kind } = spec.layers.find(({ name }) => name === layer.layer) ?? { kind: "layer" };
    return { ...layer, className: fileNameOf(kind), label: `${kind} "${layer.layer}"` };
  });
  const stored = storedLayers(readKerasFile(bytes));
  const { found, missing, left, problems } = match(all, stored, readMap(options.map, all), isChain(spec));
  for (const wanted of missing) {
    problems.push(
      `${wanted.label} needs ${shownShapes(shapesOf(wanted.label, wanted))}, but the file has no such layer`,
    );
  }
  for (const stored of left) problems.push(`the file also has ${calledThere(stored)}, ${shownShapes(stored.shapes)}`);
  if (problems.length > 0)
    throw new ModelFileError(
      `loadKeras: the file does not fit the model:\n${problems.map((problem) => `- ${problem}`).join("\n")}`,
    );
  const weights = all.flatMap((wanted): [string, Float32Tensor][] => {
    const arrays = (found.get(wanted) as Stored).arrays(wanted);
    return wanted.modules.flatMap((module, i) => readModule(`loadKeras: ${wanted.label}`, module, arrays[i] ?? []));
  });
  const own: Tensors = "weights" in model ? model.weights : {};
  return { ...model, weights: { ...own, ...Object.fromEntries(weights) } };
}
