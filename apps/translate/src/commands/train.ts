/** `train`: from pairs of texts to a model, its history and its curves; stopped at any moment, it goes on from its last checkpoint. */
import { setImmediate } from "node:timers/promises";
import {
  backends,
  type ChartNames,
  confusionName,
  excerpt,
  type HistoryFigure,
  initialSettings,
  keptInitial,
  keptNumber,
  learningOf,
  type Origin,
  type Output,
  openInitial,
  openTrainingFolder,
  readCheckpoint,
  refuseReplaced,
  requireSame,
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
  type Backend,
  compile,
  countParameters,
  type Model,
  summary,
  summaryRows,
  teacherForcing,
} from "@ostinato/core";
import { type ParallelText, parallelPairs } from "@ostinato/datasets";
import {
  endId,
  idCount,
  type SideVocabulary,
  startId,
  type TranslatorSettings,
  type TranslatorVocabulary,
  textEncoder,
  translator,
} from "@ostinato/translator";
import { optimizerFor, samplingFor } from "../course.ts";
import { allTexts, leftOutOf, readTrainingData, spread, type TrainingData } from "../data.ts";
import { exportedNames, shownSamples } from "../defaults.ts";
import { type Answer, answersOf, nearestOf, shownTokens } from "../judging.ts";
import { lossOf } from "../loss.ts";
import { type Measure, measureNames, measureOf, measures, validationName } from "../measures.ts";
import { appName, loadTranslation, metadataOf } from "../model.ts";
import { type NetworkOptions, network } from "../network.ts";
import type { TrainOptions } from "../options.ts";
import { bleuByLengthName } from "../sentence-report.ts";
import { telling, textTokens } from "../tokens.ts";
import { type Pairs, vocabularyOf } from "../vocabulary.ts";

/** Options that checkpoints keep only where they are not as here. */
const settingDefaults: SettingDefaults = { test: true, tiedEmbeddings: false, subwordDropout: 0 };

const lossFigure: HistoryFigure = { name: "loss", title: "Loss (crossentropy)" };
const charts: ChartNames = {
  training: [lossFigure.name, ...measureNames],
  model: [confusionName, bleuByLengthName],
  exported: exportedNames,
};

/** Rows of training are this much shorter than those that the model takes, and gives. */
const room = 2;

/** The options that cannot be used with `--init`, because the model determines them. */
const answeredByFile = [
  "embedding",
  "tiedEmbeddings",
  "cell",
  "units",
  "layers",
  "decoderUnits",
  "decoderLayers",
  "attention",
  "attentionUnits",
  "inputFeeding",
  "dropout",
  "sourceTokens",
  "targetTokens",
  "tokens",
  "vocabularySize",
  "lowercase",
  "minCount",
] as const satisfies readonly (keyof TrainOptions)[];

export async function train(
  options: Omit<TrainOptions, "preset">,
  output: Output,
  stopping: Stopping,
  given: ReadonlySet<string>,
): Promise<void> {
  const { seed, epochs } = options;
  refuseWithoutAttention(options, given);
  if (options.sampledSoftmax !== undefined && options.teacherForcing < 1)
    throw new UsageError(
      "--sampled-softmax does not go with --teacher-forcing below 1, which reads the scores of all tokens",
    );
  using folder = await openTrainingFolder(options, charts);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const resume = options.resume ? await readCheckpoint(options, output.warn) : undefined;
  // More epochs do not change the step sizes of a training that goes on.
  const decayEpochs = options.decayEpochs ?? keptNumber(resume, "decayEpochs") ?? epochs;
  const initial = await openInitial(options, appName, loadTranslation);
  if (initial) refuseReplaced(given, answeredByFile, initial);
  const data = await readTrainingData(options, options.limit);
  const settings = settingsOf(
    { ...initialSettings(options, initial, answeredByFile), decayEpochs },
    data.record.digest,
    settingDefaults,
  );
  if (resume) requireSame(resume, options, settings, settingDefaults);
  const pairs = parallelPairs(data.train);
  const vocabulary = initial?.model.vocabulary ?? vocabularyOf(options, pairs);
  const model: Model = initial?.model.trained ?? network(options, vocabulary);
  refuseWithoutSubwords(options, vocabulary);
  const { sources, targets } = idsOf(vocabulary, pairs);
  const anew = options.subwordDropout > 0 ? rowsAnew(options, vocabulary, pairs) : undefined;
  const first = anew?.(0) ?? { sources, targets };
  if (initial) output.say(`Continuing from ${initial.origin.file}.`);
  tellData(data, pairs.targets.length, vocabulary, output);
  tellModel(model, initial?.origin, output);

  const [course, steps] = [{ ...options, decayEpochs }, stepsOf(options, first)];
  await using trainer = await compile(model, {
    backend,
    ...lossOf(options, targets, idCount(vocabulary.target)),
    optimizer: optimizerFor(course, steps),
    ...samplingFor(course, steps),
    seed,
    ...(initial ? learningOf(options, initial.model.trained) : {}),
  });
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  const sample = spread(data.validation, options.validationSample);
  const measure = measureOf(
    data.record,
    vocabulary.target,
    sample.flatMap(({ targets: each }) => each),
  );
  const title = measures[measure.name].titleOf(data.record);
  const { score, tellSamples } = scoreBy(measure, title, vocabulary.target, backend, sample, output);
  await runTraining({
    trainer,
    data: anew === undefined ? examples(first) : (epoch) => examples(epoch === 0 ? first : anew(epoch)),
    options,
    fit: {
      groupByLength: true,
      validationData: examples(idsOf(vocabulary, parallelPairs(data.validation))),
    },
    snapshot: {
      averaged: options.average > 0,
      vocabulary,
      metadata: metadataOf(seed, limitsOf(sources, targets, initial?.model.settings), data.record, initial?.origin),
    },
    settings,
    initial: initial && keptInitial(initial),
    resume,
    score,
    afterEpoch: tellSamples,
    figures: [lossFigure, { name: measure.name, title: `Greedy translations: ${title}` }],
    folder,
    output,
    stopping,
  });
}

