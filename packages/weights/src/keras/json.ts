/** Reads the JSON of Keras files within limits. */
import { type Json, ModelFileError } from "@ostinato/core";

/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

const DEEPEST = 200;
const LONGEST = 50_000_000;

export const isFields = (data: unknown): data is Fields =>
  typeof data === "object" && data !== null && !Array.isArray(data);

/** Shows a value of a file in an error, shortened. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export const damaged = (why: string): ModelFileError => new ModelFileError(`the Keras file is damaged: ${why}`);

/** @throws ModelFileError if the JSON is nested too deeply */
function expectShallow(text: string, what: string): void {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text.charCodeAt(i);
    if (quoted) {
      if (letter === 0x5c) i += 1;
      else if (letter === 0x22) quoted = false;
    } else if (letter === 0x22) quoted = true;
    else if (letter === 0x5b || letter === 0x7b) depth += 1;
    else if (letter === 0x5d || letter === 0x7d) depth -= 1;
    if (depth > DEEPEST) throw damaged(`${what} is nested more than ${DEEPEST} levels deep`);
  }
}

/** Parses a JSON object. @throws ModelFileError for other text */
export function parseFields(text: string, what: string): Fields {
  if (text.length > LONGEST) throw damaged(`${what} has more than ${LONGEST} characters`);
  expectShallow(text, what);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ModelFileError(`the Keras file is damaged: ${what} is not JSON`, { cause: error });
  }
  if (!isFields(data)) throw damaged(`${what} is not an object`);
  return data;
}

/** Reads a field that is an object. */
export function fieldsOf(data: Fields, name: string, what: string): Fields {
  const value = data[name];
  if (!isFields(value)) throw damaged(`${what} has no ${name}`);
  return value;
}

/** Reads a field that is a list. */
export function listOf(data: Fields, name: string, what: string): readonly unknown[] {
  const value = data[name];
  if (!Array.isArray(value)) throw damaged(`${what} has no list of ${name}`);
  return value;
}

/** Reads a field that is a string. */
export function textOf(data: Fields, name: string, what: string): string {
  const value = data[name];
  if (typeof value !== "string") throw damaged(`${what} has no ${name}`);
  return value;
}

/** Options by name as JSON. */
export type Options = Readonly<Record<string, Json>>;
