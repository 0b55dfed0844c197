/** Tokens in, tags out: a trained network, its vocabulary and its tags as one thing. */
import { type Opener, type Over, openTrained } from "@ostinato/classifier";
import {
  type Backend,
  ConfigError,
  type CrfDecoder,
  crfDecoder,
  dataRules,
  ModelFileError,
  type Predictor,
  type ReadOptions,
  type Trained,
} from "@ostinato/core";
import { bestPaths, type Decode, mostProbable, type Path, withBias } from "./decode.ts";
import { taggerSettings } from "./settings.ts";
import { type TaggerVocabulary, type TokenEncoder, tokenEncoder, type WordIds } from "./vocabulary.ts";
import { wordDropout } from "./word-dropout.ts";

/** What a model makes of a sentence. */
export interface Tagging {
  readonly tokens: readonly string[];
  /** One for each token. */
  readonly tags: readonly string[];
  /** The probability of each of these tags; of a CRF over all paths of tags. With an `outsideBias` they are what the tags were chosen by, and need not sum to 1. */
  readonly probabilities: readonly number[];
}

/** Options of `tag` for a list of sentences. */
export interface TagOptions {
  /** How many sentences go through the model together. Default 32. */
  readonly batchSize?: number;
  /** After each batch, of `steps`. */
  readonly onStep?: (event: { readonly step: number; readonly steps: number }) => void | Promise<void>;
}

/** Options of `tagger`; `layers` are those of one's own that the model has, as for `loadModel`. */
export interface TaggerOptions extends ReadOptions {
  /** What computes. Default `await cpu()`, which runs anywhere; `await wasm()` is much faster. */
  readonly backend?: Backend;
}

type Sentence = readonly string[];

/** A tagger at work. It holds the memory of what computes: `await using`, or `dispose` it. */
export interface Tagger extends AsyncDisposable {
  /** All tags, in the order of the network's units. */
  readonly tags: readonly string[];
  /** The tags of a sentence, which is a list of tokens, or of each sentence of a list. @throws ConfigError for a sentence without tokens */
  tag(tokens: Sentence): Promise<Tagging>;
  tag(sentences: readonly Sentence[], options?: TagOptions): Promise<Tagging[]>;
  /** Ends it; the memory is given back. */
  dispose(): Promise<void>;
}

class ModelTagger implements Tagger {
  readonly tags: readonly string[];
  readonly #encode: TokenEncoder<WordIds>;
  readonly #decode: Decode;
  readonly #predictor: Predictor;
  /** Whether the network masks padding, so that sentences of different lengths can be batched. */
  readonly #masks: boolean;

  constructor(
    tags: readonly string[],
    vocabulary: TaggerVocabulary,
    decode: Decode,
    predictor: Predictor,
    masks: boolean,
  ) {
    this.tags = tags;
    this.#masks = masks;
    this.#encode = tokenEncoder(vocabulary);
    this.#decode = decode;
    this.#predictor = predictor;
  }