/** Throws `UsageError` for options of an attention that there is none of. */
function refuseWithoutAttention({ attention, inputFeeding }: NetworkOptions, given: ReadonlySet<string>): void {
  if (attention !== "none") return;
  if (inputFeeding && given.has("inputFeeding"))
    throw new UsageError("--input-feeding feeds on what attention gives; choose another --attention than none");
  if (given.has("attentionUnits"))
    throw new UsageError("--attention-units belong to an attention; choose another --attention than none");
}

/** The maximum length of texts: somewhat longer than the training texts, and at least the previous maximum of the model. */
function limitsOf(sources: number[][], targets: number[][], before?: TranslatorSettings): TranslatorSettings {
  return {
    maxSourceLength: Math.max(room * longest(sources), before?.maxSourceLength ?? 0),
    maxTargetLength: Math.max(room * longest(targets), before?.maxTargetLength ?? 0),
  };
}

/** Rows of ids, of each side. */
interface Ids {
  readonly sources: number[][];
  readonly targets: number[][];
}

function idsOf({ source, target }: TranslatorVocabulary, { sources, targets }: Pairs): Ids {
  return { sources: textEncoder(source)(sources), targets: textEncoder(target)(targets) };
}

/** More than `--epochs` takes. */
const mostEpochs = 1_000_000;

/** The rows of each epoch, with words in other parts. */
function rowsAnew(
  { seed, subwordDropout: dropout }: Pick<TrainOptions, "seed" | "subwordDropout">,
  { source, target }: TranslatorVocabulary,
  { sources, targets }: Pairs,
): (epoch: number) => Ids {
  return (epoch) => {
    const own = 2 * (seed * mostEpochs + epoch);
    return {
      sources: textEncoder(source)(sources, { dropout, seed: own }),
      targets: textEncoder(target)(targets, { dropout, seed: own + 1 }),
    };
  };
}

/** Throws `UsageError` for chance among subwords that there are none of. */
function refuseWithoutSubwords(
  { subwordDropout }: Pick<TrainOptions, "subwordDropout">,
  { source, target }: TranslatorVocabulary,
): void {
  const other = [source, target].find(({ tokens }) => tokens !== "subwords");
  if (subwordDropout > 0 && other !== undefined)
    throw new UsageError(`--subword-dropout is for subwords on both sides; one has ${other.tokens}`);
}

function examples({ sources, targets }: Ids) {
  return teacherForcing(sources, targets, { start: startId, end: endId });
}

/** How many steps an epoch has; where tokens bound its batches, about so many, as padding counts, too. */
function stepsOf(
  { batchSize, batchTokens }: Pick<TrainOptions, "batchSize" | "batchTokens">,
  { sources, targets }: Ids,
): number {
  if (batchTokens === undefined) return Math.ceil(targets.length / batchSize);
  const tokens = targets.reduce((sum, row, i) => sum + Math.max(row.length + 1, sources[i]?.length ?? 0), 0);
  return Math.ceil(tokens / batchTokens);
}

