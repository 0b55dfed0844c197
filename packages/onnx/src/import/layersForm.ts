/** Files of this library as the models of layers that they were, where their graphs are still those of these layers. */
import {
  inferenceGraph,
  type Model,
  OstinatoError,
  parametersOf,
  type ReadOptions,
  ShapeError,
  showShape,
  streamGraph,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { pairingIn } from "../decoding.ts";
import { describedIn, hasStates } from "../description.ts";
import { graphToOnnx } from "../model.ts";
import type { ReadGraph } from "./model.ts";

/** A model of layers, or why the file is none. */
export type LayersForm = { readonly trained: Trained } | { readonly reason: string };

/** The weights of the layers among those of the graph. @throws ShapeError for one that is missing or of another shape */
export function weightsOf(model: Model, state: Tensors): Tensors {
  const weights = parametersOf(model).map(({ name, shape }) => {
    const tensor = Object.hasOwn(state, name) ? state[name] : undefined;
    if (tensor === undefined) throw new ShapeError(`the graph has no weights "${name}"`);
    if (showShape(tensor.shape) !== showShape(shape))
      throw new ShapeError(`the weights "${name}" are ${showShape(tensor.shape)}, and have to be ${showShape(shape)}`);
    return [name, tensor] as const;
  });
  return Object.fromEntries(weights);
}

export function areSame(a: Uint8Array, b: Uint8Array): boolean {
  let i = a.length === b.length ? 0 : -1;
  while (i >= 0 && i < a.length && a[i] === b[i]) i++;
  return i === a.length;
}

/**
 * The model that a file describes. The description holds only where the layers, exported again with the weights of the file, give what the file's graph gives: the
 * graph is what runtimes run, and somebody may have changed it.
 */
export function layersForm(
  metadata: ReadonlyMap<string, string>,
  { graph, state, inputs }: ReadGraph,
  options: ReadOptions,
): LayersForm {
  try {
    const half = pairingIn(metadata)?.half;
    if (half) return { reason: `it is one of two files, ${half}; the model is in both` };
    const described = describedIn(metadata, options);
    const { spec } = described;
    const weights = weightsOf(described, state);
    const own = graphToOnnx(hasStates(metadata) ? streamGraph(spec) : inferenceGraph(spec), weights, { inputs });
    const given = graphToOnnx(graph, state, { inputs });
    if (!areSame(own, given)) return { reason: "its graph is not the one of the layers that it describes" };
    return { trained: { ...described, weights: { ...weights, ...described.weights } } };
  } catch (error) {
    if (!(error instanceof OstinatoError)) throw error;
    return { reason: error.message };
  }
}
