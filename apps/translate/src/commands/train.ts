/** `train`: from pairs of texts to a model, its history and its curves; stopped at any moment, it goes on from its last checkpoint. */
import {
  backends,
  type ChartNames,
  confusionName,
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
  type SettingDefaults,
  type Stopping,
  scoreNameIn,
  settingsOf,
  shownCount,
  shownLabel,
  UsageError,
} from "@ostinato/app";
import { type Checkpoint, compile, countParameters, type Model, summary, summaryRows } from "@ostinato/core";
import { parallelPairs } from "@ostinato/datasets";
import {
  idCount,
  type SideVocabulary,
  type TranslatorSettings,
  type TranslatorVocabulary,
  vocabularyTokens,
} from "@ostinato/translator";
import { optimizerFor, samplingFor, stepsOf } from "../course.ts";
import { languagesAfter, leftOutOf, readTrainingData, shownLanguages, spread, type TrainingData } from "../data.ts";
import { exportedNames } from "../defaults.ts";
import type { Languages } from "../folder.ts";
import { explainLoss, lossOf } from "../loss.ts";
import { type MeasureName, measureNames, measureOf, measures, validationName } from "../measures.ts";
import { appName, loadTranslation, metadataOf } from "../model.ts";
import { type NetworkOptions, network } from "../network.ts";
import type { TrainOptions } from "../options.ts";
import { withPreset } from "../presets.ts";
import { examples, idsOf, lengthsOf, rowsAnew } from "../rows.ts";
import { bleuByLengthName } from "../sentence-report.ts";
import { telling, textTokens } from "../tokens.ts";
import { boundBy, scoreBy } from "../validation.ts";
import { vocabularyOf } from "../vocabulary.ts";

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
  asked: TrainOptions,
  output: Output,
  stopping: Stopping,
  given: ReadonlySet<string>,
): Promise<void> {
  using folder = await openTrainingFolder(asked, charts);
  const initial = await openInitial(asked, appName, loadTranslation);
  if (initial) refuseReplaced(given, answeredByFile, initial);
  const options = await withPreset(asked, given, initial?.model);
  const { seed, epochs } = options;
  refuseWithoutAttention(options, given);
  if (options.sampledSoftmax !== undefined && options.teacherForcing < 1)
    throw new UsageError(
      "--sampled-softmax does not go with --teacher-forcing below 1, which reads the scores of all tokens",
    );
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const resume = options.resume ? await readCheckpoint(options, output.warn) : undefined;
  // More epochs do not change the step sizes of a training that goes on.
  const decayEpochs = options.decayEpochs ?? keptNumber(resume, "decayEpochs") ?? epochs;
  const before = initial?.model.data.languages;
  const data = await readTrainingData({ ...options, ...(await languagesAfter(options, before)) }, options.limit);
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
  const { target } = vocabulary;
  const loss = lossOf(options, targets, idCount(target));
  const anew = options.subwordDropout > 0 ? rowsAnew(options, vocabulary, pairs) : undefined;
  const first = anew?.(0) ?? { sources, targets };
  if (initial) output.say(`Continuing from ${initial.origin.file}.`);
  warnOfOther(before, data.record.languages, output);
  tellData(data, pairs.targets.length, vocabulary, output);
  tellModel(model, initial?.origin, output);

  const [course, steps] = [{ ...options, decayEpochs }, stepsOf(options, lengthsOf(first))];
  await using trainer = await compile(model, {
    backend,
    ...loss,
    optimizer: optimizerFor(course, steps),
    ...samplingFor(course, steps),
    seed,
    ...(initial ? learningOf(options, initial.model.trained) : {}),
  }).catch((error) => explainLoss(error, options));
  output.say(
    `\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"} of about ${shownCount(steps)} ${steps === 1 ? "step" : "steps"}.`,
  );
  if (initial === undefined && steps * epochs < fewSteps)
    output.say("So few steps teach a new model little: use more --epochs or a smaller --batch-size.");
  const sample = spread(data.validation, options.validationSample);
  const measure = measureOf(
    data.record,
    target,
    sample.flatMap(({ targets: each }) => each),
    resume && measureIn(resume),
  );
  const title = measures[measure.name].titleOf(data.record);
  const { score, tellSamples } = scoreBy(
    { entries: sample, target, measure, title, bound: boundBy(first), backend },
    output,
  );
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

/** What a training was measured by until it stopped; by the error rate where its checkpoint is from before there was another measure. */
function measureIn(resume: Checkpoint): MeasureName {
  const kept = scoreNameIn(resume);
  return measureNames.find((name) => validationName(name) === kept) ?? "phoneErrorRate";
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

/** Throws `UsageError` for `--subword-dropout` unless both sides have subwords. */
function refuseWithoutSubwords(
  { subwordDropout }: Pick<TrainOptions, "subwordDropout">,
  { source, target }: TranslatorVocabulary,
): void {
  const other = [source, target].find(({ tokens }) => tokens !== "subwords");
  if (subwordDropout > 0 && other !== undefined)
    throw new UsageError(`--subword-dropout is for subwords on both sides; one has ${other.tokens}`);
}

const longest = (rows: readonly ArrayLike<number>[]): number =>
  rows.reduce((most, { length }) => Math.max(most, length), 0);

/** Warns if a model is trained further in other languages, or the other way round. */
function warnOfOther(before: Languages | undefined, now: Languages | undefined, output: Output): void {
  if (before === undefined || now === undefined || shownLanguages(before) === shownLanguages(now)) return;
  output.warn(`the model of --init translates ${shownLanguages(before)}; it is now trained ${shownLanguages(now)}`);
}

/** With fewer steps a new model writes hardly more than the most frequent tokens. */
const fewSteps = 200;

const mostTokens = 12;

function tellData(
  { train, validation, record, cleaning }: TrainingData,
  pairs: number,
  { source, target }: TranslatorVocabulary,
  output: Output,
): void {
  const sideOf = (vocabulary: SideVocabulary) => {
    const tokens = textTokens(vocabulary);
    const first = telling(vocabulary, mostTokens).map(shownLabel).join(" ");
    const bytes = vocabularyTokens(vocabulary).length - tokens.length;
    return `${shownCount(tokens.length)} ${vocabulary.tokens} (${first}${tokens.length > mostTokens ? " …" : ""})${bytes > 0 ? ` and ${bytes} bytes` : ""}`;
  };
  if (cleaning !== undefined) {
    output.event({ event: "cleaning", ...cleaning });
    output.say(
      `${shownCount(cleaning.kept)} of ${shownCount(cleaning.pairs)} training pairs are used${leftOutOf(cleaning)}.`,
    );
  }
  const name =
    record.kind === "cmudict"
      ? "CMUdict"
      : record.languages === undefined
        ? "Your data"
        : `Your data, ${shownLanguages(record.languages)} (--source-language and --target-language change this)`;
  const texts =
    pairs === train.length
      ? `${shownCount(pairs)} training pairs`
      : `${shownCount(train.length)} training texts with ${shownCount(pairs)} right answers`;
  const tokens = source === target ? `both ${sideOf(source)}` : `from ${sideOf(source)}\nto   ${sideOf(target)}`;
  output.say(`${name}: ${texts}, ${shownCount(validation.length)} validation texts\n${tokens}\n`);
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
