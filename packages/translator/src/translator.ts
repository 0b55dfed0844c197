/** Texts in, texts out: a trained encoder-decoder and its vocabularies as one thing. */
import { type Described, type Opener, openTrained } from "@ostinato/classifier";
import {
  type Backend,
  ConfigError,
  DataError,
  type Generated,
  type GenerateOptions,
  generate,
  type ReadOptions,
  type SequenceModel,
  sequenceModel,
  type Trained,
} from "@ostinato/core";
import { expectIds, type TranslatorSettings, translatorSettings } from "./settings.ts";
import { type TokenRules, textOf, tokensOf } from "./tokens.ts";
import {
  endId,
  idCount,
  knownTokens,
  paddingId,
  startId,
  type TextEncoder,
  type TranslatorVocabulary,
  textEncoder,
  tokensOfIds,
  unknownId,
} from "./vocabulary.ts";

/** 2000 as "2,000". */
const shownCount = (number: number): string => number.toLocaleString("en-US");

/** One translation of a text. */
export interface Candidate {
  readonly text: string;
  readonly tokens: readonly string[];
  /** The sum of the logarithms of the tokens' probabilities, that of the end among them. */
  readonly logProbability: number;
  /** What it was ranked by: the same, with the penalty for its length. */
  readonly score: number;
  /** False where it was cut at its greatest length. */
  readonly finished: boolean;
  /** How much each token attended to each token of the source, where it was asked for: a row for each token. */
  readonly attention?: readonly Float32Array[];
}

/** What a model makes of a text: the best translation, and others. */
export interface Translation extends Candidate {
  /** What the model has read. */
  readonly sourceTokens: readonly string[];
  /** The next best ones: `nBest - 1` of them, or fewer where there are no more. */
  readonly others: readonly Candidate[];
}

/** Which texts are taken. */
export interface TextLimits {
  /** The most tokens that a text may have. Default the model's own limit. */
  readonly maxSourceLength?: number;
  /**
   * Whether tokens that the vocabulary does not hold go in as the unknown one. By default no unknown character does, and unknown words do where a text has known ones, too.
   */
  readonly allowUnknown?: boolean;
}

/** Options of `translate`: those of `generate` that are not the model's own, and which texts are taken. */
export interface TranslateOptions
  extends Omit<GenerateOptions, "start" | "end" | "exclude" | "constraint">,
    TextLimits {}

/** Options of `translator`; `layers` are those of one's own that the model has, as for `loadModel`. */
export interface TranslatorOptions extends ReadOptions {
  /** What computes. Default `await cpu()`, which runs anywhere; `await wasm()` is much faster. */
  readonly backend?: Backend;
}

/** A translator at work. It holds the memory of what computes: `await using`, or `dispose` it. */
export interface Translator extends AsyncDisposable {
  readonly vocabulary: TranslatorVocabulary;
  readonly settings: TranslatorSettings;
  /** Whether `returnAttention` can be asked for. */
  readonly hasAttention: boolean;
  /** Why a text cannot be translated, in words; undefined where it can. */
  problemOf(text: string, limits?: TextLimits): string | undefined;
  /**
   * The translation of a text, or of each text of a list, in its order; `batchSize` of them go through the model together.
   *
   * @throws DataError for a text that is empty, too long, or of tokens that the vocabulary does not hold; ConfigError for options that cannot work
   */
  translate(text: string, options?: TranslateOptions): Promise<Translation>;
  translate(texts: readonly string[], options?: TranslateOptions): Promise<Translation[]>;
  /** Ends it; the memory is given back. */
  dispose(): Promise<void>;
}

class ModelTranslator implements Translator {
  readonly vocabulary: TranslatorVocabulary;
  readonly settings: TranslatorSettings;
  readonly #encode: TextEncoder;
  readonly #isKnown: (token: string) => boolean;
  readonly #model: SequenceModel;

  constructor(settings: TranslatorSettings, vocabulary: TranslatorVocabulary, model: SequenceModel) {
    this.vocabulary = vocabulary;
    this.settings = settings;
    this.#encode = textEncoder(vocabulary.source);
    this.#isKnown = knownTokens(vocabulary.source);
    this.#model = model;
  }

  get hasAttention(): boolean {
    return this.#model.hasAttention;
  }

