/**
 * Recurrent layers in onnxruntime, on cpu, on wasm and in the reference: every cell, the library's and a user's own, direction, merge and form of output, ragged rows, states in and
 * out, several sizes.
 */
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import { coupledLstm, layerNormLstm, minGru, peepholeLstm, projectionLstm, sLstm } from "@ostinato/cells";
import { evaluate, gruCell, readout } from "@ostinato/conformance";
import {
  type Backend,
  bidirectional,
  bind,
  float32,
  type Graph,
  gru,
  inferenceGraph,
  input,
  int32,
  lowerFor,
  lstm,
  mergeModes,
  model,
  nodesOf,
  rnn,
  rootsOf,
  simpleRnn,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { graphToOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import { lengthsOf, randomFloats } from "./models.ts";
import { difference } from "./run.ts";
import { directionsIn } from "./written.ts";

const units = 4;
/** Batch and time: single and few rows with single, few and many steps. */
const sizes = [
  [1, 1],
  [7, 1],
  [7, 5],
  [2, 33],
] as const;

/** `rnn` over cells, with the options of a layer. */
function of(cell: Parameters<typeof rnn>[0]): (options: object) => never {
  return ({ units: _, ...options }: { readonly units?: number }) => rnn(cell, options as object) as never;
}

/** A layer of one direction, untyped, for options that are known when the test runs. */
interface Recurrence {
  make(options: object): never;
  /** The size of each state. */
  readonly states: readonly number[];
  /** Whether states that are given must be positive. */
  readonly positive?: true;
}

const cells: Readonly<Record<string, Recurrence>> = {
  lstm: { make: lstm as never, states: [units, units] },
  gru: { make: gru as never, states: [units] },
  simpleRnn: { make: simpleRnn as never, states: [units] },
};
/** The same of a user's own, through one way of merging: how outputs are merged does not depend on the cell. */
const ownCells: typeof cells = {
  "a cell that is a gru": { make: of(gruCell({ units })), states: [units] },
  "a cell without a recurrent product": { make: of(minGru({ units })), states: [units] },
  "a cell of two states": { make: of(peepholeLstm({ units })), states: [units, units] },
  "a cell whose output is no state": { make: of(readout({ units, outputs: units })), states: [units] },
  "two cells": { make: of([minGru({ units }), peepholeLstm({ units })]), states: [units, units, units] },
};

/** Other cells of papers, which differ from those in the formula of their step alone: both ways at once. */
const paperCells: typeof cells = {
  "an lstm of coupled gates": { make: of(coupledLstm({ units })), states: [units, units] },
  // A small epsilon magnifies what single precision rounds off, step after step, where all cells are near each other.
  "an lstm with layer normalization": { make: of(layerNormLstm({ units, epsilon: 0.1 })), states: [units, units] },
  "an lstm with a projection": { make: of(projectionLstm({ units: 6, projection: units })), states: [units, 6] },
  "an lstm of exponential gates": {
    make: of(sLstm({ units, heads: 2 })),
    states: [units, units, units, units],
    positive: true,
  },
};

const makerOf = (cell: string) => (cells[cell] ?? ownCells[cell] ?? paperCells[cell]) as (typeof cells)[string];

const ways: readonly {
  readonly title: string;
  /** What the file says of its one recurrence. */
  readonly direction: string;
  wrap(cell: string, options: object): never;
}[] = [
  ...[false, true].map((reverse) => ({
    title: reverse ? "reverse" : "forward",
    direction: reverse ? "reverse" : "forward",
    wrap: (cell: string, options: object) => makerOf(cell).make({ ...options, reverse }),
  })),
  ...[...mergeModes, null].map((mergeMode) => ({
    title: `bidirectional, ${mergeMode}`,
    direction: "bidirectional",
    wrap: (cell: string, options: object) =>
      bidirectional(makerOf(cell).make(options), { mergeMode } as object) as never,
  })),
];

/** What a layer does with states: nothing, beginning with those it is fed, or giving its last ones too. */
const stateUses = ["none", "in", "in and out"] as const;

/** One layer over `x`, its rows ragged or not. */
function graphOf(
  cell: string,
  way: (typeof ways)[number],
  options: {
    readonly returnSequences: boolean;
    readonly lengths: boolean;
    readonly states: (typeof stateUses)[number];
  },
): { graph: Graph; states: readonly number[] } {
  const x = input({ shape: ["time", 3], name: "x", lengths: options.lengths });
  const { returnSequences } = options;
  const [begun, returnState] = [options.states !== "none", options.states === "in and out"];
  const directions = way.direction === "bidirectional" ? 2 : 1;
  const stateSizes = begun ? Array.from({ length: directions }, () => makerOf(cell).states).flat() : [];
  const states = stateSizes.map((size, i) => input({ shape: [size], name: `state${i}` }));
  const layer = way.wrap(cell, { units, returnSequences, returnState }) as (x: unknown, call?: object) => never;
  const output: unknown = begun ? layer(x, { initialState: states }) : layer(x);
  const { spec } = model(
    [x, ...states],
    (Array.isArray(output) ? Object.fromEntries(output.map((one, i) => [`output${i}`, one])) : output) as never,
  );
  return { graph: inferenceGraph(spec), states: stateSizes };
}

function stateOf(cell: string, shape: readonly number[], seed: number): Tensor {
  const drawn = randomFloats(shape, seed);
  return makerOf(cell).positive ? float32(shape, drawn.data.map(Math.abs) as Float32Array) : drawn;
}

/** A runtime with the graph in it, for batches and times up to the largest. */
async function opened(backend: Backend, graph: Graph, weights: Tensors) {
  const session = await backend.open(weights);
  const program = bind(await lowerFor(graph, backend), { batch: 7, time: 33 });
  const executable = await session.compile(program);
  return { run: (feeds: Tensors) => executable.run(feeds), dispose: () => session[Symbol.asyncDispose]() };
}

const backends: readonly Backend[] = [await cpu(), await wasm({ threads: 2 })];

const flags = [false, true];
const few = ["forward", "reverse", "bidirectional, concat"];
const waysOf = (titles: readonly string[]) => ways.filter(({ title }) => titles.includes(title));
const cases = [
  { all: cells, in: ways },
  { all: ownCells, in: waysOf(few) },
  { all: paperCells, in: waysOf(few.slice(-1)) },
].flatMap((group) =>
  Object.keys(group.all).flatMap((cell) => group.in.map((way) => ({ cell, way, title: way.title }))),
);

test.each(cases)("$cell, $title", async ({ cell, way }) => {
  for (const returnSequences of flags)
    for (const lengths of flags)
      for (const use of stateUses) {
        const options = { returnSequences, lengths, states: use };
        const { graph, states } = graphOf(cell, way, options);
        const weights = Object.fromEntries(
          nodesOf(rootsOf(graph)).flatMap(({ op, attrs }, i) =>
            op === "input" && attrs.kind === "state"
              ? [[attrs.name, randomFloats(attrs.shape as number[], 10 + i)] as const]
              : [],
          ),
        );
        const file = graphToOnnx(graph, weights);
        // Cells of a user's own are exported as scans.
        expect(directionsIn(file)).toEqual(cell in cells ? [way.direction] : []);
        const onnx = await openSession(file, { threads: 1 });
        const own = await Promise.all(backends.map((backend) => opened(backend, graph, weights)));
        for (const [batch, time] of sizes) {
          const feeds: Tensors = {
            x: randomFloats([batch, time, 3], batch),
            ...(lengths ? { "x/lengths": int32([batch], lengthsOf(batch, time, batch + time).data) } : {}),
            ...Object.fromEntries(states.map((size, i) => [`state${i}`, stateOf(cell, [batch, size], 50 + i)])),
          };
          const given = await onnx.run(feeds);
          const others = [evaluate(graph, feeds, weights).fetches];
          for (const { run } of own) others.push(await run(feeds));
          for (const [at, wanted] of others.entries())
            for (const name of Object.keys(graph.fetches))
              expect(
                difference(given[name] as Tensor, wanted[name] as Tensor),
                `${["reference", "cpu", "wasm"][at]}, ${JSON.stringify(options)}: ${name} of ${batch} × ${time}`,
              ).toBeLessThanOrEqual(1e-5);
        }
        for (const { dispose } of [onnx, ...own]) await dispose();
      }
});
