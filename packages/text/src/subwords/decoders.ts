/** How tokens become a text again. */
import { field, stringField, wholeNumber } from "../saved-data.ts";
import { byteOfToken, textOfByteLetters, textOfBytes } from "./bytes.ts";
import type { Decoder } from "./format.ts";
import { characterField, filledField, parseSequence, textReplacement, unknownPart } from "./part-data.ts";
import { parseByteLevel, parseMetaspace } from "./pre-tokenizers.ts";

/** A decoder from data of unknown origin; throws `TextDataError` for one that is not known. */
export function parseDecoder(data: unknown, path: string, depth = 0): Decoder {
  const type = stringField(data, path, "type");
  switch (type) {
    case "Sequence":
      return { type, decoders: parseSequence(data, path, "decoders", depth, parseDecoder) };
    case "Replace":
      return { type, ...textReplacement(data, path) };
    case "ByteFallback":
    case "Fuse":
      return { type };
    case "Strip": {
      const content = characterField(data, path, "content");
      const [start, stop] = (["start", "stop"] as const).map((name) =>
        wholeNumber(field(data, path, name), `${path}.${name}`, 0),
      ) as [number, number];
      return { type, content, start, stop };
    }
    case "Metaspace":
      return parseMetaspace(data, path);
    case "ByteLevel":
      return parseByteLevel(data, path);
    case "BPEDecoder":
      return { type, suffix: filledField(data, path, "suffix") };
    default:
      throw unknownPart("decoder", type, path);
  }
}

type Tokens = readonly string[];

/** The text of tokens; without a decoder they are put side by side with spaces, as Python's `tokenizers` does it. */
export function decoding(decoder: Decoder | null): (tokens: Tokens) => string {
  if (decoder === null) return (tokens) => tokens.join(" ");
  const step = stepOf(decoder);
  return (tokens) => step(tokens).join("");
}

function stepOf(decoder: Decoder): (tokens: Tokens) => Tokens {
  switch (decoder.type) {
    case "Sequence": {
      const steps = decoder.decoders.map(stepOf);
      return (tokens) => steps.reduce((made, step) => step(made), tokens);
    }
    case "Replace": {
      const { pattern, content } = decoder;
      return (tokens) => tokens.map((token) => token.replaceAll(pattern.String, () => content));
    }
    case "ByteFallback":
      return withBytes;
    case "Fuse":
      return (tokens) => [tokens.join("")];
    case "Strip":
      return (tokens) => tokens.map((token) => cutEnds(token, decoder));
    case "Metaspace": {
      const { replacement, prepend_scheme: scheme } = decoder;
      return (tokens) =>
        tokens.map((token, index) => token.replaceAll(replacement, index === 0 && scheme !== "never" ? "" : " "));
    }
    case "ByteLevel":
      return (tokens) => [textOfByteLetters(tokens)];
    case "BPEDecoder":
      return (tokens) =>
        tokens.map((token, index) => token.replaceAll(decoder.suffix, index === tokens.length - 1 ? "" : " "));
  }
}

/** Bytes in a row become the text that they are. */
function withBytes(tokens: Tokens): Tokens {
  const made: string[] = [];
  let bytes: number[] = [];
  for (const token of tokens) {
    const byte = byteOfToken(token);
    if (byte >= 0) bytes.push(byte);
    else {
      if (bytes.length > 0) made.push(textOfBytes(bytes));
      bytes = [];
      made.push(token);
    }
  }
  if (bytes.length > 0) made.push(textOfBytes(bytes));
  return made;
}

/** Takes away up to `start` and `stop` of a character at the ends. */
function cutEnds(token: string, { content, start, stop }: Decoder & { type: "Strip" }): string {
  let from = 0;
  let to = token.length;
  for (let cut = 0; cut < start && token.startsWith(content, from); cut++) from += content.length;
  for (let cut = 0; cut < stop && to > from && token.endsWith(content, to); cut++) to -= content.length;
  return token.slice(from, to);
}
