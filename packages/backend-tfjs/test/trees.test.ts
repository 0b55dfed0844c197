/** Trees on tfjs: what a session holds while levels are computed one after another, and indexes that are wrong. */
import { type KernelBackend, type TfjsBackend, tfjs } from "@ostinato/backend-tfjs";
import { evaluate } from "@ostinato/conformance";
import {
  concat,
  DataError,
  dot,
  feed,
  float32,
  forestOf,
  full,
  type Graph,
  gradients,
  int32,
  mul,
  scatterAdd,
  square,
  state,
  sub,
  sum,
  type Tensors,
  type Tree,
  tanh,
  treeRecur,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { expect, test, vi } from "vitest";
import { elements, likeAGpu, programOf } from "./programs.ts";

const units = 3;
const tree = {
  nodes: feed("x/nodes", "int32", ["nodes", 2]),
  edges: feed("x/edges", "int32", ["nodes", 3]),
  levels: feed("x/levels", "int32", ["levels", 2]),
};
const x = feed("x", "float32", ["time", "batch", units]);

/** A step of training of h = tanh(x + R · children): of their sum, or of two side by side. */
function training(arity?: number): { graph: Graph; weights: Tensors } {
  const R = state("R", "float32", [units, units * (arity ?? 1)]);
  const [h] = treeRecur({
    tree,
    sequences: [x],
    constants: [R],
    states: [[units]],
    arity,
    body: ({ children, slices, parents, constants, level }) => {
      const [first, ...others] = children[0] as [Value, ...Value[]];
      const read = parents ? scatterAdd(parents, first, level) : concat([first, ...others], 1);
      const product = dot(read, constants[0] as Value, { contract: [[1], [1]] });
      return [tanh(add(slices[0] as Value, product))];
    },
  }) as [Value];
  const loss = sum(square(h));
  const [grad] = gradients([{ value: loss, cotangent: full(1, []) }], [R]) as [Value];
  const numbers = Float32Array.from({ length: units * units * (arity ?? 1) }, (_, i) => Math.sin(i) / 2);
  return {
    graph: { fetches: { h, loss }, updates: [{ name: "R", value: sub(R, mul(grad, 0.05)) }] },
    weights: { R: float32([units, units * (arity ?? 1)], numbers) },
  };
}

/** Two trees, one of which is a single node. */
const trees: readonly Tree[] = [
  { values: [0, 0, 0, 0, 0, 0], parents: [2, 2, 5, 4, 5, -1] },
  { values: [0], parents: [-1] },
];

function feedsOf(rows: readonly Tree[]): Tensors & { readonly "x/edges": ReturnType<typeof int32> } {
  const { nodes, edges, levels } = forestOf(rows);
  const time = Math.max(...rows.map(({ parents }) => parents.length));
  const data = Float32Array.from({ length: time * rows.length * units }, (_, i) => Math.cos(i));
  return { "x/nodes": nodes, "x/edges": edges, "x/levels": levels, x: float32([time, rows.length, units], data) };
}

const backends: Readonly<Record<string, () => Promise<TfjsBackend>>> = {
  "tfjs-cpu": () => tfjs(tf, { backend: "cpu" }),
  "tfjs-wasm": () => tfjs(tf, { backend: "wasm" }),
  "tfjs-cpu without reading at once": () => likeAGpu("cpu"),
};
const cases = Object.entries(backends).flatMap(([name, open]) =>
  [undefined, 2].map((arity) => ({ title: `${name}, arity ${arity}`, open, arity })),
);

test.each(cases)(
  "$title: as much is held after each step as before, also after one that threw",
  async ({ open, arity }) => {
    const backend = await open();
    const { graph, weights } = training(arity);
    await using session = await backend.open(weights);
    const { run } = await session.compile(programOf(backend, graph));
    const feeds = feedsOf(trees);
    const [wanted, first] = [evaluate(graph, feeds, weights).fetches, await run(feeds)];
    expect(
      elements(first, "h").map((value, i) => Math.abs(value - (wanted.h?.data[i] as number)) < 1e-6),
    ).not.toContain(false);
    const held = session.liveTensors();
    let last = first;
    for (let step = 0; step < 20; step++) last = await run(feedsOf(step % 2 ? trees : [...trees].reverse()));
    expect(elements(last, "loss")[0]).toBeLessThan(elements(first, "loss")[0] as number);
    expect(session.liveTensors()).toBe(held);

    const before = elements(await session.readState(), "R");
    const edges = feeds["x/edges"];
    for (const [at, wrong, message] of [
      [0, 6, '"x/edges", row 0: the child 6'],
      [1, 0, '"x/edges", row 0: the parent 0'],
    ] as const) {
      const data = edges.data.map((value, i) => (i === at ? wrong : value));
      const failing = run({ ...feeds, "x/edges": int32(edges.shape, data) });
      await expect(failing).rejects.toThrow(DataError);
      await expect(failing).rejects.toThrow(message);
    }
    expect(session.liveTensors()).toBe(held);
    expect(elements(await session.readState(), "R")).toEqual(before);
  },
);

test.each(cases.filter(({ title }) => !title.startsWith("tfjs-wasm")))(
  "$title: a chain twice as deep takes twice the memory, all levels together",
  async ({ open, arity }) => {
    const backend = await open();
    const { graph, weights } = training(arity);
    await using session = await backend.open(weights);
    const { run } = await session.compile(programOf(backend, graph));
    // All that kernels and the host make is written by this.
    const write = vi.spyOn(tf.engine().registry.cpu as KernelBackend, "write");
    const elementsWritten = async (depth: number): Promise<number> => {
      const parents = Array.from({ length: depth }, (_, node) => (node === depth - 1 ? -1 : node + 1));
      write.mockClear();
      await run(feedsOf([{ values: parents, parents }]));
      return write.mock.calls.reduce((size, [values]) => size + (values?.length ?? 0), 0);
    };
    const [, once, twice] = [await elementsWritten(64), await elementsWritten(64), await elementsWritten(128)];
    expect(once).toBeGreaterThan(64 * units);
    expect(twice).toBeLessThan(2.1 * once);
    write.mockRestore();
  },
);
