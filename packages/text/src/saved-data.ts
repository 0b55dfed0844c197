/** Reading saved data from anywhere: each field is checked before it is believed. */
import { shown, TextDataError, TextOptionError } from "./errors.ts";

/** A field of an object of its own (nothing inherited), or `undefined`. */
export function field(data: unknown, path: string, name: string): unknown {
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    throw new TextDataError(path, `must be an object, got ${shown(data)}`);
  }
  return Object.hasOwn(data, name) ? Reflect.get(data, name) : undefined;
}

export function stringField(data: unknown, path: string, name: string): string {
  const value = field(data, path, name);
  if (typeof value !== "string") throw new TextDataError(`${path}.${name}`, `must be a string, got ${shown(value)}`);
  return value;
}

export function booleanField(data: unknown, path: string, name: string): boolean {
  const value = field(data, path, name);
  if (typeof value !== "boolean") throw new TextDataError(`${path}.${name}`, `must be a boolean, got ${shown(value)}`);
  return value;
}

export function listField(data: unknown, path: string, name: string): readonly unknown[] {
  const value = field(data, path, name);
  if (!Array.isArray(value)) throw new TextDataError(`${path}.${name}`, `must be an array, got ${shown(value)}`);
  return value;
}

/** A whole number from `from` on. */
export function wholeNumber(value: unknown, path: string, from: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= from) return value;
  throw new TextDataError(path, `must be a whole number of at least ${from}, got ${shown(value)}`);
}

/** The given list if it holds strings only. */
export function stringsOf(list: readonly unknown[], path: string): string[] {
  return list.map((value, index) => {
    if (typeof value === "string") return value;
    throw new TextDataError(`${path}[${index}]`, `must be a string, got ${shown(value)}`);
  });
}

/** Throws if a value stands twice in a list. */
export function requireDistinct(list: readonly unknown[], path: string): void {
  const first = new Map<unknown, number>();
  for (const [index, value] of list.entries()) {
    const earlier = first.get(value);
    if (earlier !== undefined)
      throw new TextDataError(`${path}[${index}]`, `repeats ${path}[${earlier}]: ${shown(value)}`);
    first.set(value, index);
  }
}

/** The value of JSON text, which may begin with a byte order mark; text that is not JSON is refused as data. */
export function jsonFrom(text: string, path: string): unknown {
  try {
    return JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  } catch (error) {
    throw new TextDataError(path, `is not JSON (${String(error).replace(/^SyntaxError: /, "")})`);
  }
}

/** What `make` returns; settings that it refuses as options are refused as data. */
export function settingsAt<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof TextOptionError) throw new TextDataError(path, `cannot work: ${error.message}`);
    throw error;
  }
}
