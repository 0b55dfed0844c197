/** How a normalised text is cut into pieces; no token reaches beyond one. */

import { shown, TextDataError } from "../errors.ts";
import { booleanField, field, settingsAt, stringField } from "../saved-data.ts";
import { requireOneOf } from "../words.ts";
import { byteLetters } from "./bytes.ts";
import { type PrependScheme, type PreTokenizer, prependSchemes } from "./format.ts";
import { characterField, parseSequence, unknownPart } from "./part-data.ts";
import { expressionOf, gpt2Pattern, isolated, knownPattern, whiteSpace } from "./patterns.ts";

/** A pre-tokenizer from data of unknown origin; throws `TextDataError` for one that is not known. */
export function parsePreTokenizer(data: unknown, path: string, depth = 0): PreTokenizer {
  const type = stringField(data, path, "type");
  switch (type) {
    case "Sequence":
      return { type, pretokenizers: parseSequence(data, path, "pretokenizers", depth, parsePreTokenizer) };
    case "Metaspace":
      return parseMetaspace(data, path);
    case "ByteLevel":
      return parseByteLevel(data, path);
    case "WhitespaceSplit":
      return { type };
    case "Split":
      return parseSplit(data, path);
    default:
      throw unknownPart("pre-tokenizer", type, path);
  }
}

/** `Metaspace`, which is a decoder as well. Older files say `add_prefix_space`, and nothing of splitting. */
export function parseMetaspace(data: unknown, path: string): PreTokenizer & { type: "Metaspace" } {
  const replacement = characterField(data, path, "replacement");
  const scheme = field(data, path, "prepend_scheme");
  let prependScheme: PrependScheme;
  if (scheme === undefined) prependScheme = booleanField(data, path, "add_prefix_space") ? "always" : "never";
  else {
    prependScheme = scheme as PrependScheme;
    settingsAt(path, () => requireOneOf("prepend_scheme", prependSchemes, prependScheme));
  }
  return { type: "Metaspace", replacement, prepend_scheme: prependScheme, split: flag(data, path, "split") };
}

/** `ByteLevel`, which is a decoder as well. */
export function parseByteLevel(data: unknown, path: string): PreTokenizer & { type: "ByteLevel" } {
  return {
    type: "ByteLevel",
    add_prefix_space: booleanField(data, path, "add_prefix_space"),
    trim_offsets: flag(data, path, "trim_offsets"),
    use_regex: flag(data, path, "use_regex"),
  };
}

/** A boolean that is true where it is left out. */
function flag(data: unknown, path: string, name: string): boolean {
  return field(data, path, name) === undefined || booleanField(data, path, name);
}

function parseSplit(data: unknown, path: string): PreTokenizer & { type: "Split" } {
  const patternPath = `${path}.pattern`;
  const pattern = { Regex: knownPattern(field(field(data, path, "pattern"), patternPath, "Regex"), patternPath) };
  const behavior = stringField(data, path, "behavior");
  if (behavior !== "Isolated")
    throw new TextDataError(`${path}.behavior`, `must be "Isolated", got ${shown(behavior)}`);
  if (booleanField(data, path, "invert")) throw new TextDataError(`${path}.invert`, "must be false");
  return { type: "Split", pattern, behavior, invert: false };
}

/** The pieces of a piece; `isFirst` tells that a text begins with it. */
type Cut = (piece: string, isFirst: boolean) => Iterable<string>;

/** Cuts a text; no piece is empty. `isFirst` tells that nothing stands before the text. */
export function cutting(preTokenizer: PreTokenizer | null): (text: string, isFirst: boolean) => string[] {
  const steps = preTokenizer === null ? [] : cutsOf(preTokenizer);
  return (text, isFirst) => {
    let pieces = text === "" ? [] : [text];
    for (const cut of steps) {
      const cuts: string[] = [];
      for (const [index, piece] of pieces.entries())
        for (const part of cut(piece, isFirst && index === 0)) if (part !== "") cuts.push(part);
      pieces = cuts;
    }
    return pieces;
  };
}

function cutsOf(part: PreTokenizer): Cut[] {
  switch (part.type) {
    case "Sequence":
      return part.pretokenizers.flatMap(cutsOf);
    case "Metaspace": {
      const { replacement, prepend_scheme: scheme, split } = part;
      return [
        (piece, isFirst) => {
          const marked = piece.replaceAll(" ", () => replacement);
          const begins = scheme === "always" || (scheme === "first" && isFirst);
          const whole = begins && !marked.startsWith(replacement) ? replacement + marked : marked;
          return split ? beginningWith(replacement, whole) : [whole];
        },
      ];
    }
    case "ByteLevel": {
      const { add_prefix_space: prefixes, use_regex: splits } = part;
      return [
        (piece) => {
          const whole = prefixes && !piece.startsWith(" ") ? ` ${piece}` : piece;
          return Array.from(splits ? isolated(whole, expressionOf(gpt2Pattern)) : [whole], byteLetters);
        },
      ];
    }
    case "WhitespaceSplit":
      return [(piece) => piece.split(whiteSpace)];
    case "Split": {
      const expression = expressionOf(part.pattern.Regex);
      return [(piece) => isolated(piece, expression)];
    }
  }
}

/** The pieces of a text that begin with a mark, and what is before the first. */
function* beginningWith(mark: string, text: string): Iterable<string> {
  let start = 0;
  for (let end = text.indexOf(mark, 1); end >= 0; end = text.indexOf(mark, end + 1)) {
    yield text.slice(start, end);
    start = end;
  }
  yield text.slice(start);
}
