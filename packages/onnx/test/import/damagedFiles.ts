/** Files for damage tests: our own with every kind of node, and those of other libraries if available. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { minGru } from "@ostinato/cells";
import { expectHarmless } from "@ostinato/conformance";
import { input as layerInput, OstinatoError, RandomStream, rnn, sequential, tensorOver } from "@ostinato/core";
import { decodeOnnx, exportOnnx, graphFromOnnx, graphToOnnx, importOnnx, type OnnxModel } from "@ostinato/onnx";
import { encodeOnnx } from "../../src/file/wire.ts";
import { recurrent, recurrentBothWays, sentiment, trainedOf, trees } from "../models.ts";
import { bytesOf, cases } from "./cases.ts";
import { file, float, floats, input, int64, ints, node } from "./files.ts";

/** The folder with files of other libraries. */
const foreignFolder = join(import.meta.dirname, "../../../../../shared/data/pytorch-files");

/** The files of other libraries by name; empty without the folder. */
const foreignFiles = (): [name: string, bytes: Uint8Array][] =>
  existsSync(foreignFolder)
    ? globSync("*.onnx", { cwd: foreignFolder })
        .sort()
        .map((name) => [name, new Uint8Array(readFileSync(join(foreignFolder, name)))])
    : [];

/** Shape arithmetic, lookups and products around a table, as written by exporters. */
const spelledOut = (): Uint8Array =>
  file({
    inputs: [input("ids", int64, ["batch", "time"])],
    outputs: [["y", float]],
    initializers: [
      floats(
        "table",
        [5, 6],
        Array.from({ length: 30 }, (_, i) => i / 10),
      ),
      floats(
        "w",
        [6, 2],
        Array.from({ length: 12 }, (_, i) => i / 7),
      ),
      ints("zero", 0),
      ints("one", 1),
      ints("two", 2),
      ints("rows", -1, 6),
      ints("last", -1),
      ints("far", 2 ** 40),
    ],
    nodes: [
      node("Gather", "table ids", "x"),
      node("Shape", "x", "sizes"),
      node("Slice", "sizes zero two zero", "lead"),
      node("Concat", "lead two", "to", { axis: 0 }),
      node("Reshape", "x rows", "flat"),
      node("MatMul", "flat w", "product"),
      node("Reshape", "product to", "scores"),
      node("ConstantOfShape", "to", "zeros"),
      node("Add", "scores zeros", "sum"),
      node("Slice", "sum last far one", "end"),
      node("Expand", "end to", "wide"),
      node("Tile", "one two", "ones"),
      node("Range", "zero one one", "range"),
      node("Softmax", "wide", "y", { axis: -1 }),
    ],
  });

const files = (): Uint8Array[] => {
  const own = sentiment({ words: 20, size: 3, units: 4 });
  const small = sentiment({ words: 40, size: 32, units: 8 });
  const reverse = recurrent("lstm", { lengths: true, initialH: true, P: true, direction: "reverse" });
  const both = recurrentBothWays("gru", {
    linearBeforeReset: true,
    recurrentBias: true,
    initialH: true,
    lengths: true,
  });
  const cell = trainedOf(sequential([layerInput({ shape: ["time", 2], lengths: true }), rnn(minGru({ units: 2 }))]));
  return [
    graphToOnnx(both.graph, both.state),
    exportOnnx(cell),
    exportOnnx(trees()),
    spelledOut(),
    graphToOnnx(own.graph, own.state),
    ...(["float16", "int8"] as const).map((weights) => graphToOnnx(small.graph, small.state, { weights })),
    graphToOnnx(reverse.graph, reverse.state, { opset: 22 }),
    ...Object.values(cases).map(bytesOf),
    ...foreignFiles().map(([, bytes]) => bytes),
  ];
};

/** Hostile numbers and names. */
const oddNumbers = [0, 1, -1, 2, 7, 100, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 40, -(2 ** 40), 2 ** 62];
const oddOperators = [
  "Reshape",
  "Expand",
  "Tile",
  "Range",
  "ConstantOfShape",
  "Concat",
  "Gather",
  "Slice",
  "Squeeze",
  "Transpose",
  "MatMul",
  "Loop",
  "If",
  "__proto__",
];

type Tree = Record<string, unknown> | unknown[];

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !ArrayBuffer.isView(value);

/** All lists and messages of a file; the whole file comes first. */
function treesIn(tree: Tree): Tree[] {
  const inner = Object.values(tree).filter(isTree);
  return [tree, ...inner.flatMap(treesIn)];
}

/** Changes a number, a name, or the contents of a list. */
function changeOne(trees: readonly Tree[], names: readonly string[], random: RandomStream): void {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const tree = pick(trees);
  const keys = Object.keys(tree);
  if (keys.length === 0) return;
  const key = pick(keys) as never;
  const value: unknown = tree[key];
  if (typeof value === "number") {
    (tree as Record<string, unknown>)[key] = pick(oddNumbers);
  } else if (typeof value === "string") {
    (tree as Record<string, unknown>)[key] = key === "op" ? pick(oddOperators) : pick(names);
  } else if (Array.isArray(tree)) {
    if (random.below(2) === 0) tree.splice(Number(key), 1);
    else tree.splice(random.below(tree.length), 0, pick(tree));
  } else if (random.below(4) === 0) delete tree[key];
}

/** A file with valid parts that do not fit together. */
function rewritten(bytes: Uint8Array, _k: number, random: RandomStream): Uint8Array {
  const model = structuredClone(decodeOnnx(bytes)) as Tree & OnnxModel;
  const trees = treesIn(model);
  const nodes = model.graph?.nodes ?? [];
  const names = ["", ...nodes.flatMap(({ inputs = [], outputs = [] }) => [...inputs, ...outputs])];
  for (let count = 1 + random.below(3); count > 0; count--) changeOne(trees, names, random);
  return encodeOnnx(model);
}

/** Reads a file in both ways. @throws the last typed error, or immediately any other error */
function readBoth(bytes: Uint8Array): void {
  let refused: unknown;
  for (const read of [importOnnx, graphFromOnnx])
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof OstinatoError)) throw error;
      refused = error;
    }
  if (refused !== undefined) throw refused;
}

/** Damages the files a given number of times, half of them bytewise. @returns the numbers of files that were rejected and that were read */
export async function damageOften(
  count: number,
  seed: number,
): Promise<{ readonly refused: number; readonly read: number }> {
  // The table of all 16-bit numbers is created once, independently of the file.
  for (const type of ["F16", "BF16"] as const) tensorOver({ name: "first", type, shape: [1] }, new Uint8Array(2));
  const random = new RandomStream(seed, "onnx");
  const bytewise = await expectHarmless(files(), readBoth, count / 2, random);
  const byParts = await expectHarmless(files(), readBoth, count / 2, random, rewritten);
  return { refused: bytewise.refused + byParts.refused, read: bytewise.read + byParts.read };
}
