/** How texts become rows of ids and numbers become labels: what a classifier's model file carries beside weights and vocabulary. */
import {
  ConfigError,
  type InputSpec,
  inferenceGraph,
  type Json,
  ModelFileError,
  type ModelSpec,
  type Trained,
} from "@ostinato/core";
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

/** The vocabulary of each input of a model, by the input's name: of words, say, and of n-grams of words. */
export type Vocabularies = Readonly<Record<string, Vocabulary>>;

/** What a classifier's file tells of how texts go in and labels come out. */
export interface KnownClassifier {
  readonly settings: KnownSettings;
  /** That of the model's first input. */
  readonly vocabulary: Vocabulary;
  /** Those of all inputs. */
  readonly vocabularies: Vocabularies;
}

/** A model's settings and vocabularies. @throws ModelFileError where it carries none, or such as do not fit it */
export function classifierSettings({ spec, vocabulary, metadata }: Omit<Trained, "weights">): KnownClassifier {
  const kept = metadata?.[key];
  if (kept === undefined || vocabulary === undefined)
    throw new ModelFileError(
      `the model is not a text classifier: its file has no ${kept === undefined ? "labels" : "vocabulary"}; save it with trainer.snapshot({ vocabulary, metadata: classifierMetadata({ labels, maxLength }) })`,
    );
  const { labels, maxLength, truncating, padding }: Readonly<Record<string, unknown>> = isRecord(kept) ? kept : {};
  const given = {
    labels,
    maxLength,
    truncating: truncating ?? "pre",
    ...(padding === null || padding === undefined ? {} : { padding }),
  };
  const problem = problemOf(given);
  if (problem !== undefined) throw new ModelFileError(`the model file is damaged: ${problem}`);
  const settings = given as KnownSettings;
  expectShapes(spec, settings.labels.length);
  const vocabularies = vocabulariesOf(spec, vocabulary);
  return { settings, vocabulary: vocabularies[spec.inputs[0]?.name ?? ""] as Vocabulary, vocabularies };
}

/** One vocabulary for the only input, or one for each by name. */
function vocabulariesOf({ inputs }: ModelSpec, kept: Json): Vocabularies {
  const names = inputs.map(({ name }) => name);
  const byName = isRecord(kept) && !isVocabulary(kept);
  if (names.length === 1 && !byName) return { [names[0] as string]: parsed(kept, "") };
  const given = byName ? kept : {};
  const missing = names.find((name) => !Object.hasOwn(given, name));
  if (missing !== undefined)
    throw new ModelFileError(
      `the model takes ${names.join(", ")}, and its file has no vocabulary for "${missing}"; save it with trainer.snapshot({ vocabulary: { ${names.join(", ")} }, … })`,
    );
  return Object.fromEntries(names.map((name) => [name, parsed(given[name], ` (input "${name}")`)]));
}

function parsed(vocabulary: unknown, where: string): Vocabulary {
  try {
    return parseVocabulary(vocabulary);
  } catch (error) {
    if (!(error instanceof TextDataError)) throw error;
    throw new ModelFileError(`the model file is damaged: ${error.message}${where}`);
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Ids go in; of a model that ends in one unit the probability of the second label comes out, of one with as many units as labels that of each. */
function expectShapes(spec: ModelSpec, labels: number): void {
  const [first, ...others] = Object.values(inferenceGraph(spec).fetches);
  const shape = first && "shape" in first.type ? first.type.shape : [];
  const units = shape[1];
  if (others.length === 0 && spec.inputs.every(takesText) && shape.length === 2) {
    if (units === labels || (units === 1 && labels === 2)) return;
  }
  throw new ModelFileError(
    `the model is not a classifier of texts into ${labels} labels: it must take ids and end in ${labels} units${labels === 2 ? ", or in one" : ""}; ${takenAndGiven(spec)}`,
  );
}

/** Whether an input takes the ids of a text's words, in a row: not vectors, and not a tree of them. */
export const takesText = ({ kind, tree }: InputSpec): boolean => kind === "ids" && tree !== true;

/** What a model takes and gives, in words: "it takes ids "words" and gives [batch, 3]". */
export function takenAndGiven(spec: ModelSpec): string {
  const taken = spec.inputs.map(({ kind, name, tree }) => `${tree ? "trees of " : ""}${kind} "${name}"`).join(", ");
  const given = Object.values(inferenceGraph(spec).fetches).map(({ type }) => `[${type.shape.join(", ")}]`);
  return `it takes ${taken} and gives ${given.join(", ")}`;
}

/** What of the settings says how texts become rows. */
export type RowSettings = Omit<ClassifierSettings, "labels">;

/** Rows of ids as a model takes them: each with its own length, or padded to one. */
export type TextRows = readonly (readonly number[])[] | PaddedInt32;

/** To Keras's rules a carriage return is no space: it would become part of the word before it. */
function* withoutCarriageReturns(texts: readonly string[]): Iterable<string> {
  for (const text of texts) yield typeof text === "string" ? text.replaceAll("\r", "\n") : text;
}

/**
 * Texts as the rows that a model with these settings takes: for training, and for every use afterwards. Lines may end in CR LF. A model of several inputs
 * takes rows for each: give their vocabularies by name.
 *
 * @example
 * const vocabulary = vocabularyFromTexts(["the cat sat"]);
 * encodeForClassifier({ maxLength: 2 }, vocabulary, ["The cat sat!"]); // [[3, 4]]
 *
 * @example
 * const bigrams = vocabularyFromTexts(["the cat sat"], { ngram: 2 });
 * encodeForClassifier({ maxLength: 2 }, { words: vocabulary, bigrams }, ["The cat sat!"]); // { words: [[3, 4]], bigrams: [[3, 4]] }
 */
export function encodeForClassifier(settings: RowSettings, vocabulary: Vocabulary, texts: readonly string[]): TextRows;
export function encodeForClassifier(
  settings: RowSettings,
  vocabularies: Vocabularies,
  texts: readonly string[],
): Record<string, TextRows>;
export function encodeForClassifier(
  settings: RowSettings,
  given: Vocabulary | Vocabularies,
  texts: readonly string[],
): TextRows | Record<string, TextRows> {
  if (isVocabulary(given)) return rowsOf(settings, given, texts);
  return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, rowsOf(settings, each, texts)]));
}

/** An input may be called "words" or "version", too. */
function isVocabulary(given: Vocabulary | Vocabularies | Readonly<Record<string, unknown>>): given is Vocabulary {
  return typeof given.version === "number";
}

function rowsOf(
  { maxLength, truncating = "pre", padding }: RowSettings,
  vocabulary: Vocabulary,
  texts: readonly string[],
): TextRows {
  const rows = encodeTexts(vocabulary, withoutCarriageReturns(texts));
  if (padding !== undefined) return padSequences(rows, { maxLength, padding, truncating });
  const cut = (ids: number[]) => (truncating === "pre" ? ids.slice(-maxLength) : ids.slice(0, maxLength));
  return rows.map((ids) => (ids.length > maxLength ? cut(ids) : ids));
}
