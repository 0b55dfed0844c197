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
    const [left, right] = [slice(products, 1, 0, UNITS), slice(products, 1, UNITS, UNITS)];
    const kept = add(mul(sigmoid(left), cs[0]), mul(sigmoid(add(x, right)), cs[1]));
    return [tanh(add(x, add(kept, left))), add(x, kept)];
  },
};
type Kind = keyof typeof bodies;
const kinds = Object.keys(bodies) as Kind[];
const shapeOf = { summing: [UNITS, UNITS], placing: [2 * UNITS, 2 * UNITS] } as const;

/** Two states at each node, and the gradients of a loss over all of them. `asState`: the weights are kept by the session. */
function graphOf(kind: Kind, asState = false): Record<string, Value> {
  const x = feed("x", "float32", ["time", "batch", UNITS]);
  const r = (asState ? state : feed)("r", "float32", shapeOf[kind]);
  const tree = {
    nodes: feed("x/nodes", "int32", ["x/nodes", 2]),
    edges: feed("x/edges", "int32", ["x/nodes", 3]),
    levels: feed("x/levels", "int32", ["x/levels", 2]),
  };
  const arity = kind === "placing" ? 2 : undefined;
  const settings = { tree, sequences: [x], constants: [r], states: [[UNITS], [UNITS]], arity, body: bodies[kind] };
  const [h, c] = treeRecur(settings) as [Value, Value];
  const loss = sum(mul(h, feed("target", "float32", ["time", "batch", UNITS])), [0, 1, 2]);
  const [dx, dr] = gradients([{ value: loss, cotangent: constant(1) }], [x, r]) as [Value, Value];
  return { h, c, loss, dx, dr };
}

/** Small, so that roundings do not grow from level to level. */
function weights(kind: Kind): Tensors {
  const { shape, data } = numbers(shapeOf[kind], 5);
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

interface Run {
  readonly feeds: Tensors;
  readonly capacities: Capacities;
}

function runOf(trees: readonly (readonly number[])[], seed = 1): Run {
  const { nodes, edges, levels } = forestOf(trees.map(treeOf));
  const [time, batch] = [Math.max(...trees.map(({ length }) => length)), trees.length];
  const shape = [time, batch, UNITS];
  const feeds = { x: numbers(shape, seed), target: numbers(shape, seed + 1) };
  const capacities = { time, batch, "x/nodes": nodes.shape[0] as number, "x/levels": levels.shape[0] as number };
  return { feeds: { ...feeds, "x/nodes": nodes, "x/edges": edges, "x/levels": levels }, capacities };
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

describe.each(Object.keys(backends))("%s", (name) => {
  const backend = backends[name] as Backend;
  const compile = async (kind: Kind, capacities: Capacities) => {
    const session = await backend.open(weights(kind));
    const program = bind(lower({ fetches: graphOf(kind, true), updates: [] }, backend), capacities);
    return { session, program, executable: await session.compile(program) };
  };

  test.each(kinds)("%s: a tree alone has the bits that it has among others", async (kind) => {
    const trees = forests["a batch"] as readonly (readonly number[])[];
    const { feeds, capacities } = runOf(trees);
    const { session, executable } = await compile(kind, capacities);
    await using _ = session;
    const { h, c, dx } = await executable.run(feeds);
    for (const [row, parents] of trees.entries()) {
      const alone = runOf([parents]);
      const rowOf = (data: ArrayLike<number>, batch = trees.length, at = row): number[] =>
        parents.flatMap((_, step) => {
          const from = (step * batch + at) * UNITS;
          return Array.from({ length: UNITS }, (_, d) => data[from + d] as number);
        });
      const own = (tensor: string) => float32([parents.length, 1, UNITS], rowOf((feeds[tensor] as typeof h).data));
      const one = await executable.run({ ...alone.feeds, x: own("x"), target: own("target") });
      for (const [key, all] of Object.entries({ h, c, dx }))
        expect(rowOf((one[key] as typeof h).data, 1, 0)).toEqual(rowOf(all.data));
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
