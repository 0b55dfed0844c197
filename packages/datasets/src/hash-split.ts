/** Parts of data by a hash of each text: the same text is in the same part whatever stands beside it, and never in two. */
import { DatasetOptionError, refuseUnknown } from "./errors.ts";

const encoder = new TextEncoder();

/**
 * The 32-bit FNV-1a hash of a text: of its UTF-8 bytes.
 *
 * @example
 * textHash("a"); // 0xe40c292c
 */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** How many parts of twenty are for what. */
export interface HashSplitOptions {
  /** Twentieths to test with; 1 by default, 0 for none. */
  readonly test?: number;
  /** Twentieths to validate with; 1 by default, 0 for none. */
  readonly validation?: number;
}

/** What is to train, to validate and to test with; a part that nobody asked for is empty. */
export interface HashSplit<T> {
  readonly train: readonly T[];
  readonly validation: readonly T[];
  readonly test: readonly T[];
}

const parts = 20;

/**
 * Splits by the hash of each one's text modulo 20: below `test` they are for testing, the next `validation` for validation, the rest is for training. Each part keeps their order.
 *
 * Throws `DatasetOptionError`, which names `owner`, for parts that leave nothing to train with.
 */
export function splitByHash<T>(
  owner: string,
  all: readonly T[],
  textOf: (one: T) => string,
  options: HashSplitOptions,
): HashSplit<T> {
  refuseUnknown(owner, options, { test: true, validation: true } satisfies Record<keyof HashSplitOptions, true>);
  const { test = 1, validation = 1 } = options;
  for (const [name, count] of Object.entries({ test, validation })) {
    if (!(Number.isSafeInteger(count) && count >= 0 && count < parts))
      throw new DatasetOptionError(name, "be a whole number of twentieths from 0 to 19", count);
  }
  if (test + validation >= parts)
    throw new DatasetOptionError("validation", "leave something to train with beside test", validation);
  const split: { readonly [P in keyof HashSplit<T>]: T[] } = { train: [], validation: [], test: [] };
  for (const one of all) {
    const part = textHash(textOf(one)) % parts;
    split[part < test ? "test" : part < test + validation ? "validation" : "train"].push(one);
  }
  return split;
}
