/** Byte-pair encoding learned from words (Sennrich, Haddow and Birch 2016), with counts that follow each merge. */
import { pop, push } from "./heap.ts";
import { pairKey } from "./merging.ts";

/** What `learnMerges` begins with and goes by. */
export interface MergeSearch {
  /** How often each word occurs. */
  readonly words: ReadonlyMap<string, number>;
  /** The tokens that there are; new ones are added behind them. Characters among them are what words begin as. */
  readonly tokens: string[];
  /** The most tokens. */
  readonly maxTokens: number;
  /** How often a pair must occur to be merged. */
  readonly minCount: number;
  /** Whether two tokens must not become this one. */
  readonly isReserved: (token: string) => boolean;
}

/**
 * Merges, most frequent pair first, until there are `maxTokens` tokens or no pair is left that occurs `minCount` times. Of pairs that occur as often, the one
 * whose left token has the lower id comes first, then the one whose right token has. So the order of words does not matter.
 *
 * A merge makes whole grapheme clusters or parts of one: pairs that would join a part of a cluster with what is beside it are not counted.
 */
export function learnMerges(search: MergeSearch): [left: string, right: string][] {
  const { tokens, maxTokens, minCount, isReserved } = search;
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const text = spread(search.words, ids);
  const pairs = pairCounts(text);
  const merges: [string, string][] = [];
  const queue: Candidate[] = [];
  const offer = (pair: Pair) => {
    if (pair.count >= minCount) push(queue, { pair, count: pair.count }, isBefore);
  };
  for (const pair of pairs.all()) offer(pair);

  while (tokens.length < maxTokens) {
    const candidate = pop(queue, isBefore);
    if (candidate === undefined) break;
    const { pair, count } = candidate;
    if (pair.count < count) offer(pair);
    // A count that rose was offered again when it did.
    if (pair.count !== count) continue;
    const [left, right] = [tokens[pair.left]!, tokens[pair.right]!];
    const token = left + right;
    if (isReserved(token)) continue;
    let id = ids.get(token);
    if (id === undefined) {
      id = tokens.push(token) - 1;
      ids.set(token, id);
    }
    // Tokens that are spelled alike are one, so a pair can come up again.
    if (!pair.isMerged) merges.push([left, right]);
    pair.isMerged = true;
    for (const risen of pairs.merge(pair, id)) offer(risen);
  }
  return merges;
}

/** Two tokens beside each other, and where they are. */
interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  isMerged: boolean;
  /** Where the left token begins; some of these places may hold another pair by now. */
  places: number[];
}

/** A pair with the count that it had when it was put into the queue. */
interface Candidate {
  readonly pair: Pair;
  readonly count: number;
}

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return (a.pair.left - b.pair.left || a.pair.right - b.pair.right) < 0;
}

/** All words in a row; a token is where its first character was. Between words, and in the place of characters without an id, stands a gap. */
interface SpreadText {
  /** The id of the token at each place, or `gap`. */
  readonly ids: Int32Array;
  /** The next place and the one before. */
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** How often the word occurs. */
  readonly weights: Float64Array;
  /** How many grapheme clusters begin before each place. */
  readonly clusters: Int32Array;
}

const gap = -1;

function spread(words: ReadonlyMap<string, number>, known: ReadonlyMap<string, number>): SpreadText {
  const ids = [gap];
  const weights = [0];
  const begins = [1];
  for (const [word, count] of words) {
    const starts = clusterStarts(word);
    let offset = 0;
    for (const character of word) {
      ids.push(known.get(character) ?? gap);
      weights.push(count);
      begins.push(starts === undefined || starts.has(offset) ? 1 : 0);
      offset += character.length;
    }
    ids.push(gap);
    weights.push(0);
    begins.push(1);
  }
  const clusters = new Int32Array(ids.length + 1);
  for (const [place, isStart] of begins.entries()) clusters[place + 1] = clusters[place]! + isStart;
  return {
    ids: Int32Array.from(ids),
    next: Int32Array.from(ids, (_, place) => place + 1),
    previous: Int32Array.from(ids, (_, place) => place - 1),
    weights: Float64Array.from(weights),
    clusters,
  };
}

/** Latin letters, and Chinese characters, are clusters each. */
const isPlain = /^[\0-\u02ff\u2581\u3400-\u9fff]*$/;

/** Where the clusters of a word begin; `undefined` where every character is one. */
function clusterStarts(word: string): ReadonlySet<number> | undefined {
  if (isPlain.test(word)) return undefined;
  segmenter ??= new Intl.Segmenter("und", { granularity: "grapheme" });
  return new Set(Array.from(segmenter.segment(word), ({ index }) => index));
}
let segmenter: Intl.Segmenter | undefined;

/** The pairs of a text, counted; `merge` makes one token of a pair everywhere. */
function pairCounts({ ids, next, previous, weights, clusters }: SpreadText) {
  const byKey = new Map<number, Pair>();

  /** Whether the text from `start` to before `end` is of whole clusters, or lies within one. */
  const isWhole = (start: number, end: number) => {
    const beginsOne = clusters[start + 1]! > clusters[start]!;
    const endsOne = clusters[end + 1]! > clusters[end]!;
    return (beginsOne && endsOne) || clusters[end] === clusters[start + 1];
  };
  const weightAt = (place: number, right: number) => (isWhole(place, next[right]!) ? weights[place]! : 0);
  const pairAt = (place: number, right: number) => byKey.get(pairKey(ids[place]!, ids[right]!));

  const add = (place: number): Pair | undefined => {
    const right = next[place]!;
    if (ids[place] === gap || ids[right] === gap) return undefined;
    let pair = pairAt(place, right);
    if (pair === undefined) {
      pair = { left: ids[place]!, right: ids[right]!, count: 0, isMerged: false, places: [] };
      byKey.set(pairKey(pair.left, pair.right), pair);
    }
    pair.count += weightAt(place, right);
    pair.places.push(place);
    return pair;
  };
  const remove = (place: number) => {
    const right = next[place]!;
    if (ids[place] === gap || ids[right] === gap) return;
    pairAt(place, right)!.count -= weightAt(place, right);
  };

  for (let place = 0; place + 1 < ids.length; place++) add(place);

  return {
    all: () => byKey.values(),
    /** The pairs that this made, or made more frequent. */
    merge(pair: Pair, id: number): Set<Pair> {
      const { left, right, places } = pair;
      pair.places = [];
      const risen = new Set<Pair>();
      // From left to right, as words are encoded.
      for (const place of Int32Array.from(places).sort()) {
        if (ids[place] !== left || ids[next[place]!] !== right) continue;
        const second = next[place]!;
        const before = previous[place]!;
        const after = next[second]!;
        remove(before);
        remove(place);
        remove(second);
        ids[place] = id;
        ids[second] = gap;
        next[place] = after;
        previous[after] = place;
        for (const made of [add(before), add(place)]) if (made !== undefined) risen.add(made);
      }
      return risen;
    },
  };
}
