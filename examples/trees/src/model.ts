/** A model of this app: the data in its file besides the weights, loading it, and opening it for prediction. */
import { type AppModel, backends, loadAppModel, type RuntimeName } from "@ostinato/app";
import { dataRules, inferenceGraph, type ModelSpec, type Predictor, predictor } from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { parseVocabulary, TextError, vocabularySize } from "@ostinato/text";
import { type DataRecord, isDataRecord, type TreeLimits } from "./data.ts";
import { type NetworkName, networkOf, networks } from "./network.ts";
import type { Reading } from "./rows.ts";

/** The name of npm's script, and of the writer in model files. */
export const appName = "trees";

/** The settings in a model file for reading trees. */
export interface TreeSettings extends TreeLimits {
  readonly model: NetworkName;
}

/** A trained model with everything needed to apply it to trees. */
export interface TreeModel extends AppModel {
  readonly settings: TreeSettings;
  readonly reading: Reading;
  readonly data: DataRecord;
}

export function metadataOf(seed: number, settings: TreeSettings, data: DataRecord) {
  return { app: appName, seed, data: { ...data }, trees: { ...settings, labels: [...settings.labels] } };
}

function isSettings(settings: unknown): settings is TreeSettings {
  if (typeof settings !== "object" || settings === null) return false;
  const { model, labels, arity } = settings as Record<string, unknown>;
  const texts = Array.isArray(labels) && labels.every((label) => typeof label === "string");
  return (
    typeof model === "string" &&
    Object.hasOwn(networks, model) &&
    texts &&
    (arity === null || Number.isSafeInteger(arity))
  );
}

/** The model of `--model`. Throws `ModelFileError` where there is none, or one of another app. */
export async function loadTreeModel(path: string): Promise<TreeModel> {
  const model = await loadAppModel(path, appName);
  const { trees: settings, data } = model.metadata;
  if (!isSettings(settings) || !isDataRecord(data)) throw model.foreign("it has no words and labels for trees");
  try {
    const vocabulary = parseVocabulary(model.trained.vocabulary);
    if (!fits(model.trained.spec, vocabularySize(vocabulary), settings.labels.length))
      throw model.foreign("its words or its labels are not those of its network");
    return {
      ...model,
      settings,
      data,
      reading: { vocabulary, labels: settings.labels, linear: networkOf(settings.model).overWords !== undefined },
    };
  } catch (error) {
    if (error instanceof TextError) throw model.foreign(error.message);
    throw error;
  }
}

/** Whether a network has so many ids of words, and so many labels. */
function fits(spec: ModelSpec, words: number, labels: number): boolean {
  const [rules] = Object.values(dataRules(spec));
  const [output] = Object.values(inferenceGraph(spec).fetches);
  return rules?.inputDim === words && output?.type.shape.at(-1) === labels;
}

/** Opens a model on a backend, or in onnxruntime: an ONNX file of this library as it is, any other model by way of an export. */
export async function openTreeModel({ trained, onnx }: TreeModel, name: RuntimeName): Promise<Predictor> {
  if (name !== "onnx") return predictor(trained, { backend: await backends[name]({}) });
  return onnxPredictor(onnx ?? exportOnnx(trained));
}
