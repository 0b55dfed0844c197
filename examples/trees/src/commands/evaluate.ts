/** `evaluate`: how good a model is on trees that it has not seen. */
import { setImmediate } from "node:timers/promises";
import { type Output, type RuntimeName, shownCount, shownFigure, shownPercent, table } from "@ostinato/app";
import { readTestTrees, shownTrees } from "../data.ts";
import { figuresOf } from "../figures.ts";
import { loadTreeModel, openTreeModel } from "../model.ts";
import { answersFor, countWords, labelledNodes } from "../rows.ts";

export interface EvaluateOptions {
  readonly model: string;
  readonly backend: RuntimeName;
  readonly data?: string;
  readonly multiline?: true;
  readonly limit?: number;
}

export async function evaluate(options: EvaluateOptions, output: Output): Promise<void> {
  const { model: path, backend, data, limit, multiline } = options;
  const model = await loadTreeModel(path);
  const { reading } = model;
  const trees = (await readTestTrees(data, model.data, model.settings, multiline)).slice(0, limit);
  await using predictor = await openTreeModel(model, backend);
  output.say(`Testing on ${shownTrees(trees.length)} with ${backend}.`);

  const progress = output.progress("test");
  const answers = answersFor(reading, predictor, trees, labelledNodes, async (step, steps) => {
    progress.update(step, steps);
    await setImmediate(); // lets Ctrl-C and the terminal have their turn
  });
  const figures = await figuresOf(reading, answers);
  progress.stop();

  const { words, unknown } = countWords(reading, trees);
  output.event({ event: "test", ...figures, words, unknownWords: unknown });
  const { rootAccuracy, rootBinaryAccuracy, nodeAccuracy } = figures;
  const row = (name: string, figure: number | undefined) => (figure === undefined ? [] : [[name, shownFigure(figure)]]);
  output.say(
    `\n${table([
      ...row("accuracy at the roots", rootAccuracy),
      ...row("positive or negative at the roots", rootBinaryAccuracy),
      ...row(`accuracy at the ${shownCount(figures.nodes)} nodes with a label`, nodeAccuracy),
    ])}`,
  );
  if (unknown > 0)
    output.say(
      `\n${shownCount(unknown)} of ${shownCount(words)} words (${shownPercent(unknown / words)}) are unknown to the model.`,
    );
}
