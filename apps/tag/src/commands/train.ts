/** `train`: from sentences to a model, its history and its curves; stopped at any moment, it goes on from its last checkpoint. */
import {
  backends,
  type ChartNames,
  classificationFigures,
  confusionName,
  type HistoryFigure,
  type Initial,
  initialSettings,
  keptInitial,
  learningOf,
  type Origin,
  type Output,
  openCheckpoint,
  openInitial,
  openTrainingFolder,
  refuseReplaced,
  runTraining,
  type Score,
  type SettingDefaults,
  type Stopping,
  settingsOf,
  shownCount,
  shownLabel,
  UsageError,
} from "@ostinato/app";
import {
  accuracy,
  adam,
  type Backend,
  compile,
  countParameters,
  dataRules,
  exponentialDecay,
  type Model,
  type Optimizer,
  summary,
  summaryRows,
} from "@ostinato/core";
import type { TaggedSentence } from "@ostinato/datasets";
import {
  type TaggerOutput,
  type TokenEncoder,
  tagger,
  taggerVocabulary,
  tokenEncoder,
  type WordIds,
} from "@ostinato/tagger";
import { areSpanTags, encodeLabels, type LabelEncoder, spanReport } from "@ostinato/text";
import { readTrainingData, type TrainingData } from "../data.ts";
import { appName, loadTagger, metadataOf, type TaggerModel } from "../model.ts";
import { constraintsFor, lossFor, network } from "../network.ts";
import type { TrainOptions } from "../options.ts";

/** Options that checkpoints keep only where they are not as here. */
const defaults: SettingDefaults = { test: true, tagset: "universal" };

const charts: ChartNames = { training: classificationFigures.map(({ name }) => name), model: [confusionName] };
/** Titles by what the network ends in. */
const figures: Readonly<Record<TaggerOutput, readonly HistoryFigure[]>> = {
  softmax: classificationFigures,
  crf: classificationFigures.map((figure) =>
    figure.name === "loss" ? { ...figure, title: "Loss (-log p of a sentence's tags)" } : figure,
  ),
};

/** The options that cannot be used with `--init`, because the model determines them. */
const answeredByFile = [
  "output",
  "embedding",
  "affix",
  "units",
  "layers",
  "dropout",
  "wordDropout",
  "shapeDropout",
  "minCount",
] as const satisfies readonly (keyof TrainOptions)[];

export async function train(
  options: TrainOptions,
  output: Output,
  stopping: Stopping,
  given: ReadonlySet<string>,
): Promise<void> {
  const { seed, epochs, batchSize } = options;
  using folder = await openTrainingFolder(options, charts);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const initial = await openInitial(options, appName, (path, isKept) => loadTagger(path, isKept ? {} : options));
  if (initial) {
    refuseReplaced(given, answeredByFile, initial);
    requireMasks(initial);
  }
  const data = await readTrainingData(options, options.limit, initial?.model.settings.tags);
  const settings = settingsOf(initialSettings(options, initial, answeredByFile), data.record.digest, defaults);
  const resume = options.resume ? await openCheckpoint(options, settings, defaults, output.warn) : undefined;
  const { model, vocabulary, ending, outsideBias } = subjectOf(options, initial?.model, data, given);
  if (initial) output.say(`Continuing from ${initial.origin.file}.`);
  tellData(data, vocabulary.values.word.length, output);
  tellModel(model, initial?.origin, output);

  const [encode, tags] = [tokenEncoder(vocabulary), { classes: data.tags }];
  const training = examples(encode, tags, data.train);
  await using trainer = await compile(model, {
    backend,
    loss: lossFor(ending, constraintsFor(data.tags, training.y)),
    optimizer: optimizerFor(options, Math.ceil(data.train.length / batchSize)),
    metrics: [accuracy()],
    seed,
    ...(initial ? learningOf(options, initial.model.trained) : {}),
  });
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  await runTraining({
    trainer,
    data: training,
    options,
    fit: { groupByLength: true, validationData: examples(encode, tags, data.validation) },
    snapshot: {
      vocabulary,
      metadata: metadataOf(seed, { tags: data.tags, output: ending, outsideBias }, data.record, initial?.origin),
    },
    settings,
    initial: initial && keptInitial(initial),
    resume,
    monitor: areSpanTags(data.tags) || ending === "softmax" ? "valAccuracy" : "valLoss",
    score: areSpanTags(data.tags) ? spanScore(backend, data.validation) : undefined,
    figures: figures[ending],
    folder,
    output,
    stopping,
  });
}

/** Throws `UsageError` for a network without a mask, which in a batch would learn from the padding. */
function requireMasks({ model: { trained }, origin: { file } }: Initial<TaggerModel>): void {
  if (Object.values(dataRules(trained.spec)).every(({ cut }) => cut)) return;
  throw new UsageError(
    `--init: the network of ${file} does not mask padding, so it cannot be trained on batches of sentences of different lengths; add a mask to the original model: mask_zero=True in Keras, packed sequences in PyTorch`,
  );
}

/** What is trained: the model of `--init`, or a network of the options with words of the sentences. */
function subjectOf(
  options: TrainOptions,
  further: TaggerModel | undefined,
  { train: sentences, tags }: TrainingData,
  given: ReadonlySet<string>,
) {
  if (further) {
    const { trained, vocabulary, settings } = further;
    const { outsideBias } = given.has("outsideBias") ? options : settings;
    return { model: trained, vocabulary, ending: settings.output, outsideBias };
  }
  const vocabulary = taggerVocabulary(
    sentences.map(({ tokens }) => tokens),
    { minCount: { word: options.minCount } },
  );
  const model: Model = network(options, vocabulary, tags.length);
  return { model, vocabulary, ending: options.output, outsideBias: options.outsideBias };
}

/** The F1 of the spans that the model finds in the sentences to validate with. Of spans that are rare, most tokens are right when none is found, and the loss is least long before most are. */
function spanScore(backend: Backend, sentences: readonly TaggedSentence[]): Score {
  const tokens = sentences.map((sentence) => sentence.tokens);
  const tags = sentences.map((sentence) => sentence.tags);
  return {
    name: "valSpanF1",
    title: "validation F1 of spans",
    async of(trained) {
      await using model = await tagger(trained, { backend });
      const said = await model.tag(tokens);
      return spanReport(
        tags,
        said.map((each) => each.tags),
      ).f1;
    },
  };
}

/** Adam, whose steps get smaller from epoch to epoch; where weights are averaged, each epoch ends with the averages. `steps` are those of an epoch. */
function optimizerFor({ learningRate, decay, average }: TrainOptions, steps: number): Optimizer {
  const schedule = exponentialDecay({ initialLearningRate: learningRate, decaySteps: steps, decayRate: decay });
  const averaging = { useEma: true, emaMomentum: average, emaOverwriteFrequency: steps };
  return adam({ learningRate: schedule, ...(average > 0 ? averaging : {}) });
}

function examples(encode: TokenEncoder<WordIds>, tags: LabelEncoder<string>, sentences: readonly TaggedSentence[]) {
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

function tellModel(model: Model, init: Origin | undefined, output: Output): void {
  output.event({
    event: "model",
    parameters: countParameters(model),
    layers: summaryRows(model, { time }),
    ...(init === undefined ? {} : { init }),
  });
  output.say(summary(model, { time }));
}
