/** Reading a vocabulary of subwords from a file `tokenizer.json` of any maker: what is not understood is refused. */
import { shown, TextDataError } from "../errors.ts";
import { booleanField, field, jsonFrom, listField, stringField, wholeNumber } from "../saved-data.ts";
import { byteTokens } from "./bytes.ts";
import { parseDecoder } from "./decoders.ts";
import type { AddedToken, SubwordModel, Subwords } from "./format.ts";
import { mostTokens, pairKey } from "./merging.ts";
import { parseNormalizer } from "./normalizers.ts";
import { parsePreTokenizer } from "./pre-tokenizers.ts";

/** How errors call the data. */
const path = "subwords";

/** The longest token, in UTF-16 code units. */
const longestToken = 4096;

/** The most tokens that are looked for in texts. */
const mostAdded = 4096;

/**
 * A vocabulary of subwords from the text of a file `tokenizer.json`: one that this package wrote, or another program whose model is byte-pair encoding.
 *
 * @throws TextDataError for anything else; see `parseSubwords`
 *
 * @example
 * const subwords = subwordsFromFile(await readFile("tokenizer.json", "utf8"));
 */
export function subwordsFromFile(text: string): Subwords {
  return parseSubwords(jsonFrom(text, path));
}

/**
 * A vocabulary of subwords from data of unknown origin, such as a model file or a parsed `tokenizer.json`. Texts get the ids that Python's `tokenizers` gives them with
 * `encode(text, add_special_tokens=False)`, without truncation, padding and dropout, of which nothing is kept, nor of the post-processor.
 *
 * @throws TextDataError for damaged data, another model than BPE, parts that this package does not have, and regular expressions that it does not know
 */
export function parseSubwords(data: unknown): Subwords {
  const version = field(data, path, "version");
  if (version !== "1.0") throw new TextDataError(`${path}.version`, `must be "1.0", got ${shown(version)}`);
  const model = parseModel(field(data, path, "model"), `${path}.model`);
  const added = field(data, path, "added_tokens") === undefined ? [] : listField(data, path, "added_tokens");
  if (added.length > mostAdded) throw new TextDataError(`${path}.added_tokens`, `has more than ${mostAdded} tokens`);
  const addedTokens = added.map((token, index) => parseAddedToken(token, `${path}.added_tokens[${index}]`));
  requireIds(model, addedTokens);
  const part = <T>(name: string, parse: (data: unknown, path: string) => T): T | null => {
    const value = field(data, path, name);
    return value === undefined || value === null ? null : parse(value, `${path}.${name}`);
  };
  return frozen({
    version,
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: part("normalizer", parseNormalizer),
    pre_tokenizer: part("pre_tokenizer", parsePreTokenizer),
    post_processor: null,
    decoder: part("decoder", parseDecoder),
    model,
  });
}

function parseModel(data: unknown, path: string): SubwordModel {
  const type = field(data, path, "type");
  // Files from before 0.9 of tokenizers do not name it.
  if (type !== undefined && type !== "BPE")
    throw new TextDataError(`${path}.type`, `must be "BPE", got ${shown(type)}`);
  const vocab = parseVocab(field(data, path, "vocab"), `${path}.vocab`);
  const ids = new Map(vocab);
  const merges = parseMerges(listField(data, path, "merges"), `${path}.merges`, ids);
  if (optionalString(data, path, "continuing_subword_prefix") !== null)
    throw new TextDataError(`${path}.continuing_subword_prefix`, "must be null: merges go without one");
  const unknown = optionalString(data, path, "unk_token");
  if (unknown !== null && !ids.has(unknown))
    throw new TextDataError(`${path}.unk_token`, `must be a token, got ${shown(unknown)}`);
  const fallsBack = optionalBoolean(data, path, "byte_fallback");
  const missing = fallsBack ? byteTokens.find((token) => !ids.has(token)) : undefined;
  if (missing !== undefined)
    throw new TextDataError(`${path}.vocab`, `must have ${shown(missing)}, because of byte_fallback`);
  return {
    type: "BPE",
    dropout: null,
    unk_token: unknown,
    continuing_subword_prefix: null,
    end_of_word_suffix: optionalString(data, path, "end_of_word_suffix"),
    fuse_unk: optionalBoolean(data, path, "fuse_unk"),
    byte_fallback: fallsBack,
    ignore_merges: optionalBoolean(data, path, "ignore_merges"),
    vocab: Object.fromEntries(vocab),
    merges,
  };
}

