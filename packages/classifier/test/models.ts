/** Small classifiers, trained in a moment, whose answers are plain: words of one class and of the other. */
import { cpu } from "@ostinato/backend-cpu";
import { type ClassifierSettings, classifierMetadata, encodeForClassifier } from "@ostinato/classifier";
import {
  adam,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  sequential,
  sparseCategoricalCrossentropy,
  type Trained,
} from "@ostinato/core";
import { vocabularyFromTexts } from "@ostinato/text";

const words = ["good fine warm", "bad dull cold", "long slow late"];

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
  const model = sequential([
    embedding({ inputDim: 30, outputDim: 4, maskZero: settings.padding === undefined }),
    lstm({ units: 6 }),
    dense({ units, activation: units === 1 ? "sigmoid" : "softmax" }),
  ]);
  const loss = units === 1 ? binaryCrossentropy() : sparseCategoricalCrossentropy();
  await using trainer = await compile(model, {
    backend: await cpu(),
    loss,
    optimizer: adam({ learningRate: 0.05 }),
    seed: 2,
  });
  await trainer.fit({ x: encodeForClassifier(settings, vocabulary, texts), y }, { epochs: 60 });
  return trainer.snapshot({ vocabulary, metadata: classifierMetadata(settings) });
}
