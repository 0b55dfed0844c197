/** `train`: from trees to a model, its history and its curves; it can be stopped at any moment and resumed from its last checkpoint. */
import {
  backends,
  type ChartNames,
  classificationFigures,
  type HistoryFigure,
  type Output,
  openCheckpoint,
  openTrainingFolder,
  runTraining,
  type Score,
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
  type Model,
  type Optimizer,
  predictor,
  sparseCategoricalCrossentropy,
  summary,
  summaryRows,
} from "@ostinato/core";
import { type LabelledTree, treeWords } from "@ostinato/datasets";
import { vocabularyFromTexts, vocabularySize } from "@ostinato/text";
import { readTrainingData, type TrainingData } from "../data.ts";
import { figuresOf } from "../figures.ts";
import { metadataOf, type TreeSettings } from "../model.ts";
import { network, networkOf, type Sizes } from "../network.ts";
import { type TrainOptions, withRecipe } from "../options.ts";
import { answersFor, batchesFor, examplesOf, type Reading } from "../rows.ts";

const figures: readonly HistoryFigure[] = [
  ...classificationFigures,
  { name: "rootAccuracy", title: "Accuracy at the roots" },
];
const charts: ChartNames = { training: figures.map(({ name }) => name), model: [] };

export async function train(
  given: TrainOptions,
  output: Output,
  stopping: Stopping,
  named: ReadonlySet<string>,
): Promise<void> {
  const options = withRecipe(given, named);
  requireSquare(options, named);
  const { seed, epochs, nodes } = options;
  using folder = await openTrainingFolder(options, charts);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const data = await readTrainingData(options);
  const settings = settingsOf(options, data.record.digest);
  const resume = options.resume ? await openCheckpoint(options, settings, {}, output.warn) : undefined;
  requireArity(options, data);
  const reading = readingOf(options, data);
  const words = vocabularySize(reading.vocabulary);
  const model = network(options, { words, labels: data.labels.length, arity: data.arity });
  requireSize(model, options, data);
  tellData(data, words, output);
  tellModel(model, output);
  tellArity(options, { words, labels: data.labels.length, arity: data.arity }, output);

  const training = examplesOf(reading, data.train, nodes);
  const { batchSize, batchTokens } = batchesFor(reading, training.rows, data.train.length, options.batchSize);
  const steps = Math.ceil(training.rows / batchSize);
  await using trainer = await compile(model, {
    backend,
    loss: sparseCategoricalCrossentropy(),
    optimizer: optimizerFor(options, steps),
    weightedMetrics: [accuracy()],
    seed,
  });
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  await runTraining({
    trainer,
    data: training.examples,
    options: { ...options, batchSize },
    fit: {
      batchTokens,
      groupByLength: true,
      validationData: examplesOf(reading, data.validation, nodes).examples,
    },
    snapshot: {
      averaged: options.average > 0,
      vocabulary: reading.vocabulary,
      metadata: metadataOf(seed, settingsFor(options, data), data.record),
    },
    settings,
    resume,
    score: rootScore(reading, backend, data.validation),
    figures,
    folder,
    output,
    stopping,
  });
}

/** Throws `UsageError` for an `--embedding` that would have no effect. */
function requireSquare({ model, embedding, units }: TrainOptions, named: ReadonlySet<string>): void {
  if (networkOf(model).square && named.has("embedding") && embedding !== units)
    throw new UsageError(
      `--model ${model} has as many numbers for a word as units: leave --embedding out, or give both the same number`,
    );
}

/** The most children of a node in a network with weights for each child. */
const mostChildren = 32;

/** The most weights of a network: with their gradients and what Adam and averaging keep, some 2 GB. */
const mostWeights = 100_000_000;

