/** Core's gradients of every op, scan, layer and loss, and of random graphs, against central differences, over 20 random shapes each. */
import { checkGradients, gradientErrors, type Trial, trialNamed, trialNames, trialOf } from "@ostinato/conformance";
import {
  byElementwise,
  exp,
  feed,
  float32,
  isComposite,
  lower,
  mul,
  nodesOf,
  type OpName,
  opNames,
  ops,
  tanh,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const trials = 20;

/** Ops without a float32 output or input, or without a gradient of their own: the gradient op of another is lowered first (below, those of recurrences). */
const without = [
  ...Object.values(byElementwise((op, { result }) => (result === "bool" ? [op] : []))).flat(),
  ...["argMax", "sequenceMask", "sequenceLengths", "size"],
  ...opNames.filter((op) => ops[op].gradientOf || ops[op].late),
].map((op) => `ops > ${op}`);

function floats(fetches: Readonly<Record<string, Value>>): Value[] {
  return Object.values(fetches).filter((value) => value.type.dtype === "float32");
}

/** Checks trials until enough of them had something to differentiate; some draw whole numbers only. */
function expectRightGradients(trialWith: (seed: number) => Trial): void {
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

describe("gradients equal central differences", () => {
  for (const name of trialNames.filter((known) => !without.includes(known)))
    test(name, { timeout: 60_000 }, () => expectRightGradients((seed) => trialNamed(name, seed)));

  // Twice: the gradient of the gradients of a lowered op, which is made of primitives.
  test.each(opNames.filter((op) => ops[op].gradientOf && isComposite(op)))("%s, lowered", (op) => {
    const primitives = { name: "primitives", runs: (node: { op: OpName }) => !isComposite(node.op) };
    for (let seed = 1; seed <= 5; seed++) {
      const { fetches, feeds, inputs } = trialOf(op, seed);
      const lowered = lower({ fetches, updates: [] }, primitives).graph.fetches;
      // Lowering rebuilds the nodes: the same feeds by name.
      const wrt = nodesOf(Object.values(lowered)).flatMap((node): Value[] =>
        node.op === "input" && node.attrs.name in inputs ? [{ node, output: 0, type: node.outputs[0] }] : [],
      );
      expect(wrt.length).toBeGreaterThan(0);
      expect(gradientErrors({ outputs: floats(lowered), wrt, feeds }), `seed ${seed}`).toEqual([]);
    }
  });
});

test("a wrong gradient is found and named", () => {
  const x = feed("x", "float32", [2]);
  const y = mul(exp(x), tanh(x));
  const feeds = { x: float32([2], [0.5, -1]) };
  expect(() => checkGradients({ outputs: [y], wrt: [x], feeds })).not.toThrow();
  expect(() => checkGradients({ outputs: [y], wrt: [x], feeds, absolute: 0, relative: -1 })).toThrow(
    /2 gradients are wrong:\nx\[/,
  );
});
