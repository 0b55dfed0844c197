/** A model of this app: what its file holds beside the weights, reading it back, and what computes with it. */
import { type AppModel, backends, loadAppModel, type Origin, originKey, type RuntimeName } from "@ostinato/app";
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

/** As npm's script is called, and what models name as their writer. */
export const appName = "tag";

/** A trained model with all that it takes to put a sentence before it. */
export interface TaggerModel extends AppModel {
  readonly settings: KnownTaggerSettings;
  readonly vocabulary: TaggerVocabulary;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** What goes into the model's file beside the weights and the vocabulary; `origin` is the model that training began with. */
export function metadataOf(seed: number, settings: TaggerSettings, data: DataRecord, origin: Origin | undefined) {
  const began = origin === undefined ? {} : { [originKey]: origin };
  return { app: appName, seed, data: { ...data }, ...taggerMetadata(settings), ...began };
}

/** The model that `--model` names, and `--init`. Throws `ModelFileError` where there is none, or another's. */
export async function loadTagger(path: string): Promise<TaggerModel> {
  const model = await loadAppModel(path, appName, { layers: [wordDropout] });
  const { foreign, trained } = model;
  const { data } = model.metadata;
  try {
    const known = taggerSettings(trained);
    if (!isDataRecord(data)) throw foreign("it does not tell what it was trained on");
    return { ...model, data, ...known };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Opens a model on a backend, or in onnxruntime: an ONNX file of this library's own as it is, any other model as its export. */
export async function openTagger({ trained, onnx }: TaggerModel, name: RuntimeName): Promise<Tagger> {
  if (name !== "onnx") return tagger(trained, { backend: await backends[name]({}) });
  return tagger(onnx ?? trained, { backend: "onnx" });
}
