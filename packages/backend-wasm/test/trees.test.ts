/** Ops over trees on the CPU and the WebAssembly backend: the same bits however trees are batched and the work is shared, memory that grows with nodes, no allocation in a run. */
import { cpu } from "@ostinato/backend-cpu";
import {
  type Backend,
  bind,
  type Capacities,
  DataError,
  feed,
  float32,
  forestOf,
  gather,
  gradients,
  int32,
  lower,
  scatterAdd,
  sigmoid,
  state,
  type Tensor,
  type Tensors,
  type Tree,
  type TreeLevel,
  tanh,
  treeRecur,
  type Value,
} from "@ostinato/core";
import { add, concat, constant, dot, mul, slice, sum } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { wasm } from "../src/index.ts";
import { expectAsPlain } from "./graphs.ts";
import { numbers } from "./numbers.ts";

const UNITS = 20;
const times = (x: Value, r: Value): Value => dot(x, r, { contract: [[1], [1]] });

/** Gated sums over any number of children, and over two in their places. */
const bodies = {
  summing({ children, slices, parents, constants, level }: TreeLevel): Value[] {
    const [[h], [c]] = children as [[Value], [Value]];
    const [[x], [r], of] = [slices as [Value], constants as [Value], parents as Value];
    const kept = scatterAdd(of, mul(sigmoid(add(gather(x, of), times(h, r))), c), level);
    return [tanh(add(kept, times(scatterAdd(of, h, level), r))), add(x, kept)];
  },
  placing({ children, slices, constants }: TreeLevel): Value[] {
    const [hs, cs] = children as [[Value, Value], [Value, Value]];
    const [[x], [r]] = [slices as [Value], constants as [Value]];
    const products = times(concat(hs, 1), r);
    const units = x.type.shape[1] as number;
    const [left, right] = [slice(products, 1, 0, units), slice(products, 1, units, units)];
    const kept = add(mul(sigmoid(left), cs[0]), mul(sigmoid(add(x, right)), cs[1]));
    return [tanh(add(x, add(kept, left))), add(x, kept)];
  },
};
type Kind = keyof typeof bodies;
const kinds = Object.keys(bodies) as Kind[];
const shapeOf = (kind: Kind, units = UNITS): readonly number[] =>
  kind === "placing" ? [2 * units, 2 * units] : [units, units];

/** Two states at each node, and the gradients of a loss over all of them. `asState`: the weights are kept by the session. */
function graphOf(kind: Kind, asState = false, units = UNITS): Record<string, Value> {
  const x = feed("x", "float32", ["time", "batch", units]);
  const r = (asState ? state : feed)("r", "float32", shapeOf(kind, units));
  const tree = {
    nodes: feed("x/nodes", "int32", ["x/nodes", 2]),
    edges: feed("x/edges", "int32", ["x/nodes", 3]),
    levels: feed("x/levels", "int32", ["x/levels", 2]),
  };
  const arity = kind === "placing" ? 2 : undefined;
  const settings = { tree, sequences: [x], constants: [r], states: [[units], [units]], arity, body: bodies[kind] };
  const [h, c] = treeRecur(settings) as [Value, Value];
  const loss = sum(mul(h, feed("target", "float32", ["time", "batch", units])), [0, 1, 2]);
  const [dx, dr] = gradients([{ value: loss, cotangent: constant(1) }], [x, r]) as [Value, Value];
  return { h, c, loss, dx, dr };
}

/** Small, so that roundings do not grow from level to level. */
function weights(kind: Kind, units = UNITS): Tensors {
  const { shape, data } = numbers(shapeOf(kind, units), 5);
  return {
    r: float32(
      shape,
      Array.from(data, (x) => 0.2 * x),
    ),
  };
}

const treeOf = (parents: readonly number[]): Tree => ({ values: parents.map(() => 1), parents });

