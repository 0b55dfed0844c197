/** Options that survive a file: what a layer of somebody's own makes of them must be plain data. */
import { ConfigError } from "../errors.ts";
import { messageOf } from "../thrown.ts";
import { carried, withDefinition } from "./layer.ts";
import { isRecord, type Json, shown } from "./options.ts";

/** As deep as wrapped layers go in good faith; deeper data would exhaust the stack somewhere else. */
const DEEPEST = 64;

function isPlain(data: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(data);
  // Object.prototype, of whichever realm, has none.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * A copy that nobody else holds, as a file would give it back; layers and cells inside keep what builds them. What is undefined is left out.
 *
 * @throws ConfigError, with the place, for numbers that are not finite, functions, instances of classes, and what nests too deep
 */
export function plainCopy(owner: string, data: unknown, place = "its options", depth = 0): Json {
  const wrong = (what: string): ConfigError =>
    new ConfigError(`${owner}: parse must give what a file can hold, but ${place} ${what}`);
  if (depth > DEEPEST) throw wrong(`nests deeper than ${DEEPEST} levels`);
  if (data === null || typeof data === "boolean" || typeof data === "string") return data;
  if (typeof data === "number") {
    if (!Number.isFinite(data)) throw wrong(`is ${data}`);
    // JSON has no -0.
    return data === 0 ? 0 : data;
  }
  if (Array.isArray(data)) return data.map((item, i) => plainCopy(owner, item, `${place}[${i}]`, depth + 1));
  if (!isRecord(data) || !isPlain(data)) throw wrong(`is ${isRecord(data) ? "an instance of a class" : shown(data)}`);
  const entries = Object.entries(data).filter(([, value]) => value !== undefined);
  const copy = Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      plainCopy(owner, value, depth === 0 ? key : `${place}.${key}`.slice(-200), depth + 1),
    ]),
  );
  const definition = carried(data);
  return definition ? withDefinition(copy, definition) : copy;
}

/**
 * Files hold what `parse` gave, and read it by `parse`.
 *
 * @throws ConfigError where it cannot, or makes something else of it
 */
export function expectReadAgain(owner: string, config: Json, parse: (config: Json) => unknown): void {
  let again: unknown;
  try {
    again = parse(config);
  } catch (cause) {
    throw new ConfigError(`${owner}: parse must read what it gave, for files hold it; it throws: ${messageOf(cause)}`, {
      cause,
    });
  }
  const [first, second] = [config, again].map((data) => JSON.stringify(data));
  if (first !== second)
    throw new ConfigError(
      `${owner}: parse must make the same of what it gave, for files hold it; it made ${second?.slice(0, 200)} of ${first?.slice(0, 200)}`,
    );
}
