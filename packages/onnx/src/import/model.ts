/** From an ONNX file to a graph and its weights. */
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

/** The graph of a model as it lies in its file. */
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
 * The graph in an `.onnx` file, the dual of `graphToOnnx`: its inputs are the feeds, its outputs the fetches, as the file has them, and its initializers
 * become states. Whole numbers of 64 bits are int32. What shapes and sizes are computed of is computed away, and a graph that `graphToOnnx` wrote is written as the same bytes again.
 *
 * @throws ModelFileError for a damaged file; UnsupportedOpError for what has no form here, with the node, the operator and the reason
 *
 * @example
 * const { graph, state, inputs } = graphFromOnnx(bytes);
 * graphToOnnx(graph, state, { inputs });
 */
export function graphFromOnnx(bytes: Uint8Array): ReadGraph {
  return readGraph(withRestoredWeights(decodeOnnx(bytes)), noExternalData);
}