/** Throws `UsageError` for a node with too many children for the network. */
function requireArity({ model }: TrainOptions, { arity, widest }: TrainingData): void {
  if (networkOf(model).ordered && arity > mostChildren)
    throw new UsageError(
      `--model ${model} has weights for each child of a node, up to ${mostChildren}, and a node has ${shownCount(arity)}, in ${widest}; --model childsum takes any number`,
    );
}

/** Throws `UsageError` for a network with too many weights, before there is memory for any of them. */
function requireSize(model: Model, options: TrainOptions, { arity, widest }: TrainingData): void {
  const weights = countParameters(model);
  if (weights <= mostWeights) return;
  const because = networkOf(options.model).ordered
    ? `: a node has ${shownCount(arity)} children, in ${widest}; give fewer --units, or --model childsum, which takes any number of children with the same weights`
    : "; give fewer --units or a smaller --embedding, or a higher --min-count";
  throw new UsageError(
    `--model ${options.model} with ${shownCount(options.units)} units would have ${shownCount(weights)} weights, and ${shownCount(mostWeights)} are the most${because}`,
  );
}

function readingOf({ model, minCount, lowercase }: TrainOptions, { train, labels }: TrainingData): Reading {
  const texts = train.map((tree) => treeWords(tree).join(" "));
  const vocabulary = vocabularyFromTexts(texts, { filters: "", lower: lowercase, minCount });
  if (vocabulary.words.length === 0)
    throw new UsageError(`--min-count ${minCount}: no word occurs as often; give a lower number`);
  return { vocabulary, labels, linear: networkOf(model).overWords !== undefined };
}

function settingsFor({ model }: TrainOptions, { labels, arity }: TrainingData): TreeSettings {
  return { model, labels, arity: networkOf(model).ordered ? arity : null };
}

/** Adam; beside the weights it keeps their moving average. `steps` are those of an epoch. */
function optimizerFor({ learningRate, average }: TrainOptions, steps: number): Optimizer {
  const averaging = { useEma: true, emaMomentum: Math.max(0, 1 - 1 / (average * steps)) };
  return adam({ learningRate, ...(average > 0 ? averaging : {}) });
}

/** The accuracy at the roots of the validation trees. A tree has one root and many nodes, whose loss is lowest long before the accuracy at the roots is highest. */
function rootScore(reading: Reading, backend: Backend, trees: readonly LabelledTree[]): Score {
  return {
    name: "valRootAccuracy",
    title: "validation accuracy at the roots",
    async of(trained) {
      await using model = await predictor(trained, { backend });
      const roots = answersFor(reading, model, trees, ({ labels }) => [labels.length - 1]);
      return (await figuresOf(reading, roots)).rootAccuracy;
    },
  };
}

function tellData({ train, validation, labels, record }: TrainingData, words: number, output: Output): void {
  const nodes = train.reduce((sum, tree) => sum + tree.labels.length, 0);
  const shown = labels.slice(0, 12).map(shownLabel).join(" ") + (labels.length > 12 ? " …" : "");
  output.say(
    `${record.kind === "listops" ? "ListOps" : "Your data"}: ${shownCount(train.length)} trees with ${shownCount(nodes)} nodes for training, ` +
      `${shownCount(validation.length)} for validation; ${shownCount(words)} word ids, ${labels.length} labels: ${shown}\n`,
  );
}

/** With more children than this, weights for each child are many, and few examples have the last children. */
const fewChildren = 8;

/** Says what the children cost, where some node has many of them. */
function tellArity(options: TrainOptions, sizes: Sizes, output: Output): void {
  if (!networkOf(options.model).ordered || sizes.arity <= fewChildren) return;
  const other = countParameters(network({ ...options, model: "childsum" }, sizes));
  output.say(
    `\nA node has ${sizes.arity} children, and --model ${options.model} has weights for each of them; --model childsum would have ${shownCount(other)} parameters in all.`,
  );
}

function tellModel(model: Model, output: Output): void {
  output.event({ event: "model", parameters: countParameters(model), layers: summaryRows(model) });
  output.say(summary(model));
}
