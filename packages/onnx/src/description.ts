/** The metadata of an ONNX file: the model's description, vocabulary, metadata and losses, as text. */
import {
  type Json,
  lossesFromJson,
  lossesToJson,
  ModelFileError,
  type ModelSpec,
  parseJson,
  parseModelSpec,
  type ReadOptions,
  type Trained,
} from "@ostinato/core";
import type { OnnxModel } from "./file/schema.ts";

const specKey = "ostinato.spec";
const vocabularyKey = "ostinato.vocabulary";
const metadataKey = "ostinato.metadata";
const lossesKey = "ostinato.losses";
export const statesKey = "ostinato.states";

/** The metadata of a trained model as text. The description is omitted if the graph is the description. */
export function describing(trained: Trained, withSpec = true): Record<string, string> {
  const { spec, vocabulary, metadata } = trained;
  const losses = lossesToJson(trained);
  return {
    ...(withSpec ? { [specKey]: JSON.stringify(spec) } : {}),
    ...(vocabulary === undefined ? {} : { [vocabularyKey]: JSON.stringify(vocabulary) }),
    ...(metadata === undefined ? {} : { [metadataKey]: JSON.stringify(metadata) }),
    ...(losses === undefined ? {} : { [lossesKey]: JSON.stringify(losses) }),
  };
}

function parse(key: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new ModelFileError(`the model's metadata "${key}" is not JSON, or is nested too deeply`, { cause: error });
  }
}

/** The metadata of a model. */
export const metadataOf = ({ metadata = [] }: OnnxModel): ReadonlyMap<string, string> =>
  new Map(metadata.map(({ key = "", value = "" }) => [key, value]));

/** Whether the file contains a model description. */
export const isDescribed = (metadata: ReadonlyMap<string, string>): boolean => metadata.has(specKey);

/** Whether the file's inputs and outputs include states. */
export const hasStates = (metadata: ReadonlyMap<string, string>): boolean => metadata.get(statesKey) === "true";

/** The vocabulary, the metadata, and the losses with their weights; no losses if the model is unknown. @throws ModelFileError for damaged text */
export function besideGraph(metadata: ReadonlyMap<string, string>, spec: ModelSpec | undefined): Omit<Trained, "spec"> {
  const vocabulary = metadata.get(vocabularyKey);
  const own = metadata.get(metadataKey);
  const parsed = own === undefined ? undefined : parse(metadataKey, own);
  if (parsed !== undefined && (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)))
    throw new ModelFileError(`the model's metadata "${metadataKey}" is not an object`);
  const losses = spec && metadata.get(lossesKey);
  return {
    ...(spec && losses !== undefined ? lossesFromJson(parse(lossesKey, losses), spec) : { weights: {} }),
    ...(vocabulary === undefined ? {} : { vocabulary: parse(vocabularyKey, vocabulary) as Json }),
    ...(parsed === undefined ? {} : { metadata: parsed as { [key: string]: Json } }),
  };
}

/** Reads the metadata that `exportOnnx` wrote; the weights are those of the losses. Throws `ModelFileError` for other models, damaged text, and unknown layers. */
export function describedIn(metadata: ReadonlyMap<string, string>, options?: ReadOptions): Trained {
  const text = metadata.get(specKey);
  if (text === undefined) {
    throw new ModelFileError(
      "this ONNX model was not written by exportOnnx, so the meaning of its inputs is unknown; openSession runs any model on tensors",
    );
  }
  const spec = parseModelSpec(parse(specKey, text), options);
  return { spec, ...besideGraph(metadata, spec) };
}