const longest = (rows: readonly ArrayLike<number>[]): number =>
  rows.reduce((most, { length }) => Math.max(most, length), 0);

/** The measure of greedy translations of some texts, and some of them to show. */
function scoreBy(
  measure: Measure,
  title: string,
  target: SideVocabulary,
  backend: Backend,
  entries: readonly ParallelText[],
  output: Output,
) {
  let answers: readonly Answer[] = [];
  const score: Score = {
    name: validationName(measure.name),
    title: `validation ${title}`,
    mode: measures[measure.name].mode,
    async of(trained) {
      await using model = await translator(trained, { backend });
      const sources = entries.map(({ source }) => source);
      // Signals have their turn between batches.
      const translations = await model.translate(sources, { ...allTexts, onProgress: () => setImmediate() });
      answers = answersOf(target, entries, translations);
      return measure.of(answers);
    },
  };
  const tellSamples = (epoch: number): void => {
    for (const answer of spread(answers, shownSamples))
      if (measure.ofOne) tellSentence(answer, measure.ofOne(answer), epoch, output);
      else tellTokens(target, answer, epoch, output);
  };
  return { score, tellSamples };
}

const shownText = 40;
const shownWidth = 80;
const shownSentence = 110;
const mostTokens = 12;

/** "  right  cat → K AE T", or with what would have been right behind it. */
function tellTokens(target: SideVocabulary, answer: Answer, epoch: number, output: Output): void {
  const { entry, tokens } = answer;
  const { errors, reference } = nearestOf(answer);
  output.event({
    event: "sample",
    epoch,
    text: entry.source,
    translation: tokens,
    references: entry.targets,
    right: errors === 0,
  });
  const shown = (each: readonly string[]) => excerpt(shownTokens(target, each), shownWidth);
  const [verdict, right] = errors === 0 ? ["right", ""] : ["wrong", `   (${shown(Array.from(reference))})`];
  output.say(`  ${verdict}  ${excerpt(entry.source, shownText)} → ${shown(tokens)}${right}`);
}

/** The sentence, what became of it, and in brackets what was to become of it, with the sentence's own BLEU in front. */
function tellSentence({ entry, text }: Answer, bleu: number, epoch: number, output: Output): void {
  output.event({
    event: "sample",
    epoch,
    text: entry.source,
    translation: text,
    references: entry.targets,
    bleu,
  });
  const shown = (each: string) => excerpt(each, shownSentence);
  output.say(
    `${bleu.toFixed(1).padStart(7)}  ${shown(entry.source)}\n      →  ${shown(text)}\n         (${shown(entry.targets[0] ?? "")})`,
  );
}

function tellData(
  { train, validation, record, cleaning }: TrainingData,
  pairs: number,
  { source, target }: TranslatorVocabulary,
  output: Output,
): void {
  const sideOf = (vocabulary: SideVocabulary) => {
    const tokens = textTokens(vocabulary);
    const first = telling(vocabulary, mostTokens).map(shownLabel).join(" ");
    return `${shownCount(tokens.length)} ${vocabulary.tokens} (${first}${tokens.length > mostTokens ? " …" : ""})`;
  };
  if (cleaning !== undefined) {
    output.event({ event: "cleaning", ...cleaning });
    output.say(
      `${shownCount(cleaning.kept)} of ${shownCount(cleaning.pairs)} pairs are kept to train with${leftOutOf(cleaning)}.`,
    );
  }
  const { sourceLanguage, targetLanguage } = record.languages ?? {};
  const name =
    record.kind === "cmudict"
      ? "CMUdict"
      : sourceLanguage === undefined
        ? "Your data"
        : `Your data, from ${sourceLanguage} to ${targetLanguage}`;
  output.say(
    `${name}: ${shownCount(train.length)} texts with ${shownCount(pairs)} right answers to train with, ` +
      `${shownCount(validation.length)} texts to validate\nfrom ${sideOf(source)}\nto   ${sideOf(target)}\n`,
  );
}

/** A text of this length is shown in the summary. */
const time = 10;

function tellModel(model: Model, init: Origin | undefined, output: Output): void {
  const sizes = { source: time, target: time };
  output.event({
    event: "model",
    parameters: countParameters(model),
    layers: summaryRows(model, sizes),
    ...(init === undefined ? {} : { init }),
  });
  output.say(summary(model, sizes));
}
