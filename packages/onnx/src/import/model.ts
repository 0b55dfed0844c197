/** Imports an ONNX file as a graph and its weights. */
import { type Graph, type Tensors, verify } from "@ostinato/core";
import type { OnnxModel } from "../file/schema.ts";
import { decodeOnnx } from "../file/wire.ts";
import { withRestoredWeights } from "../types/restored.ts";
import { openName } from "./borders.ts";
import { type ExternalData, noExternalData } from "./external.ts";
import { readModel } from "./read.ts";
import { recognized } from "./recognition.ts";
import { importers } from "./table.ts";

/** A graph and the data of its states by name. */
export interface ReadGraph {
  readonly graph: Graph;
  readonly state: Tensors;
  /** The names of the inputs in the order of the file. */
  readonly inputs: readonly string[];
}

/** Imports the graph of a model with the layout of the file. */
export function readGraph(model: OnnxModel, external: ExternalData): ReadGraph {
  const { inputs, outputs, made } = readModel({
    model,
    importers,
    external,
    sizeOf: (input, axis, dim) => dim ?? openName(input, axis),
  });
  const fetches = [...outputs].map(([name, imported]) => [name, made.value(imported)] as const);
  return {
    graph: verify(recognized({ fetches: Object.fromEntries(fetches), updates: [] })),
    state: Object.fromEntries(made.state),
    inputs: [...inputs.keys()],
  };
}

/**
 * Imports the graph of an `.onnx` file; the inverse of `graphToOnnx`. Inputs become feeds, outputs become fetches, both with the layout of the file, and initializers
 * become states. 64-bit integers become int32. Shape arithmetic is evaluated. A graph that `graphToOnnx` wrote is exported to the same bytes again.
 *
 * @throws ModelFileError for a damaged file; UnsupportedOpError for unsupported models, with the node, the operator and the reason
 *
 * @example
 * const { graph, state, inputs } = graphFromOnnx(bytes);
 * graphToOnnx(graph, state, { inputs });
 */
export function graphFromOnnx(bytes: Uint8Array): ReadGraph {
  return readGraph(withRestoredWeights(decodeOnnx(bytes)), noExternalData);
}
