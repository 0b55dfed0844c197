/** How often written sequences are wrong: error rates of tokens, such as phones or words, and of whole sequences, and which tokens are taken for which. */
import { countEdits, type EditOperation, type Edits, editOperations } from "./edit-distance.ts";
import { TextOptionError } from "./errors.ts";

/** Error rates, with what they were counted from. */
export interface ErrorRates extends Edits {
  /** Errors over the tokens of the references. Above 1 where more is written than there is; 0 where there is no token and no error, else infinite. */
  readonly tokenErrorRate: number;
  /** The share of rows whose written sequence is none of their references; 0 without rows. */
  readonly sequenceErrorRate: number;
  /** The tokens of the references that the rows were held to. */
  readonly referenceTokens: number;
  /** Rows that are none of their references. */
  readonly wrongSequences: number;
  /** Rows. */
  readonly sequences: number;
}

/** How often one token stands in the place of another. */
export interface Confusion<T> {
  /** What stands in the reference; undefined for an insertion. */
  readonly reference: T | undefined;
  /** What is written in its place; undefined for a deletion. */
  readonly written: T | undefined;
  readonly count: number;
}

/** The references of each row, one or several. */
type References<T> = readonly (readonly ArrayLike<T>[])[];

/** The reference that a written sequence is held to, and how they differ. */
export interface NearestReference<T> extends Edits {
  readonly reference: ArrayLike<T>;
}

/**
 * The reference that takes the fewest edits; of equals the shorter, so that no choice makes an error rate smaller, then the first.
 *
 * Throws `TextOptionError` without a reference, and where a text stands for a list of tokens.
 *
 * @example
 * nearestReference([["R", "EH", "D"], ["R", "IY", "D"]], ["R", "IY"]); // { reference: ["R", "IY", "D"], errors: 1, deletions: 1, … }
 */
export function nearestReference<T>(references: readonly ArrayLike<T>[], written: ArrayLike<T>): NearestReference<T> {
  return nearest(references, written, "references");
}

function nearest<T>(references: readonly ArrayLike<T>[], written: ArrayLike<T>, option: string): NearestReference<T> {
  if (!Array.isArray(references) || references.length === 0)
    throw new TextOptionError(option, "be a list of one reference or more, each a list of tokens", references);
  let best: NearestReference<T> | undefined;
  for (const reference of references) {
    const edits = countEdits(reference, written);
    const closer =
      best === undefined ||
      edits.errors < best.errors ||
      (edits.errors === best.errors && reference.length < best.reference.length);
    if (closer) best = { ...edits, reference };
  }
  return best as NearestReference<T>;
}

function nearestOfAll<T>(references: References<T>, written: readonly ArrayLike<T>[]): NearestReference<T>[] {
  if (references.length !== written.length)
    throw new TextOptionError("written", `have ${references.length} rows, as references has`, written.length);
  return written.map((one, row) => nearest(references[row] as readonly ArrayLike<T>[], one, `references[${row}]`));
}

/**
 * The error rate of tokens, that is the phone error rate where tokens are phones and the word error rate of sentences where they are words, and the error rate of sequences. Each row
 * is held to that of its references which takes the fewest edits, as is usual where a word has several pronunciations; of two such to the shorter. All edits weigh 1: the aligner of NIST's `sclite` weighs
 * a substitution 4 and the others 3, and so may count more.
 *
 * Throws `TextOptionError` where the two have not the same rows, a row has no reference, or a text stands for a list of tokens.
 *
 * @param references for each row its references, each a list of tokens
 * @param written for each row what a model wrote
 *
 * @example
 * const rates = errorRates([[["R", "EH", "D"], ["R", "IY", "D"]], [["R", "OW", "D"]]], [["R", "IY", "D"], ["R", "OW"]]);
 * console.log(rates.tokenErrorRate, rates.sequenceErrorRate, rates.deletions); // 0.16666666666666666 0.5 1
 */
export function errorRates<T>(references: References<T>, written: readonly ArrayLike<T>[]): ErrorRates {
  const counts = { errors: 0, substitutions: 0, insertions: 0, deletions: 0, referenceTokens: 0, wrongSequences: 0 };
  for (const { errors, substitutions, insertions, deletions, reference } of nearestOfAll(references, written)) {
    counts.errors += errors;
    counts.substitutions += substitutions;
    counts.insertions += insertions;
    counts.deletions += deletions;
    counts.referenceTokens += reference.length;
    if (errors > 0) counts.wrongSequences += 1;
  }
  const share = (part: number, of: number): number => (part === 0 ? 0 : part / of);
  return {
    ...counts,
    tokenErrorRate: share(counts.errors, counts.referenceTokens),
    sequenceErrorRate: share(counts.wrongSequences, written.length),
    sequences: written.length,
  };
}

const sides = <T>(operation: EditOperation<T>): readonly [T | undefined, T | undefined] => [
  operation.kind === "insertion" ? undefined : operation.reference,
  operation.kind === "deletion" ? undefined : operation.written,
];

/**
 * Which tokens are written in the place of which, the most frequent first, of equals that which comes first. Rows are held to the references that `errorRates` holds them to.
 *
 * @example
 * confusions([[["R", "EH", "D"]]], [["R", "IY", "D"]]); // [{ reference: "EH", written: "IY", count: 1 }]
 */
export function confusions<T>(references: References<T>, written: readonly ArrayLike<T>[]): Confusion<T>[] {
  const counted = new Map<T | undefined, Map<T | undefined, { count: number }>>();
  const found: (Confusion<T> & { count: number })[] = [];
  for (const [row, { reference }] of nearestOfAll(references, written).entries())
    for (const operation of editOperations(reference, written[row] as ArrayLike<T>)) {
      if (operation.kind === "match") continue;
      const [said, wrote] = sides(operation);
      const byWritten = counted.get(said) ?? new Map<T | undefined, { count: number }>();
      counted.set(said, byWritten);
      const known = byWritten.get(wrote);
      if (known !== undefined) known.count += 1;
      else {
        const one = { reference: said, written: wrote, count: 1 };
        byWritten.set(wrote, one);
        found.push(one);
      }
    }
  return found.sort((a, b) => b.count - a.count);
}
