/** Merges: which two tokens become one, and a word's tokens after all of them. */
import { pop, push } from "./heap.ts";

/** Ids are below. */
export const mostTokens = 2 ** 21;

/** The merges of a vocabulary. */
export interface MergeTable {
  /** The rank of each pair by `pairKey`: the lower, the earlier it is merged. */
  readonly ranks: ReadonlyMap<number, number>;
  /** The id that the pair of each rank becomes. */
  readonly results: Int32Array;
}

/** A number of its own for each pair of ids. */
export function pairKey(left: number, right: number): number {
  return left * mostTokens + right;
}

/**
 * The ids of a word after all merges: the pair of the lowest rank first, of equals the leftmost (Sennrich et al. 2016). Time grows with the length n of the word
 * as n log n.
 *
 * @param drops asked for each merge that could be next; `true` passes it over until another one was made (BPE-dropout, Provilkov et al. 2020, algorithm 1)
 */
export function merged({ ranks, results }: MergeTable, symbols: readonly number[], drops?: () => boolean): number[] {
  const length = symbols.length;
  if (length < 2) return [...symbols];
  const ids = Int32Array.from(symbols);
  // The tokens beside each; -1 where there is none.
  const next = new Int32Array(length);
  const previous = new Int32Array(length);
  for (let index = 0; index < length; index++) {
    next[index] = index + 1 < length ? index + 1 : -1;
    previous[index] = index - 1;
  }
  const queue: number[] = [];
  const rankAt = (index: number) => {
    const right = index < 0 ? -1 : next[index]!;
    return right < 0 ? undefined : ranks.get(pairKey(ids[index]!, ids[right]!));
  };
  const offer = (index: number) => {
    const rank = rankAt(index);
    if (rank !== undefined) push(queue, rank * places + index, isLess);
  };
  for (let index = 0; index + 1 < length; index++) offer(index);

  const passed: number[] = [];
  for (let first = pop(queue, isLess); first !== undefined; first = pop(queue, isLess)) {
    const index = first % places;
    const rank = Math.floor(first / places);
    if (ids[index]! < 0 || rankAt(index) !== rank) continue;
    if (drops?.()) {
      passed.push(first);
      continue;
    }
    const right = next[index]!;
    ids[index] = results[rank]!;
    ids[right] = -1;
    next[index] = next[right]!;
    if (next[right]! >= 0) previous[next[right]!] = index;
    for (const again of passed) push(queue, again, isLess);
    passed.length = 0;
    offer(previous[index]!);
    offer(index);
  }
  const made: number[] = [];
  for (let index = 0; index >= 0; index = next[index]!) made.push(ids[index]!);
  return made;
}

/** Places in a word are below; with a rank in front they make one number. */
const places = 2 ** 31;

const isLess = (a: number, b: number): boolean => a < b;
