/** Reading options: of users and of model files alike, so that a wrong one gets the same clear answer from both. */
import { ConfigError } from "../errors.ts";
import { INITIALIZER_RULE, type Initializer, readInitializer } from "./initializers.ts";
import type { Regularizer } from "./regularizers.ts";

/** Plain data that survives JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Whether `data` is an object with string keys, and not an array. */
export function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

/** Whether a layer, an input or an output can be called so: what feeds, state and files can carry, and records do not have already. */
export function isName(name: unknown): name is string {
  return typeof name === "string" && /^[\w.-]{1,200}$/.test(name) && !(name in Object.prototype);
}

/** Whether a size that the data tells can be called so. "batch" is the name of the first axis. */
export function isSizeName(name: unknown): name is string {
  return (
    typeof name === "string" && /^[A-Za-z]\w{0,199}$/.test(name) && name !== "batch" && !(name in Object.prototype)
  );
}

/** The first name that stands in the list twice. */
export function repeatedName(names: Iterable<string>): string | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** @throws ConfigError for a key that is not among the known ones */
export function expectKeys(where: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new ConfigError(`unknown key ${shown(unknown)} in ${where}; known are ${known.join(", ")}`);
}

/** What a name must look like, for errors. */
export const NAME_RULE = 'up to 200 letters, digits, "_", "-" and "."';

/** Shows a wrong value in an error, cut short. */
export function shown(value: unknown): string {
  const text = Array.isArray(value) ? `[${value.slice(0, 20).map(shownOne).join(", ")}]` : shownOne(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function shownOne(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return "a list";
  if (isRecord(value)) return typeof value.then === "function" ? "a promise: await it" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}

/**
 * Reads the options of one owner (`dense`, `adam`) one by one; every complaint, a `ConfigError`, names the owner and the option. One that is left out is its
 * `fallback`; one that is not among the `allowed` is an error.
 *
 * @example
 * const read = new OptionReader("scale", options, ["factor", "mode"]);
 * return { factor: read.number("factor", 1, 0), mode: read.oneOf("mode", ["each", "all"], "all") };
 */
export class OptionReader {
  readonly #owner: string;
  readonly #given: Record<string, unknown>;

  constructor(owner: string, given: unknown, allowed: readonly string[]) {
    if (!isRecord(given)) throw new ConfigError(`${owner} takes an object of options, got ${shown(given)}`);
    for (const name of Object.keys(given)) {
      if (!allowed.includes(name))
        throw new ConfigError(`${owner} has no option ${shown(name)}; it takes ${allowed.join(", ")}`);
    }
    this.#owner = owner;
    this.#given = given;
  }

  /** A whole number from `min` on; without `fallback` it is required. */
  integer(name: string, min: number, fallback?: number): number {
    const value = this.#given[name] ?? fallback;
    if (!Number.isSafeInteger(value) || (value as number) < min) {
      throw this.#wrong(name, `a whole number from ${min} on`);
    }
    return value as number;
  }

  /** A finite number with `min ≤ value < below`. Defaults: no bounds. With a `fallback` of NaN it is required. */
  number(name: string, fallback: number, min = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY): number {
    const value = this.#given[name] ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value) || value < min || value >= below) {
      const [from, to] = [Number.isFinite(min), Number.isFinite(below)];
      const bounds = `${from ? ` from ${min}` : ""}${from && to ? " to" : ""}${to ? ` below ${below}` : from ? " on" : ""}`;
      throw this.#wrong(name, bounds === "" ? "a finite number" : `a number${bounds}`);
    }
    return value;
  }

  /** Functions of the user's that are called later, if they are given. */
  functions(...names: readonly string[]): void {
    for (const name of names) {
      const value = this.#given[name];
      if (value !== undefined && typeof value !== "function") throw this.#wrong(name, "a function");
    }
  }

  /** True or false. */
  boolean(name: string, fallback: boolean): boolean {
    const value = this.#given[name] ?? fallback;
    if (typeof value !== "boolean") throw this.#wrong(name, "true or false");
    return value;
  }

  /** One text of a list; without `fallback` it is required. */
  oneOf<T extends string>(name: string, list: readonly T[], fallback?: T): T {
    const value = this.#given[name] ?? fallback;
    const found = list.find((item) => item === value);
    if (found === undefined) throw this.#wrong(name, `one of ${list.join(", ")}`);
    return found;
  }

  /** An initializer by name or as an object; without `fallback` it is required. */
  initializer(name: string, fallback?: Initializer): Initializer {
    const initializer = readInitializer(this.#given[name] ?? fallback);
    if (initializer === undefined) throw this.#wrong(name, INITIALIZER_RULE);
    return initializer;
  }

  /** The initializer of what is no matrix, such as a vector, which cannot be orthogonal. */
  vectorInitializer(name: string, fallback?: Initializer): Initializer {
    const initializer = this.initializer(name, fallback);
    if (initializer === "orthogonal") throw this.#wrong(name, "another initializer; only matrices are orthogonal");
    return initializer;
  }

  /** `{ l1, l2 }`, either of which may be left out; null where there is none. */
  regularizer(name: string): Regularizer | null {
    const value = this.#given[name] ?? null;
    if (value === null) return null;
    if (!isRecord(value)) throw this.#wrong(name, "{ l1, l2 }");
    const read = new OptionReader(`${this.#owner}: ${name}`, value, ["l1", "l2"]);
    return { l1: read.number("l1", 0, 0), l2: read.number("l2", 0, 0) };
  }

  #wrong(name: string, expected: string): ConfigError {
    return new ConfigError(`${this.#owner}: ${name} must be ${expected}, got ${shown(this.#given[name])}`);
  }
}
