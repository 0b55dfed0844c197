/** Skips of the suite: they must name tests that exist. */
import { suiteTestNames } from "@ostinato/conformance";
import { opNames } from "@ostinato/core";
import { expect, test } from "vitest";

test("every op has a test, and no name stands twice", () => {
  const names = suiteTestNames();
  for (const op of opNames) expect(names).toContain(`ops > ${op}`);
  expect(new Set(names).size).toBe(names.length);
});
