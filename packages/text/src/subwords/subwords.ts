/** Texts to the ids of subwords and back. */
import { UnknownIdError } from "../errors.ts";
import { checkedText, eachText } from "../words.ts";
import { findingTokens, type TextPart } from "./added-tokens.ts";
import { bytesOf, byteTokens } from "./bytes.ts";
import { decoding } from "./decoders.ts";
import { type Drops, droppingFrom, type SubwordEncoding } from "./dropout.ts";
import { parseSubwords } from "./file.ts";
import type { SubwordModel, Subwords } from "./format.ts";
import { type MergeTable, merged, pairKey } from "./merging.ts";
import { normalizing } from "./normalizers.ts";
import { wellFormed } from "./patterns.ts";
import { cutting } from "./pre-tokenizers.ts";

/** The number of ids: the least `inputDim` of an embedding over them. */
export function subwordCount(subwords: Subwords): number {
  return lookupOf(subwords).tokens.length;
}

/** The id of a token; `null` where there is no such token. Spaces within tokens are "▁" in vocabularies of `subwordsFromTexts`. */
export function subwordId(subwords: Subwords, token: string): number | null {
  return lookupOf(subwords).ids.get(token) ?? null;
}

/** The token of an id, such as "▁new"; throws `UnknownIdError` beyond the last. */
export function idSubword(subwords: Subwords, id: number): string {
  return tokenOf(lookupOf(subwords), id);
}

/**
 * The ids of a text. Reserved tokens are not among them, whatever the text holds; a file of another maker may name tokens that stand for themselves
 * (`added_tokens`). A lone surrogate counts as U+FFFD. Time grows as n log n with the length of the text.
 *
 * @throws TextOptionError for what is no text, and for options that cannot work
 */
export function encodeSubwords(subwords: Subwords, text: string, options: SubwordEncoding = {}): number[] {
  return encoded(lookupOf(subwords), checkedText(text), droppingFrom("encodeSubwords", options));
}

/** `encodeSubwords` of each text: ragged rows, ready for `padSequences`. With `dropout` each text has chances of its own. */
export function encodeSubwordTexts(
  subwords: Subwords,
  texts: Iterable<string>,
  options: SubwordEncoding = {},
): number[][] {
  const lookup = lookupOf(subwords);
  const drops = droppingFrom("encodeSubwordTexts", options);
  return Array.from(eachText(texts), (text) => encoded(lookup, text, drops));
}

/**
 * The text of ids. Of ids that `encodeSubwords` gave, that is the normalised text to the letter, for vocabularies of `subwordsFromTexts`. Ids that no text gives, such
 * as padding, start and end, are left out, and so are special tokens of other makers. Bytes that are no character become U+FFFD.
 *
 * @throws UnknownIdError for an id beyond the last
 */
export function decodeSubwords(subwords: Subwords, ids: Iterable<number>): string {
  const lookup = lookupOf(subwords);
  const tokens: string[] = [];
  for (const id of ids) {
    const token = tokenOf(lookup, id);
    if (!lookup.silent.has(id)) tokens.push(token);
  }
  return lookup.decode(tokens);
}

/** The text as it is encoded, and as `decodeSubwords` gives it back: Unicode's form, case and white space as the vocabulary has them. */
export function normalizeForSubwords(subwords: Subwords, text: string): string {
  return lookupOf(subwords).normalize(wellFormed(checkedText(text)));
}

/** What encoding and decoding look up. */
interface Lookup {
  readonly tokens: readonly string[];
  /** The ids of all tokens. */
  readonly ids: ReadonlyMap<string, number>;
  /** Those of the tokens that words are made of. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Ids that no text gives, or that are marked as special. */
  readonly silent: ReadonlySet<number>;
  readonly model: SubwordModel;
  readonly merges: MergeTable;
  readonly normalize: (text: string) => string;
  readonly find: (text: string) => readonly TextPart[];
  readonly findNormalized: (text: string) => readonly TextPart[];
  readonly cut: (text: string, isFirst: boolean) => readonly string[];
  readonly decode: (tokens: readonly string[]) => string;
  /** The ids of words that occurred. */
  readonly known: Map<string, readonly number[]>;
}

// A memo, not state: the lookup of frozen data never changes.
const lookups = new WeakMap<Subwords, Lookup>();

function lookupOf(subwords: Subwords): Lookup {
  const lookup = lookups.get(subwords);
  if (lookup !== undefined) return lookup;
  // Checked once more: data from a worker or straight from a file is not what its type says.
  const made = lookupFrom(parseSubwords(subwords));
  lookups.set(subwords, made);
  return made;
}

