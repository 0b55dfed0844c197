/** A model of this app: what its file holds beside the weights, reading it back, and what computes with it. */
import {
  type AppModel,
  backends,
  type ForeignOptions,
  loadAppModel,
  type Origin,
  originKey,
  type RuntimeName,
  UsageError,
} from "@ostinato/app";
import { ModelFileError } from "@ostinato/core";
import {
  type KnownTaggerSettings,
  type Tagger,
  type TaggerSettings,
  type TaggerVocabulary,
  taggerMetadata,
  taggerSettings,
  wordDropout,
} from "@ostinato/tagger";
import { tagger } from "@ostinato/tagger/node";
import { type DataRecord, isDataRecord } from "./data.ts";
import { describedTagger } from "./described.ts";

/** As npm's script is called, and what models name as their writer. */
export const appName = "tag";

/** A trained model with all that it takes to put a sentence before it. */
export interface TaggerModel extends AppModel {
  readonly settings: KnownTaggerSettings;
  readonly vocabulary: TaggerVocabulary;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** The metadata of the model file, next to the weights and the vocabulary; `origin` is the initial model. */
export function metadataOf(seed: number, settings: TaggerSettings, data: DataRecord, origin: Origin | undefined) {
  const began = origin === undefined ? {} : { [originKey]: origin };
  return { app: appName, seed, data: { ...data }, ...taggerMetadata(settings), ...began };
}

/** The data record of models from other programs; any data is new to them. */
const unknownData: DataRecord = { kind: "conll", digest: "" };

/**
 * The model of `--model` or `--init`. A model from another program is described by the file `vocabulary`, or by the file next to it. Throws `ModelFileError` if there is no model, or if
 * it has another task, and `UsageError` if it has no description.
 */
export async function loadTagger(
  path: string,
  { vocabulary, externalData }: ForeignOptions = {},
): Promise<TaggerModel> {
  const model = await loadAppModel(path, appName, { layers: [wordDropout], externalData });
  const { foreign, own } = model;
  const { data = own ? undefined : unknownData } = model.metadata;
  if (!isDataRecord(data)) throw foreign("it does not contain a record of its training data");
  const isDescribed = model.trained.vocabulary !== undefined && "tagger" in (model.trained.metadata ?? {});
  if (isDescribed && vocabulary !== undefined)
    throw new UsageError(`--vocabulary: ${model.path} contains its vocabulary; remove the option`);
  try {
    const trained = isDescribed || own ? model.trained : await describedTagger(model.path, model.trained, vocabulary);
    return { ...model, trained, data, ...taggerSettings(trained) };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Opens a model on a backend, or in onnxruntime: an ONNX file of this library directly, any other model through an export. */
export async function openTagger({ trained, onnx }: TaggerModel, name: RuntimeName): Promise<Tagger> {
  if (name !== "onnx") return tagger(trained, { backend: await backends[name]({}) });
  return tagger(onnx ?? trained, { backend: "onnx" });
}
