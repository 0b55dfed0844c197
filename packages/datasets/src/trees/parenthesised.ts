/** Trees in brackets, `(3 (2 The) (4 film))`: from files, from text, and back. */
import { DatasetFormatError, DatasetOptionError, refuseUnknown, TreeFormatError } from "../errors.ts";
import { readError } from "../read-error.ts";
import { boundedLines } from "../tables/bounded-lines.ts";
import { type TreeLabels, treeLabels, treeScanner } from "./scanner.ts";
import { childrenOf, type LabelledTree } from "./tree.ts";
import { writeLines } from "./write-lines.ts";

/** Options of `readTrees` and `treesOf`. */
export interface TreeOptions {
  /**
   * Which brackets begin with a label. Default `"required"`: every bracket, `(3 (2 The) (4 film))`, except an outermost one that holds a single tree, `( (S …) )`, as in files of the Penn Treebank; the reader drops this bracket.
   * `"optional"`: brackets that begin with text, `((2 The) (4 film))`. `"none"`: no bracket; all text is words, `( ( The film ) works )`.
   */
  readonly labels?: TreeLabels;
  /** Whether to find trees by their brackets, so that a tree may take several lines, and a line may hold several trees. Default false: one tree on each line. */
  readonly multiline?: boolean;
}

/** Options of `parseTree`. */
export interface ParseTreeOptions {
  /** As of `readTrees`. */
  readonly labels?: TreeLabels;
  /** The name of the source of the text, for errors. Default "tree". */
  readonly file?: string;
  /** The line at which it begins there, for errors. Default 1. */
  readonly line?: number;
}

/** Options of `formatTree` and `writeTrees`. */
export interface FormatTreeOptions {
  /** As of `readTrees`; with `"none"` labels are left out. */
  readonly labels?: TreeLabels;
}

/**
 * The trees of a file, one after the other: a file may be larger than memory. Brackets hold a label and a word, `(2 The)`, or a label and brackets, `(3 (2 The) (4 film))`; labels may be numbers or words. Several words in one
 * bracket, `(4 good film)`, are children without labels. Blank lines are skipped; lines may end in CR LF.
 *
 * White space of any kind separates, but no-break spaces within a word belong to it. `-LRB-` and `-RRB-` within words are brackets (`-LSB-`, `-LCB-` and so on likewise), and `\(`, `\)`, `\/`, `\*`, `\\` and a backslash
 * before a space stand for the character behind the backslash.
 *
 * Throws `DatasetNotFoundError` where there is no file; `TreeFormatError`, with line and column, for a missing or extra bracket, text after a tree, empty brackets, a missing label, a label without a word, a bare word
 * next to a bracket, and a tree with more than 1,000,000 nodes or levels; and `DatasetFormatError` for a file that is empty, without a tree or not UTF-8, and a line of more than 16 MiB.
 *
 * @example
 * for await (const { words, labels, parents } of treesOf("train.txt")) console.log(labels.at(-1)); // of the root
 */
export async function* treesOf(path: string, options: TreeOptions = {}): AsyncGenerator<LabelledTree> {
  const { labels, multiline = false } = checked("treesOf", options, { labels: true, multiline: true });
  const scanner = treeScanner(path, { labels, extent: multiline ? "brackets" : "line" });
  let any = false;
  let number = 0;
  try {
    for await (const line of boundedLines(path)) {
      number += 1;
      for (const tree of scanner.line(line, number)) {
        any = true;
        yield tree;
      }
    }
    scanner.end();
  } catch (error) {
    throw readError(error, "trees", path, `give the path of a file with a tree on each line, such as ${example}`);
  }
  if (!any) throw new DatasetFormatError(path, `has no tree: a tree on each line is wanted, such as ${example}`);
}

/**
 * All trees of a file; as `treesOf`.
 *
 * @example
 * const trees = await readTrees("train.txt"); // a tree on each line
 * const sections = await readTrees("wsj_0001.mrg", { multiline: true });
 */
export async function readTrees(path: string, options: TreeOptions = {}): Promise<LabelledTree[]> {
  checked("readTrees", options, { labels: true, multiline: true });
  const trees: LabelledTree[] = [];
  for await (const tree of treesOf(path, options)) trees.push(tree);
  return trees;
}

/**
 * The tree that a text holds, on one line or several. Otherwise as `treesOf`.
 *
 * Throws `TreeFormatError` with line and column, also for a text with no tree or with several.
 *
 * @example
 * parseTree("(3 (2 The) (4 film))"); // { words: ["The", "film", null], labels: ["2", "4", "3"], parents: [2, 2, -1] }
 */
export function parseTree(text: string, options: ParseTreeOptions = {}): LabelledTree {
  const { labels, file = "tree", line = 1 } = checked("parseTree", options, { labels: true, file: true, line: true });
  if (typeof text !== "string") throw new DatasetOptionError("text", "be a string", text);
  const scanner = treeScanner(file, { labels, extent: "whole" });
  const [tree] = text.split(/\r?\n/).flatMap((part, index) => scanner.line(part, line + index));
  scanner.end();
  if (tree !== undefined) return tree;
  throw new TreeFormatError(file, { line, column: 1, problem: `there is no tree: one is wanted, such as ${example}` });
}

