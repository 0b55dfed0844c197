/** Dependency trees in CoNLL-U, where each word has the number of its head: reading and writing them. */
import { conlluColumns, conlluRange } from "../conllu-columns.ts";
import { DatasetFormatError, DatasetOptionError, refuseUnknown, TreeFormatError } from "../errors.ts";
import { columnOf, quoted } from "../excerpt.ts";
import { readError } from "../read-error.ts";
import { boundedLines } from "../tables/bounded-lines.ts";
import { childrenOf, type LabelledTree, mostNodes } from "./tree.ts";
import { writeLines } from "./write-lines.ts";

/** A column that has text for each word. */
export type ConlluColumn = Exclude<(typeof conlluColumns)[number], "ID" | "HEAD">;

/** Options of `readDependencyTrees` and `dependencyTreesOf`. */
export interface DependencyTreeOptions {
  /** The column of the words. Default `FORM`. */
  readonly wordColumn?: ConlluColumn;
  /** The column of the labels, in which `_` stands for none. Default `DEPREL`. */
  readonly labelColumn?: ConlluColumn;
}

/** A word of a sentence that is being read. */
interface Row {
  readonly word: string;
  readonly label: string | null;
  /** From 1 on; 0 for the root. */
  readonly head: number;
  readonly line: Line;
}

/** A line of the file, from 1 on. */
interface Line {
  readonly text: string;
  readonly number: number;
}

const example = "a word on each line, in ten columns separated by tabs, and a blank line after each sentence";

/**
 * The dependency trees of a CoNLL-U file, one for each sentence, one after the other. Each node has a word, and its children are the words that depend on it, from left to right; `positions` has the places of words in the sentence.
 * Comments, ranges such as `1-2` (words that are written as one, whose parts follow) and empty nodes such as `8.1` are skipped.
 *
 * Throws `DatasetNotFoundError` where there is no file; `TreeFormatError`, with line and column, for a line without ten columns, words that are not numbered 1, 2, …, a head that is not a number or not in the sentence, heads
 * in a circle, and a sentence with several roots or none; and `DatasetFormatError` for a file that is empty, without a sentence or not UTF-8.
 *
 * @example
 * for await (const tree of dependencyTreesOf("en_ewt-ud-dev.conllu")) console.log(tree.words.at(-1)); // the root
 */
export async function* dependencyTreesOf(
  path: string,
  options: DependencyTreeOptions = {},
): AsyncGenerator<LabelledTree> {
  const columns = columnsOf("dependencyTreesOf", options);
  let rows: Row[] = [];
  let number = 0;
  let any = false;
  try {
    for await (const line of boundedLines(path)) {
      number += 1;
      if (line.trim() === "") {
        if (rows.length > 0) yield treeOf(path, rows);
        rows = [];
      } else if (!line.startsWith("#")) {
        const row = rowOf(path, { text: line, number }, columns, rows.length + 1);
        if (row === undefined) continue;
        rows.push(row);
        any = true;
      }
    }
    if (rows.length > 0) yield treeOf(path, rows);
  } catch (error) {
    throw readError(error, "CoNLL-U file", path, `give the path of a file with ${example}`);
  }
  if (!any) throw new DatasetFormatError(path, `has no sentence: CoNLL-U has ${example}`);
}

/**
 * All dependency trees of a CoNLL-U file; as `dependencyTreesOf`.
 *
 * @example
 * const trees = await readDependencyTrees("en_ewt-ud-train.conllu", { labelColumn: "UPOS" });
 */
export async function readDependencyTrees(path: string, options: DependencyTreeOptions = {}): Promise<LabelledTree[]> {
  columnsOf("readDependencyTrees", options);
  const trees: LabelledTree[] = [];
  for await (const tree of dependencyTreesOf(path, options)) trees.push(tree);
  return trees;
}

interface Columns {
  readonly word: number;
  readonly label: number;
}

