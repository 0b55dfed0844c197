/** Connectionist temporal classification as a loss (Graves et al. 2006): labels are learned without knowing at which steps they are said. */
import { ConfigError, ShapeError } from "../../../errors.ts";
import { logSoftmax } from "../../../ir/build/elementwise.ts";
import type { Value } from "../../../ir/ops.ts";
import { featuresOf } from "../../../nn/kinds.ts";
import { OptionReader, shown } from "../../../nn/options.ts";
import { type LossMaker, makeLosses } from "../defineLoss.ts";
import { negativeLogLikelihood } from "./negativeLogLikelihood.ts";

/** Options of `ctc`. */
export interface CtcOptions {
  /** The class that says nothing: its number, or "last". Default 0, as in Keras and PyTorch. */
  readonly blank?: number | "last";
}

/** The options with all defaults filled in. */
export interface CtcConfig {
  readonly blank: number | "last";
}

/** The number of the class that says nothing. */
export function blankOf({ blank }: CtcConfig, classes: number): number {
  return blank === "last" ? classes - 1 : blank;
}

/** Reads `blank`. @throws ConfigError that begins with `owner` */
export function readBlank(owner: string, blank: unknown): CtcConfig["blank"] {
  if (blank === undefined || blank === null) return 0;
  if (blank === "last" || (Number.isSafeInteger(blank) && (blank as number) >= 0)) return blank as CtcConfig["blank"];
  throw new ConfigError(`${owner}: blank must be the number of a class or "last", got ${shown(blank)}`);
}

/** What is wrong with the labels of a row of `steps` steps, in words. */
function misfit(labels: ArrayLike<number>, blank: number, steps: number): string | undefined {
  let repeats = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === blank)
      return `label ${i} is ${blank}, the blank, which stands between labels by itself; give labels other numbers, or the loss another blank`;
    if (i > 0 && labels[i] === labels[i - 1]) repeats += 1;
  }
  const needed = labels.length + repeats;
  if (needed <= steps) return undefined;
  const between = repeats === 0 ? "" : ` and a blank between the ${repeats} that repeat the one before`;
  return `${labels.length} labels${between} need ${needed} steps, and the prediction has ${steps}`;
}

/** The logits that the probabilities of a softmax come from, or what is given. */
const logitsOf = (x: Value): Value => (x.node.op === "softmax" ? (x.node.inputs[0] as Value) : x);

/**
 * Connectionist temporal classification, for labels in the order of a sequence that is longer than they are: letters of speech or of a line of handwriting. -log of the probability that the
 * steps say the labels, summed over all alignments: each step says a label or the blank; of labels that repeat at once one is heard, and blanks are not.
 *
 * The output is [batch, time, classes], one class for each label and one for the blank: linear units or a softmax. Targets are any number of int32 labels a row, without blanks: `y: [[3, 1], [2]]`.
 * There is one loss a row, within its length; the mean is over rows, each of which counts once or by its `sampleWeights`, however many labels it has, as in Keras. (PyTorch's
 * `reduction: "mean"` divides by the number of labels first.)
 *
 * Labels that do not fit their row, with a blank between equal ones, are refused with the data. Where only the graph knows the length, behind a layer that shortens rows, such a row has a loss of 0
 * without a gradient, as PyTorch's by `zero_infinity`.
 *
 * `ctcDecoder(trained)` reads predictions.
 *
 * @throws ConfigError for wrong options; ShapeError for an output without time, or a blank that is no class
 *
 * @example compile(model, { backend, loss: ctc(), optimizer: adam() }) // of 26 letters: dense({ units: 27 }), letters from 1 on
 */
export const ctc: LossMaker<CtcOptions, CtcConfig> = makeLosses({
  kind: "ctc",
  parse(options: CtcOptions, owner: string): CtcConfig {
    new OptionReader(owner, options, ["blank"]);
    return { blank: readBlank(owner, options.blank) };
  },
  target(config, output) {
    const classes = featuresOf(output);
    const blank = blankOf(config, classes);
    if (output.kind !== "sequence")
      throw new ShapeError(
        "it takes an output over time, [batch, time, classes]; a recurrence before it needs returnSequences",
      );
    if (classes < 2) throw new ShapeError("the output has 1 unit; it needs one for each label and one for the blank");
    if (output.values.node.op === "sigmoid")
      throw new ConfigError("the output ends in a sigmoid; ctc takes linear units or a softmax");
    if (blank >= classes)
      throw new ShapeError(`the blank is ${blank}, and the output has the classes 0 … ${classes - 1}`);
    return {
      dtype: "int32",
      over: "own",
      classes,
      unlabelled: blank,
      check: (labels, steps) => misfit(labels, blank, steps),
    };
  },
  build(_context, config, { prediction, target }) {
    return negativeLogLikelihood(
      logSoftmax(logitsOf(prediction.values)),
      target.values,
      target.lengths as Value,
      prediction.lengths,
      blankOf(config, featuresOf(prediction)),
    );
  },
});
