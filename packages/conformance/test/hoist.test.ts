/** Which products leave the bodies of scans, and which stay: a scan's steps wait for each other, and for what is in its body. */

import { evaluate, idle, readout } from "@ostinato/conformance";
import {
  type AnyStep,
  bidirectional,
  bind,
  compile,
  float64,
  type Graph,
  gradients,
  hoist,
  input,
  int32,
  joinPads,
  lower,
  meanSquaredError,
  type OpName,
  type Program,
  predictor,
  rnn,
  scan,
  sequential,
  sgd,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import {
  add,
  argMax,
  dot,
  feed,
  full,
  gather,
  less,
  mul,
  reshape,
  select,
  slice,
  state,
  sum,
  tanh,
} from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const all = { name: "all", runs: () => true };
const x = feed("x", "float32", ["time", "batch", 3]);
const h0 = full(0, ["batch", 4]);
const W = state("W", "float32", [3, 4]);
const R = state("R", "float32", [4, 4]);
const times = (a: Value, w: Value): Value => dot(a, w, { contract: [[a.type.shape.length - 1], [0]] });

/** The ops of a program, and those of the bodies in it. */
function opsIn({ steps }: Program): { outside: OpName[]; inside: OpName[][] } {
  const named = (of: readonly AnyStep[]): OpName[] => of.filter(({ alias }) => !alias).map(({ op }) => op);
  return { outside: named(steps), inside: steps.flatMap(({ block }) => (block ? [named(block.steps)] : [])) };
}

function opsOf(fetches: Graph["fetches"]) {
  return opsIn(bind(lower({ fetches, updates: [] }, all, [hoist, joinPads]), { batch: 2, time: 5 }));
}

const numbers = (shape: number[], seed: number): Tensor =>
  float64(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 3 * i)),
  );

/** Expects a graph to give the same numbers after the pass. */
function expectSame(graph: Graph, feeds: Tensors, state: Tensors): void {
  const [given, wanted] = [hoist(graph), graph].map((each) => evaluate(each, feeds, state).fetches) as [
    Tensors,
    Tensors,
  ];
  for (const [name, { data }] of Object.entries(wanted))
    data.forEach((value, i) => {
      expect(given[name]?.data[i]).toBeCloseTo(value, 12);
    });
}

const products = (ops: readonly OpName[]): number => ops.filter((op) => op === "dot" || op === "biasedDot").length;

describe("made for all steps at once are", () => {
  test("products of slices with what is the same in each step", () => {
    const run = scan({
      initial: [h0],
      sequences: [x],
      constants: [W, R],
      body: ([h], [now], [w, r]) => ({ carries: [tanh(add(times(now, w), times(h, r)))], outputs: [] }),
    });
    const { outside, inside } = opsOf({ h: run.carries[0] as Value });
    expect([products(outside), inside.map(products)]).toEqual([1, [1]]);
  });

  test("products of what comes out of a step", () => {
    const run = scan({
      initial: [h0],
      sequences: [x],
      constants: [W, R],
      body: ([h], [now], [w, r]) => {
        const next = tanh(add(sum(now), h));
        return { carries: [next], outputs: [times(next, r), add(times(next, r), times(now, w))] };
      },
    });
    const [plain, both] = run.outputs as [Value, Value];
    expect(opsOf({ plain })).toMatchObject({ inside: [expect.not.arrayContaining(["dot"])] });
    // A sum of products is made where its parts are.
    expect(opsOf({ both }).inside.map(products)).toEqual([1]);
    // What nothing reads is not made.
    expect(opsOf({ h: run.carries[0] as Value }).inside.map(products)).toEqual([0]);
  });

  test("the gradient of a weight, and what its step needs to know of the one before", () => {
    const run = scan({
      initial: [h0],
      sequences: [x],
      constants: [W, R],
      body: ([h], [now], [w, r]) => ({ carries: [tanh(add(times(now, w), times(h, r)))], outputs: [] }),
    });
    const h = run.carries[0] as Value;
    const [dx, dW, dR] = gradients([{ value: h, cotangent: full(1, ["batch", 4]) }], [x, W, R]) as [
      Value,
      Value,
      Value,
    ];
    const { outside, inside } = opsOf({ dx, dW, dR });
    // h · R forward, the cotangent of h backward; x · W and the three gradients outside.
    expect(inside.map(products)).toEqual([1, 1]);
    expect(products(outside)).toBe(4);
    expect(outside.filter((op) => op === "scan")).toHaveLength(2);
  });
});

describe("stay where they are", () => {
  test("a product of the state, and the sum of products that another step reads", () => {
    const run = scan({
      initial: [h0, full(0, [3, 4])],
      sequences: [x],
      body: ([h, total], [now]) => {
        const next = tanh(times(now, total as Value));
        return {
          carries: [
            add(next, h as Value),
            add(total as Value, dot(now as Value, h as Value, { contract: [[0], [0]] })),
          ],
          outputs: [],
        };
      },
    });
    expect(opsOf({ total: run.carries[1] as Value }).inside.map(products)).toEqual([2]);
  });

  test("a sum whose history is read", () => {
    const body = (_: readonly Value[], [now]: readonly Value[]) => ({
      carries: [add(_[0] as Value, dot(now as Value, now as Value, { contract: [[0], [0]] }))],
      outputs: [],
    });
    const run = scan({ initial: [full(0, [3, 3])], sequences: [x], body });
    const [last] = run.carries as [Value];
    // Nothing but a product over time and batch is left of the first.
    expect(opsOf({ last }).outside).not.toContain("scan");
    const history: Value = { node: last.node, output: 1, type: { dtype: "float32", shape: ["time", 3, 3] } };
    expect(opsOf({ history }).inside.map(products)).toEqual([1]);
  });
});

