/** Sampling: each hypothesis goes on with a token that is drawn by its probability. */
import { keyOf, siteOf, threefry } from "../random.ts";
import type { GenerateSettings, SampleOptions } from "./generateOptions.ts";
import type { Ended, Likeliest, Method, Proposals, SourceRows } from "./method.ts";

/** The method of sampling `nBest` times for each source. The samples come in the order in which they are drawn. */
export function sampling(
  { nBest }: GenerateSettings,
  { temperature, topK, topP, seed }: Required<SampleOptions>,
  vocabularySize: number,
): Method {
  const top = Math.min(topK, vocabularySize);
  const keys = Array.from({ length: nBest }, (_, sample) => keyOf(seed, siteOf(`sample/${sample}`)));
  const block = new Uint32Array(2);
  /** Uniform on [0, 1), of 53 bits. */
  const uniform = (sample: number, source: number, step: number): number => {
    const [key0, key1] = keys[sample] as readonly [number, number];
    threefry(key0, key1, source, step, block);
    return ((block[0] as number) * 2 ** 21 + ((block[1] as number) >>> 11)) / 2 ** 53;
  };

  // Of the row that is drawn for: the places of the tokens that may come, and the sums of their weights so far.
  const places = new Int32Array(top);
  const weights = new Float64Array(top);

  const propose = (
    { source, first, rows }: SourceRows,
    { step, top: told, tokens, logProbabilities, sums, roots, may }: Likeliest,
    proposals: Proposals,
  ): void => {
    proposals.count = 0;
    for (let row = first; row < first + rows; row++) {
      let kept = 0;
      let total = 0;
      let most = 0;
      for (let at = row * told; at < (row + 1) * told && kept < top; at++) {
        const logProbability = logProbabilities[at] as number;
        if (logProbability === Number.NEGATIVE_INFINITY) break;
        if (!may(tokens[at] as number)) continue;
        if (kept === 0) most = logProbability;
        total += Math.exp((logProbability - most) / temperature);
        places[kept] = at;
        weights[kept++] = total;
      }
      if (kept === 0) continue;
      const nucleus = topP * total;
      let last = 0;
      while (last < kept - 1 && (weights[last] as number) < nucleus) last += 1;
      const drawn = uniform(roots[row] as number, source, step) * (weights[last] as number);
      let chosen = 0;
      while (chosen < last && (weights[chosen] as number) <= drawn) chosen += 1;
      const at = places[chosen] as number;
      const to = proposals.count++;
      proposals.rows[to] = row;
      proposals.tokens[to] = tokens[at] as number;
      proposals.sums[to] = (sums[row] as number) + (logProbabilities[at] as number);
    }
  };

  const keep = (ended: Ended[], one: Ended): void => {
    let at = ended.length;
    while (at > 0 && one.root < (ended[at - 1] as Ended).root) at -= 1;
    ended.splice(at, 0, one);
  };

  return { roots: nBest, width: nBest, top, propose, ends: () => true, keep, settled: () => false };
}
