/** `train`: from texts to a model, its history and its curves; stopped at any moment, it goes on from its last checkpoint. */
import {
  backends,
  type ChartNames,
  classificationFigures,
  initialSettings,
  keptInitial,
  type Output,
  openCheckpoint,
  openInitial,
  openTrainingFolder,
  refuseReplaced,
  runTraining,
  type SettingDefaults,
  type Stopping,
  settingsOf,
  shownCount,
  shownLabel,
} from "@ostinato/app";
import { encodeForClassifier } from "@ostinato/classifier";
import { accuracy, compile, countParameters, summary, summaryRows } from "@ostinato/core";
import { vocabularyFromTexts } from "@ostinato/text";
import { classWeightsOf, type KnownClassWeights, shownClassWeights } from "../class-weights.ts";
import { keptOf, sizesOf } from "../inputs.ts";
import { appName, loadSentiment, metadataOf, type Sentiment } from "../model.ts";
import { lossFor, network, recurrentDefaults } from "../network.ts";
import type { TrainOptions } from "../options.ts";
import { nounOf, readTrainingReviews, type TrainingReviews, trainingReviewsFor } from "../reviews.ts";
import { rocName } from "../roc.ts";
import { answeredByFile, initialSubject, newSubject, type Subject } from "../subject.ts";
import { tellForm } from "../table-form.ts";

/** Options that checkpoints keep only where they are not as here. */
const defaults: SettingDefaults = { ...recurrentDefaults, header: true };

const figures = classificationFigures;
const charts: ChartNames = { training: figures.map(({ name }) => name), model: [rocName] };

export async function train(
  options: TrainOptions,
  output: Output,
  stopping: Stopping,
  given: ReadonlySet<string>,
): Promise<void> {
  const { seed, epochs } = options;
  using folder = await openTrainingFolder(options, charts);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const read = await readTrainingReviews(seed, options.limit, options);
  const initial = await openInitial(options, appName, (path, isKept) =>
    isKept ? loadSentiment(path) : openFurther(path, options, read, output),
  );
  if (initial) refuseReplaced(given, answeredByFile, initial);
  const reviews = initial ? trainingReviewsFor(initial.model.labelEncoder, read) : read;
  const { labelEncoder, record: data } = reviews;
  tellForm(reviews.form, options.data, output);
  const weighed = options.classWeight && classWeightsOf(options.classWeight, labelEncoder, reviews.train.labels);
  const settings = settingsOf(
    { ...initialSettings(options, initial, answeredByFile), classWeight: weighed?.setting },
    data.digest,
    defaults,
  );
  const resume = options.resume ? await openCheckpoint(options, settings, defaults, output.warn) : undefined;
  const maxLength = given.has("maxLength") ? options.maxLength : undefined;
  const subject = initial ? initialSubject(initial, options, maxLength, reviews) : newSubject(options, reviews);
  tellData(subject, reviews, output);
  tellModel(subject, options, weighed, output);

  await using trainer = await compile(subject.model, {
    backend,
    loss: lossFor(subject.model),
    metrics: [accuracy()],
    seed,
    ...subject.learning,
  });
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  await runTraining({
    trainer,
    data: { x: subject.rows, y: reviews.train.labels },
    options,
    fit: {
      groupByLength: subject.groupByLength,
      validationData: {
        x: encodeForClassifier(subject.settings, subject.vocabularies, reviews.validation.texts),
        y: reviews.validation.labels,
      },
      ...(weighed ? { classWeight: weighed.weights } : {}),
    },
    snapshot: {
      vocabulary: keptOf(subject.vocabularies),
      metadata: metadataOf({ ...subject.about, seed, data, classWeight: weighed }, subject.settings),
    },
    settings,
    initial: initial && keptInitial(initial),
    resume,
    figures,
    folder,
    output,
    stopping,
  });
}

/** The model of `--init`. If it has no list of words, the words of the texts are used; if it has no network, the network of the options. */
function openFurther(
  path: string,
  options: TrainOptions,
  { all, labelEncoder }: TrainingReviews,
  output: Output,
): Promise<Sentiment> {
  return loadSentiment(path, {
    vocabulary: options.vocabulary,
    externalData: options.externalData,
    network: () => network(options, labelEncoder.classes.length),
    map: options.initMap,
    own(maxTokens) {
      output.warn(
        `${path} has no vocabulary: ids from 2 on are assigned to the most frequent words of the texts, like Keras's Tokenizer with an oov_token; use --vocabulary for other words`,
      );
      return vocabularyFromTexts(all, { maxTokens });
    },
  });
}

function tellData({ title, vocabularies, settings }: Subject, reviews: TrainingReviews, output: Output): void {
  const { classes } = reviews.labelEncoder;
  const noun = nounOf(reviews.record);
  const named =
    reviews.record.kind === "imdb"
      ? ""
      : `; ${shownCount(classes.length)} classes: ${classes.slice(0, 10).map(shownLabel).join(", ")}${classes.length > 10 ? ", …" : ""}`;
  const counts = Object.entries(sizesOf(vocabularies)).map(([name, size], i) =>
    i === 0 ? `${shownCount(size)} ids` : `${shownCount(size)} of ${name}`,
  );
  const end = settings.truncating === "post" ? "first" : "last";
  output.say(
    `${title}\n` +
      `${shownCount(reviews.train.texts.length)} ${noun} to train with, ${shownCount(reviews.validation.texts.length)} to validate; ` +
      `${counts.join(", ")}, the ${end} ${settings.maxLength} words of each ${noun.slice(0, -1)}${named}.\n`,
  );
}

function tellModel(
  { model, settings, about, network: shown }: Subject,
  options: TrainOptions,
  weighed: KnownClassWeights | undefined,
  output: Output,
): void {
  const { cell, layers, bidirectional, units, dropout, recurrentDropout, pooling } = options;
  const time = settings.maxLength;
  output.event({
    event: "model",
    parameters: countParameters(model),
    layers: summaryRows(model, { time }),
    ...(about.origin
      ? { init: about.origin }
      : { network: { cell, layers, bidirectional, units, dropout, recurrentDropout, pooling } }),
    ...(weighed ? { classWeight: weighed.byLabel } : {}),
  });
  output.say(summary(model, { time }));
  output.say([shown, ...(weighed ? [shownClassWeights(weighed)] : [])].join("; "));
}
