/** The subject of `train`: a new network described by the options, with words from the texts, or an existing model with its words. */
import { type Initial, learningOf } from "@ostinato/app";
import { type ClassifierSettings, encodeForClassifier, type Vocabularies } from "@ostinato/classifier";
import { adam, type CompileOptions, type Model, type Trained } from "@ostinato/core";
import { optimizerFor } from "./course.ts";
import { sizesOf, vocabulariesOf } from "./inputs.ts";
import type { About, Sentiment } from "./model.ts";
import { network, shownNetwork } from "./network.ts";
import { initialRatios, ngramNetwork } from "./ngram-network.ts";
import type { TrainOptions } from "./options.ts";
import { presetOf, rowSettings } from "./presets.ts";
import type { TrainingReviews } from "./reviews.ts";

/** The options that cannot be used with `--init`, because the model determines them. */
export const answeredByFile = [
  "preset",
  "maxWords",
  "embedding",
  "units",
  "cell",
  "layers",
  "bidirectional",
  "dropout",
  "recurrentDropout",
  "pooling",
] as const satisfies readonly (keyof TrainOptions)[];

export interface Subject {
  readonly model: Model | Trained;
  readonly vocabularies: Vocabularies;
  readonly settings: ClassifierSettings;
  /** Rows of ids of the training texts. */
  readonly rows: ReturnType<typeof encodeForClassifier>;
  readonly learning: Pick<CompileOptions, "optimizer" | "weights" | "trainable" | "learningRates">;
  /** Whether to batch texts of similar length. */
  readonly groupByLength: boolean;
  /** Its origin. */
  readonly about: Pick<About, "preset" | "origin">;
  /** Its title, and a description of its network. */
  readonly title: string;
  readonly network: string;
}

/** The network of the options. */
export function newSubject(options: TrainOptions, { all, train, labelEncoder }: TrainingReviews): Subject {
  const { preset, maxLength } = options;
  const { groupByLength, ngrams, course, summary } = presetOf(preset);
  const { classes } = labelEncoder;
  const vocabularies = vocabulariesOf(options, all);
  const settings = { labels: classes, ...rowSettings(preset, maxLength) };
  const rows = encodeForClassifier(settings, vocabularies, train.texts);
  const sizes = sizesOf(vocabularies);
  const data = { x: rows, y: train.labels };
  return {
    model: ngrams ? ngramNetwork(options, ngrams, sizes, classes.length) : network(options, classes.length),
    vocabularies,
    settings,
    rows,
    learning: {
      optimizer: optimizerFor(options, course, train.texts.length),
      ...(ngrams ? { weights: initialRatios(data, sizes, classes.length) } : {}),
    },
    groupByLength,
    about: { preset },
    title: `Preset ${preset}: ${summary}.`,
    network: shownNetwork(options),
  };
}

/** The model of `--init`; `maxLength` is the option of the command line, if given. */
export function initialSubject(
  { model: sentiment, origin }: Initial<Sentiment>,
  options: TrainOptions,
  maxLength: number | undefined,
  { train }: TrainingReviews,
): Subject {
  const { trained, vocabularies } = sentiment;
  const settings = maxLength === undefined ? sentiment.settings : { ...sentiment.settings, maxLength };
  return {
    model: trained,
    vocabularies,
    settings,
    rows: encodeForClassifier(settings, vocabularies, train.texts),
    learning: { optimizer: adam({ learningRate: options.learningRate }), ...learningOf(options, trained) },
    groupByLength: settings.padding === undefined,
    about: { origin },
    title: `Continuing from ${origin.file}.`,
    network: `The network of ${origin.file}`,
  };
}