/** Steps that attend to a memory [memory, batch, 4]. */
function attending(memory: Value): Value {
  const run = scan({
    initial: [h0],
    sequences: [x],
    constants: [memory, W, R],
    body([h], [now], [all, w, r]) {
      const scores = dot(times(h as Value, r as Value), all as Value, { contract: [[1], [2]], batch: [[0], [1]] });
      const read = dot(tanh(scores), all as Value, { contract: [[1], [0]], batch: [[0], [1]] });
      const next = tanh(add(times(now as Value, w as Value), read));
      return { carries: [next], outputs: [next] };
    },
  });
  return run.outputs[0] as Value;
}

test("attention in steps gets the gradient of its memory at once, and no product is made twice", () => {
  const memory = feed("memory", "float32", ["memory", "batch", 4]);
  const y = attending(memory);
  const grads = gradients([{ value: y, cotangent: mul(y, 2) }], [memory, x, W, R]);
  const fetches = Object.fromEntries(grads.map((grad, i) => [`${i}`, grad]));
  const graph: Graph = { fetches, updates: [] };
  const { outside, inside } = opsIn(bind(lower(graph, all, [hoist]), { batch: 2, time: 5, memory: 3 }));
  // Of the query, the scores and what is read forward, and of their cotangents backward.
  expect(inside.map(products)).toEqual([3, 3]);
  // x · W; of the memory two, of x, W and R.
  expect(products(outside)).toBe(6);
  const feeds = { x: numbers([3, 2, 3], 1), memory: numbers([4, 2, 4], 2) };
  expectSame(graph, feeds, { W: numbers([3, 4], 3), R: numbers([4, 4], 4) });
});

test("a body without what was hoisted reads nothing for it", () => {
  const run = scan({
    initial: [h0],
    sequences: [x, mul(x, 2)],
    constants: [W, reshape(W, [3, 4])],
    body: ([h], [now], [w]) => ({ carries: [tanh(add(times(now as Value, w as Value), h as Value))], outputs: [] }),
  });
  const { outside, inside } = opsOf({ h: run.carries[0] as Value });
  expect(inside).toEqual([["fused"]]);
  // The second sequence is not even made.
  expect(outside.filter((op) => op === "mul" || op === "fused")).toEqual([]);
});

test("rows of a table that steps read get their gradient at once, where the steps choose what they read, too", () => {
  const ids = feed("ids", "int32", ["time", "batch"]);
  const run = scan({
    initial: [h0, full(0, ["batch"], "int32")],
    sequences: [ids, x],
    constants: [R, W],
    body([h, chosen], [given, now], [table, w]) {
      const read = select(less(given as Value, 2), given as Value, chosen as Value);
      const next = tanh(add(add(times(now as Value, w as Value), h as Value), gather(table as Value, read)));
      return { carries: [next, argMax(next, 1)], outputs: [next] };
    },
  });
  const y = run.outputs[0] as Value;
  const [dR] = gradients([{ value: y, cotangent: mul(y, 2) }], [R]);
  const { outside, inside } = opsOf({ dR });
  expect(outside).toContain("scatterAdd");
  expect(inside.flat()).not.toContain("scatterAdd");
  const graph: Graph = { fetches: { dR }, updates: [] };
  const feeds = { x: numbers([3, 2, 3], 1), ids: int32([3, 2], [0, 1, 3, 1, 2, 3]) };
  expectSame(graph, feeds, { W: numbers([3, 4], 2), R: numbers([4, 4], 3) });
});

test("rnn brings what takes them out, in training and in inference, inside of other layers too", async () => {
  const heard: Program[] = [];
  const backend = idle({ compile: (program) => void heard.push(program) });
  const model = sequential([input({ shape: ["time", 3] }), bidirectional(rnn(readout({ units: 4, outputs: 2 })))]);
  await using trainer = await compile(model, { backend, loss: meanSquaredError(), optimizer: sgd() });
  await trainer.fit({ x: [[[1, 2, 3]]], y: [[1, 2, 3, 4]] });
  await using predicting = await predictor(await trainer.snapshot(), { backend });
  await predicting.predict([[[1, 2, 3]]]);
  const [training, inference] = heard.map((program) => opsIn(program).inside.map(products));
  // Of x · W, s · R and s · V the state alone waits for its own product; the last output is a carry, for which V stays inside.
  expect(inference).toEqual([2, 2]);
  expect(training).toEqual([2, 2, 2, 2]);
});

test("gradients of slices of one value are one after another", () => {
  const y = feed("y", "float32", ["batch", 6]);
  const part = (start: number, size: number): Value =>
    tanh(dot(slice(y, 1, start, size), feed(`w${start}`, "float32", [size, 2]), { contract: [[1], [0]] }));
  const gradientOf = (...parts: readonly Value[]): OpName[] => {
    const seeds = parts.map((value) => ({ value, cotangent: full(1, ["batch", 2]) }));
    return opsOf({ dy: gradients(seeds, [y])[0] as Value }).outside;
  };
  expect(gradientOf(part(2, 3), part(0, 2), part(5, 1))).toContain("concat");
  expect(gradientOf(part(2, 3), part(0, 2), part(5, 1))).not.toContain("pad");
  // A gap, or two of one place.
  expect(gradientOf(part(0, 2), part(5, 1))).toContain("pad");
  expect(gradientOf(part(0, 3), part(2, 4))).toContain("pad");
});
