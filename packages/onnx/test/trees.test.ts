/** Models of trees in onnxruntime: what the reference gives, and the layers again when the file is read. */
import { reference } from "@ostinato/conformance";
import {
  dense,
  embedding,
  input,
  type Model,
  model,
  OstinatoError,
  predictor,
  RandomStream,
  recursive,
  recursiveTensor,
  type Tensor,
  type Tree,
  treeGru,
  treeLstm,
} from "@ostinato/core";
import { decodeOnnx, exportOnnx, graphFromOnnx, importOnnx, printOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import type { Message } from "../src/file/schema.ts";
import { encodeOnnx } from "../src/file/wire.ts";
import { stripped } from "./import/stripped.ts";
import { trainedOf } from "./models.ts";
import { difference } from "./run.ts";

const words = 11;

/** A tree whose nodes have at most so many children. */
function treeOf(random: RandomStream, size: number, most: number): Tree {
  const room = new Int32Array(size).fill(most);
  const parents = new Int32Array(size).fill(-1);
  for (let node = size - 2; node >= 0; node--) {
    let parent = node + 1 + random.below(size - 1 - node);
    while (room[parent] === 0) parent = parent === size - 1 ? node + 1 : parent + 1;
    parents[node] = parent;
    room[parent] = (room[parent] as number) - 1;
  }
  return { values: Array.from({ length: size }, () => random.below(words)), parents };
}

const chain = (size: number): Tree => ({
  values: Array.from({ length: size }, (_, node) => 1 + (node % (words - 1))),
  parents: Array.from({ length: size }, (_, node) => (node === size - 1 ? -1 : node + 1)),
});

/** More leaves than one level has. */
const star: Tree = {
  values: new Array<number>(270).fill(3),
  parents: Array.from({ length: 270 }, (_, node) => (node === 269 ? -1 : 269)),
};

const width = 5;
const layers = {
  "treeLstm childSum": { layer: treeLstm({ units: 4, returnSequences: true }), most: 1000 },
  "treeLstm nary": { layer: treeLstm({ units: 4, type: "nary", arity: 3, returnSequences: true }), most: 3 },
  "treeGru childSum": { layer: treeGru({ units: 4, returnSequences: true }), most: 1000 },
  "treeGru nary": { layer: treeGru({ units: 4, type: "nary", arity: 2, returnSequences: true }), most: 2 },
  recursive: { layer: recursive({ units: width, returnSequences: true }), most: 2 },
  recursiveTensor: { layer: recursiveTensor({ units: width, returnSequences: true }), most: 2 },
};

/** Labels of nodes by one layer, and of the root by another above it. */
function modelOf(layer: (typeof layers)["recursive"]["layer"]): Model {
  const x = input({ shape: ["nodes"], tree: true, name: "x" });
  const nodes = layer(embedding({ inputDim: words, outputDim: width, maskZero: true })(x));
  const root = treeLstm({ units: 3, type: "childSum" })(nodes);
  return model(x, { nodes: dense({ units: 2, activation: "softmax" })(nodes), root: dense({ units: 2 })(root) });
}

const random = new RandomStream(3, "trees");
const single = treeOf(random, 1, 0);

describe.each(Object.entries(layers))("%s", (_name, { layer, most }) => {
  const trained = trainedOf(modelOf(layer));
  const forest = Array.from({ length: 20 }, () => treeOf(random, 1 + random.below(25), most));

  test("gives what the reference gives", async () => {
    await using own = await predictor(trained, { backend: reference() });
    await using exported = await onnxPredictor(exportOnnx(trained), { threads: 1 });
    for (const trees of [forest, [single], [chain(30), single], most > 270 ? [star, single] : [chain(2)]]) {
      const [given, wanted] = [await exported.predictAll(trees), await own.predictAll(trees)];
      expect(Object.keys(given)).toEqual(["nodes", "root"]);
      for (const [name, tensor] of Object.entries(wanted))
        expect(difference(given[name] as Tensor, tensor)).toBeLessThanOrEqual(1e-5);
    }
  });

  test("comes back as layers, which write the same file", () => {
    for (const options of [{}, { opset: 22, tokenType: "int64", weights: "float16" }] as const) {
      const back = importOnnx(exportOnnx(trained, options), { form: "layers" });
      expect(JSON.stringify(back.spec)).toBe(JSON.stringify(trained.spec));
      expect(exportOnnx(back, options)).toEqual(exportOnnx(trained, options));
    }
  });
});

test("a file tells how its inputs are called, and is refused as a graph", () => {
  const file = exportOnnx(trainedOf(modelOf(layers.recursive.layer)));
  expect(printOnnx(file).match(/^(input|output) .*/gm)).toMatchInlineSnapshot(`
    [
      "input x: int32[batch, nodes]",
      "input x/lengths: int32[batch]",
      "input x/nodes: int32[x/nodes, 2]",
      "input x/edges: int32[x/nodes, 3]",
      "input x/levels: int32[x/levels, 2]",
      "output nodes: float32[batch, nodes, 2]",
      "output root: float32[batch, 2]",
    ]
  `);
  const reason = "a model of trees is only imported as the layers that its file describes: ";
  expect(() => importOnnx(stripped(file))).toThrow(`${reason}it was not written by exportOnnx`);
  expect(() => importOnnx(file, { form: "graph" })).toThrow(`${reason}the option form is "graph"`);
});

test.each([
  { title: "any number of children", layer: layers["treeLstm childSum"].layer },
  { title: "places of children", layer: layers["treeLstm nary"].layer },
])("a body that reads or leaves something else at any of its nodes is not taken for trees: $title", ({ layer }) => {
  const model = decodeOnnx(exportOnnx(trainedOf(modelOf(layer))));
  const { nodes = [] } = model.graph ?? {};
  const at = nodes.findIndex(({ op }) => op === "Scan");
  const scan = nodes[at] as Message<"Node">;
  const changed = (change: (node: Message<"Node">) => Message<"Node">, place: number): Uint8Array => {
    const attributes = scan.attributes?.map((attribute) => {
      if (!attribute.graph) return attribute;
      const inside = attribute.graph.nodes?.map((node, i) => (i === place ? change(node) : node)) ?? [];
      return { ...attribute, graph: { ...attribute.graph, nodes: inside } };
    });
    return encodeOnnx({
      ...model,
      graph: { ...model.graph, nodes: nodes.with(at, { ...scan, attributes: attributes ?? [] }) },
    });
  };
  const body = scan.attributes?.find(({ graph }) => graph)?.graph?.nodes ?? [];
  const level = body.findIndex(({ op }, i) => op !== "GatherND" && body[i - 1]?.op === "GatherND");
  const places = [...body.keys()].filter((i) => i < level || ["ScatterND", "Identity"].includes(body[i]?.op ?? ""));
  expect(places.length).toBeGreaterThan(15);
  for (const place of places) {
    expect(() => graphFromOnnx(changed((node) => ({ ...node, op: "Neg" }), place))).toThrow(OstinatoError);
    const { inputs = [] } = body[place] as Message<"Node">;
    for (const [i, name] of inputs.entries()) {
      const other = inputs.find((each) => each !== name);
      if (other === undefined) continue;
      const file = changed((node) => ({ ...node, inputs: inputs.with(i, other) }), place);
      expect(() => graphFromOnnx(file)).toThrow(OstinatoError);
    }
  }
});