  tag(tokens: Sentence): Promise<Tagging>;
  tag(sentences: readonly Sentence[], options?: TagOptions): Promise<Tagging[]>;
  async tag(given: Sentence | readonly Sentence[], options: TagOptions = {}): Promise<Tagging | Tagging[]> {
    if (!Array.isArray(given))
      throw new ConfigError(
        `tag: give a sentence as a list of tokens, or a list of such, got ${given === null ? "null" : typeof given}; tokenize(text) makes tokens`,
      );
    if (isSentence(given)) return (await this.#tagAll([given], options))[0] as Tagging;
    return this.#tagAll(given as readonly Sentence[], options);
  }

  /** Sentences of like length go through the model together. */
  async #tagAll(sentences: readonly Sentence[], { batchSize = 32, onStep }: TagOptions): Promise<Tagging[]> {
    if (!(Number.isSafeInteger(batchSize) && batchSize >= 1))
      throw new ConfigError(`tag: batchSize must be a whole number from 1 on, got ${batchSize}`);
    sentences.forEach(expectTokens);
    const order = sentences.map((_, row) => row).sort((a, b) => lengthOf(sentences, a) - lengthOf(sentences, b));
    const answers: Tagging[] = [];
    const batches = this.#batchesOf(order, sentences, batchSize);
    for (const [index, rows] of batches.entries()) {
      const batch = rows.map((row) => sentences[row] as Sentence);
      const outputs = await this.#predictor.predict(this.#encode(batch), { batchSize });
      const paths = this.#decode(
        outputs,
        batch.map(({ length }) => length),
      );
      rows.forEach((row, i) => {
        const { tags, probabilities } = paths[i] as Path;
        answers[row] = {
          tokens: batch[i] as Sentence,
          tags: tags.map((tag) => this.tags[tag] as string),
          probabilities,
        };
      });
      await onStep?.({ step: index + 1, steps: batches.length });
    }
    return answers;
  }

  /** Batches of sentences, in order; for a network that does not mask padding, each of sentences of one length. */
  #batchesOf(order: readonly number[], sentences: readonly Sentence[], batchSize: number): readonly number[][] {
    const batches: number[][] = [];
    for (const row of order) {
      const last = batches.at(-1);
      const fits = last && (this.#masks || lengthOf(sentences, row) === lengthOf(sentences, last[0] as number));
      if (fits && last.length < batchSize) last.push(row);
      else batches.push([row]);
    }
    return batches;
  }

  dispose(): Promise<void> {
    return this.#predictor.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function isSentence(given: readonly unknown[]): given is Sentence {
  return typeof given[0] === "string";
}

const lengthOf = (sentences: readonly Sentence[], row: number): number => (sentences[row] as Sentence).length;

function expectTokens(tokens: unknown, row: number): void {
  if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === "string"))
    throw new ConfigError(
      `tag: sentence ${row + 1} must be a list of tokens, which are texts; tokenize(text) makes them`,
    );
  if (tokens.length === 0) throw new ConfigError(`tag: sentence ${row + 1} has no tokens; leave it out`);
}

/** As errors call what opens taggers. */
export const opener: Opener = { name: "tagger", package: "@ostinato/tagger" };

/** A tagger over a predictor of the model, which it owns from then on. @throws ModelFileError where the model is no tagger */
export const taggerOver: Over<Tagger> = async (described, open) => {
  const { settings, vocabulary } = taggerSettings(described);
  const { tags, output, outsideBias } = settings;
  const decode = output === "crf" ? bestPaths(crfOf(described)) : mostProbable;
  const biased = withBias(decode, output, tags.indexOf("O"), outsideBias);
  const masks = Object.values(dataRules(described.spec)).every(({ cut }) => cut);
  return new ModelTagger(tags, vocabulary, biased, await open(), masks);
};

/** The decoder of a model that was trained with a CRF. @throws ModelFileError where the transitions did not come along */
function crfOf(trained: Trained): CrfDecoder {
  if (trained.losses === undefined)
    throw new ModelFileError("the model file is damaged: its tags are those of a CRF, and there is none");
  return crfDecoder(trained);
}

/** The options for reading a tagger's file: its own layers are known. */
export function withOwnLayers<O extends ReadOptions>(options: O): O {
  return { ...options, layers: [wordDropout, ...(options.layers ?? [])] };
}

/**
 * Opens a tagger from the bytes of a model file, or from a trained model, in Node.js and in pages. The file is one that `saveModel` or `toBytes` wrote of
 * `trainer.snapshot({ vocabulary, metadata: taggerMetadata({ tags }) })`.
 *
 * @throws ModelFileError where the file is damaged, or is not that of a tagger
 *
 * @example
 * const bytes = new Uint8Array(await (await fetch("tagger.safetensors")).arrayBuffer());
 * await using english = await tagger(bytes, { backend: await wasm() });
 * const { tags } = await english.tag(tokenize("The cat sat."));
 */
export async function tagger(model: Uint8Array | Trained, options: TaggerOptions = {}): Promise<Tagger> {
  return openTrained(opener, taggerOver, model, withOwnLayers(options));
}
