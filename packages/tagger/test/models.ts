/** A small tagger, trained in a moment, whose answers are plain: each word has a tag of its own, and endings tell that of unknown ones. */
import { cpu } from "@ostinato/backend-cpu";
import {
  adam,
  bidirectional,
  type CrfConstraints,
  compile,
  crf,
  dense,
  lstm,
  model,
  sparseCategoricalCrossentropy,
  type Trained,
} from "@ostinato/core";
import { type TaggerOutput, taggerMetadata, taggerVocabulary, tokenEmbeddings, tokenEncoder } from "@ostinato/tagger";

export const tags = ["DET", "NOUN", "VERB"];
const words = {
  DET: ["the", "a", "this"],
  NOUN: ["cat", "dog", "bird", "fish"],
  VERB: ["runs", "jumps", "sleeps", "eats"],
};

/** All sentences of determiner, noun and verb. */
export const sentences = words.DET.flatMap((det) =>
  words.NOUN.flatMap((noun) => words.VERB.map((verb) => [det, noun, verb])),
);

export async function trainedTagger(
  ending: TaggerOutput = "softmax",
  constraints: CrfConstraints | null = null,
): Promise<Trained> {
  const vocabulary = taggerVocabulary(sentences);
  const { inputs, output } = tokenEmbeddings(vocabulary, { word: 6, affix: 3, shape: 2, wordDropout: 0.2 });
  const states = bidirectional(lstm({ units: 6, returnSequences: true }))(output);
  const network = model(
    inputs,
    dense({ units: tags.length, activation: ending === "softmax" ? "softmax" : "linear" })(states),
  );
  await using trainer = await compile(network, {
    backend: await cpu(),
    loss: ending === "softmax" ? sparseCategoricalCrossentropy() : crf({ constraints }),
    optimizer: adam({ learningRate: 0.03 }),
    seed: 3,
  });
  const data = { x: tokenEncoder(vocabulary)(sentences), y: sentences.map(() => [0, 1, 2]) };
  await trainer.fit(data, { epochs: 12, batchSize: 8 });
  return trainer.snapshot({ vocabulary, metadata: taggerMetadata({ tags, output: ending }) });
}
