/** The hypotheses of one batch of sources, step by step, until none of them goes on. */
import { NonFiniteError } from "../errors.ts";
import type { GenerateSettings } from "./generateOptions.ts";
import type { Limits } from "./limits.ts";
import { type Ended, type Likeliest, type Method, proposalsOf, type SourceRows } from "./method.ts";
import type { DecodingRun } from "./sequenceModel.ts";
import { Trellis } from "./trellis.ts";

/** A source, as it is searched for. */
export interface SearchedSource {
  /** Its number, in the order of the user. */
  readonly source: number;
  readonly maxLength: number;
}

/** How sources are searched for. */
export interface Search {
  readonly settings: GenerateSettings;
  readonly method: Method;
  readonly limits: Limits | undefined;
  readonly vocabularySize: number;
  /** Called before each step; throws where nobody wants the results any more. */
  readonly rest: () => Promise<void> | undefined;
}

/** What a batch came to. */
export interface SearchResult {
  /** The hypotheses of each source, in the order of the method. There is one at least. */
  readonly ended: readonly (readonly Ended[])[];
  /** It has their tokens. */
  readonly trellis: Trellis;
}

/** The rows of a step. Those of one source stand together. */
class Rows {
  readonly tokens: Int32Array;
  readonly from: Int32Array;
  readonly sums: Float64Array;
  readonly roots: Int32Array;
  readonly sources: Int32Array;
  count = 0;

  constructor(capacity: number) {
    this.tokens = new Int32Array(capacity);
    this.from = new Int32Array(capacity);
    this.sums = new Float64Array(capacity);
    this.roots = new Int32Array(capacity);
    this.sources = new Int32Array(capacity);
  }

  add(token: number, from: number, sum: number, root: number, source: number): void {
    const at = this.count++;
    this.tokens[at] = token;
    this.from[at] = from;
    this.sums[at] = sum;
    this.roots[at] = root;
    this.sources[at] = source;
  }
}

/** Tokens to ask for, so that enough are left without those that never come. */
function topOf({ settings: { excluded, minLength }, method, vocabularySize }: Search): number {
  const never = excluded.reduce((sum, one) => sum + one, 0) + (minLength > 0 ? 1 : 0);
  return Math.min(method.top + never, vocabularySize);
}

/** @throws NonFiniteError */
function expectNumbers({ step, top, logProbabilities }: Likeliest, { count, sources }: Rows): void {
  for (let at = 0; at < count * top; at++)
    if (Number.isNaN(logProbabilities[at]))
      throw new NonFiniteError(
        `generate: the model gives no number as the log-probability of token ${step} of source ${sources[Math.floor(at / top)]}`,
      );
}

/** Whether any token may follow a row. */
function mayGoOn({ top, tokens, logProbabilities, may }: Likeliest, row: number): boolean {
  for (let at = row * top; at < (row + 1) * top; at++)
    if (logProbabilities[at] !== Number.NEGATIVE_INFINITY && may(tokens[at] as number)) return true;
  return false;
}

/** A source while it is searched for. */
interface Searched extends SearchedSource, SourceRows {
  readonly ended: Ended[];
  first: number;
  rows: number;
}

/** Decodes the sources that `run` has read, in this order. */
export async function searchBatch(
  run: DecodingRun,
  sources: readonly SearchedSource[],
  search: Search,
): Promise<SearchResult> {
  const { settings, method, limits, rest } = search;
  const { start, end, minLength, excluded, penalty, returnAttention } = settings;
  const { roots, width } = method;
  const top = topOf(search);

  const trellis = new Trellis(run.sourceSteps);
  const proposals = proposalsOf(2 * width);
  const finished = new Uint8Array(sources.length * width);
  let now = new Rows(sources.length * width);
  let next = new Rows(sources.length * width);
  let step = 0;
  const may = (token: number): boolean => excluded[token] === 0 && (token !== end || step >= minLength);
  const keep = (ended: Ended[], row: number, logProbability: number, isFinished: boolean): void => {
    const score = logProbability / penalty(isFinished ? step + 1 : step);
    method.keep(ended, { finished: isFinished, step, row, logProbability, score, root: now.roots[row] as number });
  };

  const searched = sources.map((one, at): Searched => ({ ...one, ended: [], first: at * roots, rows: roots }));
  for (const [at, { source }] of searched.entries())
    for (let root = 0; root < roots; root++) now.add(start, at, 0, root, source);

  /** Sources with hypotheses that go on, in the order of the rows. */
  let going = searched;
  for (; now.count > 0; step++) {
    const pause = rest();
    if (pause) await pause;
    const tokens = now.tokens.slice(0, now.count);
    const from = now.from.slice(0, now.count);
    trellis.add(tokens, from);
    const allowed = limits?.allowed(trellis, step, now.sources.subarray(0, now.count));
    const given = await run.step({ tokens, from, top, ...(allowed && { allowed }), attention: returnAttention });
    if (returnAttention) trellis.attend(given.attention as Float32Array);
    const { tokens: told, logProbabilities } = given;
    const likeliest: Likeliest = { step, top, tokens: told, logProbabilities, sums: now.sums, roots: now.roots, may };
    expectNumbers(likeliest, now);

    next.count = 0;
    finished.fill(0, 0, now.count);
    for (const one of going) {
      const { source, maxLength, ended, first, rows } = one;
      method.propose(one, likeliest, proposals);
      one.first = next.count;
      one.rows = 0;
      for (let place = 0; place < proposals.count; place++) {
        const row = proposals.rows[place] as number;
        const token = proposals.tokens[place] as number;
        const sum = proposals.sums[place] as number;
        if (token !== end) {
          if (step === maxLength || one.rows === width) continue;
          next.add(token, row, sum, now.roots[row] as number, source);
          one.rows += 1;
        } else if (method.ends(place)) {
          finished[row] = 1;
          keep(ended, row, sum, true);
        }
      }
      for (let row = first; row < first + rows; row++)
        if (step === maxLength ? finished[row] === 0 : !mayGoOn(likeliest, row))
          keep(ended, row, now.sums[row] as number, false);
      if (one.rows > 0 && method.settled(ended, next.sums[one.first] as number, step + 2, maxLength + 1)) {
        next.count = one.first;
        one.rows = 0;
      }
    }
    going = going.filter(({ rows }) => rows > 0);
    [now, next] = [next, now];
  }
  return { ended: searched.map(({ ended }) => ended), trellis };
}
