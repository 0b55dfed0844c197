/** Taggers of other programs: their tags and words stand in a file beside theirs. */
import { descriptionBeside, readDescription, recordIn, shownCount, UsageError, withProbabilities } from "@ostinato/app";
import { ConfigError, dataRules, parseModelSpec, type Trained } from "@ostinato/core";
import { taggerMetadata, wordVocabulary } from "@ostinato/tagger";
import { type Vocabulary, vocabularyFromJson, vocabularySize } from "@ostinato/text";

const form = '{ "tags": [...], "vocabulary": [...] }';

/**
 * The model of a file with what describes it: that of the file `vocabulary`, else of the one beside it. It reads ids of words, and gives a number for each tag. Throws `UsageError` where
 * nothing tells its tags and its words, or where they do not fit.
 */
export async function describedTagger(
  file: string,
  trained: Trained,
  vocabulary: string | undefined,
): Promise<Trained> {
  const described = await readDescription(file, vocabulary, (text) => {
    const { tags, vocabulary: words } = recordIn(text);
    if (tags === undefined || words === undefined) throw new ConfigError(`it must tell tags and words, ${form}`);
    return withDescription(
      trained,
      tags as readonly string[],
      vocabularyFromJson(words, { maxTokens: knownIds(trained) }),
    );
  });
  if (described) return described;
  throw new UsageError(
    `${file} tells no tags and no words, and there is no ${descriptionBeside(file)}; name a file with both in the order of their numbers, ${form}, with --vocabulary`,
  );
}

/** How many ids the first input of a model knows. */
function knownIds({ spec }: Trained): number {
  const [{ inputDim = Number.POSITIVE_INFINITY } = {}] = Object.values(dataRules(spec));
  return inputDim;
}

function withDescription(trained: Trained, tags: readonly string[], vocabulary: Vocabulary): Trained {
  const { reserved, unknownId, words, standardization } = vocabulary;
  const size = vocabularySize(vocabulary);
  if (size > knownIds(trained))
    throw new ConfigError(`it has ${shownCount(size)} words, and the model knows ${shownCount(knownIds(trained))}`);
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
