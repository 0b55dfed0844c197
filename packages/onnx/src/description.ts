/** What stands beside a model's graph in its file, as text: its description, vocabulary, metadata and losses. */
import {
  type Json,
  lossesFromJson,
  lossesToJson,
  ModelFileError,
  parseModelSpec,
  type ReadOptions,
  type Trained,
} from "@ostinato/core";

const specKey = "ostinato.spec";
const vocabularyKey = "ostinato.vocabulary";
const metadataKey = "ostinato.metadata";
const lossesKey = "ostinato.losses";
export const statesKey = "ostinato.states";

/** What is written of a trained model beside its graph, as text. */
export function describing(trained: Trained): Record<string, string> {
  const { spec, vocabulary, metadata } = trained;
  const losses = lossesToJson(trained);
  return {
    [specKey]: JSON.stringify(spec),
    ...(vocabulary === undefined ? {} : { [vocabularyKey]: JSON.stringify(vocabulary) }),
    ...(metadata === undefined ? {} : { [metadataKey]: JSON.stringify(metadata) }),
    ...(losses === undefined ? {} : { [lossesKey]: JSON.stringify(losses) }),
  };
}

function parse(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFileError(`the model's metadata "${key}" is not JSON`, { cause: error });
  }
}

/** Whether the file says what model it is. */
export const isDescribed = (metadata: ReadonlyMap<string, string>): boolean => metadata.has(specKey);

/** Whether the file has its states among inputs and outputs. */
export const hasStates = (metadata: ReadonlyMap<string, string>): boolean => metadata.get(statesKey) === "true";

/** What `exportOnnx` wrote beside the graph; the weights are those of the losses. Throws `ModelFileError` for other models, damaged text, and layers that are not known. */
export function describedIn(metadata: ReadonlyMap<string, string>, options?: ReadOptions): Trained {
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
  const described = parseModelSpec(parse(specKey, spec), options);
  const losses = metadata.get(lossesKey);
  return {
    spec: described,
    ...lossesFromJson(losses === undefined ? undefined : parse(lossesKey, losses), described),
    ...(vocabulary === undefined ? {} : { vocabulary: parse(vocabularyKey, vocabulary) as Json }),
    ...(parsed === undefined ? {} : { metadata: parsed as { [key: string]: Json } }),
  };
}
