/** How often each word occurs, and in how many texts. */
import { addWord, type WordTable, wordAt, wordTable } from "./word-table.ts";
import type { VisitWord } from "./words.ts";

/** Counts by word id; a word's id is its place in first-seen order. */
export interface WordCounts {
  readonly table: WordTable;
  /** Occurrences of word `id`; longer than `table.size`. */
  counts: Int32Array;
  /** Texts with word `id`. */
  documents: Int32Array;
  /** The last text (by number) in which word `id` was seen; 0 is none. */
  lastDocument: Int32Array;
  /** Number of the text that is being counted, from 1 upward. */
  document: number;
}

/** Counts to add to, which start from `known` words. */
export function wordCountsFrom(known: Iterable<readonly [word: string, count: number, documents: number]>): WordCounts {
  const entries = [...known];
  const table = wordTable(entries.map(([word]) => word));
  const capacity = table.hashes.length;
  const counted: WordCounts = {
    table,
    counts: new Int32Array(capacity),
    documents: new Int32Array(capacity),
    lastDocument: new Int32Array(capacity),
    document: 0,
  };
  for (const [id, [, count, documents]] of entries.entries()) {
    counted.counts[id] = count;
    counted.documents[id] = documents;
  }
  return counted;
}

/** A visitor that counts the words of text number `counted.document`. */
export function countingVisitor(counted: WordCounts): VisitWord {
  return (text, start, end, hash) => {
    const id = addWord(counted.table, text, start, end, hash);
    if (id === counted.counts.length) widen(counted);
    counted.counts[id]! += 1;
    if (counted.lastDocument[id] !== counted.document) {
      counted.lastDocument[id] = counted.document;
      counted.documents[id]! += 1;
    }
  };
}

/** The ids of words that occur `minCount` times or more, most frequent first; ties keep first-seen order. */
export function idsByFrequency({ table, counts }: WordCounts, minCount = 1): number[] {
  const ids = Array.from({ length: table.size }, (_, id) => id).filter((id) => counts[id]! >= minCount);
  return ids.sort((a, b) => counts[b]! - counts[a]!);
}

/** The words of the given ids. */
export function wordsOf({ table }: WordCounts, ids: readonly number[]): string[] {
  return ids.map((id) => wordAt(table, id));
}

function widen(counted: WordCounts): void {
  for (const key of ["counts", "documents", "lastDocument"] as const) {
    const wider = new Int32Array(counted[key].length * 2);
    wider.set(counted[key]);
    counted[key] = wider;
  }
}
