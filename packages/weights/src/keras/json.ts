/** JSON of Keras's files: read within limits, and asked field by field. */
import { type Json, ModelFileError } from "@ostinato/core";

/** What may be in an object of JSON. */
export type Fields = Readonly<Record<string, unknown>>;

const DEEPEST = 200;
const LONGEST = 50_000_000;

export const isFields = (data: unknown): data is Fields =>
  typeof data === "object" && data !== null && !Array.isArray(data);

/** A value from a file in an error, cut short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export const damaged = (why: string): ModelFileError => new ModelFileError(`the Keras file is damaged: ${why}`);

/** @throws ModelFileError where brackets stand deeper in each other than models nest */
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
    if (depth > DEEPEST) throw damaged(`${what} is nested more than ${DEEPEST} deep`);
  }
}

/** An object from JSON. @throws ModelFileError where the text is none */
export function parseFields(text: string, what: string): Fields {
  if (text.length > LONGEST) throw damaged(`${what} has more than ${LONGEST} letters`);
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

/** A field that is an object. */
export function fieldsOf(data: Fields, name: string, what: string): Fields {
  const value = data[name];
  if (!isFields(value)) throw damaged(`${what} has no ${name}`);
  return value;
}

/** A field that is a list. */
export function listOf(data: Fields, name: string, what: string): readonly unknown[] {
  const value = data[name];
  if (!Array.isArray(value)) throw damaged(`${what} has no list of ${name}`);
  return value;
}

/** A field that is a text. */
export function textOf(data: Fields, name: string, what: string): string {
  const value = data[name];
  if (typeof value !== "string") throw damaged(`${what} has no ${name}`);
  return value;
}

/** Options by name as JSON. */
export type Options = Readonly<Record<string, Json>>;
