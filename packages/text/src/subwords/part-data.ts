/** Reading what parts of a file of subwords have in common; limits keep a small file from filling the memory. */
import { shown, TextDataError } from "../errors.ts";
import { field, listField, stringField } from "../saved-data.ts";

/** How deep a sequence may lie in sequences, of all kinds of parts. */
const deepest = 8;
/** The most parts of one sequence. */
const mostParts = 64;
/** The longest text that is put in front of another, or in place of another. */
const longestContent = 64;

/** The parts of a sequence, each read by `parse`. */
export function parseSequence<T>(
  data: unknown,
  path: string,
  name: string,
  depth: number,
  parse: (part: unknown, path: string, depth: number) => T,
): T[] {
  const parts = listField(data, path, name);
  if (depth >= deepest) throw new TextDataError(path, `lies deeper than ${deepest} sequences`);
  if (parts.length > mostParts) throw new TextDataError(`${path}.${name}`, `has more than ${mostParts} parts`);
  return parts.map((part, index) => parse(part, `${path}.${name}[${index}]`, depth + 1));
}

/** A string that is not too long. */
export function contentField(data: unknown, path: string, name: string, longest = longestContent): string {
  const content = stringField(data, path, name);
  if (content.length <= longest) return content;
  throw new TextDataError(`${path}.${name}`, `must have a length of at most ${longest}, got ${shown(content)}`);
}

/** The same that is not empty. */
export function filledField(data: unknown, path: string, name: string): string {
  const content = contentField(data, path, name);
  if (content === "") throw new TextDataError(`${path}.${name}`, "must not be empty");
  return content;
}

/** One character. */
export function characterField(data: unknown, path: string, name: string): string {
  const character = stringField(data, path, name);
  if (Array.from(character).length === 1) return character;
  throw new TextDataError(`${path}.${name}`, `must be one character, got ${shown(character)}`);
}

/** A text and what takes its place, which is not longer: a text would grow with each of many replacements. */
export function textReplacement(data: unknown, path: string): { pattern: { String: string }; content: string } {
  const pattern = { String: filledField(field(data, path, "pattern"), `${path}.pattern`, "String") };
  return { pattern, content: contentField(data, path, "content", pattern.String.length) };
}

/** The error for a part that this package does not have. */
export function unknownPart(what: string, type: string, path: string): TextDataError {
  return new TextDataError(`${path}.type`, `is no ${what} that this package has: ${shown(type)}`);
}