  problemOf(text: string, { maxSourceLength = this.settings.maxSourceLength, allowUnknown }: TextLimits = {}) {
    const { source } = this.vocabulary;
    const tokens = tokensOf(source, text);
    if (tokens.length === 0) return "the text is empty";
    if (tokens.length > maxSourceLength)
      return `the text has ${shownCount(tokens.length)} ${source.tokens}; the limit is ${shownCount(maxSourceLength)}`;
    if (allowUnknown === true) return undefined;
    const unknown = tokens.filter((token) => !this.#isKnown(token));
    const strict = allowUnknown === false || source.tokens === "characters";
    if (unknown.length === 0 || (!strict && unknown.length < tokens.length)) return undefined;
    return `the model does not know ${listed(unknown, source)}`;
  }

  translate(text: string, options?: TranslateOptions): Promise<Translation>;
  translate(texts: readonly string[], options?: TranslateOptions): Promise<Translation[]>;
  async translate(
    given: string | readonly string[],
    options: TranslateOptions = {},
  ): Promise<Translation | Translation[]> {
    if (typeof given === "string") return (await this.translate([given], options))[0] as Translation;
    if (!Array.isArray(given) || !given.every((text) => typeof text === "string"))
      throw new ConfigError(
        `translate: give a text or a list of texts, got ${Array.isArray(given) ? "other things among them" : given === null ? "null" : typeof given}`,
      );
    const { maxSourceLength, allowUnknown, ...decoding } = options;
    const limits = {
      ...(maxSourceLength === undefined ? {} : { maxSourceLength }),
      ...(allowUnknown === undefined ? {} : { allowUnknown }),
    };
    for (const [row, text] of given.entries()) {
      const problem = this.problemOf(text, limits);
      if (problem !== undefined) throw new DataError(`translate: text ${row + 1}, "${start(text)}": ${problem}`);
    }
    if (given.length === 0) return [];
    const found = await generate(
      this.#model,
      { source: this.#encode(given) },
      {
        maxLength: this.settings.maxTargetLength,
        ...decoding,
        start: startId,
        end: endId,
        exclude: [paddingId, unknownId, startId],
      },
    );
    return found.map((candidates, row) => {
      const [best, ...others] = candidates.map((each) => this.#candidate(each)) as [Candidate, ...Candidate[]];
      return { ...best, sourceTokens: tokensOf(this.vocabulary.source, given[row] as string), others };
    });
  }

  #candidate({ tokens: ids, ...figures }: Generated): Candidate {
    const tokens = tokensOfIds(this.vocabulary.target, ids);
    return { text: textOf(this.vocabulary.target, tokens), tokens, ...figures };
  }

  dispose(): Promise<void> {
    return this.#model.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

const shownTokens = 5;
const shownText = 40;

/** Some tokens in words: `the characters "ж", "а"`. */
function listed(tokens: readonly string[], { tokens: kind }: TokenRules): string {
  const different = [...new Set(tokens)];
  const shown = different.slice(0, shownTokens).map((token) => `"${start(token)}"`);
  const noun = different.length === 1 ? kind.slice(0, -1) : kind;
  return `the ${noun} ${shown.join(", ")}${different.length > shownTokens ? ", …" : ""}`;
}

/** The beginning of a text, for errors. */
function start(text: string): string {
  const characters = Array.from(text.slice(0, shownText * 2));
  return characters.length > shownText || text.length > shownText * 2
    ? `${characters.slice(0, shownText).join("")}…`
    : text;
}

/** As errors call what opens translators. */
export const opener: Opener = { name: "translator", package: "@ostinato/translator" };

/** A model on what runs it, which the translator owns from then on. @throws ModelFileError where the model is no translator */
async function translatorWith(described: Described, open: () => Promise<SequenceModel>): Promise<Translator> {
  const { settings, vocabulary } = translatorSettings(described);
  const model = await open();
  try {
    expectIds("target", idCount(vocabulary.target), [model.vocabularySize]);
  } catch (error) {
    await model.dispose();
    throw error;
  }
  return new ModelTranslator(settings, vocabulary, model);
}

/**
 * The translator of a sequence model that is open, such as `onnxSequenceModel` of `@ostinato/onnx/web` gives in pages. It owns the model: whoever disposes the translator disposes the model, and where this throws, the
 * model is disposed.
 *
 * @throws ModelFileError where the model is not a translator; ConfigError for what is no sequence model, or does not tell its layers
 *
 * @example
 * const model = await onnxSequenceModel({ encode: "/encode.onnx", decodeStep: "/decodeStep.onnx" });
 * await using german = await translatorOver(model);
 * const { text } = await german.translate("ein Hund läuft", { beamSize: 5 }); // "a dog runs"
 */
export async function translatorOver(model: SequenceModel & Described): Promise<Translator> {
  if (typeof model !== "object" || model === null || !("spec" in model) || !("vocabularySize" in model))
    throw new ConfigError(
      "translatorOver takes an open sequence model with its spec, such as onnxSequenceModel gives; a model file or a trained model is for translator",
    );
  try {
    return await translatorWith(model, async () => model);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/**
 * Opens a translator from the bytes of a model file, or from a trained model, in Node.js and in pages. The file is one that `saveModel` or `toBytes` wrote of
 * `trainer.snapshot({ vocabulary, metadata: translatorMetadata({ maxSourceLength, maxTargetLength }) })`.
 *
 * @throws ModelFileError where the file is damaged, or is not that of a translator
 *
 * @example
 * const bytes = new Uint8Array(await (await fetch("phones.safetensors")).arrayBuffer());
 * await using phones = await translator(bytes, { backend: await wasm() });
 * const { text } = await phones.translate("hello", { beamSize: 5 }); // "HH AH L OW"
 */
export async function translator(model: Uint8Array | Trained, options: TranslatorOptions = {}): Promise<Translator> {
  return openTrained(opener, translatorWith, model, options, sequenceModel);
}
