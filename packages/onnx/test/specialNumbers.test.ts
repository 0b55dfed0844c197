/** Zeros, infinities, NaN, subnormal and huge numbers in onnxruntime, against the float64 reference; where onnxruntime differs, how. */
import { numberTrials, wrongNumbers } from "@ostinato/conformance";
import { describe, expect, test } from "vitest";
import { graphOf, runOnnx } from "./run.ts";

/** What the kernels of onnxruntime give in the place of what the reference gives: the first of the differences. */
const differing: Readonly<Record<string, RegExp>> = {
  "signed zeros > sign": /^sign.* \(-0\) is 0, not -0$/,
  "signed zeros > relu": /^relu.* \(-0\) is -0, not 0$/,
  "signed zeros > maximum": /is -0, not 0$/,
  "signed zeros > minimum": /is 0, not -0$/,
  "special numbers > select": /^chosen.* \(-0\) is 0, not -0$/,
  // Right to 2e-8 and 0 from -18 down.
  "special numbers > sigmoid": /^sigmoid.* \(-9\.5\) is 0\.0000748/,
  // NaN is passed over, and sums of whole numbers stop at the largest.
  "special numbers > max, along rows": /^max.* is 1, not NaN$/,
  // NaN stands anywhere.
  "special numbers > topK": /^values.* is NaN, not -/,
  "whole numbers > sum": /is 2147483647, not -2147483648$/,
};

describe("onnxruntime and special numbers", () => {
  for (const trial of numberTrials) {
    test(trial.name, async () => {
      const wrong = wrongNumbers(trial, await runOnnx(graphOf(trial.fetches), trial.feeds, {}));
      const known = differing[trial.name];
      if (known) expect(wrong[0]).toMatch(known);
      else expect(wrong).toEqual([]);
    });
  }

  test("every known difference belongs to a trial", () => {
    const names = numberTrials.map(({ name }) => name);
    expect(Object.keys(differing).filter((name) => !names.includes(name))).toEqual([]);
  });
});
