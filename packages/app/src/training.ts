/** From a compiled model and its data to the files of a training; stopped at any moment, it goes on from its last checkpoint. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  bestModel,
  type Callback,
  type Checkpoint,
  checkpoints,
  earlyStopping,
  type FitOptions,
  type History,
  NonFiniteError,
  type SnapshotOptions,
  type Trained,
  type Trainer,
  type TrainingData,
} from "@ostinato/core";
import { csvLogger, saveCheckpoint, saveModel, tensorBoard, writeFileAtomic } from "@ostinato/core/node";
import type { Stopping } from "./app.ts";
import { type BestBy, bestBy } from "./best-by.ts";
import { writeChart } from "./charts/draw.ts";
import { type HistoryFigure, historyChart } from "./charts/history.ts";
import { divergenceWatch } from "./divergence.ts";
import { FailureError } from "./failures.ts";
import { historyOf, partRecorder } from "./history.ts";
import { InterruptedError } from "./interruption.ts";
import { fileNames } from "./model-folder.ts";
import type { TrainingOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { keepSettings, type Settings } from "./resume.ts";
import { type Score, scoreKeeper } from "./score.ts";
import { csvName, type TrainingFolder } from "./training-folder.ts";
import { progressHooks } from "./training-progress.ts";

/** One training. */
export interface Training {
  readonly trainer: Trainer;
  readonly data: TrainingData;
  readonly options: TrainingOptions;
  /** What the app asks of `fit` beside what the options say: validation data, the order of rows, weights of classes. */
  readonly fit: FitOptions;
  /** What goes into the model's file beside the weights. */
  readonly snapshot: SnapshotOptions;
  readonly settings: Settings;
  /** The initial model, if there is one; the folder stores a copy. */
  readonly initial?: Trained | undefined;
  /** What to go on from. */
  readonly resume?: Checkpoint | undefined;
  /** Which epoch's weights are kept: that with the least loss, or the highest accuracy. Default `"valLoss"`. */
  readonly monitor?: BestBy;
  /** A figure of the app's own, by which the best epoch is chosen in the place of `monitor`. */
  readonly score?: Score | undefined;
  /** What there is to tell after the figures of an epoch. */
  readonly afterEpoch?: (epoch: number) => void;
  /** What is drawn of its history. */
  readonly figures: readonly HistoryFigure[];
  readonly folder: TrainingFolder;
  readonly output: Output;
  readonly stopping: Stopping;
}

/**
 * Trains, and leaves in the folder the model with the weights after the epoch that `monitor` or `score` finds best, its history and its curves, and
 * checkpoints on the way.
 *
 * Throws `InterruptedError` after a signal, with what it has reached saved and the command that goes on in the message, and `FailureError` where
 * training has diverged.
 */
