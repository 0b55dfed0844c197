/** The likeliest tokens of each row, chosen on the host. */

/** Where more are asked for, all are sorted: keeping so many in order would take longer. */
const FEW = 64;

/** Chooses from one row after another, in memory that is used again. */
export class Likeliest {
  #tokens = new Int32Array(0);
  #logProbabilities = new Float32Array(0);
  readonly #order: Int32Array;

  constructor(vocabularySize: number) {
    this.#order = new Int32Array(vocabularySize);
  }

  /**
   * The `top` largest of each row, the largest first, of equals the one of the lower number. NaN comes after all others.
   *
   * @param scores [rows, vocabularySize]; those of tokens that are not allowed become -Infinity, but NaN stays
   * @param allowed 1 for each token that may come, 0 for others, of the same shape
   */
  choose(
    scores: Float32Array,
    rows: number,
    top: number,
    allowed?: Uint8Array,
  ): { readonly tokens: Int32Array; readonly logProbabilities: Float32Array } {
    if (this.#tokens.length < rows * top) {
      this.#tokens = new Int32Array(rows * top);
      this.#logProbabilities = new Float32Array(rows * top);
    }
    const tokens = this.#tokens.subarray(0, rows * top);
    const logProbabilities = this.#logProbabilities.subarray(0, rows * top);
    const size = this.#order.length;
    if (allowed)
      for (let i = 0; i < rows * size; i++)
        if (allowed[i] === 0) scores[i] = (scores[i] as number) + Number.NEGATIVE_INFINITY;
    for (let row = 0; row < rows; row++) {
      const own = scores.subarray(row * size, (row + 1) * size);
      if (top > FEW) this.#sort(own, tokens.subarray(row * top, (row + 1) * top));
      else insert(own, tokens.subarray(row * top, (row + 1) * top));
      for (let i = row * top; i < (row + 1) * top; i++) logProbabilities[i] = own[tokens[i] as number] as number;
    }
    return { tokens, logProbabilities };
  }

  #sort(scores: Float32Array, tokens: Int32Array): void {
    const order = this.#order;
    for (let token = 0; token < order.length; token++) order[token] = token;
    order.sort((a, b) => {
      const [x, y] = [scores[a] as number, scores[b] as number];
      return x === y ? a - b : isBefore(x, y) ? -1 : isBefore(y, x) ? 1 : a - b;
    });
    tokens.set(order.subarray(0, tokens.length));
  }
}

/** Whether a score comes before another; of equal ones neither does. */
const isBefore = (x: number, y: number): boolean => x > y || (Number.isNaN(y) && !Number.isNaN(x));

/** The tokens of the largest scores in order, by putting each in its place among those so far. */
function insert(scores: Float32Array, tokens: Int32Array): void {
  const top = tokens.length;
  for (let token = 0; token < scores.length; token++) {
    const score = scores[token] as number;
    if (token >= top && !isBefore(score, scores[tokens[top - 1] as number] as number)) continue;
    let at = Math.min(token, top - 1);
    for (; at > 0 && isBefore(score, scores[tokens[at - 1] as number] as number); at--)
      tokens[at] = tokens[at - 1] as number;
    tokens[at] = token;
  }
}
