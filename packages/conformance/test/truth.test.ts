/** Truth values: what the builders make of other ops keeps the truth tables. */
import { evaluate } from "@ostinato/conformance";
import { and, bool, feed, not } from "@ostinato/core";
import { expect, test } from "vitest";

test("and, not", () => {
  const [a, b] = [feed("a", "bool", [4]), feed("b", "bool", [4])];
  const graph = { fetches: { both: and(a, b), neither: not(a) }, updates: [] };
  const { fetches } = evaluate(graph, { a: bool([4], [0, 0, 1, 1]), b: bool([4], [0, 1, 0, 1]) });
  expect([...fetches.both.data]).toEqual([0, 0, 0, 1]);
  expect([...fetches.neither.data]).toEqual([1, 1, 0, 0]);
});
