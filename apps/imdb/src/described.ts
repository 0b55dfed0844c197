/** Models of other programs: what it takes to put a text before them stands in a file beside theirs, and is as in this app where it does not. */
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

/** What `export` writes beside an ONNX file, or a part of it; the vocabulary alone is enough. */
interface Description {
  readonly settings: Partial<ClassifierSettings>;
  readonly vocabulary: Vocabulary;
  /** Those of inputs after the first. */
  readonly others: Readonly<Record<string, Vocabulary>>;
}

/** What the settings are where nothing says otherwise. */
const defaults: ClassifierSettings = { labels: ["negative", "positive"], maxLength: 300 };

/** `maxTokens` is how many ids the network knows. */
function descriptionIn(text: string, maxTokens: number): Description {
  const { vocabulary, others = {}, labels, maxLength, truncating, padding } = recordIn(text);
  // In an index of words "vocabulary" may be one of them, and has an id.
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

/** What may describe a model that does not do so itself. */
export interface Describing extends Pick<ForeignOptions, "vocabulary"> {
  /** Makes a vocabulary where no file tells one, of so many ids at most. */
  readonly own?: ((maxTokens: number) => Vocabulary) | undefined;
}

/**
 * The model of a file with what describes it. What gives logits gets a layer that makes probabilities of them.
 *
 * Throws `UsageError` where nothing tells its vocabulary, or where that cannot be read or does not fit.
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
    `${file} tells no vocabulary, and there is no ${descriptionBeside(file)}; name a file with the words that the model was trained with, in the order of their ids, with --vocabulary`,
  );
}

/** How many ids all inputs of a model know. */
const knownIds = ({ spec }: Trained): number =>
  Math.min(...Object.values(dataRules(spec)).map(({ inputDim = Number.POSITIVE_INFINITY }) => inputDim));

/** @throws ConfigError for a vocabulary that does not fit the model, and for padding where it takes no other than its own */
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

/** Where zeros fill up rows unless the description says so. A network that knows no padding has seen it: in front, as Keras's `pad_sequences` puts it there. */
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
        `${of} takes id 0 for the end of a text, and ${given === "pre" ? "padding in front" : "unknown words"} would be such; a network of weights alone does not with --preset article`,
      );
  }
  const all = Object.values(rules);
  if (all.every(({ cut }) => cut)) return {};
  return { padding: all.some(({ padding }) => padding === 0) ? "post" : "pre" };
}
