/** Composites mean what their decompositions compute: the reference on the graph as it stands and on the graph in primitives. */
import { evaluate, expectClose, trialNamed, trialNames, trialOf, withGradients } from "@ostinato/conformance";
import {
  constant,
  div,
  feed,
  isComposite,
  lower,
  nodesOf,
  type OpName,
  opNames,
  printGraph,
  rootsOf,
  simplify,
} from "@ostinato/core";
import { maximum, minimum } from "@ostinato/core/graph";
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

describe("constants that JSON cannot tell apart", () => {
  const special = [0, -0, Infinity, -Infinity, NaN];

  test("simplify keeps each", () => {
    const fetches = Object.fromEntries(special.map((value) => [`of ${1 / value} and ${value}`, constant(value)]));
    const simple = simplify({ fetches, updates: [] });
    expect(Object.values(evaluate(simple, {}).fetches).map(({ data }) => data[0])).toEqual(special);
  });

  test("a clamp without limits changes nothing", () => {
    const x = feed("x", "float32", [4]);
    const clamped = minimum(maximum(x, -Infinity), Infinity);
    const graph = { fetches: { clamped, below: div(1, constant(-0)), above: div(1, constant(0)) }, updates: [] };
    const data = new Float32Array([-3, 0, 2, 2 ** 100]);
    const { fetches } = evaluate(lower(graph, primitives).graph, { x: { dtype: "float32", shape: [4], data } });
    expect([...(fetches.clamped?.data ?? [])]).toEqual([...data]);
    expect(fetches.below?.data[0]).toBe(-Infinity);
    expect(fetches.above?.data[0]).toBe(Infinity);
  });

  test("the listing shows them", () => {
    expect(printGraph({ fetches: { both: constant([NaN, -0, -Infinity], "float32", [3]) }, updates: [] })).toContain(
      "data=[NaN,-0,-Infinity]",
    );
  });
});
