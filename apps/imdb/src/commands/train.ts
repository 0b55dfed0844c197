/** `train`: from reviews to a model, its history and its curves. */
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  accuracy,
  adam,
  binaryCrossentropy,
  compile,
  countParameters,
  type Model,
  summary,
  summaryRows,
} from "@ostinato/core";
import { saveModel } from "@ostinato/core/node";
import { vocabularyFromTexts, vocabularySize } from "@ostinato/text";
import { backends } from "../backends.ts";
import { writeChart } from "../charts/draw.ts";
import { historyChart, historyFigures } from "../charts/history.ts";
import { requireWritableFolder, writeWhole } from "../files.ts";
import { shownCount, shownDuration, shownFigures } from "../format.ts";
import { type History, partRecorder } from "../history.ts";
import { fileNames, metadataOf, network } from "../model.ts";
import type { TrainOptions } from "../options.ts";
import type { Output } from "../output.ts";
import { encodeReviews, presets } from "../presets.ts";
import { readTrainingReviews } from "../reviews.ts";

export async function train(options: TrainOptions, output: Output): Promise<void> {
  const { preset, maxWords, maxLength, seed, out, epochs, batchSize } = options;
  await requireWritableFolder(out, "--out");
  const backend = await backends[options.backend]();

  const reviews = await readTrainingReviews(seed, options.limit);
  const vocabulary = vocabularyFromTexts(reviews.all, { maxTokens: maxWords, unknown: presets[preset].unknown });
  const examples = ({ texts, labels }: typeof reviews.train) => ({
    x: encodeReviews(preset, vocabulary, texts, maxLength),
    y: labels,
  });
  const model = network(options);
  output.say(
    `Preset ${preset}: ${presets[preset].summary}.\n` +
      `${shownCount(reviews.train.texts.length)} reviews to train with, ${shownCount(reviews.validation.texts.length)} to validate; ` +
      `${shownCount(vocabularySize(vocabulary))} ids, the last ${maxLength} words of each review.\n`,
  );
  tellModel(model, maxLength, output);

  await using trainer = await compile(model, {
    backend,
    loss: binaryCrossentropy(),
    optimizer: adam({ learningRate: options.learningRate }),
    metrics: [accuracy()],
    seed,
  });
  output.say(`\nTraining on ${backend.name} for ${epochs} ${epochs === 1 ? "epoch" : "epochs"}.`);
  const recorder = partRecorder();
  const title = (epoch: number) => `epoch ${epoch}/${epochs}`;
  let progress = output.progress(title(1));
  const next = (what: string): void => {
    progress.stop();
    progress = output.progress(what);
  };
  const fitted = await trainer.fit(examples(reviews.train), {
    epochs,
    batchSize,
    validationData: examples(reviews.validation),
    onStep: async (event) => {
      recorder.add(event);
      progress.update(event.step, event.steps, event.logs);
      if (event.step === event.steps) next(`${title(event.epoch)} validation`);
      await setImmediate(); // lets Ctrl-C and the terminal have their turn
    },
    onValidationStep: async (event) => {
      progress.update(event.step, event.steps, event.logs);
      await setImmediate();
    },
    onEpoch: (event) => {
      progress.stop();
      const { epoch, epochs: _, seconds, ...logs } = event;
      const { loss, accuracy, valLoss, valAccuracy } = logs;
      output.event({ event: "epoch", epoch, epochs, seconds, loss, accuracy, valLoss, valAccuracy });
      output.say(`${title(epoch)}  done in ${shownDuration(seconds)}  ${shownFigures(logs)}`);
      if (epoch < epochs) next(title(epoch + 1));
    },
  });

  const { labelEncoder } = reviews;
  const trained = await trainer.snapshot({
    vocabulary,
    metadata: metadataOf({ preset, maxLength, seed, labelEncoder }),
  });
  const files = [join(out, fileNames.model), join(out, fileNames.history)] as const;
  await saveModel(files[0], trained);
  const history: History = { epochs: fitted.epochs, parts: recorder.parts };
  await writeWhole(files[1], `${JSON.stringify({ options, ...history }, null, 2)}\n`);
  const charts: string[] = [];
  for (const figure of historyFigures) charts.push(...(await writeChart(out, figure, historyChart(history, figure))));
  output.event({ event: "saved", files: [...files, ...charts] });
  output.say(`\nWrote ${[...files, ...charts].map((file) => `\n  ${file}`).join("")}`);
}

function tellModel(model: Model, time: number, output: Output): void {
  output.event({ event: "model", parameters: countParameters(model), layers: summaryRows(model, { time }) });
  output.say(summary(model, { time }));
}
