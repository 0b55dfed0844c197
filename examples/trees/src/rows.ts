/** Trees as rows of a model, and its outputs as probabilities for nodes. A row is a whole tree, or for a linear network the words under a node. */
import type { Examples, Predictor } from "@ostinato/core";
import { encodeTrees, type LabelledTree } from "@ostinato/datasets";
import type { Vocabulary } from "@ostinato/text";

/** How a model reads trees. */
export interface Reading {
  readonly vocabulary: Vocabulary;
  /** The labels in the order of their numbers. */
  readonly labels: readonly string[];
  /** Whether it reads the words under a node, without the tree. */
  readonly linear: boolean;
}

/** The nodes that a model learns from: all with a label, or only the roots. */
export const nodeChoices = ["all", "root"] as const;
export type NodeChoice = (typeof nodeChoices)[number];

/** Rows with their labels. */
export interface LabelledRows {
  readonly examples: Examples;
  readonly rows: number;
}

/** The rows of labelled trees. Nodes without a label, and with `"root"` all but the roots, have a weight of 0. */
export function examplesOf(reading: Reading, trees: readonly LabelledTree[], choice: NodeChoice): LabelledRows {
  const ids = new Map(reading.labels.map((label, id) => [label, id]));
  const idOf = (label: string | null): number => ids.get(label ?? "") ?? 0;
  if (reading.linear) {
    const nodes = trees.map((tree) => labelledNodes(tree, choice));
    const x = spans(reading, trees, nodes);
    const y = trees.flatMap((tree, row) => (nodes[row] ?? []).map((node) => idOf(tree.labels[node] ?? null)));
    return { examples: { x, y }, rows: y.length };
  }
  const x = encodeTrees(reading.vocabulary, trees);
  const y = trees.map(({ labels }) => Int32Array.from(labels, idOf));
  return { examples: { x, y, ...weightsOf(trees, choice) }, rows: trees.length };
}

/** The most steps of a batch for each of its trees: nodes, or words of all its rows. Trees of sentences and of ListOps have fewer; batches with larger ones have fewer rows. */
const stepsOfTree = { tree: 512, linear: 2048 } as const;

/** How many rows are a batch, those of so many trees on average; and how many steps, as all are padded to the longest: a huge tree is a batch by itself. */
export function batchesFor({ linear }: Reading, rows: number, trees: number, batchTrees: number) {
  return {
    batchSize: Math.max(1, Math.round((batchTrees * rows) / trees)),
    batchTokens: batchTrees * stepsOfTree[linear ? "linear" : "tree"],
  };
}

/** The nodes of a tree with a label, or its root. */
export function labelledNodes({ labels }: LabelledTree, choice: NodeChoice = "all"): number[] {
  const root = labels.length - 1;
  if (choice === "root") return [root];
  return Array.from(labels.keys()).filter((node) => node === root || labels[node] !== null);
}

/** The words of trees, and how many of them a model does not know. */
export function countWords({ vocabulary }: Reading, trees: readonly LabelledTree[]) {
  let [words, unknown] = [0, 0];
  for (const { values } of encodeTrees(vocabulary, trees)) {
    for (const id of values) {
      if (id !== 0) words += 1;
      if (id === vocabulary.unknownId) unknown += 1;
    }
  }
  return { words, unknown };
}

/** The weight of each node: 0 without a label; otherwise such that the mean over all nodes is the mean over those with labels. Absent if all nodes count. */
function weightsOf(trees: readonly LabelledTree[], choice: NodeChoice): Pick<Examples, "sampleWeights"> {
  const labelled = trees.map((tree) => labelledNodes(tree, choice));
  const count = (lists: readonly { readonly length: number }[]) => lists.reduce((sum, { length }) => sum + length, 0);
  const weight = count(trees.map(({ labels }) => labels)) / count(labelled);
  if (weight === 1) return {};
  const weightsIn = ({ labels }: LabelledTree, row: number) => {
    const weights = new Float32Array(labels.length);
    for (const node of labelled[row] ?? []) weights[node] = weight;
    return weights;
  };
  return { sampleWeights: trees.map(weightsIn) };
}

/** The ids of the words at and under the chosen nodes: a row for each node, in order. */
function spans({ vocabulary }: Reading, trees: readonly LabelledTree[], nodes: ChosenNodes): Int32Array[] {
  return encodeTrees(vocabulary, trees).flatMap(({ values, parents }, row) => {
    // The nodes below a node are those that come right before it.
    const first = Int32Array.from(values.keys());
    for (const [node, parent] of parents.entries()) {
      if (parent >= 0) first[parent] = Math.min(first[parent] as number, first[node] as number);
    }
    return (nodes[row] ?? []).map((node) => values.subarray(first[node], node + 1).filter((id) => id !== 0));
  });
}

/** The predictions for a tree. */
export interface Answer {
  readonly tree: LabelledTree;
  /** The probability of each label, for each chosen node. */
  readonly nodes: ReadonlyMap<number, Float32Array>;
}

/** The chosen nodes of each tree. A network over trees predicts for all nodes at once. */
type ChosenNodes = readonly (readonly number[])[];

/** The input rows of a model for the chosen nodes of trees. */
export function inputsFor(reading: Reading, trees: readonly LabelledTree[], nodes: ChosenNodes) {
  return reading.linear ? spans(reading, trees, nodes) : encodeTrees(reading.vocabulary, trees);
}

/** Trees in one call of `predict`: its answers are as long as the longest of them. */
const together = 128;
/** The most steps of a batch. */
const batchTokens = 2 ** 14;

/** Predicts for the nodes of trees that `choose` selects, some trees at a time; `onAnswers` gets the number of such steps done, and of all. */
export async function* answersFor(
  reading: Reading,
  predictor: Predictor,
  trees: readonly LabelledTree[],
  choose: (tree: LabelledTree) => readonly number[],
  onAnswers: (step: number, steps: number) => Promise<void> = async () => {},
): AsyncGenerator<Answer[]> {
  for (let from = 0; from < trees.length; from += together) {
    const part = trees.slice(from, from + together);
    const nodes = part.map(choose);
    const { data, shape } = await predictor.predict(inputsFor(reading, part, nodes), { batchTokens });
    const [steps, labels] = [shape.length > 2 ? (shape[1] as number) : 0, shape.at(-1) as number];
    let row = 0;
    const rowOf = (tree: number, node: number) => (reading.linear ? row++ : tree * steps + node);
    yield part.map((tree, i) => {
      const probabilities = (nodes[i] ?? []).map((node) => {
        const at = labels * rowOf(i, node);
        return [node, data.subarray(at, at + labels)] as const;
      });
      return { tree, nodes: new Map(probabilities) };
    });
    await onAnswers(from / together + 1, Math.ceil(trees.length / together));
  }
}

/** The most probable label of a node. */
export function labelIn(
  { labels }: Reading,
  probabilities: Float32Array,
): { readonly label: string; readonly probability: number } {
  const probability = probabilities.reduce((most, each) => Math.max(most, each));
  return { label: labels[probabilities.indexOf(probability)] as string, probability };
}
