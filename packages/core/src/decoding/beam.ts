/** Beam search: at each step the likeliest hypotheses of a source go on, and those that end are set aside (Sutskever, Vinyals and Le 2014). */
import type { GenerateSettings } from "./generateOptions.ts";
import type { Ended, Likeliest, Method, Proposals, SourceRows } from "./method.ts";

/** Finished before unfinished, then by score. */
const better = (a: Ended, b: Ended): boolean => (a.finished === b.finished ? a.score > b.score : a.finished);

/** Puts a continuation in its place; of equals the one that came first stays first. False where there is no place for it, nor for any that is less likely. */
function insert(proposals: Proposals, capacity: number, row: number, token: number, sum: number): boolean {
  const { rows, tokens, sums } = proposals;
  if (proposals.count === capacity) {
    if (!(sum > (sums[capacity - 1] as number))) return false;
  } else proposals.count += 1;
  let at = proposals.count - 1;
  for (; at > 0 && sum > (sums[at - 1] as number); at--) {
    rows[at] = rows[at - 1] as number;
    tokens[at] = tokens[at - 1] as number;
    sums[at] = sums[at - 1] as number;
  }
  rows[at] = row;
  tokens[at] = token;
  sums[at] = sum;
  return true;
}

/**
 * The method of a beam. Each step ranks the continuations of all hypotheses of a source. Those with `end` among the first `beamSize` are finished; of the others the first
 * `beamSize` go on, which are among the first 2 · `beamSize`, as each hypothesis has one `end`. A beam of one takes the first alone, and so is greedy.
 */
export function beam({ beamSize, nBest, penalty, earlyStopping }: GenerateSettings): Method {
  const capacity = beamSize === 1 ? 1 : 2 * beamSize;
  // More than `beamSize` that go on, and one `end`, are never taken from one row.
  const top = beamSize === 1 ? 1 : beamSize + 1;

  const propose = (
    { first, rows }: SourceRows,
    { top: told, tokens, logProbabilities, sums, may }: Likeliest,
    proposals: Proposals,
  ): void => {
    proposals.count = 0;
    for (let row = first; row < first + rows; row++) {
      const sum = sums[row] as number;
      for (let at = row * told, left = top; at < (row + 1) * told && left > 0; at++) {
        const logProbability = logProbabilities[at] as number;
        if (logProbability === Number.NEGATIVE_INFINITY) break;
        const token = tokens[at] as number;
        if (!may(token)) continue;
        if (!insert(proposals, capacity, row, token, sum + logProbability)) break;
        left -= 1;
      }
    }
  };

  const keep = (ended: Ended[], one: Ended): void => {
    let at = ended.length;
    while (at > 0 && better(one, ended[at - 1] as Ended)) at -= 1;
    ended.splice(at, 0, one);
    if (ended.length > beamSize) ended.pop();
  };

  // A sum only falls, and the penalty only rises with the length: no continuation has a score above best / penalty(most).
  const settled = (ended: readonly Ended[], best: number, least: number, most: number): boolean => {
    if (earlyStopping === true) return ended[beamSize - 1]?.finished === true;
    const worst = ended[nBest - 1];
    return worst?.finished === true && best / penalty(earlyStopping === "never" ? most : least) <= worst.score;
  };

  return { roots: 1, width: beamSize, top, propose, ends: (place) => place < beamSize, keep, settled };
}