/** A tree of so many leaves, split as the numbers say: its nodes in post-order. */
function binary(leaves: number, draw: () => number): number[] {
  const parents: number[] = [];
  const build = (count: number): number => {
    const left = count === 1 ? 0 : 1 + Math.floor(draw() * (count - 1));
    const children = count === 1 ? [] : [build(left), build(count - left)];
    const node = parents.push(-1) - 1;
    for (const child of children) parents[child] = node;
    return node;
  };
  build(leaves);
  return parents;
}

function drawing(seed: number): () => number {
  const { data } = numbers([4096], seed);
  let at = 0;
  return () => (1 + (data[at++ % 4096] as number)) / 2;
}

const chain = (nodes: number): number[] => Array.from({ length: nodes }, (_, i) => (i < nodes - 1 ? i + 1 : -1));

const star = (nodes: number): number[] => Array.from({ length: nodes }, (_, i) => (i < nodes - 1 ? nodes - 1 : -1));

interface Run {
  readonly feeds: Tensors;
  readonly capacities: Capacities;
}

function runOf(trees: readonly (readonly number[])[], seed = 1, units = UNITS): Run {
  const { nodes, edges, levels } = forestOf(trees.map(treeOf));
  const [time, batch] = [Math.max(...trees.map(({ length }) => length)), trees.length];
  const shape = [time, batch, units];
  const feeds = { x: numbers(shape, seed), target: numbers(shape, seed + 1) };
  const capacities = { time, batch, "x/nodes": nodes.shape[0] as number, "x/levels": levels.shape[0] as number };
  return { feeds: { ...feeds, "x/nodes": nodes, "x/edges": edges, "x/levels": levels }, capacities };
}

/** What stands at the first steps of a row of [time, batch, units]. */
function rowOf({ data, shape: [, batch, units] }: Tensor, row: number, steps: number): Float32Array {
  const found = new Float32Array(steps * units);
  for (let step = 0; step < steps; step++)
    for (let d = 0; d < units; d++) found[step * units + d] = data[(step * batch + row) * units + d];
  return found;
}

const draw = drawing(7);
const forests: Readonly<Record<string, readonly (readonly number[])[]>> = {
  "one node": [[-1]],
  "two single nodes": [[-1], [-1]],
  "one tree": [binary(9, draw)],
  "a batch": Array.from({ length: 12 }, () => binary(1 + Math.floor(12 * draw()), draw)),
  "a level of more than 256": Array.from({ length: 30 }, () => binary(10, draw)),
  "a chain beside a node": [chain(12), [-1]],
};

describe.each(kinds)("%s", (kind) => {
  test.each(Object.entries(forests))("%s: all variants give the same", async (_, trees) => {
    const { feeds, capacities } = runOf(trees);
    // Room for more than there is.
    const room = Object.fromEntries(Object.entries(capacities).map(([name, size]) => [name, size + 2]));
    await expectAsPlain(graphOf(kind), { ...feeds, ...weights(kind) }, { capacities: room, tolerance: 1e-5 });
  });
});

const backends: Readonly<Record<string, Backend>> = { cpu: await cpu(), wasm: await wasm({ threads: 2 }) };

/** A tree of 10,000 levels, one of 10,000 children under one node, and 30 of a few nodes. */
const extremes = [chain(10_000), star(10_001), ...Array.from({ length: 30 }, (_, i) => binary(1 + (i % 7), draw))];

