/** Reading options: what is left out, bounds, and what errors say. */
import { OptionReader } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const read = (value?: unknown) => new OptionReader("own", { value }, ["value"]);

test("what is left out is the fallback", () => {
  expect(read().integer("value", 1, 3)).toBe(3);
  expect(read().number("value", -0.5)).toBe(-0.5);
  expect(read().boolean("value", true)).toBe(true);
  expect(read().oneOf("value", ["a", "b"], "b")).toBe("b");
  expect(read().initializer("value", "ones")).toBe("ones");
  expect(read().regularizer("value")).toBe(null);
});

test("what is given is taken, up to its bounds", () => {
  expect(read(1).integer("value", 1, 3)).toBe(1);
  expect(read(-2).integer("value", -2)).toBe(-2);
  expect(read(-1e300).number("value", 0)).toBe(-1e300);
  expect(read(2).number("value", 0, 2)).toBe(2);
  expect(read(0.999).number("value", 0, 0, 1)).toBe(0.999);
  expect(read(-7).number("value", 0, undefined, 0)).toBe(-7);
  expect(read({ l2: 1 }).regularizer("value")).toEqual({ l1: 0, l2: 1 });
});

const misuses: readonly Misuse[] = [
  ["no whole number", () => read().integer("value", 1), "ConfigError", "a whole number from 1 on, got undefined"],
  [
    "half a number",
    () => read(0.5).integer("value", 0, 1),
    "ConfigError",
    "own: value must be a whole number from 0 on",
  ],
  ["below the least", () => read(0).integer("value", 1, 2), "ConfigError", "a whole number from 1 on, got 0"],
  ["no number", () => read().number("value", Number.NaN), "ConfigError", "a finite number, got undefined"],
  ["a text", () => read("1").number("value", 0), "ConfigError", 'own: value must be a finite number, got "1"'],
  ["infinity", () => read(Number.POSITIVE_INFINITY).number("value", 0), "ConfigError", "got Infinity"],
  ["minus infinity", () => read(Number.NEGATIVE_INFINITY).number("value", 0), "ConfigError", "got -Infinity"],
  ["too small", () => read(-1).number("value", 0, 0), "ConfigError", "must be a number from 0 on, got -1"],
  ["too large", () => read(1).number("value", 0, 0, 1), "ConfigError", "must be a number from 0 to below 1, got 1"],
  ["not below", () => read(1).number("value", 0, undefined, 1), "ConfigError", "must be a number below 1, got 1"],
  ["no initializer", () => read().initializer("value"), "ConfigError", "must be one of zeros, ", "got undefined"],
  [
    "a misspelt initializer",
    () => read("randomNormal").initializer("value", "zeros"),
    "ConfigError",
    'got "randomNormal"',
  ],
  ["an orthogonal vector", () => read("orthogonal").vectorInitializer("value"), "ConfigError", "only matrices are"],
  ["an option that there is not", () => new OptionReader("own", { a: 1 }, ["b"]), "ConfigError", 'no option "a"', "b"],
  [
    "no options",
    () => new OptionReader("own", untyped(3), ["b"]),
    "ConfigError",
    "own takes an object of options, got 3",
  ],
];

describe("wrong options", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
