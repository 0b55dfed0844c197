/** Measures the cost of weights in fewer bits: both files answer the same rows, and their answers are compared. */
import { setImmediate } from "node:timers/promises";
import { shownCount } from "./format.ts";
import type { MeasuredFigure, MeasuredWeights } from "./onnx-file.ts";
import type { KnownMeasuring, OnnxForm } from "./onnx-options.ts";
import type { Output } from "./output.ts";

/** The metric of the answers. */
type Metric<Answers> = Pick<MeasuredFigure, "name" | "title" | "better"> & {
  /** What `--max-loss` is a share of: 1 by default, 100 where the metric goes from 0 to 100. */
  readonly whole?: number;
  score(answers: Answers): number;
};

/** An exported model with float32 weights and with weights in fewer bits, and the rows to compare them on. */
export interface WeightComparison<Exported, Opened extends AsyncDisposable, Answers> {
  readonly float32: Exported;
  readonly own: Exported;
  /** The size of the export with float32 weights. */
  readonly float32Bytes: number;
  /** The number of rows, and their name in messages: `test reviews`. */
  readonly rows: number;
  readonly noun: string;
  /** Opens an export in onnxruntime. It is disposed of after its answers. */
  open(exported: Exported): Promise<Opened>;
  /** Its answers for all rows. `onProgress` reports the number of finished steps, of all steps. */
  answers(opened: Opened, onProgress: (done: number, count: number) => Promise<void>): Promise<Answers>;
  /** The number of answers that differ, and the same in words. */
  changes(float32: Answers, own: Answers): Pick<MeasuredWeights, "changed" | "changes">;
  /** Absent if there is no labelled test data. */
  readonly metric?: Metric<Answers> | undefined;
}

export async function compareWeights<Exported, Opened extends AsyncDisposable, Answers>(
  comparison: WeightComparison<Exported, Opened, Answers>,
  { weights }: OnnxForm,
  { maxLoss }: KnownMeasuring,
  output: Output,
): Promise<MeasuredWeights> {
  const { rows, noun, float32Bytes, metric } = comparison;
  output.say(`Measuring ${weights} weights on ${shownCount(rows)} ${noun}.`);
  const answersOf = async (exported: Exported): Promise<Answers> => {
    await using opened = await comparison.open(exported);
    const progress = output.progress("measure");
    const answers = await comparison.answers(opened, async (done, count) => {
      progress.update(done, count);
      await setImmediate(); // lets Ctrl-C and the terminal have their turn
    });
    progress.stop();
    return answers;
  };
  const [float32, own] = [await answersOf(comparison.float32), await answersOf(comparison.own)];
  const figureOf = ({ score, ...named }: Metric<Answers>): MeasuredFigure => ({
    ...named,
    float32: score(float32),
    own: score(own),
    maxLoss,
  });
  return {
    type: weights,
    float32Bytes,
    rows,
    ...comparison.changes(float32, own),
    ...(metric && { figure: figureOf(metric) }),
  };
}
