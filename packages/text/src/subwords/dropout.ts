/** Chance in encoding: which merges are left out. */
import { refuseUnknown, TextOptionError } from "../errors.ts";

/** Options of `encodeSubwords` and `encodeSubwordTexts`. */
export interface SubwordEncoding {
  /**
   * BPE-dropout (Provilkov, Emelianenko and Voita 2020): the probability with which a merge is left out each time that it could be made, so that training sees words
   * in many parts. Default 0; the paper trains with 0.1, and never predicts with it.
   */
  readonly dropout?: number;
  /** A whole number from which chance follows; needed with `dropout`. Take another one for each epoch. */
  readonly seed?: number;
}

const encodingOptions: Record<keyof SubwordEncoding, true> = { dropout: true, seed: true };

/** Asked for each merge that could be made next; `undefined` where all are made. */
export type Drops = (() => boolean) | undefined;

/** What tells of each merge whether it is left out; `undefined` where none is. Throws `TextOptionError` for options that cannot work. */
export function droppingFrom(owner: string, options: SubwordEncoding): Drops {
  refuseUnknown(owner, options, encodingOptions);
  const { dropout = 0, seed } = options;
  if (!(typeof dropout === "number" && dropout >= 0 && dropout <= 1))
    throw new TextOptionError("dropout", "be a number from 0 to 1", dropout);
  if (seed !== undefined && !Number.isSafeInteger(seed)) throw new TextOptionError("seed", "be a whole number", seed);
  if (dropout === 0) return undefined;
  if (seed === undefined) {
    throw new TextOptionError("seed", "be a whole number with dropout", seed, "take another one for each epoch");
  }
  const chance = chances(seed);
  return () => chance() < dropout;
}

/** Numbers from 0 to below 1: xorshift32 (Marsaglia 2003), begun by a product that tells seeds in a row apart. */
function chances(seed: number): () => number {
  let state = Math.imul((seed ^ Math.floor(seed / 2 ** 32)) + 0x6d2b79f5, 0x9e3779b1);
  state = Math.imul(state ^ (state >>> 15), 0x85ebca6b) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
