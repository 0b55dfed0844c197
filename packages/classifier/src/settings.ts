/** How texts become rows of ids and numbers become labels: what a classifier's model file carries beside weights and vocabulary. */
import { ConfigError, inferenceGraph, type Json, ModelFileError, type ModelSpec, type Trained } from "@ostinato/core";
import {
  encodeTexts,
  type PaddedInt32,
  padSequences,
  parseVocabulary,
  type SequenceEnd,
  TextDataError,
  type Vocabulary,
} from "@ostinato/text";

/** What `classifierMetadata` writes, and a file tells. */
export interface ClassifierSettings {
  /** The classes in the order of the model's outputs, two or more; for a sigmoid with one unit the second is what it gives the probability of. */
  readonly labels: readonly string[];
  /** How many ids of a text the model reads. */
  readonly maxLength: number;
  /** Which ids of a longer text are left out. Default `"pre"`, as Keras's `pad_sequences`: the end is read. */
  readonly truncating?: SequenceEnd;
  /** Where zeros fill shorter texts up to `maxLength`; by default rows keep their lengths, which models with `maskZero` are told. */
  readonly padding?: SequenceEnd;
}

/** Settings that are checked and whole. */
export type KnownSettings = ClassifierSettings & { readonly truncating: SequenceEnd };

/** The key in a file's metadata. */
const key = "textClassifier";

const ends: readonly unknown[] = ["pre", "post"];

/** What is wrong with settings; undefined where nothing is. */
function problemOf({ labels, maxLength, truncating, padding }: { [K in keyof ClassifierSettings]?: unknown }) {
  if (!Array.isArray(labels) || labels.length < 2 || !labels.every((label) => typeof label === "string"))
    return "labels must be a list of two texts or more";
  if (new Set(labels).size < labels.length) return "labels must be different texts";
  if (typeof maxLength !== "number" || !Number.isSafeInteger(maxLength) || maxLength < 1)
    return `maxLength must be a whole number from 1 on, got ${String(maxLength).slice(0, 40)}`;
  if (truncating !== undefined && !ends.includes(truncating)) return 'truncating must be "pre" or "post"';
  if (padding !== undefined && !ends.includes(padding)) return 'padding must be "pre" or "post", or be left out';
  return undefined;
}

/**
 * The metadata that makes a saved model a text classifier: `textClassifier` reads it.
 *
 * @throws ConfigError for settings that cannot work
 *
 * @example
 * const metadata = classifierMetadata({ labels: ["negative", "positive"], maxLength: 300 });
 * await saveModel("sentiment.safetensors", await trainer.snapshot({ vocabulary, metadata }));
 */
export function classifierMetadata(settings: ClassifierSettings): { [key: string]: Json } {
  const problem = problemOf(settings);
  if (problem !== undefined) throw new ConfigError(`classifierMetadata: ${problem}`);
  const { labels, maxLength, truncating = "pre", padding } = settings;
  return { [key]: { labels: [...labels], maxLength, truncating, padding: padding ?? null } };
}

/** A model's settings and vocabulary. @throws ModelFileError where it carries none, or such as do not fit it */
export function classifierSettings({ spec, vocabulary, metadata }: Omit<Trained, "weights">): {
  readonly settings: KnownSettings;
  readonly vocabulary: Vocabulary;
} {
  const kept = metadata?.[key];
  if (kept === undefined || vocabulary === undefined)
    throw new ModelFileError(
      `the model is not a text classifier: its file has no ${kept === undefined ? "labels" : "vocabulary"}; save it with trainer.snapshot({ vocabulary, metadata: classifierMetadata({ labels, maxLength }) })`,
    );
  const { labels, maxLength, truncating, padding } = (
    typeof kept === "object" && kept !== null ? kept : {}
  ) as Readonly<Record<string, unknown>>;
  const given = {
    labels,
    maxLength,
    truncating: truncating ?? "pre",
    ...(padding === null || padding === undefined ? {} : { padding }),
  };
  const problem = problemOf(given);
  if (problem !== undefined) throw new ModelFileError(`the model file is damaged: ${problem}`);
  const settings = given as KnownSettings;
  expectOutputs(spec, settings.labels.length);
  try {
    return { settings, vocabulary: parseVocabulary(vocabulary) };
  } catch (error) {
    if (error instanceof TextDataError) throw new ModelFileError(`the model file is damaged: ${error.message}`);
    throw error;
  }
}

/** Of a model that ends in one unit the probability of the second label, of one with as many units as labels that of each. */
function expectOutputs(spec: ModelSpec, labels: number): void {
  const [first, ...others] = Object.values(inferenceGraph(spec).fetches);
  const shape = first && "shape" in first.type ? first.type.shape : [];
  const units = shape[1];
  if (others.length === 0 && spec.inputs.length === 1 && spec.inputs[0]?.kind === "ids" && shape.length === 2) {
    if (units === labels || (units === 1 && labels === 2)) return;
  }
  throw new ModelFileError(
    `the model is no classifier of texts into ${labels} labels: it must take ids and end in ${labels} units${labels === 2 ? ", or in one" : ""}`,
  );
}

/** Rows of ids as a model takes them: each with its own length, or padded to one. */
export type TextRows = readonly (readonly number[])[] | PaddedInt32;

/** To Keras's rules a carriage return is no space: it would become part of the word before it. */
function* withoutCarriageReturns(texts: readonly string[]): Iterable<string> {
  for (const text of texts) yield typeof text === "string" ? text.replaceAll("\r", "\n") : text;
}

/**
 * Texts as the rows that a model with these settings takes: for training, and for every use afterwards. Lines may end in CR LF.
 *
 * @example
 * const vocabulary = vocabularyFromTexts(["the cat sat"]);
 * encodeForClassifier({ maxLength: 2 }, vocabulary, ["The cat sat!"]); // [[3, 4]]
 */
export function encodeForClassifier(
  { maxLength, truncating = "pre", padding }: Omit<ClassifierSettings, "labels">,
  vocabulary: Vocabulary,
  texts: readonly string[],
): TextRows {
  const rows = encodeTexts(vocabulary, withoutCarriageReturns(texts));
  if (padding !== undefined) return padSequences(rows, { maxLength, padding, truncating });
  const cut = (ids: number[]) => (truncating === "pre" ? ids.slice(-maxLength) : ids.slice(0, maxLength));
  return rows.map((ids) => (ids.length > maxLength ? cut(ids) : ids));
}
