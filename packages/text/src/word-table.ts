/** Words to dense ids, in the order they were added, found by range of a text without making a string. */
import { hashOf } from "./words.ts";

/**
 * An open-addressing hash table over one pool of character codes. A `Map` would need a string for each word of a text,
 * which makes encoding the IMDB reviews twice as slow. A search ends after `longestProbe` slots; words without a place
 * among theirs are in `crowded`, whose hash is the engine's, with a seed of its own. So words that were chosen to collide
 * cost a constant factor. Ids depend on the order of the words alone.
 */
export interface WordTable {
  /** Number of words; ids are 0 to `size - 1`. */
  size: number;
  /** Id + 1 of the word in each slot, 0 where free; the length is a power of two. */
  slots: Int32Array;
  /** Hash of each word. */
  hashes: Int32Array;
  /** Word `id` is `characters[ends[id]..ends[id + 1]]`. */
  ends: Int32Array;
  characters: Uint16Array;
  /** Ids of the words that found no place. */
  readonly crowded: Map<string, number>;
}

/** At most half of the slots are taken: of a million ordinary words some three come so far. */
const longestProbe = 64;

/** A table of the given words; they must be distinct for ids to equal positions. */
export function wordTable(words: Iterable<string> = []): WordTable {
  const table: WordTable = {
    size: 0,
    slots: new Int32Array(64),
    hashes: new Int32Array(32),
    ends: new Int32Array(33),
    characters: new Uint16Array(256),
    crowded: new Map(),
  };
  for (const word of words) addWord(table, word, 0, word.length, hashOf(word));
  return table;
}

/** The id of `text.slice(start, end)`, or -1. */
export function findWord(table: WordTable, text: string, start: number, end: number, hash: number): number {
  const slot = slotOf(table, text, start, end, hash);
  return slot < 0 ? crowdedId(table, text, start, end) : table.slots[slot]! - 1;
}

/** The id of `text.slice(start, end)`, added if it is new. */
export function addWord(table: WordTable, text: string, start: number, end: number, hash: number): number {
  const slot = slotOf(table, text, start, end, hash);
  const found = slot < 0 ? crowdedId(table, text, start, end) : table.slots[slot]! - 1;
  if (found >= 0) return found;

  const id = table.size;
  const from = table.ends[id]!;
  const to = from + end - start;
  if (to > table.characters.length) {
    const larger = new Uint16Array(Math.max(to, table.characters.length * 2));
    larger.set(table.characters);
    table.characters = larger;
  }
  for (let index = 0; index < end - start; index++) table.characters[from + index] = text.charCodeAt(start + index);
  table.hashes[id] = hash;
  table.ends[id + 1] = to;
  if (slot >= 0) table.slots[slot] = id + 1;
  table.size = id + 1;
  if (slot < 0) table.crowded.set(wordAt(table, id), id);
  if (table.size === table.hashes.length) double(table);
  return id;
}

/** The word of an id as a string of its own, which keeps no text alive. */
export function wordAt(table: WordTable, id: number): string {
  const end = table.ends[id + 1]!;
  let word = "";
  // In pieces: a call takes only so many arguments, and a word may be a megabyte.
  for (let start = table.ends[id]!; start < end; start += 4096) {
    word += String.fromCharCode(...table.characters.subarray(start, Math.min(end, start + 4096)));
  }
  return word;
}

function crowdedId({ crowded }: WordTable, text: string, start: number, end: number): number {
  return crowded.size === 0 ? -1 : (crowded.get(text.slice(start, end)) ?? -1);
}

/** The slot that holds the word, or the free one where it belongs; -1 where the search ends before either. */
function slotOf(table: WordTable, text: string, start: number, end: number, hash: number): number {
  const { slots, hashes, ends, characters } = table;
  const mask = slots.length - 1;
  const length = end - start;
  let slot = firstSlot(hash, mask);
  for (let probe = 0; probe < longestProbe; probe++) {
    const id = slots[slot]! - 1;
    if (id < 0) return slot;
    const from = ends[id]!;
    if (hashes[id] === hash && ends[id + 1]! - from === length) {
      let same = 0;
      while (same < length && characters[from + same] === text.charCodeAt(start + same)) same++;
      if (same === length) return slot;
    }
    slot = (slot + 1) & mask;
  }
  return -1;
}

function firstSlot(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}

function double(table: WordTable): void {
  const capacity = table.hashes.length * 2;
  const slots = new Int32Array(capacity * 2);
  const mask = slots.length - 1;
  table.crowded.clear();
  for (let id = 0; id < table.size; id++) {
    const first = firstSlot(table.hashes[id]!, mask);
    let probe = 0;
    while (probe < longestProbe && slots[(first + probe) & mask] !== 0) probe++;
    if (probe < longestProbe) slots[(first + probe) & mask] = id + 1;
    else table.crowded.set(wordAt(table, id), id);
  }
  const hashes = new Int32Array(capacity);
  hashes.set(table.hashes);
  const ends = new Int32Array(capacity + 1);
  ends.set(table.ends);
  Object.assign(table, { slots, hashes, ends });
}
