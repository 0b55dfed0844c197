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
import { accuracy, compile, countParameters, type Model, summary, summaryRows } from "@ostinato/core";
import { classWeightsOf, type KnownClassWeights, shownClassWeights } from "../class-weights.ts";
import { optimizerFor } from "../course.ts";
import { keptOf, rowsOf, sizesOf, vocabulariesOf } from "../inputs.ts";
import { metadataOf } from "../model.ts";
import { lossFor, network, recurrentDefaults, shownNetwork } from "../network.ts";
import { initialRatios, ngramNetwork } from "../ngram-network.ts";
import type { TrainOptions } from "../options.ts";
import { presetOf } from "../presets.ts";
import { nounOf, readTrainingReviews, type TrainingReviews } from "../reviews.ts";
import { rocName } from "../roc.ts";
import { tellForm } from "../table-form.ts";

/** Options that checkpoints keep only where they are not as here. */
const defaults: SettingDefaults = { ...recurrentDefaults, header: true };

const figures = classificationFigures;
const charts: ChartNames = { training: figures.map(({ name }) => name), model: [rocName] };

export async function train(options: TrainOptions, output: Output, stopping: Stopping): Promise<void> {
  const { seed, epochs } = options;
  const { groupByLength, ngrams, course } = presetOf(options.preset);
  using folder = await openTrainingFolder(options, charts);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const reviews = await readTrainingReviews(seed, options.limit, options);
  tellForm(reviews.form, options.data, output);
  const { labelEncoder } = reviews;
  const classes = labelEncoder.classes.length;
  const weighed = options.classWeight && classWeightsOf(options.classWeight, labelEncoder, reviews.train.labels);
  const settings = settingsOf({ ...options, classWeight: weighed?.setting }, reviews.record.digest, defaults);
  const resume = options.resume ? await openCheckpoint(options, settings, defaults, output.warn) : undefined;
  const vocabularies = vocabulariesOf(options, reviews.all);
  const sizes = sizesOf(vocabularies);
  const data = { x: rowsOf(options, vocabularies, reviews.train.texts), y: reviews.train.labels };
  const model = ngrams ? ngramNetwork(options, ngrams, sizes, classes) : network(options, classes);
  tellData(options, reviews, sizes, output);
  tellModel(model, options, weighed, output);

  await using trainer = await compile(model, {
    backend,
    loss: lossFor(classes),
    optimizer: optimizerFor(options, course, reviews.train.texts.length),
    metrics: [accuracy()],
    seed,
    ...(ngrams ? { weights: initialRatios(data, sizes, classes) } : {}),
  });
  const snapshot = {
    vocabulary: keptOf(vocabularies),
    metadata: metadataOf(options, labelEncoder, reviews.record, weighed),
  };
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  await runTraining({
    trainer,
    data,
    options,
    fit: {
      groupByLength,
      validationData: { x: rowsOf(options, vocabularies, reviews.validation.texts), y: reviews.validation.labels },
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

function tellData(
  { preset, maxLength }: TrainOptions,
  reviews: TrainingReviews,
  sizes: Readonly<Record<string, number>>,
  output: Output,
): void {
  const { classes } = reviews.labelEncoder;
  const noun = nounOf(reviews.record);
  const named =
    reviews.record.kind === "imdb"
      ? ""
      : `; ${shownCount(classes.length)} classes: ${classes.slice(0, 10).map(shownLabel).join(", ")}${classes.length > 10 ? ", …" : ""}`;
  const counts = Object.entries(sizes).map(([name, size], i) =>
    i === 0 ? `${shownCount(size)} ids` : `${shownCount(size)} of ${name}`,
  );
  output.say(
    `Preset ${preset}: ${presetOf(preset).summary}.\n` +
      `${shownCount(reviews.train.texts.length)} ${noun} to train with, ${shownCount(reviews.validation.texts.length)} to validate; ` +
      `${counts.join(", ")}, the last ${maxLength} words of each ${noun.slice(0, -1)}${named}.\n`,
  );
}

function tellModel(model: Model, options: TrainOptions, weighed: KnownClassWeights | undefined, output: Output): void {
  const { maxLength: time, cell, layers, bidirectional, units, dropout, recurrentDropout, pooling } = options;
  output.event({
    event: "model",
    parameters: countParameters(model),
    layers: summaryRows(model, { time }),
    network: { cell, layers, bidirectional, units, dropout, recurrentDropout, pooling },
    ...(weighed ? { classWeight: weighed.byLabel } : {}),
  });
  output.say(summary(model, { time }));
  output.say([shownNetwork(options), ...(weighed ? [shownClassWeights(weighed)] : [])].join("; "));
}