/** A string; `null` for an empty one, which says as much. */
function optionalString(data: unknown, path: string, name: string): string | null {
  const value = field(data, path, name);
  return value === undefined || value === null ? null : stringField(data, path, name) || null;
}

function optionalBoolean(data: unknown, path: string, name: string): boolean {
  return field(data, path, name) !== undefined && booleanField(data, path, name);
}

function parseVocab(data: unknown, path: string): [token: string, id: number][] {
  // Refuses what is no object.
  field(data, path, "");
  const entries = Object.entries(data as object);
  if (entries.length > mostTokens) throw new TextDataError(path, `has more than ${mostTokens} tokens`);
  return entries.map(([token, id]) => [requireToken(token, path), idFrom(id, `${path}[${shown(token)}]`)]);
}

function idFrom(value: unknown, path: string): number {
  const id = wholeNumber(value, path, 0);
  if (id >= mostTokens) throw new TextDataError(path, `must be below ${mostTokens}, got ${id}`);
  return id;
}

function requireToken(token: string, path: string): string {
  if (token.length > longestToken) throw new TextDataError(path, `has a token longer than ${longestToken}`);
  if (/\p{Surrogate}/u.test(token)) throw new TextDataError(path, `has a token that is not Unicode: ${shown(token)}`);
  return token;
}

/** Merges, as pairs or, in older files, with a space between. */
function parseMerges(
  list: readonly unknown[],
  path: string,
  ids: ReadonlyMap<string, number>,
): (readonly [string, string])[] {
  if (list.length > mostTokens) throw new TextDataError(path, `has more than ${mostTokens} merges`);
  const seen = new Set<number>();
  return list.map((merge, index) => {
    const place = `${path}[${index}]`;
    const pair: readonly unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    const [left, right] = pair;
    if (pair.length !== 2 || typeof left !== "string" || typeof right !== "string")
      throw new TextDataError(place, `must be two tokens, got ${shown(merge)}`);
    for (const token of [left, right, left + right])
      if (!ids.has(token)) throw new TextDataError(place, `needs the token ${shown(token)}, which is not in vocab`);
    const key = pairKey(ids.get(left)!, ids.get(right)!);
    if (seen.has(key)) throw new TextDataError(place, `repeats the merge of ${shown(left)} and ${shown(right)}`);
    seen.add(key);
    return [left, right];
  });
}

function parseAddedToken(data: unknown, path: string): AddedToken {
  const content = requireToken(stringField(data, path, "content"), `${path}.content`);
  if (content === "") throw new TextDataError(`${path}.content`, "must not be empty");
  if (booleanField(data, path, "single_word"))
    throw new TextDataError(`${path}.single_word`, "must be false: tokens are found within words, too");
  return {
    id: idFrom(field(data, path, "id"), `${path}.id`),
    content,
    single_word: false,
    lstrip: booleanField(data, path, "lstrip"),
    rstrip: booleanField(data, path, "rstrip"),
    normalized: booleanField(data, path, "normalized"),
    special: booleanField(data, path, "special"),
  };
}

/** Every id from 0 on has one token, and no token has two. */
function requireIds({ vocab }: SubwordModel, added: readonly AddedToken[]): void {
  const tokens = new Map<number, string>();
  const set = (token: string, id: number, place: string) => {
    const other = tokens.get(id);
    if (other !== undefined && other !== token)
      throw new TextDataError(place, `has the id ${id}, which is also the id of ${shown(other)}`);
    tokens.set(id, token);
  };
  for (const [token, id] of Object.entries(vocab)) set(token, id, `${path}.model.vocab[${shown(token)}]`);
  const names = new Set<string>();
  for (const [index, { content, id }] of added.entries()) {
    const place = `${path}.added_tokens[${index}]`;
    if (names.has(content) || (Object.hasOwn(vocab, content) && vocab[content] !== id))
      throw new TextDataError(place, `gives ${shown(content)} an id once more`);
    names.add(content);
    set(content, id, place);
  }
  if (tokens.size === 0) throw new TextDataError(`${path}.model.vocab`, "has no tokens");
  for (let id = 0; id < tokens.size; id++)
    if (!tokens.has(id)) throw new TextDataError(`${path}.model.vocab`, `has no token for the id ${id}`);
}

/** Freezes data and all that is in it. */
export function frozen<T>(data: T): T {
  if (typeof data === "object" && data !== null) {
    for (const part of Object.values(data)) frozen(part);
    Object.freeze(data);
  }
  return data;
}
