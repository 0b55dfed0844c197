/** Trained models as ONNX files: the weights in the graph, the description and the vocabulary beside it as text. */
import { ConfigError, graphForm, inferenceGraph, statefulLayer, streamGraph, type Trained } from "@ostinato/core";
import { describing, statesKey } from "./description.ts";
import { encodeOnnx } from "./file/wire.ts";
import { expectOptions, type OnnxOptions, onnxModel, type TokenOptions } from "./model.ts";

/** Options of `exportOnnx`. */
export interface ExportOptions extends OnnxOptions, TokenOptions {
  /**
   * The states of all recurrences are inputs and outputs of the file, `states/reader/h` and `states/reader/h/next` of a layer "reader", each float32 [batch, units], and so is
   * the length of each row, `input/lengths`: it can be run step by step, and `onnxPredictor(file).stream()` does. Default false: each run begins anew. A model
   * with `stateful` layers has to say which.
   */
  readonly states?: boolean;
}

/**
 * The `.onnx` file of a trained model, for onnxruntime on any platform. Inputs and outputs have the model's names and are batch-major as
 * in `predict`; batch and time are dynamic. Ids are int32, or int64 with `tokenType`. With `maskZero` in the `embedding`, the graph computes the lengths from the ids.
 * The model's description, vocabulary and metadata travel along, each as JSON text among the file's metadata, and so do losses that predictions are
 * read by, such as a CRF, with their parameters, which are no part of the graph.
 *
 * Throws `ConfigError` for options that cannot work, and for `states` of a model that needs whole rows, `ShapeError` for weights that do not fit the spec, `UnsupportedOpError` for weights above 2 GiB,
 * which no ONNX file holds.
 *
 * @example
 * await writeFile("sentiment.onnx", exportOnnx(await trainer.snapshot()));
 */
export function exportOnnx(trained: Trained, options: ExportOptions = {}): Uint8Array {
  expectTrained("exportOnnx", trained);
  expectOptions("exportOnnx", options, ["states", "tokenType"]);
  const { spec, weights } = trained;
  const { states = false } = options;
  if (typeof states !== "boolean")
    throw new ConfigError(`exportOnnx: states must be true or false, got ${JSON.stringify(states)}`);
  const stateful = options.states === undefined ? statefulLayer(spec) : undefined;
  if (stateful !== undefined)
    throw new ConfigError(
      `exportOnnx: ${stateful} is stateful, and an ONNX file keeps nothing from run to run; give { states: true }, with which states are inputs and outputs, or { states: false }, with which each run begins anew`,
    );
  // A graph model is written without a description, because the graph in the file is the description.
  const form = states ? undefined : graphForm(trained);
  const metadata = {
    ...(states ? { [statesKey]: "true" } : {}),
    ...describing(trained, form === undefined),
    ...options.metadata,
  };
  const graph = form?.graph ?? (states ? streamGraph(spec) : inferenceGraph(spec));
  const tokens = spec.inputs.map(({ name }) => name);
  const inputs = tokens.flatMap((name) => [
    name,
    ...["lengths", "nodes", "edges", "levels"].map((of) => `${name}/${of}`),
  ]);
  // States go in in the order in which they come out.
  const order = [...inputs, ...Object.keys(graph.fetches).map((fetch) => fetch.replace(/\/next$/, ""))];
  return encodeOnnx(onnxModel(graph, form?.state ?? weights, { ...options, metadata }, { order, tokens }));
}

/** @throws ConfigError, which begins with the `owner` */
export function expectTrained(owner: string, trained: unknown): void {
  if (typeof trained === "object" && trained !== null) {
    if ("spec" in trained && "weights" in trained) return;
    if ("then" in trained)
      throw new ConfigError(`${owner}: the model is still to come: await trainer.snapshot() or loadModel(…)`);
  }
  throw new ConfigError(
    `${owner}: the model must be what await trainer.snapshot() or await loadModel(…) gave, weights included`,
  );
}
