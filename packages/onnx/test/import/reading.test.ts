/** Reading ONNX files: shape arithmetic is evaluated, equal sizes are unified, and unsupported files are rejected by name. */
import {
  ConfigError,
  feed,
  float32,
  type Graph,
  ModelFileError,
  printGraph,
  tanh,
  UnsupportedOpError,
} from "@ostinato/core";
import { mul } from "@ostinato/core/graph";
import { decodeOnnx, graphFromOnnx, graphToOnnx, importOnnx } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/file/schema.ts";
import { file, float, floats, input, ints, node, type Parts } from "./files.ts";

const read = (parts: Parts): string => printGraph(graphFromOnnx(file(parts)).graph);

test("a graph that was written is read as it was", () => {
  const x = feed("x", "float32", ["batch", 2]);
  const graph: Graph = { fetches: { y: tanh(mul(x, x)) }, updates: [] };
  const bytes = graphToOnnx(graph, {});
  const { graph: again, state } = graphFromOnnx(bytes);
  expect(printGraph(again)).toBe(printGraph(graph));
  expect(graphToOnnx(again, state)).toEqual(bytes);
});

test("shape arithmetic is computed while reading", () => {
  const text = read({
    inputs: [input("x", 1, ["batch", "time", 6])],
    initializers: [ints("zero", 0), ints("one", 1), ints("two", 2), ints("three", 3)],
    nodes: [
      node("Shape", "x", "shape"),
      node("Slice", "shape zero one", "batch"),
      node("Gather", "shape one", "time"),
      node("Mul", "two three", "six"),
      node("Div", "six three", "pairs"),
      node("Concat", "batch time pairs three", "to", { axis: 0 }),
      node("Reshape", "x to", "y"),
    ],
  });
  expect(text).toMatchInlineSnapshot(`
    "%0: float32[batch, time, 6] = feed x
    %1: float32[batch, time, 2, 3] = reshape(%0, shape=["batch","time",2,3])
    fetch y = %1"
  `);
});

test("sizes that are multiplied are taken apart again", () => {
  const text = read({
    inputs: [input("x", 1, ["batch", "time", 6])],
    initializers: [ints("rows", -1, 6), ints("three", 3)],
    nodes: [
      node("Reshape", "x rows", "flat"),
      node("Tanh", "flat", "tanh"),
      node("Shape", "x", "shape"),
      node("Reshape", "tanh shape", "y"),
    ],
  });
  expect(text).toMatchInlineSnapshot(`
    "%0: float32[batch, time, 6] = feed x
    %1: float32[batch, time, 6] = tanh(%0)
    fetch y = %1"
  `);
});

test("names of sizes that must be equal become one", () => {
  const text = read({
    inputs: [input("a", 1, ["batch", "m"]), input("b", 1, ["n", 1]), input("c", 1, [7])],
    nodes: [node("Add", "a b", "sum"), node("Mul", "sum c", "y")],
  });
  expect(text).toMatchInlineSnapshot(`
    "%0: float32[batch, 7] = feed a
    %1: float32[batch, 1] = feed b
    %2: float32[batch] = reshape(%1, shape=["batch"])
    %3: float32[batch, 7] = broadcast(%2, shape=["batch",7], axes=[0])
    %4: float32[batch, 7] = add(%0, %3)
    %5: float32[7] = feed c
    %6: float32[batch, 7] = broadcast(%5, shape=["batch",7], axes=[1])
    %7: float32[batch, 7] = mul(%4, %6)
    fetch y = %7"
  `);
});

test("what cannot be read is refused with the node, the operator and the reason", () => {
  const inputs = [input("x", 1, ["batch", 6])];
  const refused = (nodes: Message<"Node">[]) => () => read({ inputs, nodes });
  expect(refused([node("Frobnicate", "x", "y")])).toThrow(
    new UnsupportedOpError('the node "y" (Frobnicate): the operator Frobnicate is not supported'),
  );
  expect(refused([node("Tanh", "x", "y", { axis: 1 })])).toThrow(
    new UnsupportedOpError('the node "y" (Tanh): the attribute "axis" is not supported'),
  );
  expect(() =>
    read({ inputs, initializers: [floats("half", [2], [1, 0.5])], nodes: [node("Tile", "x half", "y")] }),
  ).toThrow(new UnsupportedOpError('the node "y" (Tile): its input 1 (repeats) must be integers'));
  expect(refused([node("Tanh", "z", "y")])).toThrow(
    new ModelFileError('the node "Tanh" reads "z", which no earlier node computes'),
  );
});

test("bodies beside each other may call different weights the same", () => {
  const branch = (...data: number[]): Message<"Graph"> => ({
    name: "branch",
    nodes: [node("Identity", "w", "o")],
    initializers: [floats("w", [1, 2], data)],
    outputs: [{ name: "o", type: { tensor: { elementType: float } } }],
  });
  const choice = (output: string, ...data: number[]): Message<"Node"> => ({
    ...node("If", "yes", output),
    attributes: [
      { name: "then_branch", type: 5, graph: branch(...data) },
      { name: "else_branch", type: 5, graph: branch(0, 0) },
    ],
  });
  const { state } = graphFromOnnx(
    file({
      inputs: [input("x", float, ["batch", 2])],
      initializers: [{ name: "yes", dataType: 9, dims: [], int32s: [1] }],
      nodes: [
        ...[choice("a", 1, 2), choice("b", 10, 20), choice("c", 1, 2)],
        ...[node("Add", "x a", "x1"), node("Add", "x1 b", "x2"), node("Add", "x2 c", "y")],
      ],
    }),
  );
  expect(state).toEqual({ w: float32([1, 2], [1, 2]), w_1: float32([1, 2], [10, 20]) });
});

