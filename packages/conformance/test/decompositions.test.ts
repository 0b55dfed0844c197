/** Composites mean what their decompositions compute: the reference on the graph as it stands and on the graph in primitives. */
import { evaluate, expectClose, trialNamed, trialNames, trialOf, withGradients } from "@ostinato/conformance";
import { isComposite, lower, nodesOf, type OpName, opNames, printGraph, rootsOf, simplify } from "@ostinato/core";
import { describe, expect, test } from "vitest";

const primitives = { name: "primitives", runs: (node: { op: OpName }) => !isComposite(node.op) };
const exact = { absolute: 1e-11, relative: 1e-10 };
const trials = 25;

describe("native equals decomposed in double precision, values and gradients", () => {
  for (const op of opNames.filter(isComposite)) {
    test(op, () => {
      for (let seed = 1; seed <= trials; seed++) {
        const { fetches, feeds } = withGradients(trialOf(op, seed));
        const graph = { fetches, updates: [] };
        const lowered = lower(graph, primitives);
        expect(lowered.decomposed).toContain(op);
        expect(nodesOf(rootsOf(lowered.graph)).filter((node) => isComposite(node.op))).toEqual([]);
        const expected = evaluate(graph, feeds).fetches;
        const actual = evaluate(lowered.graph, feeds).fetches;
        for (const [name, value] of Object.entries(expected))
          expectClose(actual[name], value, `seed ${seed}: ${name}`, exact);
      }
    });
  }
});

describe("simplify changes no number", () => {
  for (const name of trialNames) {
    test(name, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const { fetches, feeds } = withGradients(trialNamed(name, seed));
        const graph = { fetches, updates: [] };
        const simple = simplify(graph);
        expect(printGraph(simplify(simple)), "twice is once").toBe(printGraph(simple));
        const expected = evaluate(graph, feeds).fetches;
        const actual = evaluate(simple, feeds).fetches;
        for (const [fetch, value] of Object.entries(expected))
          expectClose(actual[fetch], value, `seed ${seed}: ${fetch}`, exact);
      }
    });
  }
});
