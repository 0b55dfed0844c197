/** What steps give, in memory that is used again. */
import type { Tensors } from "../tensor.ts";
import { stepFetches } from "./graphs.ts";
import type { DecodingStep } from "./sequenceModel.ts";

/** Results of one step after another. */
export class StepResults {
  #tokens = new Int32Array();
  #logProbabilities = new Float32Array();
  #attention = new Float32Array();
  #sizes: readonly [rows: number, top: number, weights: number] = [0, 0, 0];
  /** Where results are written to. */
  tensors: Tensors = {};
  /** The same, as they are handed out. */
  step: DecodingStep = { tokens: this.#tokens, logProbabilities: this.#logProbabilities };

  /** Makes ready for so many rows, each with so many tokens and weights of attention. */
  fit(rows: number, top: number, weights: number): void {
    const [knownRows, knownTop, knownWeights] = this.#sizes;
    if (rows === knownRows && top === knownTop && weights === knownWeights) return;
    this.#sizes = [rows, top, weights];
    if (this.#tokens.length < rows * top) {
      this.#tokens = new Int32Array(rows * top);
      this.#logProbabilities = new Float32Array(rows * top);
    }
    if (this.#attention.length < rows * weights) this.#attention = new Float32Array(rows * weights);
    const tokens = this.#tokens.subarray(0, rows * top);
    const logProbabilities = this.#logProbabilities.subarray(0, rows * top);
    const attention = this.#attention.subarray(0, rows * weights);
    this.step = { tokens, logProbabilities, ...(weights > 0 && { attention }) };
    this.tensors = {
      [stepFetches.tokens]: { dtype: "int32", shape: [rows, top], data: tokens },
      [stepFetches.logProbabilities]: { dtype: "float32", shape: [rows, top], data: logProbabilities },
      ...(weights > 0 && { [stepFetches.attention]: { dtype: "float32", shape: [rows, weights], data: attention } }),
    };
  }
}
