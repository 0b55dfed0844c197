/** The trees: generated ListOps or the user's files, their split into parts, and the record of them in a model. */
import { createHash } from "node:crypto";
import { shownCount, shownLabel, UsageError } from "@ostinato/app";
import {
  DatasetError,
  DatasetFormatError,
  generateListOps,
  type LabelledTree,
  listOpsTree,
  readTrees,
  shuffledIndices,
} from "@ostinato/datasets";

export const tasks = ["listops"] as const;

/** Where trees come from: a file, or else ListOps. */
export interface DataOptions {
  readonly data?: string;
  /** A file of trees to validate with. */
  readonly validation?: string;
  /** A tree of a file may take several lines. */
  readonly multiline?: true;
  readonly limit?: number;
  readonly seed: number;
}

/** The record in a model of the trees that it was trained on. */
export interface DataRecord {
  readonly kind: "listops" | "file";
  /** Differs for other trees. */
  readonly digest: string;
}

export function isDataRecord(data: unknown): data is DataRecord {
  if (typeof data !== "object" || data === null || !("kind" in data) || !("digest" in data)) return false;
  return (data.kind === "listops" || data.kind === "file") && typeof data.digest === "string";
}

/** The limits of a model. */
export interface TreeLimits {
  /** The labels that it knows. */
  readonly labels: readonly string[];
  /** The most children of a node; null: any number. */
  readonly arity: number | null;
}

export interface TrainingData {
  readonly record: DataRecord;
  readonly train: readonly LabelledTree[];
  readonly validation: readonly LabelledTree[];
  /** The labels of the training trees in order. */
  readonly labels: readonly string[];
  /** The most children of a node, in training and in validation. */
  readonly arity: number;
  /** The tree that has that node, for errors. */
  readonly widest: string;
}

/** The fewest trees to train and validate with. */
export const fewestTrees = 20;
/** A tenth of the trees is kept for validation, but at most this many. */
const mostKept = 1000;

/** Expressions of ListOps, the same for every seed of a training: 90,000 to train with, 10,000 to test with. */
function generated(part: "train" | "test"): LabelledTree[] {
  return generateListOps({ seed: 1 })[part].map((expression) => listOpsTree(expression, { labels: "lists" }));
}

/** Trees for training and validation. Throws `UsageError` for data that cannot be used for training. */
export async function readTrainingData(options: DataOptions): Promise<TrainingData> {
  const { data, validation: file, limit, seed, multiline } = options;
  const where = data === undefined ? "ListOps" : `--data ${data}:`;
  const all = data === undefined ? generated("train") : await readFile(data, "--data", multiline);
  const rows = shuffledIndices(all.length, seed).subarray(0, limit);
  const drawn = Array.from(rows, (row) => all[row] as LabelledTree);
  const kept = file === undefined ? Math.min(mostKept, Math.ceil(drawn.length / 10)) : 0;
  const train = drawn.slice(kept);
  if (drawn.length < fewestTrees)
    throw new UsageError(`${where} has ${shownTrees(drawn.length)}; give at least ${fewestTrees}`);
  const labels = labelsOf(train);
  if (labels.length < 2) throw new UsageError(`${where} has only one label, "${labels[0]}"; there is nothing to learn`);
  const validation = file === undefined ? drawn.slice(0, kept) : await readFile(file, "--validation", multiline);
  requireLabels(
    validation,
    labels,
    file === undefined ? `${where} has, among the trees kept for validation,` : `--validation ${file}: has`,
  );
  const drawnArity = mostChildrenIn(drawn);
  const otherArity = file === undefined ? { arity: 0, row: 0 } : mostChildrenIn(validation);
  const widest =
    drawnArity.arity >= otherArity.arity
      ? `tree ${(rows[drawnArity.row] as number) + 1} of ${data === undefined ? "ListOps" : `--data ${data}`}`
      : `tree ${otherArity.row + 1} of --validation ${file}`;
  const arity = Math.max(1, drawnArity.arity, otherArity.arity);
  const record = { kind: data === undefined ? "listops" : "file", digest: digestOf(drawn) } as const;
  return { record, train, validation, labels, arity, widest };
}