/**
 * A tree as one line of text. `parseTree` with the same `labels` reads it as the same tree. Brackets that are words are written `-LRB-` and `-RRB-`; others in words and labels, white space and backslashes have a backslash before them.
 *
 * Throws `DatasetOptionError` for a tree that cannot be written in brackets: a node with both a word and children, or neither; a missing label; a word or label that is empty or has a line end; and
 * words without labels where they would be read as something else.
 *
 * @example
 * formatTree(tree); // "(3 (2 The) (4 film))"
 * formatTree(tree, { labels: "none" }); // "(The film)"
 */
export function formatTree(tree: LabelledTree, options: FormatTreeOptions = {}): string {
  const { labels } = checked("formatTree", options, { labels: true });
  return formatted(tree, labels);
}

/**
 * Writes trees to a file, a tree on each line, as `formatTree` does.
 *
 * @example
 * await writeTrees("trees.txt", trees);
 */
export async function writeTrees(
  path: string,
  trees: Iterable<LabelledTree> | AsyncIterable<LabelledTree>,
  options: FormatTreeOptions = {},
): Promise<void> {
  const { labels } = checked("writeTrees", options, { labels: true });
  await writeLines(path, trees, (tree) => formatted(tree, labels));
}

function formatted(tree: LabelledTree, mode: TreeLabels): string {
  const { starts, children } = childrenOf(tree);
  const { words, labels } = tree;
  const isLabelled = mode !== "none";
  const root = words.length - 1;
  const isLeaf = (node: number) => starts[node] === starts[node + 1];
  const labelOf = (node: number) => (isLabelled ? (labels[node] ?? null) : null);
  const isBare = (node: number) => isLeaf(node) && labelOf(node) === null;

  /** The text of a leaf, and what is before the children of another node. */
  const beginning = (node: number): string => {
    const [word, label] = [words[node] ?? null, labelOf(node)];
    if (word === null && isLeaf(node)) refuse(`have a word or children at node ${node}`, word);
    if (word !== null && !isLeaf(node)) refuse(`have no word at node ${node}, which has children`, word);
    if (isLeaf(node)) {
      const text = written(wordText, word ?? "", node);
      if (label !== null) return `(${written(labelText, label, node)} ${text})`;
      if (node !== root) return text;
      return isLabelled ? refuse(`have a label at node ${node}`, null) : `(${text})`;
    }
    const held = children.subarray(starts[node]!, starts[node + 1]!);
    const bare = held.reduce((sum, child) => sum + (isBare(child) ? 1 : 0), 0);
    if (bare > 0 && (held.length === 1 || (isLabelled && (bare < held.length || label === null))))
      refuse(`have a label at node ${held.find(isBare)}, whose word could not be told from other things`, null);
    if (label !== null) return `(${written(labelText, label, node)} `;
    if (mode === "required") return refuse(`have a label at node ${node}`, null);
    // Outermost brackets around one tree would be left out in reading.
    return isLabelled && node === root && held.length === 1 ? "((" : "(";
  };

  const pieces = [beginning(root)];
  /** The nodes whose children are being written, and how many of these are. */
  const path = isLeaf(root) ? [] : [root];
  const next = starts.slice();
  while (path.length > 0) {
    const node = path.at(-1)!;
    const place = next[node]!++;
    if (place === starts[node + 1]) {
      pieces.push(")");
      path.pop();
      continue;
    }
    const child = children[place]!;
    if (place > starts[node]!) pieces.push(" ");
    pieces.push(beginning(child));
    if (!isLeaf(child)) path.push(child);
  }
  if (pieces[0] === "((") pieces.push(")");
  return pieces.join("");
}

function refuse(rule: string, value: string | null): never {
  throw new DatasetOptionError("tree", rule, value);
}

function written(write: (text: string) => string, text: string, node: number): string {
  if (text === "" || text.includes("\n")) refuse(`have text without line ends at node ${node}`, text);
  return write(text);
}

const labelText = (label: string): string => label.replace(/[()\\\s]/g, "\\$&");

function wordText(word: string): string {
  if (word === "(") return "-LRB-";
  if (word === ")") return "-RRB-";
  return word.replace(/[()\\\s]|-(?=[LR][RSC]B-)/g, "\\$&");
}

const example = "(3 (2 The) (4 film))";

/** The options with their defaults. */
function checked<O extends { readonly labels?: TreeLabels; readonly multiline?: boolean }>(
  owner: string,
  options: O,
  known: Record<keyof O, true>,
): O & { readonly labels: TreeLabels } {
  refuseUnknown(owner, options, known);
  const { labels = "required", multiline = false } = options;
  if (!Object.hasOwn(treeLabels, labels))
    throw new DatasetOptionError("labels", `be one of ${Object.keys(treeLabels).join(", ")}`, labels);
  if (typeof multiline !== "boolean") throw new DatasetOptionError("multiline", "be true or false", multiline);
  return { ...options, labels };
}
