/** A model of this app: what its file holds beside the weights, reading it back, and what computes with it. */
import {
  type AppModel,
  backends,
  loadAppModel,
  type OpenOptions,
  type Origin,
  originKey,
  type RuntimeName,
  shownCount,
  UsageError,
} from "@ostinato/app";
import {
  type ClassifierSettings,
  classifierMetadata,
  classifierSettings,
  type KnownSettings,
  type TextClassifier,
  type Vocabularies,
} from "@ostinato/classifier";
import { textClassifier } from "@ostinato/classifier/node";
import { ModelFileError, type Trained } from "@ostinato/core";
import type { LabelEncoder, Vocabulary } from "@ostinato/text";
import type { KnownClassWeights } from "./class-weights.ts";
import { type Describing, describedModel } from "./described.ts";
import type { PresetName } from "./presets.ts";
import { type DataRecord, isDataRecord } from "./reviews.ts";

/** A trained model with all that it takes to put a text before it. */
export interface Sentiment extends AppModel {
  /** Of words. */
  readonly vocabulary: Vocabulary;
  /** Those of all inputs. */
  readonly vocabularies: Vocabularies;
  readonly settings: KnownSettings;
  /** The labels in the order of the outputs. */
  readonly labelEncoder: LabelEncoder<string>;
  /** What it was trained on. */
  readonly data: DataRecord;
}

/** As npm's script is called, and what models name as their writer. */
export const appName = "imdb";

/** The origin of a model, stored in its file. */
export interface About {
  readonly seed: number;
  readonly data: DataRecord;
  /** For a network described by a preset. */
  readonly preset?: PresetName;
  readonly classWeight?: KnownClassWeights | undefined;
  /** The initial model of the training. */
  readonly origin?: Origin;
}

/** What goes into the model's file beside the weights and the vocabulary. */
export function metadataOf({ preset, seed, data, classWeight, origin }: About, settings: ClassifierSettings) {
  return {
    app: appName,
    ...(preset === undefined ? {} : { preset }),
    seed,
    data: { ...data },
    ...(classWeight === undefined ? {} : { classWeight: classWeight.byLabel }),
    ...classifierMetadata(settings),
    ...(origin === undefined ? {} : { [originKey]: origin }),
  };
}

/** The data record of models from other programs; any data is new to them. */
const unknownData: DataRecord = { kind: "imdb", digest: "" };

/**
 * The model of `--model` or `--init`. A model from another program is described by `describing`, and weights without a network use `network`. Throws `ModelFileError`
 * if there is no model, or if it has another task, and `UsageError` if it has no description.
 */
export async function loadSentiment(
  path: string,
  { network, map, externalData, ...describing }: Describing & Omit<OpenOptions, "layers"> = {},
): Promise<Sentiment> {
  const model = await loadAppModel(path, appName, { network, map, externalData });
  const { own, foreign } = model;
  const { data = own ? undefined : unknownData } = model.metadata;
  if (!isDataRecord(data)) throw foreign("it does not contain a record of its training data");
  try {
    const isDescribed = tellsAll(model.trained);
    if (isDescribed && describing.vocabulary !== undefined)
      throw new UsageError(`--vocabulary: ${model.path} contains its vocabulary; remove the option`);
    const trained = isDescribed ? model.trained : await describedModel(model.path, model.trained, describing);
    const { settings, ...read } = classifierSettings(trained);
    return { ...model, trained, ...read, settings, labelEncoder: { classes: settings.labels }, data };
  } catch (error) {
    if (error instanceof ModelFileError) throw foreign(error.message);
    throw error;
  }
}

/** Whether the file contains the settings for texts. */
const tellsAll = ({ vocabulary, metadata = {} }: Trained): boolean =>
  vocabulary !== undefined && "textClassifier" in metadata;

/** Describes how texts are passed to a model. */
export function shownReading({ maxLength, truncating, padding }: KnownSettings): string {
  const end = truncating === "pre" ? "last" : "first";
  const filled =
    padding === undefined
      ? ""
      : `, shorter texts are padded with zeros ${padding === "pre" ? "in front" : "at the end"}`;
  return `It is given the ${end} ${shownCount(maxLength)} words of a text${filled}.`;
}

/** Opens a model on a backend, or in onnxruntime: an ONNX file of this library directly, any other model through an export. */
export async function openClassifier({ trained, onnx }: Sentiment, name: RuntimeName): Promise<TextClassifier> {
  if (name !== "onnx") return textClassifier(trained, { backend: await backends[name]({}) });
  return textClassifier(onnx ?? trained, { backend: "onnx" });
}
