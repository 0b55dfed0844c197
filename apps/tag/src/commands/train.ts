/** `train`: from sentences to a model, its history and its curves; stopped at any moment, it goes on from its last checkpoint. */
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
import {
  accuracy,
  adam,
  compile,
  countParameters,
  exponentialDecay,
  type Model,
  sparseCategoricalCrossentropy,
  summary,
  summaryRows,
} from "@ostinato/core";
import type { TaggedSentence } from "@ostinato/datasets";
import { type TokenEncoder, taggerVocabulary, tokenEncoder } from "@ostinato/tagger";
import { encodeLabels, type LabelEncoder, labelEncoder } from "@ostinato/text";
import { confusionName } from "../confusion-chart.ts";
import { readTrainingData, type TrainingData } from "../data.ts";
import { metadataOf } from "../model.ts";
import { network } from "../network.ts";
import type { TrainOptions } from "../options.ts";

/** Options that checkpoints keep only where they are not as here. */
const defaults: SettingDefaults = { test: true, tagset: "universal" };

const figures = classificationFigures;
const charts: ChartNames = { training: figures.map(({ name }) => name), model: [confusionName] };

export async function train(options: TrainOptions, output: Output, stopping: Stopping): Promise<void> {
  const { seed, epochs, batchSize, minCount } = options;
  using folder = await openTrainingFolder(options, charts);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const data = await readTrainingData(options, options.limit);
  const settings = settingsOf(options, data.record.digest, defaults);
  const resume = options.resume ? await openCheckpoint(options, settings, defaults, output.warn) : undefined;
  const vocabulary = taggerVocabulary(
    data.train.map(({ tokens }) => tokens),
    { minCount: { word: minCount } },
  );
  const model = network(options, vocabulary, data.tags.length);
  tellData(data, vocabulary.values.word.length, output);
  tellModel(model, output);

  await using trainer = await compile(model, {
    backend,
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({
      learningRate: exponentialDecay({
        initialLearningRate: options.learningRate,
        decaySteps: Math.ceil(data.train.length / batchSize),
        decayRate: options.decay,
      }),
    }),
    metrics: [accuracy()],
    seed,
  });
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  const [encode, tags] = [tokenEncoder(vocabulary), labelEncoder(data.tags)];
  await runTraining({
    trainer,
    data: examples(encode, tags, data.train),
    options,
    fit: { groupByLength: true, validationData: examples(encode, tags, data.validation) },
    snapshot: { vocabulary, metadata: metadataOf(seed, data.tags, data.record) },
    settings,
    resume,
    figures,
    folder,
    output,
    stopping,
  });
}

function examples(encode: TokenEncoder, tags: LabelEncoder<string>, sentences: readonly TaggedSentence[]) {
  return {
    x: encode(sentences.map(({ tokens }) => tokens)),
    y: sentences.map((sentence) => encodeLabels(tags, sentence.tags)),
  };
}

function tellData({ train, validation, tags, record }: TrainingData, words: number, output: Output): void {
  const tokens = train.reduce((sum, sentence) => sum + sentence.tokens.length, 0);
  const shown = tags.slice(0, 12).map(shownLabel).join(" ") + (tags.length > 12 ? " …" : "");
  output.say(
    `${record.kind === "brown" ? "The Brown corpus" : "Your data"}: ${shownCount(train.length)} sentences of ${shownCount(tokens)} tokens to train with, ` +
      `${shownCount(validation.length)} to validate; ${shownCount(words)} words, ${tags.length} tags: ${shown}\n`,
  );
}

/** A sentence of this length is shown in the summary. */
const time = 20;

function tellModel(model: Model, output: Output): void {
  output.event({ event: "model", parameters: countParameters(model), layers: summaryRows(model, { time }) });
  output.say(summary(model, { time }));
}
