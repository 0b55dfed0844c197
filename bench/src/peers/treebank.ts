/** The trees that are measured: of the Stanford treebank, or drawn as large; the network over them, and what its contestants are given. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  adagrad,
  type Backend,
  compile,
  dense,
  embedding,
  encodeSafetensors,
  type Model,
  RandomStream,
  sequential,
  sparseCategoricalCrossentropy,
  type Tensors,
  treeLstm,
} from "@ostinato/core";
import { readTrees } from "@ostinato/datasets";
import { listener } from "./listener.ts";
import type { Flops } from "./network.ts";

export interface Treebank {
  /** One more than the words: 0 is a node without one. */
  readonly words: number;
  readonly embedding: number;
  readonly units: number;
  readonly classes: number;
  readonly batch: number;
  /** Trees of an epoch. */
  readonly trees: number;
}

/** Of the size of the treebank's training set, with the units of Tai, Socher and Manning (2015). */
export const treebank: Treebank = { words: 16_000, embedding: 300, units: 150, classes: 5, batch: 25, trees: 8544 };

/** A tree of ids. */
interface Tree {
  readonly values: readonly number[];
  readonly parents: readonly number[];
}

/** Trees with the label of each node. */
export interface TreeRows {
  readonly trees: readonly Tree[];
  readonly labels: readonly (readonly number[])[];
}

/** A binary Tree-LSTM over words, with a class at every node. */
function modelOf({ words, embedding: outputDim, units, classes }: Treebank): Model {
  return sequential([
    embedding({ inputDim: words, outputDim, maskZero: true, name: "words" }),
    treeLstm({ units, type: "nary", arity: 2, returnSequences: true, name: "tree" }),
    dense({ units: classes, activation: "softmax", name: "class" }),
  ]);
}

/** A trainer as all contestants train. */
export function treeTrainer(task: Treebank, backend: Backend, weights?: Tensors) {
  const objective = { loss: sparseCategoricalCrossentropy(), optimizer: adagrad({ learningRate: 0.05 }), seed: 1 };
  return compile(modelOf(task), { backend, ...objective, ...(weights ? { weights } : {}) });
}

/** Where the treebank lies beside this repository; it is not part of it. */
const folder = join(import.meta.dirname, "../../../../shared/data/sst");

/** The treebank's own trees where they are there: their most frequent words have ids, the others the last. */
async function readRows({ words, trees: count }: Treebank): Promise<TreeRows | undefined> {
  const file = join(folder, "train.txt");
  if (!existsSync(file)) return undefined;
  const read = (await readTrees(file)).slice(0, count);
  const counts = new Map<string, number>();
  for (const word of read.flatMap((tree) => tree.words))
    if (word !== null) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ids = new Map([...counts].sort((a, b) => b[1] - a[1]).map(([word], i) => [word, Math.min(i + 1, words - 1)]));
  return {
    trees: read.map((tree) => ({
      values: tree.words.map((word) => (word === null ? 0 : (ids.get(word) ?? 0))),
      parents: tree.parents,
    })),
    labels: read.map(({ labels }) => labels.map(Number)),
  };
}

/** A binary tree over so many words, cut at random: most often a few words from the left, as phrases of English branch to the right. */
function drawTree(leaves: number, random: RandomStream, words: number): Tree {
  const [values, parents]: [number[], number[]] = [[], []];
  const build = (count: number): number => {
    const reach = random.below(3) > 0 ? Math.min(3, count - 1) : count - 1;
    const left = count === 1 ? 0 : 1 + random.below(reach);
    const children = count === 1 ? [] : [build(left), build(count - left)];
    // Few words are frequent: the product of two numbers favours small ones.
    values.push(count === 1 ? 1 + Math.floor((random.below(words - 1) * random.below(words - 1)) / (words - 1)) : 0);
    const node = parents.push(-1) - 1;
    for (const child of children) parents[child] = node;
    return node;
  };
  build(leaves);
  return { values, parents };
}

/** Trees of 2 to 36 words, 19 on average. */
function drawRows({ words, classes, trees: count }: Treebank): TreeRows {
  const random = new RandomStream(2, "bench trees");
  const trees = Array.from({ length: count }, () => drawTree(2 + random.below(18) + random.below(18), random, words));
  return { trees, labels: trees.map(({ values }) => values.map(() => random.below(classes))) };
}

/** The rows, and where they are from. */
export async function treeRows(task: Treebank, drawn = false): Promise<{ rows: TreeRows; source: string }> {
  const rows = drawn ? undefined : await readRows(task);
  if (rows) return { rows, source: "the Stanford treebank's training set" };
  return { rows: drawRows(task), source: "drawn trees of the sizes of the Stanford treebank's, which is not there" };
}

export interface TreeJob {
  readonly task: Treebank;
  readonly rows: TreeRows;
  /** The safetensors file with the weights, by the names of the model's parameters. */
  readonly weights: string;
}

/** Writes a job with the weights that its model begins with; gives the file's path. */
export async function writeTreeJob(path: string, task: Treebank, rows: TreeRows): Promise<string> {
  await using fresh = await treeTrainer(task, listener());
  const weights = join(path, "trees.safetensors");
  await writeFile(weights, encodeSafetensors({ tensors: (await fresh.snapshot()).weights, metadata: {} }));
  const job: TreeJob = { task, rows, weights };
  const file = join(path, "trees.json");
  await writeFile(file, JSON.stringify(job));
  return file;
}

/** Multiplications and additions of the products that a training step needs on average: of words with W, of children with R, of nodes with the classes. */
export function treeFlops({ embedding, units, classes, batch }: Treebank, { trees }: TreeRows): Flops {
  const nodes = trees.reduce((sum, { parents }) => sum + parents.length, 0);
  const leaves = (nodes + trees.length) / 2;
  const products = leaves * embedding * 4 * units + (nodes - leaves) * 2 * units * 5 * units + nodes * units * classes;
  const forward = (2 * products * batch) / trees.length;
  return { forward, backward: 2 * forward };
}
