/** Text in, label out: a trained model, its vocabulary and its labels as one thing. */
import {
  type Backend,
  ConfigError,
  type PredictOptions,
  type Predictor,
  type ReadOptions,
  type Trained,
} from "@ostinato/core";
import { classifierSettings, encodeForClassifier, type KnownSettings, type Vocabularies } from "./settings.ts";
import { type Opener, type Over, openTrained } from "./trained.ts";

/** What a model makes of a text. */
export interface Classification {
  /** The most probable label; of two, the second where its probability is above one half. */
  readonly label: string;
  /** That of `label`. */
  readonly probability: number;
  /** The probability of each label. */
  readonly probabilities: Readonly<Record<string, number>>;
}

/** Options of `textClassifier`; `layers` are those of one's own that the model has, as for `loadModel`. */
export interface ClassifierOptions extends ReadOptions {
  /** What computes. Default `await cpu()`, which runs anywhere; `await wasm()` is much faster. */
  readonly backend?: Backend;
}

/** A classifier at work. It holds the memory of what computes: `await using`, or `dispose` it. */
export interface TextClassifier extends AsyncDisposable {
  /** The labels in the order of the model's outputs. */
  readonly labels: readonly string[];
  /** What the model makes of a text, or of each text of a list: `batchSize` (32) of them go through the model together. */
  classify(text: string): Promise<Classification>;
  classify(texts: readonly string[], options?: PredictOptions): Promise<Classification[]>;
  /** Ends it; the memory is given back. */
  dispose(): Promise<void>;
}

class ModelClassifier implements TextClassifier {
  readonly labels: readonly string[];
  readonly #settings: KnownSettings;
  readonly #vocabularies: Vocabularies;
  readonly #predictor: Predictor;

  constructor(settings: KnownSettings, vocabularies: Vocabularies, predictor: Predictor) {
    this.labels = settings.labels;
    this.#settings = settings;
    this.#vocabularies = vocabularies;
    this.#predictor = predictor;
  }

  classify(text: string): Promise<Classification>;
  classify(texts: readonly string[], options?: PredictOptions): Promise<Classification[]>;
  async classify(
    given: string | readonly string[],
    options: PredictOptions = {},
  ): Promise<Classification | Classification[]> {
    if (typeof given === "string") return (await this.classify([given], options))[0] as Classification;
    if (!Array.isArray(given))
      throw new ConfigError(`classify: give a text or a list of texts, got ${given === null ? "null" : typeof given}`);
    if (given.length === 0) return [];
    const rows = encodeForClassifier(this.#settings, this.#vocabularies, given);
    const { data, shape } = await this.#predictor.predict(rows, options);
    const units = shape[1] as number;
    return given.map((_, row) => classification(this.labels, data.subarray(row * units, (row + 1) * units)));
  }

  dispose(): Promise<void> {
    return this.#predictor.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** As Keras's accuracy counts: of two labels the second where its probability is above one half; of more the first of the most probable. */
function classification(labels: readonly string[], outputs: Float32Array): Classification {
  const second = outputs[0] as number;
  const each = outputs.length === 1 ? [1 - second, second] : [...outputs];
  const chosen = outputs.length === 1 ? Number(second > 0.5) : each.indexOf(Math.max(...each));
  return {
    label: labels[chosen] ?? "",
    probability: each[chosen] ?? Number.NaN,
    probabilities: Object.fromEntries(labels.map((label, i) => [label, each[i] as number])),
  };
}

/** A classifier over a predictor of the model, which it owns from then on. @throws ModelFileError where the model is no classifier */
export const classifierOver: Over<TextClassifier> = async (described, open) => {
  const { settings, vocabularies } = classifierSettings(described);
  return new ModelClassifier(settings, vocabularies, await open());
};

/** As errors call what opens classifiers. */
export const opener: Opener = { name: "textClassifier", package: "@ostinato/classifier" };

/**
 * Opens a text classifier from the bytes of a model file, or from a trained model, in Node.js and in pages. The file is one that `saveModel`
 * or `toBytes` wrote of `trainer.snapshot({ vocabulary, metadata: classifierMetadata({ labels, maxLength }) })`.
 *
 * @throws ModelFileError where the file is damaged, or is not that of a text classifier
 *
 * @example
 * const bytes = new Uint8Array(await (await fetch("sentiment.safetensors")).arrayBuffer());
 * await using classifier = await textClassifier(bytes, { backend: await wasm() });
 * const { label, probability } = await classifier.classify("A quiet, wonderful film.");
 */
export async function textClassifier(
  model: Uint8Array | Trained,
  options: ClassifierOptions = {},
): Promise<TextClassifier> {
  return openTrained(opener, classifierOver, model, options);
}
