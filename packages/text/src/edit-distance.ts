/** The fewest edits that make one sequence of tokens of another (Levenshtein 1966), and which they are. */
import { TextOptionError } from "./errors.ts";

/** How a written sequence differs from its reference, in tokens. */
export interface Edits {
  /** Substitutions, insertions and deletions together: the edit distance. */
  readonly errors: number;
  /** Tokens of the reference in whose place another is written. */
  readonly substitutions: number;
  /** Tokens that are written and that the reference does not have. */
  readonly insertions: number;
  /** Tokens of the reference that are not written. */
  readonly deletions: number;
}

/** One place of two aligned sequences. */
export type EditOperation<T> =
  | { readonly kind: "match"; readonly reference: T; readonly written: T }
  | { readonly kind: "substitution"; readonly reference: T; readonly written: T }
  | { readonly kind: "insertion"; readonly written: T }
  | { readonly kind: "deletion"; readonly reference: T };

function expectTokens(option: string, tokens: unknown): void {
  const isList = typeof tokens === "object" && tokens !== null && "length" in tokens;
  if (!isList) throw new TextOptionError(option, "be a list of tokens", tokens, "for characters: [...text]");
}

/** The way to a cell of the table, over the diagonal where that is as short, else by a deletion where that is. */
const [DIAGONAL, DELETION, INSERTION] = [0, 1, 2];

/** Fills the table of distances row by row, one for each token of the reference, of which two are kept. `visit` is told the way to each cell. */
function walk<T>(
  reference: ArrayLike<T>,
  written: ArrayLike<T>,
  visit: (row: number, column: number, way: number, isMatch: boolean) => void,
): number {
  const columns = written.length;
  let above = new Uint32Array(columns + 1);
  let here = new Uint32Array(columns + 1);
  for (let column = 0; column <= columns; column++) here[column] = column;
  for (let row = 1; row <= reference.length; row++) {
    [above, here] = [here, above];
    here[0] = row;
    const token = reference[row - 1];
    for (let column = 1; column <= columns; column++) {
      const isMatch = token === written[column - 1];
      const diagonal = (above[column - 1] as number) + (isMatch ? 0 : 1);
      const deletion = (above[column] as number) + 1;
      const insertion = (here[column - 1] as number) + 1;
      const least = Math.min(diagonal, deletion, insertion);
      here[column] = least;
      visit(row, column, least === diagonal ? DIAGONAL : least === deletion ? DELETION : INSERTION, isMatch);
    }
  }
  return here[columns] as number;
}

/**
 * The fewest edits that make `written` of `reference`, each of weight 1, in memory that grows with `written` alone. Of several such ways the one counts that `editOperations` gives.
 *
 * Throws `TextOptionError` for a text: tokens come as a list, characters as `[...text]`.
 *
 * @example
 * countEdits(["HH", "AH", "L", "OW"], ["HH", "EH", "L", "OW", "Z"]); // { errors: 2, substitutions: 1, insertions: 1, deletions: 0 }
 */
export function countEdits<T>(reference: ArrayLike<T>, written: ArrayLike<T>): Edits {
  expectTokens("reference", reference);
  expectTokens("written", written);
  // Substitutions on the way to each cell of a row; insertions and deletions follow from them and the lengths.
  let above = new Uint32Array(written.length + 1);
  let here = new Uint32Array(written.length + 1);
  let last = 0;
  const errors = walk(reference, written, (row, column, way, isMatch) => {
    if (row !== last) [above, here, last] = [here, above, row];
    here[column] =
      way === DIAGONAL
        ? (above[column - 1] as number) + (isMatch ? 0 : 1)
        : ((way === DELETION ? above[column] : here[column - 1]) as number);
  });
  const substitutions = here[written.length] as number;
  const moved = errors - substitutions;
  const insertions = (moved + written.length - reference.length) / 2;
  return { errors, substitutions, insertions, deletions: moved - insertions };
}

/**
 * Two sequences side by side with the fewest edits, for tables of confusions. Where there are several ways, they are read from the end, and a match or substitution goes before a deletion, a deletion before
 * an insertion. It takes a byte for each pair of tokens.
 *
 * Throws `TextOptionError` for a text: tokens come as a list, characters as `[...text]`.
 *
 * @example
 * editOperations([..."tone"], [..."ten"]).map(({ kind }) => kind); // ["match", "substitution", "match", "deletion"]
 */
export function editOperations<T>(reference: ArrayLike<T>, written: ArrayLike<T>): EditOperation<T>[] {
  expectTokens("reference", reference);
  expectTokens("written", written);
  const width = written.length + 1;
  const ways = new Uint8Array((reference.length + 1) * width).fill(DELETION as number);
  ways.fill(INSERTION as number, 0, width);
  walk(reference, written, (row, column, way) => {
    ways[row * width + column] = way;
  });
  const operations: EditOperation<T>[] = [];
  let [row, column] = [reference.length, written.length];
  while (row > 0 || column > 0) {
    const way = ways[row * width + column];
    if (way !== INSERTION) row -= 1;
    if (way !== DELETION) column -= 1;
    const [said, wrote] = [reference[row] as T, written[column] as T];
    if (way === INSERTION) operations.push({ kind: "insertion", written: wrote });
    else if (way === DELETION) operations.push({ kind: "deletion", reference: said });
    else operations.push({ kind: said === wrote ? "match" : "substitution", reference: said, written: wrote });
  }
  return operations.reverse();
}
