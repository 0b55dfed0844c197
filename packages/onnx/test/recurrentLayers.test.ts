/**
 * Recurrent layers in onnxruntime, on cpu, on wasm and in the reference: every cell, direction, merge and form of output, ragged rows, states in and
 * out, several sizes.
 */
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import { evaluate } from "@ostinato/conformance";
import {
  type Backend,
  bidirectional,
  bind,
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
const batches = [1, 2, 7];
const times = [1, 5, 33];

/** The layers of one direction, untyped, for options that are known when the test runs; and how many states each has. */
const cells: Readonly<Record<string, { make(options: object): never; states: number }>> = {
  lstm: { make: lstm as never, states: 2 },
  gru: { make: gru as never, states: 1 },
  simpleRnn: { make: simpleRnn as never, states: 1 },
};

const ways: readonly {
  readonly title: string;
  /** What the file says of its one recurrence. */
  readonly direction: string;
  wrap(cell: string, options: object): never;
}[] = [
  ...[false, true].map((reverse) => ({
    title: reverse ? "reverse" : "forward",
    direction: reverse ? "reverse" : "forward",
    wrap: (cell: string, options: object) => cells[cell]?.make({ ...options, reverse }) as never,
  })),
  ...[...mergeModes, null].map((mergeMode) => ({
    title: `bidirectional, ${mergeMode}`,
    direction: "bidirectional",
    wrap: (cell: string, options: object) =>
      bidirectional(cells[cell]?.make(options) as never, { mergeMode } as object) as never,
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
): { graph: Graph; states: readonly string[] } {
  const x = input({ shape: ["time", 3], name: "x", lengths: options.lengths });
  const { returnSequences } = options;
  const [begun, returnState] = [options.states !== "none", options.states === "in and out"];
  const directions = way.direction === "bidirectional" ? 2 : 1;
  const count = begun ? directions * (cells[cell]?.states as number) : 0;
  const states = Array.from({ length: count }, (_, i) => input({ shape: [units], name: `state${i}` }));
  const layer = way.wrap(cell, { units, returnSequences, returnState }) as (x: unknown, call?: object) => never;
  const output: unknown = begun ? layer(x, { initialState: states }) : layer(x);
  const { spec } = model(
    [x, ...states],
    (Array.isArray(output) ? Object.fromEntries(output.map((one, i) => [`output${i}`, one])) : output) as never,
  );
  return { graph: inferenceGraph(spec), states: states.map((_, i) => `state${i}`) };
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
const cases = Object.keys(cells).flatMap((cell) => ways.map((way) => ({ cell, way, title: way.title })));

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
        expect(directionsIn(file)).toEqual([way.direction]);
        const onnx = await openSession(file, { threads: 1 });
        const own = await Promise.all(backends.map((backend) => opened(backend, graph, weights)));
        for (const batch of batches)
          for (const time of times) {
            const feeds: Tensors = {
              x: randomFloats([batch, time, 3], batch),
              ...(lengths ? { "x/lengths": int32([batch], lengthsOf(batch, time, batch + time).data) } : {}),
              ...Object.fromEntries(states.map((name, i) => [name, randomFloats([batch, units], 50 + i)])),
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
