/** Reads the descriptions of taggers from other programs: their tags and words. */
import { descriptionBeside, readDescription, recordIn, shownCount, UsageError, withProbabilities } from "@ostinato/app";
import { ConfigError, dataRules, parseModelSpec, type Trained } from "@ostinato/core";
import { taggerMetadata, wordVocabulary } from "@ostinato/tagger";
import { type Vocabulary, vocabularyFromJson, vocabularySize } from "@ostinato/text";

const form = '{ "tags": [...], "vocabulary": [...] }';

/**
 * The model of a file with its description: the file `vocabulary`, or the file next to the model. It must take word ids and return one number per tag. Throws `UsageError` if
 * tags or words are missing, or do not fit.
 */
export async function describedTagger(
  file: string,
  trained: Trained,
  vocabulary: string | undefined,
): Promise<Trained> {
  const described = await readDescription(file, vocabulary, (text) => {
    const { tags, vocabulary: words } = recordIn(text);
    if (tags === undefined || words === undefined) throw new ConfigError(`it must contain tags and words, ${form}`);
    return withDescription(
      trained,
      tags as readonly string[],
      vocabularyFromJson(words, { maxTokens: knownIds(trained) }),
    );
  });
  if (described) return described;
  throw new UsageError(
    `${file} has no tags and words, and ${descriptionBeside(file)} does not exist; use --vocabulary for a file with both in the order of their numbers, ${form}`,
  );
}

/** The number of ids of a model's first input. */
function knownIds({ spec }: Trained): number {
  const [{ inputDim = Number.POSITIVE_INFINITY } = {}] = Object.values(dataRules(spec));
  return inputDim;
}

function withDescription(trained: Trained, tags: readonly string[], vocabulary: Vocabulary): Trained {
  const { reserved, unknownId, words, standardization } = vocabulary;
  const size = vocabularySize(vocabulary);
  if (size > knownIds(trained))
    throw new ConfigError(
      `it has ${shownCount(size)} words, but the model has ids for ${shownCount(knownIds(trained))}`,
    );
  if (unknownId === null) throw new ConfigError('it has no id for unknown words, such as "[UNK]" among the first');
  const lower = "lower" in standardization ? standardization.lower : true;
  const [input, ...others] = trained.spec.inputs;
  return {
    ...trained,
    spec: parseModelSpec({ ...withProbabilities(trained.spec), inputs: [{ ...input, name: "word" }, ...others] }),
    vocabulary: wordVocabulary({ words, reserved, unknownId, lower }),
    metadata: { ...trained.metadata, ...taggerMetadata({ tags }) },
  };
}
