/** `train`: from texts to a model, its history and its curves; stopped at any moment, it goes on from its last checkpoint. */
import {
  backends,
  type ChartNames,
  classificationFigures,
  type Output,
  openCheckpoint,
  openTrainingFolder,
  runTraining,
  type SettingDefaults,
  type Stopping,
  settingsOf,
  shownCount,
  shownLabel,
} from "@ostinato/app";
import { encodeForClassifier } from "@ostinato/classifier";
import { accuracy, adam, compile, countParameters, type Model, summary, summaryRows } from "@ostinato/core";
import { vocabularyFromTexts, vocabularySize } from "@ostinato/text";
import { classWeightsOf, type KnownClassWeights, shownClassWeights } from "../class-weights.ts";
import { metadataOf } from "../model.ts";
import { lossFor, network, recurrentDefaults, shownNetwork } from "../network.ts";
import type { TrainOptions } from "../options.ts";
import { presets, rowSettings } from "../presets.ts";
import { nounOf, readTrainingReviews, type TrainingReviews } from "../reviews.ts";
import { rocName } from "../roc.ts";
import { tellForm } from "../table-form.ts";

/** Options that checkpoints keep only where they are not as here. */
const defaults: SettingDefaults = { ...recurrentDefaults, header: true };

const figures = classificationFigures;
const charts: ChartNames = { training: figures.map(({ name }) => name), model: [rocName] };

export async function train(options: TrainOptions, output: Output, stopping: Stopping): Promise<void> {
  const { preset, maxWords, seed, epochs } = options;
  using folder = await openTrainingFolder(options, charts);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const reviews = await readTrainingReviews(seed, options.limit, options);
  tellForm(reviews.form, options.data, output);
  const { labelEncoder } = reviews;
  const classes = labelEncoder.classes.length;
  const weighed = options.classWeight && classWeightsOf(options.classWeight, labelEncoder, reviews.train.labels);
  const settings = settingsOf({ ...options, classWeight: weighed?.setting }, reviews.record.digest, defaults);
  const resume = options.resume ? await openCheckpoint(options, settings, defaults, output.warn) : undefined;
  const vocabulary = vocabularyFromTexts(reviews.all, { maxTokens: maxWords, unknown: presets[preset].unknown });
  const model = network(options, classes);
  tellData(options, reviews, vocabularySize(vocabulary), output);
  tellModel(model, options, weighed, output);

  await using trainer = await compile(model, {
    backend,
    loss: lossFor(classes),
    optimizer: adam({ learningRate: options.learningRate }),
    metrics: [accuracy()],
    seed,
  });
  const snapshot = { vocabulary, metadata: metadataOf(options, labelEncoder, reviews.record, weighed) };
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  await runTraining({
    trainer,
    data: examples(options, vocabulary, reviews.train),
    options,
    fit: {
      groupByLength: presets[preset].groupByLength,
      validationData: examples(options, vocabulary, reviews.validation),
      ...(weighed ? { classWeight: weighed.weights } : {}),
    },
    snapshot,
    settings,
    resume,
    figures,
    folder,
    output,
    stopping,
  });
}

function examples(
  { preset, maxLength }: TrainOptions,
  vocabulary: ReturnType<typeof vocabularyFromTexts>,
  { texts, labels }: TrainingReviews["train"],
) {
  return { x: encodeForClassifier(rowSettings(preset, maxLength), vocabulary, texts), y: labels };
}

function tellData({ preset, maxLength }: TrainOptions, reviews: TrainingReviews, ids: number, output: Output): void {
  const { classes } = reviews.labelEncoder;
  const noun = nounOf(reviews.record);
  const named =
    reviews.record.kind === "imdb"
      ? ""
      : `; ${shownCount(classes.length)} classes: ${classes.slice(0, 10).map(shownLabel).join(", ")}${classes.length > 10 ? ", …" : ""}`;
  output.say(
    `Preset ${preset}: ${presets[preset].summary}.\n` +
      `${shownCount(reviews.train.texts.length)} ${noun} to train with, ${shownCount(reviews.validation.texts.length)} to validate; ` +
      `${shownCount(ids)} ids, the last ${maxLength} words of each ${noun.slice(0, -1)}${named}.\n`,
  );
}

function tellModel(model: Model, options: TrainOptions, weighed: KnownClassWeights | undefined, output: Output): void {
  const { maxLength: time, cell, layers, bidirectional, units, dropout, recurrentDropout } = options;
  output.event({
    event: "model",
    parameters: countParameters(model),
    layers: summaryRows(model, { time }),
    network: { cell, layers, bidirectional, units, dropout, recurrentDropout },
    ...(weighed ? { classWeight: weighed.byLabel } : {}),
  });
  output.say(summary(model, { time }));
  output.say([shownNetwork(options), ...(weighed ? [shownClassWeights(weighed)] : [])].join("; "));
}