export async function runTraining(training: Training): Promise<void> {
  const {
    trainer,
    options,
    snapshot,
    settings,
    resume,
    monitor = "valLoss",
    score,
    figures,
    folder,
    output,
  } = training;
  const { out, epochs } = options;
  const watch = divergenceWatch();
  const save = async (checkpoint: Checkpoint) => {
    watch.refuse(checkpoint);
    await saveCheckpoint(join(out, fileNames.checkpoint), checkpoint);
  };
  const recorder = partRecorder();
  const keeper = score && scoreKeeper(score, snapshot);
  const best = score ? { monitor: score.name, mode: score.mode ?? "max" } : { monitor };
  const seeing = keeper?.seeing ?? ((callback: Callback) => callback);
  const callbacks = [
    watch.callback,
    recorder.callback,
    ...(keeper ? [keeper.callback] : []),
    // Without --patience it ends nothing, and only puts the best weights back.
    seeing(earlyStopping({ ...best, patience: options.patience ?? Number.MAX_SAFE_INTEGER })),
    seeing(bestModel({ ...best, save: (trained) => saveModel(join(out, fileNames.best), trained), snapshot })),
    ...logsIn(options.logdir).map(seeing),
    keepSettings(settings, async (checkpoint) => {
      await folder.clear();
      if (training.initial) await saveModel(join(out, fileNames.initial), training.initial);
      await save(checkpoint);
    }),
    checkpoints({ save, everySteps: options.saveEvery }),
  ];
  if (resume) tellResumed(resume, output);
  const { onEpoch, ...hooks } = progressHooks(
    output,
    epochs,
    (resume?.position.epoch ?? 0) + 1,
    score?.shown && { [score.name]: score.shown },
  );
  const course = await stoppable(training, save, (signal) =>
    trainer.fit(training.data, {
      ...training.fit,
      ...(validatesAveraged(training) ? { validateAveraged: true } : {}),
      epochs,
      ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
      ...(options.batchTokens === undefined ? {} : { batchTokens: options.batchTokens }),
      callbacks,
      signal,
      ...(resume ? { resume } : {}),
      ...hooks,
      onEpoch: async (event) => {
        await onEpoch(keeper?.scored(event) ?? event);
        training.afterEpoch?.(event.epoch);
      },
    }),
  );
  const fitted = { ...course, epochs: course.epochs.map((event) => keeper?.scored(event) ?? event) };
  if (fitted.stopped !== undefined) {
    output.event({ event: "stopped", epoch: fitted.epochs.length, reason: fitted.stopped });
    output.say(`Stopped: ${fitted.stopped}.`);
  }

  const derived = await folder.clearDerived();
  if (derived.length > 0) output.say(`Deleted ${derived.join(", ")} of the model before.`);
  await saveBest(training);
  const epoch = score
    ? bestEpoch(fitted, score.name, score.mode ?? "max")
    : bestEpoch(fitted, monitor, monitor === "valLoss" ? "min" : "max");
  const history = historyOf(fitted, recorder.parts);
  const { saveEvery: _, logdir: __, digest: ___, ...kept } = settings;
  const told = { ...kept, epochs, backend: options.backend };
  await writeFileAtomic(join(out, fileNames.history), `${JSON.stringify({ options: told, ...history }, null, 2)}\n`);
  const files = [fileNames.model, fileNames.history, fileNames.best].map((name) => join(out, name));
  for (const figure of figures) files.push(...(await writeChart(out, figure.name, historyChart(history, figure))));
  output.event({ event: "saved", epoch, files });
  output.say(`Kept the model of epoch ${epoch}, which has the best ${score?.title ?? bestBy[monitor]}.`);
  output.say(`\nWrote ${files.map((file) => `\n  ${file}`).join("")}`);
}

/** Whether validation is of averaged weights, where the model's are averages. A checkpoint from before there was the option goes on as it began: with the weights themselves. */
const validatesAveraged = ({ snapshot, resume }: Training): boolean =>
  snapshot.averaged === true && (resume === undefined || resume.settings.validateAveraged === true);

/** Writes the model of the best epoch, whose weights `earlyStopping` put back: averages of weights stand in no checkpoint of their own, and are those that `bestModel` has written. */
async function saveBest({ trainer, snapshot, options: { out } }: Training): Promise<void> {
  const file = join(out, fileNames.model);
  if (snapshot.averaged) await writeFileAtomic(file, await readFile(join(out, fileNames.best)));
  else await saveModel(file, await trainer.snapshot(snapshot));
}

/** The epoch whose weights `earlyStopping` put back. */
function bestEpoch({ epochs }: History, monitor: string, mode: "min" | "max"): number {
  const figures = epochs.map((figuresOf) => figuresOf[monitor] ?? Number.NaN);
  const known = figures.filter((figure) => !Number.isNaN(figure));
  return 1 + figures.indexOf(Math[mode](...known));
}

function logsIn(folder: string | undefined): Callback[] {
  return folder === undefined ? [] : [csvLogger(join(folder, csvName)), tensorBoard(folder)];
}

/** Runs `work`, a `fit`; the first signal meanwhile ends it after the running step, and what it has reached is saved. */
async function stoppable(
  { trainer, options: { out }, stopping: { interruption, resumeCommand } }: Training,
  save: (checkpoint: Checkpoint) => Promise<void>,
  work: (signal: AbortSignal) => Promise<History>,
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
    const where = `stopped in epoch ${epoch + 1} after step ${step}, saved in ${file}`;
    return new InterruptedError(error.code, `${where}. Continue with:\n  ${resumeCommand}`);
  };
  return interruption.hold(async (signal) => {
    const history = await work(signal).catch(async (error: unknown) => {
      throw await explained(error);
    });
    if (!signal.aborted) return history;
    // Too late to stop a step; the checkpoint of the last epoch is there.
    const where = `stopped after the last epoch, saved in ${file}`;
    throw new InterruptedError(
      (signal.reason as InterruptedError).code,
      `${where}. Continue with:\n  ${resumeCommand}`,
    );
  });
}

function tellResumed({ position: { epoch, step } }: Checkpoint, output: Output): void {
  output.event({ event: "resumed", epoch, step });
  output.say(
    `Going on after ${epoch} ${epoch === 1 ? "epoch" : "epochs"} and ${step} ${step === 1 ? "step" : "steps"}.`,
  );
}