describe.each([
  // Bytes of a node of four units, and of each step of a row beside those.
  ["summing", 264, 128],
  ["placing", 148, 128],
] as const)("memory of %s", (kind, ofNode, ofPlace) => {
  const arenaOf = (capacities: Capacities): number =>
    bind(lower({ fetches: graphOf(kind, true, 4), updates: [] }, backends.wasm), capacities).arenaBytes;
  const roomOf = (nodes: number, levels: number): Capacities => ({
    time: nodes,
    batch: 1,
    "x/nodes": nodes,
    "x/levels": levels,
  });

  test("grows with nodes, not with levels times the widest", () => {
    const bytes = arenaOf(roomOf(20_000, 100));
    expect(bytes - arenaOf(roomOf(10_000, 100))).toBe(10_000 * ofNode);
    // Eight bytes a level.
    expect(arenaOf(roomOf(20_000, 10_000)) - bytes).toBeLessThanOrEqual(9900 * 8 + 64);
  });

  test("a tree of 10,000 levels and one of 10,000 children take some 40 MB among 32", () => {
    const { capacities } = runOf(extremes, 1, 4);
    const places = 32 * 10_001;
    expect(arenaOf(capacities)).toBeLessThan(places * ofPlace + capacities["x/nodes"] * ofNode);
    expect(arenaOf(capacities)).toBeGreaterThan(0.9 * places * ofPlace);
  });
});

describe.each(Object.keys(backends))("%s", (name) => {
  const backend = backends[name] as Backend;
  const compile = async (kind: Kind, capacities: Capacities, units = UNITS) => {
    const session = await backend.open(weights(kind, units));
    const program = bind(lower({ fetches: graphOf(kind, true, units), updates: [] }, backend), capacities);
    return { session, program, executable: await session.compile(program) };
  };

  test.each([
    ["summing", "a batch", UNITS],
    ["placing", "a batch", UNITS],
    ["summing", "extremes", 2],
  ] as const)("%s, %s: a tree alone has the bits that it has among others", async (kind, which, units) => {
    const trees = which === "extremes" ? extremes.slice(0, 2) : forests[which];
    const { feeds, capacities } = runOf(trees, 1, units);
    const { session, executable } = await compile(kind, capacities, units);
    await using _ = session;
    const all = await executable.run(feeds);
    for (const [row, parents] of trees.entries()) {
      const { length } = parents;
      const own = (name: string): Tensor => float32([length, 1, units], rowOf(feeds[name], row, length));
      const alone = { ...runOf([parents], 1, units).feeds, x: own("x"), target: own("target") };
      const one = await executable.run(alone);
      for (const name of ["h", "c", "dx"]) expect(rowOf(one[name], 0, length)).toEqual(rowOf(all[name], row, length));
    }
  });

  test("a run leaves next to nothing on the heap, and makes no typed arrays", async () => {
    const { feeds, capacities } = runOf([binary(12, draw), chain(5)], 1, 3);
    for (const kind of kinds) {
      const { session, executable } = await compile(kind, capacities, 3);
      await using _ = session;
      const into = await executable.run(feeds);
      for (let i = 0; i < 1000; i++) await executable.run(feeds, into);
      // The median of many readings: a collection, or the engine compiling something, spoils only a few.
      const readings = Array.from({ length: 61 }, () => ({ heap: 0, buffers: 0 }));
      for (const reading of readings) {
        const before = process.memoryUsage();
        await executable.run(feeds, into);
        const after = process.memoryUsage();
        reading.heap = after.heapUsed - before.heapUsed;
        reading.buffers = after.arrayBuffers - before.arrayBuffers;
      }
      const median = (of: "heap" | "buffers"): number =>
        readings.map((each) => each[of]).sort((a, b) => a - b)[30] as number;
      expect(median("heap")).toBeLessThan(4096);
      expect(median("buffers")).toBe(0);
    }
  });

  test("wrong indexes are refused by the name of the feed, and the next run is right", async () => {
    const { feeds, capacities } = runOf([binary(5, draw)]);
    const { session, executable } = await compile("placing", capacities);
    await using _ = session;
    const before = await executable.run(feeds);
    const { shape, data } = feeds["x/edges"] as Tensor;
    const wrong = int32(
      shape,
      Array.from(data, (x, i) => (i === 2 ? 2 : x)),
    );
    await expect(executable.run({ ...feeds, "x/edges": wrong })).rejects.toThrow(DataError);
    await expect(executable.run({ ...feeds, "x/edges": wrong })).rejects.toThrow('"x/edges", row 0: the position 2');
    expect(await executable.run(feeds)).toEqual(before);
  });
});