function lookupFrom({ model, added_tokens: added, normalizer, pre_tokenizer, decoder }: Subwords): Lookup {
  const vocab = new Map(Object.entries(model.vocab));
  const ids = new Map(vocab);
  for (const { content, id } of added) ids.set(content, id);
  const tokens: string[] = [];
  for (const [token, id] of ids) tokens[id] = token;

  const normalize = normalizing(normalizer);
  const findable = added.map((token) => (token.normalized ? { ...token, content: normalize(token.content) } : token));
  const results = new Int32Array(model.merges.length);
  const ranks = new Map<number, number>();
  for (const [rank, [left, right]] of model.merges.entries()) {
    ranks.set(pairKey(vocab.get(left)!, vocab.get(right)!), rank);
    results[rank] = vocab.get(left + right)!;
  }
  return {
    tokens,
    ids,
    vocab,
    silent: silentIds(model, added, ids),
    model,
    merges: { ranks, results },
    normalize,
    find: findingTokens(findable.filter(({ normalized }) => !normalized)),
    findNormalized: findingTokens(findable.filter(({ normalized, content }) => normalized && content !== "")),
    cut: cutting(pre_tokenizer),
    decode: decoding(decoder),
    known: new Map(),
  };
}

/** What is neither a character nor a byte nor made by a merge cannot come from a text. */
function silentIds(
  model: SubwordModel,
  added: Subwords["added_tokens"],
  ids: ReadonlyMap<string, number>,
): ReadonlySet<number> {
  const { byte_fallback, end_of_word_suffix: suffix, ignore_merges, merges, unk_token } = model;
  const given = new Set<string>(byte_fallback ? byteTokens : []);
  for (const [left, right] of merges) given.add(left + right);
  for (const { content } of added) given.add(content);
  if (unk_token !== null) given.add(unk_token);
  const isCharacter = (token: string) => {
    const end = suffix !== null && token.endsWith(suffix) ? token.length - suffix.length : token.length;
    return token.codePointAt(0)! > 0xffff ? end === 2 : end === 1;
  };
  const silent = new Set<number>();
  if (!ignore_merges) for (const [token, id] of ids) if (!given.has(token) && !isCharacter(token)) silent.add(id);
  for (const { special, id } of added) if (special) silent.add(id);
  return silent;
}

function tokenOf({ tokens }: Lookup, id: number): string {
  const token = tokens[id];
  if (token === undefined) throw new UnknownIdError("subwords", id, tokens.length);
  return token;
}

function encoded(lookup: Lookup, text: string, drops: Drops): number[] {
  const { find, findNormalized, normalize, cut } = lookup;
  const ids: number[] = [];
  for (const [place, outer] of find(wellFormed(text)).entries()) {
    if (typeof outer !== "string") ids.push(outer.id);
    else
      for (const [innerPlace, part] of findNormalized(normalize(outer)).entries()) {
        if (typeof part !== "string") ids.push(part.id);
        else
          for (const word of cut(part, place === 0 && innerPlace === 0))
            for (const id of wordIds(lookup, word, drops)) ids.push(id);
      }
  }
  return ids;
}

/** Words that are kept, and how long they are at most: a text has many words more than once. */
const mostKnown = 32768;
const longestKnown = 64;

function wordIds(lookup: Lookup, word: string, drops: Drops): readonly number[] {
  const { model, vocab, known, merges } = lookup;
  const whole = model.ignore_merges ? vocab.get(word) : undefined;
  if (whole !== undefined) return [whole];
  if (drops !== undefined) return merged(merges, symbolsOf(lookup, word), drops);
  const found = known.get(word);
  if (found !== undefined) return found;
  const made = merged(merges, symbolsOf(lookup, word));
  if (word.length <= longestKnown) {
    if (known.size === mostKnown) known.clear();
    known.set(copyOf(word), made);
  }
  return made;
}

/** The same word as a string of its own: engines keep a part of a text as a view, and with it the text. */
function copyOf(word: string): string {
  return String.fromCharCode(...Array.from({ length: word.length }, (_, index) => word.charCodeAt(index)));
}

/** What a word begins as: its characters, or their bytes, or the token for what is unknown. */
function symbolsOf({ model, vocab }: Lookup, word: string): number[] {
  const { byte_fallback, end_of_word_suffix: suffix, fuse_unk, unk_token } = model;
  const unknown = unk_token === null ? undefined : vocab.get(unk_token);
  const symbols: number[] = [];
  let afterUnknown = false;
  let end = 0;
  for (const character of word) {
    end += character.length;
    const name = suffix !== null && end === word.length ? character + suffix : character;
    const id = vocab.get(name);
    if (id !== undefined) symbols.push(id);
    else if (byte_fallback) for (const byte of bytesOf(name)) symbols.push(vocab.get(byteTokens[byte]!)!);
    else if (unknown !== undefined && !(afterUnknown && fuse_unk)) symbols.push(unknown);
    afterUnknown = id === undefined;
  }
  return symbols;
}