/** Trees to test a model with: those of a file, or the test trees of ListOps. Throws `UsageError`. */
export async function readTestTrees(
  data: string | undefined,
  trainedOn: DataRecord,
  limits: TreeLimits,
  multiline?: true,
): Promise<readonly LabelledTree[]> {
  if (data === undefined && trainedOn.kind === "file")
    throw new UsageError("the model was trained on trees from a file; give other trees to test it with: --data FILE");
  const where = data === undefined ? "ListOps has" : `--data ${data}: has`;
  const trees = data === undefined ? generated("test") : await readFile(data, "--data", multiline);
  requireLabels(trees, limits.labels, where);
  for (const [row, tree] of trees.entries()) {
    const problem = tooWide(tree, limits);
    if (problem !== undefined) throw new UsageError(`${where} ${problem}, in tree ${row + 1}`);
  }
  return trees;
}

async function readFile(path: string, option: string, multiline = false): Promise<LabelledTree[]> {
  try {
    return await readTrees(path, { multiline });
  } catch (error) {
    // These name the file first, as the errors above do.
    if (error instanceof DatasetFormatError) throw new UsageError(`${option} ${error.message}`, { cause: error });
    if (error instanceof DatasetError) throw new UsageError(`${option}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The most children of a node. */
function arityOf({ parents }: LabelledTree): number {
  const children = new Int32Array(parents.length);
  for (const parent of parents) if (parent >= 0) children[parent] = (children[parent] as number) + 1;
  return children.reduce((most, count) => Math.max(most, count), 0);
}

/** The most children of a node in any tree, and the row of the first tree with so many. */
function mostChildrenIn(trees: readonly LabelledTree[]): { readonly arity: number; readonly row: number } {
  let widest = { arity: 0, row: 0 };
  for (const [row, tree] of trees.entries()) {
    const arity = arityOf(tree);
    if (arity > widest.arity) widest = { arity, row };
  }
  return widest;
}

/** "1 tree", "2,000 trees". */
export const shownTrees = (count: number): string => `${shownCount(count)} ${count === 1 ? "tree" : "trees"}`;

/** Why a model cannot read a tree; undefined where it can. */
export function tooWide(tree: LabelledTree, { arity }: TreeLimits): string | undefined {
  const children = arityOf(tree);
  return arity === null || children <= arity
    ? undefined
    : `a node with ${children} children, and the model takes up to ${arity}`;
}

/** Numbers by their size, else by the alphabet. */
function labelsOf(trees: readonly LabelledTree[]): string[] {
  const labels = new Set<string>();
  for (const tree of trees) for (const label of tree.labels) if (label !== null) labels.add(label);
  const numbers = [...labels].every((label) => /^\d+$/.test(label));
  return [...labels].sort(numbers ? (a, b) => Number(a) - Number(b) : undefined);
}

/** Throws `UsageError` for a label that is not among those of training. */
function requireLabels(trees: readonly LabelledTree[], known: readonly string[], have: string): void {
  const labels = new Set<string | null>([...known, null]);
  for (const [row, tree] of trees.entries()) {
    const other = tree.labels.find((label) => !labels.has(label));
    if (other === undefined) continue;
    const shown = known.slice(0, 10).map(shownLabel).join(", ") + (known.length > 10 ? ", …" : "");
    throw new UsageError(
      `${have} the label "${shownLabel(other ?? "")}", in tree ${row + 1}, which is not among the labels of training: ${shown}`,
    );
  }
}

/** The same for the same trees in the same order. */
function digestOf(trees: readonly LabelledTree[]): string {
  const hash = createHash("sha256");
  for (const { words, labels, parents } of trees) hash.update(JSON.stringify([words, labels, parents]));
  return hash.digest("hex").slice(0, 32);
}
