/** Core's gradients of every op, scan, layer and loss, and of random graphs, against central differences, over random shapes. */
import { gradientErrors, type Trial, trialNamed, trialNames } from "@ostinato/conformance";
import { byElementwise, opNames, ops, type Value } from "@ostinato/core";
import { describe, expect, test } from "vitest";

/** Ops without a float32 output or input, or without a gradient of their own: the gradient op of another is lowered first (`gradients.test.ts`). */
const without = [
  ...Object.values(byElementwise((op, { result }) => (result === "bool" ? [op] : []))).flat(),
  ...["argMax", "sequenceMask", "sequenceLengths", "size"],
  ...opNames.filter((op) => ops[op].gradientOf || ops[op].late),
].map((op) => `ops > ${op}`);

/** The outputs that have gradients. */
export function floats(fetches: Readonly<Record<string, Value>>): Value[] {
  return Object.values(fetches).filter((value) => value.type.dtype === "float32");
}

/** Checks trials until enough of them had something to differentiate; some draw whole numbers only. */
function expectRightGradients(trialWith: (seed: number) => Trial, trials: number): void {
  let checked = 0;
  for (let seed = 1; checked < trials; seed++) {
    expect(seed, "trials with gradients are too rare").toBeLessThan(5 * trials);
    const { fetches, feeds, inputs } = trialWith(seed);
    const outputs = floats(fetches);
    if (outputs.length === 0 || Object.keys(inputs).length === 0) continue;
    expect(gradientErrors({ outputs, wrt: Object.values(inputs), feeds }), `seed ${seed}`).toEqual([]);
    checked += 1;
  }
}

/** A test for each op, scan, layer and loss, and for random graphs, with so many random shapes. */
export function testGradients(trials: number): void {
  describe("gradients equal central differences", () => {
    for (const name of trialNames.filter((known) => !without.includes(known)))
      test(name, () => expectRightGradients((seed) => trialNamed(name, seed), trials));
  });
}