describe("what is given wrong is refused at once", () => {
  const bytes = file({
    inputs: [input("x", float, ["batch", 2])],
    initializers: [floats("w", [2, 2], [1, 2, 3, 4])],
    nodes: [node("MatMul", "x w", "y")],
  });
  const files: readonly (readonly [string, unknown, string])[] = [
    ["a promise", Promise.resolve(bytes), "an object (Promise)"],
    ["a path", "model.onnx", '"model.onnx"'],
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
  ];
  test.each(files)("%s in the place of a file", (_name, given, found) => {
    for (const read of [importOnnx, graphFromOnnx, decodeOnnx])
      expect(() => read(given as never)).toThrow(
        new ModelFileError(`the bytes of a file are a Uint8Array, got ${found}`),
      );
  });

  test("a buffer is read as its bytes", () => {
    expect(importOnnx(Uint8Array.from(bytes).buffer)).toEqual(importOnnx(bytes));
  });

  test("an input that is called as what all objects have is read as others are", () => {
    const named = file({
      inputs: [input("constructor", float, ["batch", 2])],
      nodes: [node("Tanh", "constructor", "y")],
    });
    expect(importOnnx(named, { inputs: {} }).spec.inputs).toMatchObject([{ kind: "features", shape: [2] }]);
  });

  const options: readonly (readonly [unknown, string])[] = [
    [{ inputs: { z: ["batch", 2] } }, 'inputs names the input "z", but the inputs of the model are "x"'],
    [{ inputs: [["batch", 2]] }, 'inputs must be { ids: ["batch", "time"] }'],
    [{ inputs: { x: "batch" } }, 'inputs must list the axes of "x"'],
    [{ inputs: { x: ["batch", -2] } }, 'inputs must list the axes of "x"'],
    [{ outputs: "y" }, "outputs must be a list of output names"],
    [{ outputs: [] }, "outputs must be a list of output names"],
    [{ weights: 5 }, "weights must be tensors by name"],
    [{ weights: { x: 5 } }, 'the weight "x" is not a tensor'],
    [{ weights: { w: float32([1], [1]) } }, 'weights names the input "w", but the inputs of the model are "x"'],
  ];
  test.each(options)("the options %j", (given, message) => {
    expect(() => importOnnx(bytes, given as never)).toThrow(ConfigError);
    expect(() => importOnnx(bytes, given as never)).toThrow(message);
  });
});

/** Sorts rows by length, applies a function, and restores the order, as PyTorch does for packed sequences. */
const packed = (between: readonly Message<"Node">[], output: string): Parts => ({
  inputs: [input("x", 1, ["batch", 4]), input("lengths", 7, ["batch"])],
  initializers: [
    { name: "zero", dataType: 7, dims: [], int64s: [0] },
    { name: "one", dataType: 7, dims: [], int64s: [1] },
  ],
  nodes: [
    node("Shape", "lengths", "k"),
    node("TopK", "lengths k", "sizes order"),
    node("Gather", "x order", "sorted", { axis: 0 }),
    ...between,
    node("Squeeze", "k", "count"),
    node("Range", "zero count one", "places"),
    node("ConstantOfShape", "k", "none"),
    node("ScatterElements", "none order places", "back"),
    node("Gather", `${output} back`, "y", { axis: 0 }),
  ],
});

test("rows that are sorted and brought back stay where they are", () => {
  const between = [
    node("Cast", "sizes", "float", { to: 1 }),
    node("Unsqueeze", "float axis", "column"),
    node("Mul", "sorted column", "product"),
  ];
  const parts = packed(between, "product");
  const text = read({ ...parts, initializers: [...(parts.initializers ?? []), ints("axis", 1)] });
  expect(text).toMatchInlineSnapshot(`
    "%0: float32[batch, 4] = feed x
    %1: int32[batch] = feed lengths
    %2: float32[batch] = cast(%1, dtype=float32)
    %3: float32[batch, 4] = broadcast(%2, shape=["batch",4], axes=[0])
    %4: float32[batch, 4] = mul(%0, %3)
    fetch y = %4"
  `);
});

test("rows that are computed with together while they are sorted are refused, and so are those that come out sorted", () => {
  const mixed = packed([node("Add", "sorted x", "sum")], "sum");
  expect(() => read(mixed)).toThrow(
    new UnsupportedOpError(
      "the model sorts its rows, and add reads rows in two different orders; export it without sorting (enforce_sorted=True)",
    ),
  );
  const reduced = packed([node("ReduceSum", "sorted axis", "sum"), node("Add", "sorted sum", "both")], "both");
  expect(() => read({ ...reduced, initializers: [...(reduced.initializers ?? []), ints("axis", 0)] })).toThrow(
    /sum combines several of them/,
  );
  const { nodes = [], ...rest } = packed([], "sorted");
  const sorted = [...nodes.slice(0, 3), node("Identity", "sorted", "y")];
  expect(() => read({ ...rest, nodes: sorted })).toThrow(/returns them sorted/);
});
