/** `train`: from texts to a model, its history and its curves; stopped at any moment, it goes on from its last checkpoint. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { encodeForClassifier } from "@ostinato/classifier";
import {
  accuracy,
  adam,
  bestModel,
  type Callback,
  type Checkpoint,
  checkpoints,
  compile,
  countParameters,
  earlyStopping,
  type History,
  type Model,
  NonFiniteError,
  summary,
  summaryRows,
  type Trainer,
} from "@ostinato/core";
import { csvLogger, saveCheckpoint, saveModel, tensorBoard, writeFileAtomic } from "@ostinato/core/node";
import { vocabularyFromTexts, vocabularySize } from "@ostinato/text";
import { backends } from "../backends.ts";
import { writeChart } from "../charts/draw.ts";
import { historyChart, historyFigures } from "../charts/history.ts";
import { classWeightsOf, type KnownClassWeights, shownClassWeights } from "../class-weights.ts";
import { divergenceWatch } from "../divergence.ts";
import { FailureError } from "../failures.ts";
import { shownCount, shownLabel } from "../format.ts";
import { historyOf, partRecorder } from "../history.ts";
import { InterruptedError, type Interruption } from "../interruption.ts";
import { fileNames, metadataOf } from "../model.ts";
import { lossFor, network, shownNetwork } from "../network.ts";
import type { TrainOptions } from "../options.ts";
import type { Output } from "../output.ts";
import { presets, rowSettings } from "../presets.ts";
import { keepSettings, openCheckpoint, settingsOf } from "../resume.ts";
import { nounOf, readTrainingReviews, type TrainingReviews } from "../reviews.ts";
import { tellForm } from "../table-form.ts";
import { csvName, openTrainingFolder } from "../training-folder.ts";
import { progressHooks } from "../training-progress.ts";

/** How a training may be stopped, and the command that goes on with it. */
export interface Stopping {
  readonly interruption: Interruption;
  readonly resumeCommand: string;
}

export async function train(options: TrainOptions, output: Output, stopping: Stopping): Promise<void> {
  const { preset, maxWords, seed, out, epochs } = options;
  using folder = await openTrainingFolder(options);
  const backend = await backends[options.backend](options.threads === undefined ? {} : { threads: options.threads });

  const reviews = await readTrainingReviews(seed, options.limit, options);
  tellForm(reviews.form, options.data, output);
  const { labelEncoder } = reviews;
  const classes = labelEncoder.classes.length;
  const weighed = options.classWeight && classWeightsOf(options.classWeight, labelEncoder, reviews.train.labels);
  const settings = settingsOf(options, reviews.record.digest, weighed);
  const resume = options.resume ? await openCheckpoint(options, settings, output.note) : undefined;
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
  const kept = { vocabulary, metadata: metadataOf(options, labelEncoder, reviews.record, weighed) };
  const watch = divergenceWatch();
  const save = async (checkpoint: Checkpoint) => {
    watch.refuse(checkpoint);
    await saveCheckpoint(join(out, fileNames.checkpoint), checkpoint);
  };
  const recorder = partRecorder();
  const callbacks = [
    watch.callback,
    recorder.callback,
    // Without --patience it ends nothing, and only puts the best weights back.
    earlyStopping({ patience: options.patience ?? Number.MAX_SAFE_INTEGER }),
    bestModel({ save: (trained) => saveModel(join(out, fileNames.best), trained), snapshot: kept }),
    ...logsIn(options.logdir),
    keepSettings(settings, async (checkpoint) => {
      await folder.clear();
      await save(checkpoint);
    }),
    checkpoints({ save, everySteps: options.saveEvery }),
  ];
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  if (resume) tellResumed(resume, output);
  const fitted = await stoppable(trainer, options, stopping, save, (signal) =>
    trainer.fit(examples(options, vocabulary, reviews.train), {
      epochs,
      batchSize: options.batchSize,
      groupByLength: presets[preset].groupByLength,
      validationData: examples(options, vocabulary, reviews.validation),
      callbacks,
      signal,
      ...(weighed ? { classWeight: weighed.weights } : {}),
      ...(resume ? { resume } : {}),
      ...progressHooks(output, epochs, (resume?.position.epoch ?? 0) + 1),
    }),
  );
  if (fitted.stopped !== undefined) {
    output.event({ event: "stopped", epoch: fitted.epochs.length, reason: fitted.stopped });
    output.say(`Stopped: ${fitted.stopped}.`);
  }

  const derived = await folder.clearDerived();
  if (derived.length > 0) output.say(`Deleted ${derived.join(", ")} of the model before.`);
  await saveModel(join(out, fileNames.model), await trainer.snapshot(kept));
  const epoch = bestEpoch(fitted);
  const history = historyOf(fitted, recorder.parts);
  const { saveEvery: _, logdir: __, digest: ___, ...training } = settings;
  const told = { ...training, epochs, backend: options.backend };
  await writeFileAtomic(join(out, fileNames.history), `${JSON.stringify({ options: told, ...history }, null, 2)}\n`);
  const files = [fileNames.model, fileNames.history, fileNames.best].map((name) => join(out, name));
  for (const figure of historyFigures) files.push(...(await writeChart(out, figure, historyChart(history, figure))));
  output.event({ event: "saved", epoch, files });
  output.say(`The model is that of epoch ${epoch}, which has the best validation loss.`);
  output.say(`\nWrote ${files.map((file) => `\n  ${file}`).join("")}`);
}

