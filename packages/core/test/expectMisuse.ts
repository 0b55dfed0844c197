/** Wrong use and what must come of it: one typed error, on one line, with the words that help. */
import { OstinatoError } from "@ostinato/core";
import { expect } from "vitest";

/** What is done, the class of the error, and words that its message must have. */
export type Misuse = readonly [what: string, act: () => unknown, error: string, ...words: readonly string[]];

/** A value that the types do not allow, as plain JavaScript would give it. */
export const untyped = (value: unknown): never => value as never;

export function expectMisuse([, act, error, ...expected]: Misuse): void {
  let thrown: unknown;
  try {
    act();
  } catch (caught) {
    thrown = caught;
  }
  expectTyped(thrown, error, expected);
}

export function expectTyped(thrown: unknown, error: string, expected: readonly string[]): void {
  expect(thrown).toBeInstanceOf(OstinatoError);
  const { name, message } = thrown as OstinatoError;
  expect(name, message).toBe(error);
  for (const word of expected) expect(message).toContain(word);
  expect(message).not.toContain("[object");
  expect(message).not.toContain("\n");
}
