/** Trained models as ONNX files: the weights in the graph, the description and the vocabulary beside it as text. */
import {
  ConfigError,
  inferenceGraph,
  type Json,
  ModelFileError,
  parseModelSpec,
  type ReadOptions,
  type Trained,
} from "@ostinato/core";
import { encodeOnnx } from "./file/wire.ts";
import { type OnnxOptions, onnxModel } from "./model.ts";

const specKey = "ostinato.spec";
const vocabularyKey = "ostinato.vocabulary";
const metadataKey = "ostinato.metadata";

/**
 * The `.onnx` file of a trained model, for onnxruntime on any platform. Inputs and outputs have the model's names and are batch-major as
 * in `predict`; batch and time stay open. Ids are int32, and those of an `embedding` with `maskZero` tell the lengths in the graph.
 * The model's description, vocabulary and metadata travel along, each as JSON text among the file's metadata.
 *
 * Throws `ConfigError` for options that cannot work, `ShapeError` for weights that do not fit the spec, `UnsupportedOpError` for weights above 2 GiB,
 * which no ONNX file holds.
 *
 * @example
 * await writeFile("sentiment.onnx", exportOnnx(await trainer.snapshot()));
 */
export function exportOnnx(trained: Trained, options: OnnxOptions = {}): Uint8Array {
  expectTrained(trained);
  const { spec, weights, vocabulary, metadata: own } = trained;
  const metadata = {
    [specKey]: JSON.stringify(spec),
    ...(vocabulary === undefined ? {} : { [vocabularyKey]: JSON.stringify(vocabulary) }),
    ...(own === undefined ? {} : { [metadataKey]: JSON.stringify(own) }),
    ...options.metadata,
  };
  const order = spec.inputs.flatMap(({ name, lengths }) => (lengths ? [name, `${name}/lengths`] : [name]));
  return encodeOnnx(onnxModel(inferenceGraph(spec), weights, { ...options, metadata }, order));
}

function expectTrained(trained: unknown): void {
  if (typeof trained === "object" && trained !== null) {
    if ("spec" in trained && "weights" in trained) return;
    if ("then" in trained)
      throw new ConfigError("exportOnnx: the model is still to come: await trainer.snapshot() or loadModel(…)");
  }
  throw new ConfigError(
    "exportOnnx: the model must be what await trainer.snapshot() or await loadModel(…) gave, weights included",
  );
}

function parse(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFileError(`the model's metadata "${key}" is not JSON`, { cause: error });
  }
}

/** What `exportOnnx` wrote beside the graph. Throws `ModelFileError` for other models, damaged text, and layers that are not known. */
export function describedIn(metadata: ReadonlyMap<string, string>, options?: ReadOptions): Omit<Trained, "weights"> {
  const spec = metadata.get(specKey);
  const vocabulary = metadata.get(vocabularyKey);
  const own = metadata.get(metadataKey);
  const parsed = own === undefined ? undefined : parse(metadataKey, own);
  if (parsed !== undefined && (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)))
    throw new ModelFileError(`the model's metadata "${metadataKey}" is not an object`);
  if (spec === undefined) {
    throw new ModelFileError(
      "this ONNX model was not written by exportOnnx, so what its inputs mean is unknown; openSession runs any model on tensors",
    );
  }
  return {
    spec: parseModelSpec(parse(specKey, spec), options),
    ...(vocabulary === undefined ? {} : { vocabulary: parse(vocabularyKey, vocabulary) as Json }),
    ...(parsed === undefined ? {} : { metadata: parsed as { [key: string]: Json } }),
  };
}
