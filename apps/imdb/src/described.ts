/** Reads the descriptions of models from other programs: the settings for texts, with this app's defaults. */
import {
  descriptionBeside,
  type ForeignOptions,
  readDescription,
  recordIn,
  shownCount,
  UsageError,
  withProbabilities,
} from "@ostinato/app";
import { type ClassifierSettings, classifierMetadata, type Vocabularies } from "@ostinato/classifier";
import { ConfigError, dataRules, type ModelSpec, type Trained } from "@ostinato/core";
import {
  type SequenceEnd,
  type Vocabulary,
  vocabularyFromFile,
  vocabularyFromJson,
  vocabularySize,
} from "@ostinato/text";
import { keptOf } from "./inputs.ts";

/** The description that `export` writes, or part of it; only the vocabulary is required. */
interface Description {
  readonly settings: Partial<ClassifierSettings>;
  readonly vocabulary: Vocabulary;
  /** The vocabularies of further inputs. */
  readonly others: Readonly<Record<string, Vocabulary>>;
}

/** The default settings. */
const defaults: ClassifierSettings = { labels: ["negative", "positive"], maxLength: 300 };

/** `maxTokens` is the number of ids of the network. */
function descriptionIn(text: string, maxTokens: number): Description {
  const { vocabulary, others = {}, labels, maxLength, truncating, padding } = recordIn(text);
  // In an index of words, "vocabulary" may be a word with an id.
  if (typeof vocabulary !== "object" || vocabulary === null)
    return { settings: {}, vocabulary: vocabularyFromFile(text, { maxTokens }), others: {} };
  const given = Object.entries({ labels, maxLength, truncating, padding }).filter(
    ([, each]) => (each ?? null) !== null,
  );
  return {
    settings: Object.fromEntries(given),
    vocabulary: vocabularyFromJson(vocabulary, { maxTokens }),
    others: Object.fromEntries(
      Object.entries(others as object).map(([name, each]) => [name, vocabularyFromJson(each)]),
    ),
  };
}

/** Sources for the description of a model without its own. */
export interface Describing extends Pick<ForeignOptions, "vocabulary"> {
  /** Creates a vocabulary of at most this number of ids if no file contains one. */
  readonly own?: ((maxTokens: number) => Vocabulary) | undefined;
}

/**
 * The model of a file with its description. If it returns logits, a layer that converts them to probabilities is added.
 *
 * Throws `UsageError` if there is no vocabulary, or if it cannot be read or does not fit.
 */
export async function describedModel(
  file: string,
  trained: Trained,
  { vocabulary, own }: Describing,
): Promise<Trained> {
  const maxTokens = knownIds(trained);
  const described = await readDescription(file, vocabulary, (text) =>
    withDescription(trained, descriptionIn(text, maxTokens)),
  );
  if (described) return described;
  if (own) return withDescription(trained, { settings: {}, vocabulary: own(maxTokens), others: {} });
  throw new UsageError(
    `${file} has no vocabulary, and ${descriptionBeside(file)} does not exist; use --vocabulary for a file with the words that the model was trained with, in the order of their ids`,
  );
}

/** The number of ids that all inputs of a model accept. */
const knownIds = ({ spec }: Trained): number =>
  Math.min(...Object.values(dataRules(spec)).map(({ inputDim = Number.POSITIVE_INFINITY }) => inputDim));

/** @throws ConfigError for a vocabulary that does not fit the model, and for a padding that the model does not support */
function withDescription(trained: Trained, { settings, vocabulary, others }: Description): Trained {
  const [first, ...further] = trained.spec.inputs.map(({ name }) => name);
  const more = further.map((name) => [name, others[name] ?? vocabulary] as const);
  const vocabularies: Vocabularies = { [first as string]: vocabulary, ...Object.fromEntries(more) };
  const rows = { ...defaults, ...paddingOf(trained.spec, vocabularies, settings.padding), ...settings };
  return {
    ...trained,
    spec: withProbabilities(trained.spec),
    vocabulary: keptOf(vocabularies),
    metadata: { ...trained.metadata, ...classifierMetadata(rows) },
  };
}

/** The default side of padding. A network without a mask is padded in front, like Keras's `pad_sequences`. */
function paddingOf(
  spec: ModelSpec,
  vocabularies: Vocabularies,
  given: SequenceEnd | undefined,
): Pick<ClassifierSettings, "padding"> {
  const rules = dataRules(spec);
  for (const [name, vocabulary] of Object.entries(vocabularies)) {
    const { inputDim = Number.POSITIVE_INFINITY, padding } = rules[name] ?? {};
    const [size, of] = [vocabularySize(vocabulary), `the model's input "${name}"`];
    if (size > inputDim)
      throw new ConfigError(`it has ${shownCount(size)} ids, and ${of} knows ${shownCount(inputDim)}`);
    if (padding === 0 && (given === "pre" || vocabulary.unknownId === 0))
      throw new ConfigError(
        `${of} treats id 0 as the end of a text, which conflicts with ${given === "pre" ? "padding in front" : "unknown words"}; for weights without a network, --preset article avoids this`,
      );
  }
  const all = Object.values(rules);
  if (all.every(({ cut }) => cut)) return {};
  return { padding: all.some(({ padding }) => padding === 0) ? "post" : "pre" };
}
