/** What a way of decoding is: which continuations of a source's hypotheses it proposes, and which of the ended ones it keeps. */

/** A hypothesis that goes on no more: the tokens of a row of a step. */
export interface Ended {
  /** Whether `end` came. */
  readonly finished: boolean;
  readonly step: number;
  readonly row: number;
  /** Of all its tokens, with `end` where it is finished. */
  readonly logProbability: number;
  /** The log-probability over the length penalty. */
  readonly score: number;
  /** Which of the rows that its source began with it comes from. */
  readonly root: number;
}

/** The hypotheses of one source in one step. */
export interface SourceRows {
  /** The number of the source, in the order of the user. */
  readonly source: number;
  /** Its first row, and how many it has. */
  readonly first: number;
  readonly rows: number;
}

/** The likeliest tokens of all rows, and what is known of the rows. */
export interface Likeliest {
  readonly step: number;
  readonly top: number;
  /** [rows, top], the likeliest first. */
  readonly tokens: Int32Array;
  readonly logProbabilities: Float32Array;
  /** The log-probability of each row so far. */
  readonly sums: Float64Array;
  /** The row of the first step that each comes from, counted within its source. */
  readonly roots: Int32Array;
  /** Whether a token may come, of those that are not -Infinity. */
  readonly may: (token: number) => boolean;
}

/** Continuations of rows, in the order in which they are chosen from. Written again for each source. */
export interface Proposals {
  count: number;
  readonly rows: Int32Array;
  readonly tokens: Int32Array;
  /** Of the row with the token. */
  readonly sums: Float64Array;
}

export interface Method {
  /** Rows that each source begins with. */
  readonly roots: number;
  /** The most rows that a source ever has. */
  readonly width: number;
  /** Tokens that it must be told of for each row, of those that may come. */
  readonly top: number;
  propose(source: SourceRows, likeliest: Likeliest, proposals: Proposals): void;
  /** Whether a proposal of this place ends its hypothesis where its token is `end`. */
  ends(place: number): boolean;
  /** Takes an ended hypothesis among those of its source, the best first. */
  keep(ended: Ended[], one: Ended): void;
  /** Whether what goes on is given up for what is kept. `best` is the largest log-probability of what goes on, which has from `least` to `most` tokens when it is finished, with `end`. */
  settled(ended: readonly Ended[], best: number, least: number, most: number): boolean;
}

/** Room for the proposals of one source. */
export function proposalsOf(capacity: number): Proposals {
  return {
    count: 0,
    rows: new Int32Array(capacity),
    tokens: new Int32Array(capacity),
    sums: new Float64Array(capacity),
  };
}
