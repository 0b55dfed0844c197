/** The set-ups: how texts become rows of ids, whether padding is masked, and what reads them. */
import type { ClassifierSettings } from "@ostinato/classifier";
import type { UnknownWords } from "@ostinato/text";

interface Preset {
  readonly summary: string;
  /** What becomes of words outside the vocabulary. */
  readonly unknown: UnknownWords;
  /** The network ignores id 0. */
  readonly maskZero: boolean;
  /** Batches are made of reviews of similar length. */
  readonly groupByLength: boolean;
  /** Options with other defaults than without the preset. */
  readonly options?: Readonly<Record<string, number | string | boolean>>;
  /** A linear model of n-grams beside the recurrent layers. Absent: there is none. */
  readonly ngrams?: NgramSettings;
  /** The learning rate falls, and weights are averaged. Absent: neither. */
  readonly course?: CourseSettings;
}

/** What reads n-grams. */
export interface NgramSettings {
  /** How many words each kind of n-gram has, by the name of its input. */
  readonly lengths: Readonly<Record<string, number>>;
  /** The most ids of each kind, reserved ones included. */
  readonly maxTokens: number;
  /** How often an n-gram must occur to have an id. */
  readonly minCount: number;
  /** Share of the features of the words' vectors that a training step drops from a whole row. */
  readonly wordDropout: number;
  /** Share of the features that the recurrent layers give for a text that a training step drops. */
  readonly textDropout: number;
}

/** How step sizes and weights go on in the course of a training. */
export interface CourseSettings {
  /** After so many epochs the learning rate is at its end. */
  readonly decayEpochs: number;
  /** What is left of the learning rate then. */
  readonly finalShare: number;
  /** Of the moving average of the weights, which takes their place at the end of each epoch. */
  readonly emaMomentum: number;
}

/** All cut a long review in front, as Keras's `pad_sequences` does by default: the verdict of a review stands at its end. */
export const presets = {
  default: {
    summary: "padding behind, masked; ids 0 for padding only, 1 for unknown words",
    unknown: "own-id",
    maskZero: true,
    groupByLength: true,
  },
  article: {
    summary: "the article's: zeros in front, not masked; id 0 for padding and unknown words alike",
    unknown: "padding",
    maskZero: false,
    groupByLength: false,
  },
  best: {
    summary:
      "for accuracy: whole reviews, read in both directions, and a linear model of words, bigrams and trigrams beside",
    unknown: "own-id",
    maskZero: true,
    groupByLength: true,
    options: {
      epochs: 3,
      maxWords: 20_000,
      maxLength: 3000,
      embedding: 64,
      units: 48,
      bidirectional: true,
      pooling: "max",
      learningRate: 0.002,
    },
    ngrams: {
      lengths: { bigrams: 2, trigrams: 3 },
      maxTokens: 100_000,
      minCount: 2,
      wordDropout: 0.2,
      textDropout: 0.3,
    },
    course: { decayEpochs: 3, finalShare: 0.02, emaMomentum: 0.99 },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];

/** The set-up of that name. */
export const presetOf = (name: PresetName): Preset => presets[name];

/** How the texts of a preset become rows: the last `maxLength` words; where padding is not masked, with zeros in front of shorter ones. */
export function rowSettings(preset: PresetName, maxLength: number): Omit<ClassifierSettings, "labels"> {
  return { maxLength, ...(presets[preset].maskZero ? {} : { padding: "pre" }) };
}

/** The options with the preset's defaults in the place of those that the command line does not have. */
export function withPreset<O extends { readonly preset: PresetName }>(options: O, given: ReadonlySet<string>): O {
  const own = Object.entries(presetOf(options.preset).options ?? {}).filter(([name]) => !given.has(name));
  return { ...options, ...Object.fromEntries(own) };
}