/** The epoch whose weights `earlyStopping` put back. */
function bestEpoch({ epochs }: History): number {
  const losses = epochs.map(({ valLoss }) => valLoss ?? Number.NaN);
  return 1 + losses.indexOf(Math.min(...losses.filter((loss) => !Number.isNaN(loss))));
}

function examples(
  { preset, maxLength }: TrainOptions,
  vocabulary: ReturnType<typeof vocabularyFromTexts>,
  { texts, labels }: TrainingReviews["train"],
) {
  return { x: encodeForClassifier(rowSettings(preset, maxLength), vocabulary, texts), y: labels };
}

function logsIn(folder: string | undefined): Callback[] {
  return folder === undefined ? [] : [csvLogger(join(folder, csvName)), tensorBoard(folder)];
}

/** Runs `fit`; the first signal meanwhile ends it after the running step, and what it has reached is saved. */
async function stoppable(
  trainer: Trainer,
  { out }: TrainOptions,
  { interruption, resumeCommand }: Stopping,
  save: (checkpoint: Checkpoint) => Promise<void>,
  fit: (signal: AbortSignal) => Promise<History>,
): Promise<History> {
  const file = join(out, fileNames.checkpoint);
  const diverged = async (error: NonFiniteError): Promise<FailureError> => {
    const left = (await stat(file).catch(() => undefined)) ? `; ${file} holds the last good checkpoint` : "";
    return new FailureError(`${error.message}${left}`, { cause: error });
  };
  const explained = async (error: unknown): Promise<unknown> => {
    if (error instanceof NonFiniteError) return diverged(error);
    if (!(error instanceof InterruptedError)) return error;
    const checkpoint = await trainer.checkpoint();
    try {
      await save(checkpoint);
    } catch (failure) {
      return failure instanceof NonFiniteError ? diverged(failure) : failure;
    }
    const { epoch, step } = checkpoint.position;
    const where = `stopped in epoch ${epoch + 1} after step ${step}; all of it is in ${file}`;
    return new InterruptedError(error.code, `${where}. Go on with:\n  ${resumeCommand}`);
  };
  return interruption.hold(async (signal) => {
    const history = await fit(signal).catch(async (error: unknown) => {
      throw await explained(error);
    });
    if (!signal.aborted) return history;
    // Too late to stop a step; the checkpoint of the last epoch is there.
    const where = `stopped after the last epoch, which is in ${file}`;
    throw new InterruptedError((signal.reason as InterruptedError).code, `${where}. Go on with:\n  ${resumeCommand}`);
  });
}

function tellResumed({ position: { epoch, step } }: Checkpoint, output: Output): void {
  output.event({ event: "resumed", epoch, step });
  output.say(
    `Going on after ${epoch} ${epoch === 1 ? "epoch" : "epochs"} and ${step} ${step === 1 ? "step" : "steps"}.`,
  );
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
