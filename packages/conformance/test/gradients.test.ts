/** Core's gradients, and those of lowered ops, against central differences. */
import { checkGradients, gradientErrors, trialOf, trialsPerTest } from "@ostinato/conformance";
import {
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
import { expect, test } from "vitest";
import { floats, testGradients } from "./centralDifferences.ts";

testGradients(trialsPerTest);

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

test("a wrong gradient is found and named", () => {
  const x = feed("x", "float32", [2]);
  const y = mul(exp(x), tanh(x));
  const feeds = { x: float32([2], [0.5, -1]) };
  expect(() => checkGradients({ outputs: [y], wrt: [x], feeds })).not.toThrow();
  expect(() => checkGradients({ outputs: [y], wrt: [x], feeds, absolute: 0, relative: -1 })).toThrow(
    /2 gradients are wrong:\nx\[/,
  );
});
