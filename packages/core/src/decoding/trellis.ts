/** Hypotheses as they are written: each step has a row for each of them, and each row knows the row of the step before that it continues. */

/** The rows of one step. */
interface Step {
  /** The last token of each row: in the first step `start`. */
  readonly tokens: Int32Array;
  /** The row that each continues: in the first step the source. */
  readonly from: Int32Array;
  /** What each row attended to in this step: [rows, sourceSteps]. */
  attention?: Float32Array;
}

export class Trellis {
  readonly #steps: Step[] = [];
  readonly #sourceSteps: number;

  constructor(sourceSteps: number) {
    this.#sourceSteps = sourceSteps;
  }

  /** Rows that continue those of the last step. */
  add(tokens: Int32Array, from: Int32Array): void {
    this.#steps.push({ tokens, from });
  }

  /** Keeps what the rows of the last step attended to. */
  attend(attention: Float32Array): void {
    (this.#steps.at(-1) as Step).attention = attention.slice();
  }

  /** Writes the tokens of a row into `into`, without `start`: as many as its step has steps before it. */
  write(step: number, row: number, into: Int32Array): void {
    for (let at = step, r = row; at > 0; at--) {
      const { tokens, from } = this.#steps[at] as Step;
      into[at - 1] = tokens[r] as number;
      r = from[r] as number;
    }
  }

  /** The tokens of a row, without `start`. */
  tokens(step: number, row: number): Int32Array {
    const tokens = new Int32Array(step);
    this.write(step, row, tokens);
    return tokens;
  }

  /** For each token of a row what was attended to when it was chosen, over the first `length` steps of the source. */
  attention(step: number, row: number, length: number): Float32Array[] {
    const weights = new Array<Float32Array>(step);
    for (let at = step, r = row; at > 0; at--) {
      r = (this.#steps[at] as Step).from[r] as number;
      const begin = r * this.#sourceSteps;
      weights[at - 1] = ((this.#steps[at - 1] as Step).attention as Float32Array).slice(begin, begin + length);
    }
    return weights;
  }
}
