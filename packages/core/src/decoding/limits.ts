/** Which tokens may come next: by the user's constraint, and so that no n-gram comes twice. */
import { ConfigError } from "../errors.ts";
import { shown } from "../nn/options.ts";
import { expectToken, type GenerateSettings } from "./generateOptions.ts";
import type { Trellis } from "./trellis.ts";

export interface Limits {
  /**
   * 1 for each token that may follow each row of a step, 0 for others: [rows, vocabularySize], written again in the next step. Undefined where all may. `sources` has the number of
   * each row's source.
   */
  allowed(trellis: Trellis, step: number, sources: ArrayLike<number>): Uint8Array | undefined;
}

/** Forbids what would repeat an n-gram of `size` that `tokens` have among their first `length`. `forbid` is told of a token, once or more. */
function repeating(tokens: Int32Array, length: number, size: number, forbid: (token: number) => void): void {
  const known = size - 1;
  for (let at = known; at < length; at++) {
    let same = 0;
    while (same < known && tokens[at - known + same] === tokens[length - known + same]) same += 1;
    if (same === known) forbid(tokens[at] as number);
  }
}

/** Undefined where the settings limit nothing. */
export function limitsOf(
  { constraint, noRepeatNgramSize }: GenerateSettings,
  vocabularySize: number,
): Limits | undefined {
  if (constraint === undefined && noRepeatNgramSize === 0) return undefined;
  let mask = new Uint8Array(0);
  let tokens = new Int32Array(0);

  const allowed = (trellis: Trellis, step: number, sources: ArrayLike<number>) => {
    const rows = sources.length;
    let limited = false;
    /** The mask of a row. Of the first row that is limited in a step all are opened. */
    const maskOf = (row: number): number => {
      if (!limited) {
        if (mask.length < rows * vocabularySize) mask = new Uint8Array(rows * vocabularySize);
        mask.fill(1, 0, rows * vocabularySize);
        limited = true;
      }
      return row * vocabularySize;
    };
    if (tokens.length < step) tokens = new Int32Array(2 * step);
    for (let row = 0; row < rows; row++) {
      trellis.write(step, row, tokens);
      const following = constraint?.(Array.from(tokens.subarray(0, step)), sources[row] as number);
      if (following !== undefined) {
        if (!Array.isArray(following))
          throw new ConfigError(
            `generate: constraint must give a list of tokens, or undefined, got ${shown(following)}`,
          );
        const at = maskOf(row);
        mask.fill(0, at, at + vocabularySize);
        for (const token of following) mask[at + expectToken("each that constraint gives", token, vocabularySize)] = 1;
      }
      if (noRepeatNgramSize > 0)
        repeating(tokens, step, noRepeatNgramSize, (token) => {
          const at = maskOf(row);
          mask[at + token] = 0;
        });
    }
    return limited ? mask.subarray(0, rows * vocabularySize) : undefined;
  };
  return { allowed };
}
