/** Restores models of layers from files of this library, if the graph in the file is still that of the layers. */
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

/** A model of layers, or the reason why the file does not contain one. */
export type LayersForm = { readonly trained: Trained } | { readonly reason: string };

/** The weights of the layers, from those of the graph. @throws ShapeError for a missing weight or a wrong shape */
export function weightsOf(model: Model, state: Tensors): Tensors {
  const weights = parametersOf(model).map(({ name, shape }) => {
    const tensor = Object.hasOwn(state, name) ? state[name] : undefined;
    if (tensor === undefined) throw new ShapeError(`the graph has no weight "${name}"`);
    if (showShape(tensor.shape) !== showShape(shape))
      throw new ShapeError(`the weight "${name}" is ${showShape(tensor.shape)}, but must be ${showShape(shape)}`);
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
 * The model that a file describes. The description is used only if exporting the layers with the weights of the file gives the file's graph:
 * runtimes run the graph, and it may have been modified after the export.
 */
export function layersForm(
  metadata: ReadonlyMap<string, string>,
  { graph, state, inputs }: ReadGraph,
  options: ReadOptions,
): LayersForm {
  try {
    const half = pairingIn(metadata)?.half;
    if (half) return { reason: `it is one of two files, ${half}; the model needs both` };
    const described = describedIn(metadata, options);
    const { spec } = described;
    const weights = weightsOf(described, state);
    const own = graphToOnnx(hasStates(metadata) ? streamGraph(spec) : inferenceGraph(spec), weights, { inputs });
    const given = graphToOnnx(graph, state, { inputs });
    if (!areSame(own, given)) return { reason: "its graph differs from the layers that it describes" };
    return { trained: { ...described, weights: { ...weights, ...described.weights } } };
  } catch (error) {
    if (!(error instanceof OstinatoError)) throw error;
    return { reason: error.message };
  }
}
