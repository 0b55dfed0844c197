/** Weights of Keras for a model of layers. */
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
  /** Which layer of Keras is which layer of the model, where classes, names and shapes do not tell: `{ encoder: "lstm_1" }`, by the name that Keras gives the layer, or by that of its folder in the file. */
  readonly map?: Readonly<Record<string, string>>;
}

const shownShapes = (shapes: readonly (readonly number[])[]): string => shapes.map(showShape).join(", ");

/** @throws ConfigError for a map that is none, or names a layer that the model does not have */
function readMap(map: unknown, wanted: readonly Wanted[]): Readonly<Record<string, string>> {
  if (map === undefined) return {};
  if (!isFields(map) || Object.values(map).some((value) => typeof value !== "string"))
    throw new ConfigError('loadKeras: map must be { layer: "layer of Keras" }');
  const unknown = Object.keys(map).find((name) => !wanted.some(({ layer }) => layer === name));
  if (unknown !== undefined)
    throw new ConfigError(
      `loadKeras: map names the layer "${unknown}", and the model has ${wanted.map(({ layer }) => layer).join(", ")}`,
    );
  return map as Readonly<Record<string, string>>;
}

/**
 * A model of ours with the weights of a file of Keras: `.weights.h5`, a `.keras` archive, or the older `.h5`. Layers are matched by class; of several of one class those of the same name, then those that alone have their
 * shapes, and in a chain in their order. Where that does not tell, `map` does. What of a model is in no file, or of a file in no model, is told in one error.
 *
 * @param model a model, or a trained one, whose vocabulary, metadata and losses are kept
 * @throws ModelFileError for a file that is damaged, and with names and shapes of both sides where it does not fit the model; ConfigError for a map that names no layer of the model
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
      `${wanted.label} needs ${shownShapes(shapesOf(wanted.label, wanted))}, and the file has no such layer`,
    );
  }
  for (const stored of left)
    problems.push(`the file has beside them ${calledThere(stored)}, ${shownShapes(stored.shapes)}`);
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
