/** Imported Scans compared with onnxruntime: carries, axes, directions, outer values, nested bodies. */
import { evaluate } from "@ostinato/conformance";
import { float32, RandomStream, sizeOf, type Tensor, type Tensors, UnsupportedOpError } from "@ostinato/core";
import { graphFromOnnx, graphToOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { expect, test } from "vitest";
import type { Message } from "../../src/file/schema.ts";
import { difference } from "../run.ts";
import { file, float, floats, input, node, type Parts } from "./files.ts";

/** A body with its inputs, nodes and outputs. */
const body = (
  inputs: readonly Message<"ValueInfo">[],
  nodes: readonly Message<"Node">[],
  outputs: readonly Message<"ValueInfo">[],
): { readonly graph: Message<"Graph"> } => ({ graph: { name: "body", inputs, nodes, outputs } });

const info = (name: string, ...dims: (number | string)[]): Message<"ValueInfo"> => input(name, float, dims);

const random = (shape: readonly number[], seed: number): Tensor => {
  const stream = new RandomStream(seed, "scan");
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
  );
};

async function expectAsOnnxruntime(parts: Parts, feeds: Tensors): Promise<void> {
  const bytes = file(parts);
  const session = await openSession(bytes, { threads: 1 });
  const wanted = await session.run(feeds);
  await session.dispose();
  const { graph, state, inputs } = graphFromOnnx(bytes);
  const given = evaluate(graph, feeds, state).fetches;
  for (const [name, tensor] of Object.entries(wanted))
    expect(difference(given[name] as Tensor, tensor), name).toBeLessThanOrEqual(1e-6);
  const written = graphToOnnx(graph, state, { inputs });
  const again = graphFromOnnx(written);
  expect(Buffer.compare(graphToOnnx(again.graph, again.state, { inputs }), written)).toBe(0);
}

/** h = tanh(x·W + h), s = s + z · scale: two carries, two sequences, and three outer values. */
const step = body(
  [info("h", "batch", 3), info("s", "batch", 3), info("x", "batch", 2), info("z", "batch", 3)],
  [
    node("MatMul", "x W", "xw"),
    node("Add", "xw h", "sum"),
    node("Tanh", "sum", "next"),
    node("Mul", "z doubled", "scaled"),
    node("Add", "s scaled", "total"),
    node("Mul", "total half", "y"),
  ],
  [info("next", "batch", 3), info("total", "batch", 3), info("y", "batch", 3), info("xw", "batch", 3)],
);

const outputs = ["h_last", "s_last", "y", "w"].map((name) => [name, float] as const);
const initializers = [floats("W", [2, 3], [0.5, -0.3, 0.2, 0.1, 0.4, -0.6]), floats("half", [], [0.5])];
const doubled = node("Add", "around around", "doubled");

test.each([
  { title: "forward", attributes: {} },
  { title: "backward", attributes: { scan_input_directions: [1, 1], scan_output_directions: [1, 1] } },
  { title: "one input backward", attributes: { scan_input_directions: [0, 1], scan_output_directions: [1, 0] } },
  { title: "outputs the other way", attributes: { scan_input_directions: [1, 1], scan_output_directions: [0, 1] } },
])("two carries and two sequences: $title", ({ attributes }) =>
  expectAsOnnxruntime(
    {
      inputs: [
        info("h0", "batch", 3),
        info("s0", "batch", 3),
        info("xs", "time", "batch", 2),
        info("zs", "time", "batch", 3),
        info("around", 3),
      ],
      initializers,
      nodes: [
        doubled,
        node("Scan", "h0 s0 xs zs", "h_last s_last y w", { num_scan_inputs: 2, body: step, ...attributes }),
      ],
      outputs,
    },
    {
      ...{ h0: random([4, 3], 1), s0: random([4, 3], 2), xs: random([5, 4, 2], 3), zs: random([5, 4, 3], 4) },
      around: random([3], 5),
    },
  ),
);

test("time on other axes", () =>
  expectAsOnnxruntime(
    {
      inputs: [
        info("h0", "batch", 3),
        info("s0", "batch", 3),
        info("xs", "batch", "time", 2),
        info("zs", "batch", 3, "time"),
        info("around", 3),
      ],
      initializers,
      nodes: [
        doubled,
        node("Scan", "h0 s0 xs zs", "h_last s_last y w", {
          ...{ num_scan_inputs: 2, body: step },
          ...{ scan_input_axes: [1, -1], scan_output_axes: [2, 1], scan_input_directions: [1, 0] },
        }),
      ],
      outputs,
    },
    {
      ...{ h0: random([4, 3], 1), s0: random([4, 3], 2), xs: random([4, 5, 2], 3), zs: random([4, 3, 5], 4) },
      around: random([3], 5),
    },
  ));

test("a body in a body, which reads what is around both", () => {
  const inner = body(
    [info("c", "batch"), info("e", "batch")],
    [node("Mul", "e p", "ep"), node("Add", "c ep", "d"), node("Add", "d offset", "f")],
    [info("d", "batch"), info("f", "batch")],
  );
  const outer = body(
    [info("a", "batch"), info("x", "width", "batch"), info("p", "batch")],
    [node("Scan", "a x", "b fs", { num_scan_inputs: 1, body: inner }), node("Tanh", "b", "next")],
    [info("next", "batch"), info("fs", "width", "batch")],
  );
  return expectAsOnnxruntime(
    {
      inputs: [info("a0", "batch"), info("xs", "time", "width", "batch"), info("ps", "time", "batch")],
      initializers: [floats("offset", [1], [0.25])],
      nodes: [node("Scan", "a0 xs ps", "last all", { num_scan_inputs: 2, body: outer })],
      outputs: [
        ["last", float],
        ["all", float],
      ],
    },
    { a0: random([3], 1), xs: random([4, 2, 3], 2), ps: random([4, 3], 3) },
  );
});

test.each([
  ["a loop", 17, node("Loop", "_ _ x", "y", { body: body([], [], []) }), /\(Loop\).*loops with a computed condition/],
  ["a scan of opset 8", 8, node("Scan", "_ x", "y", { num_scan_inputs: 1, body: body([], [], []) }), /opset 8/],
  ["no sequences", 17, node("Scan", "x", "y", { num_scan_inputs: 0, body: body([], [], []) }), /sequences/],
] as const)("%s is refused", (_, opset, each, reason) => {
  const bytes = file({ opset, inputs: [info("x", "time", 3)], nodes: [each] });
  expect(() => graphFromOnnx(bytes)).toThrow(UnsupportedOpError);
  expect(() => graphFromOnnx(bytes)).toThrow(reason);
});
