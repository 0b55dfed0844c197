/** Reading the predictions of a model that was trained with CTC. */
import { ConfigError } from "../../../errors.ts";
import { buildModel } from "../../../nn/build.ts";
import { OptionReader } from "../../../nn/options.ts";
import type { Trained } from "../../../nn/trained.ts";
import type { Float32Tensor } from "../../../tensor.ts";
import { trainedLoss } from "../defineLoss.ts";
import { ctc } from "./ctc.ts";
import { type CtcBeamOptions, type CtcPath, ctcBeamSearch, ctcGreedy } from "./decode.ts";

/** Reads the predictions of one output: float32 [rows, time, classes], with the steps of each row. */
export interface CtcDecoder {
  /** The output that it reads. */
  readonly output: string;
  /** The labels that are read from the likeliest class of each step. */
  greedy(predictions: Float32Tensor, lengths?: ArrayLike<number>): CtcPath[];
  /** The likeliest labels over all alignments: up to `topPaths` a row, the best first. */
  beamSearch(predictions: Float32Tensor, options?: Omit<CtcBeamOptions, "blank" | "fromLogits">): CtcPath[][];
}

/**
 * The decoder for an output that was trained with `ctc`. It knows the blank, and whether the model predicts linear units or probabilities.
 *
 * @param trained what `trainer.snapshot()`, `loadModel` or `onnxPredictor` gave
 * @param output its name; it may be left out where one output alone was trained with CTC
 * @throws ConfigError where none was; ModelFileError where what is kept of it is damaged
 * @example
 * const decoder = ctcDecoder(trained);
 * decoder.greedy(await reader.predict(x), lengths).map(({ labels }) => [...labels]);
 */
export function ctcDecoder(trained: Pick<Trained, "spec" | "losses" | "weights">, output?: string): CtcDecoder {
  const { output: name, options } = trainedLoss(trained, ctc, output);
  const made = buildModel(trained.spec).outputs.find((one) => one.name === name);
  if (made === undefined) throw new ConfigError(`ctcDecoder: the model has no output "${name}"`);
  const reading = { blank: options.blank, fromLogits: made.flow.values.node.op !== "softmax" };
  return {
    output: name,
    greedy: (predictions, lengths) => ctcGreedy(predictions, { ...reading, ...(lengths ? { lengths } : {}) }),
    beamSearch(predictions, given = {}) {
      new OptionReader("beamSearch", given, ["lengths", "beamWidth", "topPaths", "score"]);
      return ctcBeamSearch(predictions, { ...given, ...reading });
    },
  };
}
