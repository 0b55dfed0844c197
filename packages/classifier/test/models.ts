/** Small classifiers, trained in a moment, whose answers are plain: words of one class and of the other. */
import { cpu } from "@ostinato/backend-cpu";
import { type ClassifierSettings, classifierMetadata, encodeForClassifier } from "@ostinato/classifier";
import {
  adam,
  binaryCrossentropy,
  compile,
  concatenate,
  dense,
  embedding,
  input,
  lstm,
  model,
  sequential,
  sparseCategoricalCrossentropy,
  type Trained,
} from "@ostinato/core";
import { vocabularyFromTexts } from "@ostinato/text";

const words = ["good fine warm", "bad dull cold", "long slow late"];

/** Texts of two labels, and a model of words and bigrams that has learned them: in both halves are the same words. */
export async function trainedOnBigrams(): Promise<Trained> {
  const settings = { labels: ["good", "bad"], maxLength: 6 };
  const texts = ["good not bad", "it is good and not bad", "bad not good", "it is bad and not good"];
  const vocabularies = {
    words: vocabularyFromTexts(texts),
    bigrams: vocabularyFromTexts(texts, { ngram: 2, minCount: 2 }),
  };
  const [words, bigrams] = [input({ shape: ["time"], name: "words" }), input({ shape: ["time"], name: "bigrams" })];
  const read = concatenate()([
    embedding({ inputDim: 20, outputDim: 4, maskZero: true, name: "ofWords" })(words),
    embedding({ inputDim: 20, outputDim: 4, maskZero: true, name: "ofBigrams" })(bigrams),
  ]);
  await using trainer = await compile(
    model([words, bigrams], dense({ units: 1, activation: "sigmoid" })(lstm({ units: 6 })(read))),
    { backend: await cpu(), loss: binaryCrossentropy(), optimizer: adam({ learningRate: 0.05 }), seed: 2 },
  );
  await trainer.fit({ x: encodeForClassifier(settings, vocabularies, texts), y: [0, 0, 1, 1] }, { epochs: 60 });
  return trainer.snapshot({ vocabulary: vocabularies, metadata: classifierMetadata(settings) });
}

/** Texts of two or three labels, and a model that has learned them. `units` 1 is a sigmoid. */
export async function trainedClassifier(units: 1 | 2 | 3, more: Partial<ClassifierSettings> = {}): Promise<Trained> {
  const labels = ["good", "bad", "long"].slice(0, Math.max(2, units));
  const settings = { labels, maxLength: 6, ...more };
  const texts = labels.flatMap((_, label) => {
    const [a, b, c] = words[label]?.split(" ") ?? [];
    return [`the ${a} film`, `a ${b} film`, `${c} film ${a}`, `the film is ${b} and ${c}`];
  });
  const y = texts.map((_, row) => Math.floor(row / 4));
  const vocabulary = vocabularyFromTexts(texts, { unknown: settings.padding ? "padding" : "own-id" });
  const network = sequential([
    embedding({ inputDim: 30, outputDim: 4, maskZero: settings.padding === undefined }),
    lstm({ units: 6 }),
    dense({ units, activation: units === 1 ? "sigmoid" : "softmax" }),
  ]);
  const loss = units === 1 ? binaryCrossentropy() : sparseCategoricalCrossentropy();
  await using trainer = await compile(network, {
    backend: await cpu(),
    loss,
    optimizer: adam({ learningRate: 0.05 }),
    seed: 2,
  });
  await trainer.fit({ x: encodeForClassifier(settings, vocabulary, texts), y }, { epochs: 60 });
  return trainer.snapshot({ vocabulary, metadata: classifierMetadata(settings) });
}
