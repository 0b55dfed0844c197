/** Decoding with what a CRF learned: from the predictions of a trained model to paths of tags. */
import type { Trained } from "../../../nn/trained.ts";
import type { Float32Tensor } from "../../../tensor.ts";
import { expectWeights, trainedLoss } from "../defineLoss.ts";
import { crf } from "./crf.ts";
import { type CrfMarginals, crfMarginals, type ViterbiPaths, viterbi } from "./paths.ts";

/** Decodes the predictions of one output: float32 [rows, time, tags], with the steps of each row. */
export interface CrfDecoder {
  /** The output that it decodes. */
  readonly output: string;
  /** The best path of each row, as long as the row. */
  decode(emissions: Float32Tensor, lengths?: ArrayLike<number>): Int32Array[];
  /** The same with the scores of the paths. */
  viterbi(emissions: Float32Tensor, lengths?: ArrayLike<number>): ViterbiPaths;
  /** The probability of each tag at each step. */
  marginals(emissions: Float32Tensor, lengths?: ArrayLike<number>): CrfMarginals;
}

/**
 * The decoder for an output that was trained with `crf`, from what a trained model keeps of it: transitions and constraints.
 *
 * @param trained what `trainer.snapshot()`, `loadModel` or `onnxPredictor` gave
 * @param output its name; it may be left out where one output alone was trained with a CRF
 * @throws ConfigError where none was; ModelFileError, ShapeError where what is kept of it is damaged
 * @example
 * const decoder = crfDecoder(trained);
 * decoder.decode(await tagger.predict(x), lengths); // one Int32Array of tags a row
 */
export function crfDecoder(trained: Pick<Trained, "losses" | "weights">, output?: string): CrfDecoder {
  const { output: name, options, weights } = trainedLoss(trained, crf, output);
  const [count = 0] = weights.start?.shape ?? [];
  expectWeights(`crf of "${name}"`, weights, { transitions: [count, count], start: [count], end: [count] });
  const { transitions, start, end } = weights as Record<"transitions" | "start" | "end", Float32Tensor>;
  const scores = { transitions, start, end, constraints: options.constraints };
  const within = (lengths: ArrayLike<number> | undefined) => ({ ...scores, ...(lengths ? { lengths } : {}) });
  return {
    output: name,
    decode: (emissions, lengths) => viterbi(emissions, within(lengths)).tags,
    viterbi: (emissions, lengths) => viterbi(emissions, within(lengths)),
    marginals: (emissions, lengths) => crfMarginals(emissions, within(lengths)),
  };
}
