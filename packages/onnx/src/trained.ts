/** Trained models as ONNX files: the weights in the graph, the description and the vocabulary beside it as text. */
import {
  inferenceGraph,
  type Json,
  ModelFileError,
  type ModelSpec,
  parseModelSpec,
  type Trained,
} from "@ostinato/core";
import { encodeOnnx } from "./file/wire.ts";
import { type OnnxOptions, onnxModel } from "./model.ts";

const specKey = "ostinato.spec";
const vocabularyKey = "ostinato.vocabulary";

/**
 * The `.onnx` file of a trained model, for onnxruntime on any platform. Inputs and outputs have the model's names and are batch-major as
 * in `predict`; batch and time stay open. Ids are int32, and those of an `embedding` with `maskZero` tell the lengths in the graph.
 * The model's description and vocabulary travel along as metadata.
 *
 * Throws `ConfigError` for options that cannot work, `ShapeError` for weights that do not fit the spec.
 *
 * @example
 * await writeFile("sentiment.onnx", exportOnnx(await trainer.snapshot()));
 */
export function exportOnnx({ spec, weights, vocabulary }: Trained, options: OnnxOptions = {}): Uint8Array {
  const metadata = {
    [specKey]: JSON.stringify(spec),
    ...(vocabulary === undefined ? {} : { [vocabularyKey]: JSON.stringify(vocabulary) }),
    ...options.metadata,
  };
  const order = spec.inputs.flatMap(({ name, lengths }) => (lengths ? [name, `${name}/lengths`] : [name]));
  return encodeOnnx(onnxModel(inferenceGraph(spec), weights, { ...options, metadata }, order));
}

function parse(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFileError(`the model's metadata "${key}" is not JSON`, { cause: error });
  }
}

/** What `exportOnnx` wrote beside the graph. Throws `ModelFileError` for other models and damaged text. */
export function describedIn(metadata: ReadonlyMap<string, string>): { spec: ModelSpec; vocabulary?: Json } {
  const spec = metadata.get(specKey);
  const vocabulary = metadata.get(vocabularyKey);
  if (spec === undefined) {
    throw new ModelFileError(
      "this ONNX model was not written by exportOnnx, so what its inputs mean is unknown; openSession runs any model on tensors",
    );
  }
  return {
    spec: parseModelSpec(parse(specKey, spec)),
    ...(vocabulary === undefined ? {} : { vocabulary: parse(vocabularyKey, vocabulary) as Json }),
  };
}