function columnsOf(owner: string, options: DependencyTreeOptions): Columns {
  refuseUnknown(owner, options, { wordColumn: true, labelColumn: true } satisfies Record<
    keyof DependencyTreeOptions,
    true
  >);
  const index = (option: keyof DependencyTreeOptions, byDefault: ConlluColumn): number => {
    const name = options[option] ?? byDefault;
    const found = conlluColumns.indexOf(name);
    if (found >= 0 && found !== idColumn && found !== headColumn) return found;
    const texts = conlluColumns.filter((_, column) => column !== idColumn && column !== headColumn);
    throw new DatasetOptionError(option, `be one of ${texts.join(", ")}`, name);
  };
  const columns = { word: index("wordColumn", "FORM"), label: index("labelColumn", "DEPREL") };
  if (columns.word === columns.label)
    throw new DatasetOptionError("labelColumn", "be another column than wordColumn", conlluColumns[columns.label]);
  return columns;
}

const idColumn = 0;
const headColumn = 6;
/** As far as numbers of words go. */
const wholeNumber = /^(0|[1-9]\d{0,8})$/;

/** Throws with the place of a field. */
function fail(path: string, { text, number }: Line, field: number, problem: string): never {
  const before = text.split("\t", field).reduce((sum, each) => sum + each.length + 1, 0);
  throw new TreeFormatError(path, { line: number, column: columnOf(text, before), problem });
}

/** The word of a line; undefined for one that is no word of the tree. */
function rowOf(path: string, line: Line, { word, label }: Columns, expected: number): Row | undefined {
  const fields = line.text.split("\t");
  if (fields.length !== conlluColumns.length) {
    const found = fields.length === 1 ? "1 column" : `${fields.length} columns`;
    fail(path, line, 0, `the line has ${found}: CoNLL-U has ten, separated by tabs`);
  }
  const [id, head] = [fields[idColumn]!, fields[headColumn]!];
  if (conlluRange.test(id)) return undefined;
  if (id !== String(expected))
    fail(path, line, idColumn, `the number of the word is ${quoted(id)}: expected ${expected}`);
  if (expected > mostNodes) fail(path, line, idColumn, `the sentence has more than ${mostNodes} words`);
  for (const field of [word, label])
    if (fields[field] === "") fail(path, line, field, `there is no ${conlluColumns[field]}`);
  if (!wholeNumber.test(head))
    fail(path, line, headColumn, `the head is ${quoted(head)}: expected the number of a word, or 0 for the root`);
  return { word: fields[word]!, label: fields[label] === none ? null : fields[label]!, head: Number(head), line };
}

/** The tree of a sentence: each word behind those that depend on it. */
function treeOf(path: string, rows: readonly Row[]): LabelledTree {
  const starts = new Int32Array(rows.length + 2);
  let root: number | undefined;
  for (const [place, { head, line }] of rows.entries()) {
    if (head > rows.length)
      fail(path, line, headColumn, `the head is ${head}, and the last word of the sentence is ${rows.length}`);
    if (head === 0 && root !== undefined)
      fail(path, line, headColumn, `this is a second root, after word ${root + 1}: a sentence has one`);
    if (head === 0) root = place;
    starts[head + 1]! += 1;
  }
  if (root === undefined)
    return fail(path, rows[0]!.line, headColumn, "the sentence has no root: one word has the head 0");
  for (let head = 0; head <= rows.length; head++) starts[head + 1]! += starts[head]!;
  const next = starts.slice();
  // Of head `h` those from `starts[h]` on, from left to right; the root is alone at the beginning.
  const children = new Int32Array(rows.length);
  for (const [place, { head }] of rows.entries()) children[next[head]!++] = place;

  next.set(starts);
  /** The place of each node's word. */
  const positions: number[] = [];
  const nodeOf = new Int32Array(rows.length).fill(-1);
  const open = [root];
  while (open.length > 0) {
    const place = open.at(-1)!;
    const child = next[place + 1]!;
    if (child < starts[place + 2]!) {
      next[place + 1]! += 1;
      open.push(children[child]!);
    } else {
      nodeOf[place] = positions.length;
      positions.push(place);
      open.pop();
    }
  }
  if (positions.length < rows.length) {
    const { line, word } = rows[placeInCircle(rows, nodeOf.indexOf(-1))]!;
    fail(path, line, headColumn, `the heads lead in a circle from ${quoted(word)} to itself`);
  }
  return {
    words: positions.map((place) => rows[place]!.word),
    parents: positions.map((place) => (place === root ? -1 : nodeOf[rows[place]!.head - 1]!)),
    labels: positions.map((place) => rows[place]!.label),
    positions,
  };
}

/** The first word of the circle that the heads lead to from a word that no way leads to from the root. */
function placeInCircle(rows: readonly Row[], from: number): number {
  const headOf = (place: number) => rows[place]!.head - 1;
  let within = from;
  for (let step = 0; step < rows.length; step++) within = headOf(within);
  let first = within;
  for (let place = headOf(within); place !== within; place = headOf(place)) first = Math.min(first, place);
  return first;
}

const none = "_";

/**
 * A dependency tree as lines of CoNLL-U, which `readDependencyTrees` with the same options reads as the same tree: a line for each word, without a blank line at the end. Columns without data have `_`.
 *
 * Throws `DatasetOptionError` for a tree that has a node without a word, a word or label that is empty or has a tab or line end, the label `_`, which stands for none, or positions that are not 0, 1, … each once.
 *
 * @example
 * formatDependencyTree({ words: ["It", "works"], parents: [1, -1], labels: ["nsubj", "root"] });
 * // 1  It     _  _  _  _  2  nsubj  _  _
 * // 2  works  _  _  _  _  0  root   _  _
 */
export function formatDependencyTree(tree: LabelledTree, options: DependencyTreeOptions = {}): string {
  return linesOf(tree, columnsOf("formatDependencyTree", options));
}

/**
 * Writes dependency trees to a file as CoNLL-U, as `formatDependencyTree` does.
 *
 * @example
 * await writeDependencyTrees("parsed.conllu", trees);
 */
export async function writeDependencyTrees(
  path: string,
  trees: Iterable<LabelledTree> | AsyncIterable<LabelledTree>,
  options: DependencyTreeOptions = {},
): Promise<void> {
  const columns = columnsOf("writeDependencyTrees", options);
  await writeLines(path, trees, (tree) => `${linesOf(tree, columns)}\n`);
}

function linesOf(tree: LabelledTree, columns: Columns): string {
  childrenOf(tree);
  const { words, parents, labels } = tree;
  const positions = tree.positions ?? [...words.keys()];
  const nodes = new Int32Array(words.length).fill(-1);
  for (const [node, position] of positions.entries()) {
    if (nodes[position] !== -1)
      throw new DatasetOptionError("tree", `have the positions 0 to ${words.length - 1}, each once`, position);
    nodes[position] = node;
  }
  const lines = Array.from(nodes, (node, position) => {
    const fields = Array.from<string>(conlluColumns).fill(none);
    const parent = parents[node]!;
    fields[idColumn] = String(position + 1);
    fields[headColumn] = String(parent < 0 ? 0 : positions[parent]! + 1);
    fields[columns.word] = fieldOf("a word", words[node] ?? "", node);
    const label = labels[node] ?? null;
    if (label === none)
      throw new DatasetOptionError("tree", `have a label of node ${node} that does not stand for none`, label);
    if (label !== null) fields[columns.label] = fieldOf("a label", label, node);
    return fields.join("\t");
  });
  return lines.join("\n");
}

function fieldOf(what: string, text: string, node: number): string {
  if (text !== "" && !/[\t\n]/.test(text)) return text;
  throw new DatasetOptionError("tree", `have ${what} without tabs and line ends at node ${node}`, text);
}
