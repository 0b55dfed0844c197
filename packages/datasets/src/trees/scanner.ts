/** Trees out of lines with brackets, one character after the other: time grows with the text, and depth takes no recursion. */
import { TreeFormatError } from "../errors.ts";
import { columnOf, quoted } from "../excerpt.ts";
import { type LabelledTree, mostNodes } from "./tree.ts";

/**
 * Which brackets begin with a label:
 * - `"required"`: every one, `(3 (2 The) (4 film))`. The outermost may go without where it holds one tree, `( (S …) )`, as in files of the Penn Treebank.
 * - `"optional"`: those that begin with text, `((2 The) (4 film))`.
 * - `"none"`: none, `( ( The film ) works )`: all text is words.
 */
export type TreeLabels = keyof typeof treeLabels;
export const treeLabels = { required: true, optional: true, none: true } as const;

/** What a reader of trees is told. */
export interface ScannerOptions {
  readonly labels: TreeLabels;
  /** Where trees are: one on each line, anywhere between their brackets, or one in all. */
  readonly extent: "line" | "brackets" | "whole";
}

/** Reads line by line. */
export interface TreeScanner {
  /** The trees that end on this line. Throws `TreeFormatError`. */
  line(text: string, number: number): LabelledTree[];
  /** Throws `TreeFormatError` where a tree has begun and not ended. */
  end(): void;
}

/** A place in the file: its line from 1 on, and what the column is counted in. */
interface Place {
  readonly text: string;
  readonly at: number;
  readonly number: number;
}

/** A bracket that is open. */
interface Frame {
  readonly place: Place;
  /** Where its children begin among the nodes without a parent. */
  readonly firstChild: number;
  label: string | null;
  /** Its only word so far: that of the node, or of its first child where more follows. */
  word: string | null;
  /** Words and brackets within it. */
  items: number;
  /** Whether one of them is a bracket. */
  holdsBrackets: boolean;
}

export function treeScanner(file: string, { labels, extent }: ScannerOptions): TreeScanner {
  const isLabelled = labels !== "none";
  const open: Frame[] = [];
  /** Finished nodes whose parent is not finished. */
  const waiting: number[] = [];
  /** On this line, or of this text. */
  let ended = 0;
  let words: (string | null)[] = [];
  let nodeLabels: (string | null)[] = [];
  let parents: number[] = [];

  function fail(problem: string, { text, at, number }: Place): never {
    throw new TreeFormatError(file, { line: number, column: columnOf(text, at), problem });
  }

  function addNode(word: string | null, label: string | null, firstChild: number): void {
    const node = words.length;
    for (let child = firstChild; child < waiting.length; child++) parents[waiting[child]!] = node;
    waiting.length = firstChild;
    waiting.push(node);
    words.push(word);
    nodeLabels.push(label);
    parents.push(-1);
  }
  const addLeaf = (word: string): void => addNode(word, null, waiting.length);
  /** A second word or bracket makes the first word a child. */
  function settleWord(frame: Frame): void {
    if (frame.word !== null) addLeaf(frame.word);
    frame.word = null;
  }

  function opens(place: Place): void {
    const frame = open.at(-1);
    if (frame !== undefined) {
      if (isLabelled) {
        if (labels === "required" && frame.label === null && (open.length > 1 || frame.items > 0))
          fail(missingLabel, frame.place);
        if (frame.items > 0 && !frame.holdsBrackets) fail(wordBesideBrackets, place);
      }
      settleWord(frame);
      frame.items += 1;
      frame.holdsBrackets = true;
    }
    open.push({ place, firstChild: waiting.length, label: null, word: null, items: 0, holdsBrackets: false });
    checkSize(place);
  }

  function reads(raw: string, place: Place): void {
    const frame = open.at(-1);
    if (frame === undefined) fail(`${quoted(raw)} is outside any brackets`, place);
    if (isLabelled && frame.label === null && frame.items === 0) {
      frame.label = unescaped(raw);
      return;
    }
    if (isLabelled && frame.holdsBrackets) fail(wordBesideBrackets, place);
    const word = wordOf(raw);
    if (frame.items === 0) frame.word = word;
    else {
      settleWord(frame);
      addLeaf(word);
    }
    frame.items += 1;
    checkSize(place);
  }

  function closes(place: Place): LabelledTree | undefined {
    const frame = open.pop();
    if (frame === undefined)
      fail("this bracket closes nothing: an opening bracket is missing before it, or this one is too many", place);
    const { label, word, items, firstChild } = frame;
    if (items === 0) fail(label === null ? "the brackets are empty" : aloneProblem(label), frame.place);
    const isOuter = isLabelled && open.length === 0 && label === null && items === 1;
    if (!isOuter) addNode(word, label, firstChild);
    if (open.length > 0) return undefined;
    const tree = { words, parents, labels: nodeLabels };
    [words, nodeLabels, parents] = [[], [], []];
    waiting.length = 0;
    return tree;
  }

  function checkSize(place: Place): void {
    if (words.length + open.length > mostNodes) fail(`the tree has more than ${mostNodes} nodes`, place);
  }

  function checkEnd(): void {
    const first = open[0];
    if (first === undefined) return;
    const more =
      open.length === 1 ? "this bracket is not closed" : `this bracket and ${open.length - 1} within it are not closed`;
    fail(extent === "line" ? `${more} on its line; with multiline a tree may take several lines` : more, first.place);
  }

  return {
    line(text, number) {
      const trees: LabelledTree[] = [];
      if (extent === "line") ended = 0;
      for (let at = 0; at < text.length; ) {
        const code = text.charCodeAt(at);
        if (isSpace(code)) {
          at += 1;
          continue;
        }
        const place = { text, at, number };
        const isBracket = code === opening || code === closing;
        const end = isBracket ? at + 1 : atomEnd(text, at);
        const atom = isBracket ? "" : withoutNoBreakSpaces(text, at, end);
        at = end;
        if (!isBracket && atom === "") continue;
        if (extent !== "brackets" && ended > 0 && code !== closing)
          fail(
            `there is text after the tree: ${extent === "line" ? "a line holds one tree" : "expected only one"}`,
            place,
          );
        if (code === opening) opens(place);
        else if (code !== closing) reads(atom, place);
        else {
          const tree = closes(place);
          if (tree === undefined) continue;
          trees.push(tree);
          ended += 1;
        }
      }
      if (extent === "line") checkEnd();
      return trees;
    },
    end: checkEnd,
  };
}

const missingLabel = "this bracket has no label: expected (label word) or (label (label word) …)";
const wordBesideBrackets = "a bare word is next to a bracket: give the word its own brackets, (label word)";
const aloneProblem = (label: string) =>
  `${quoted(label)} is alone in its brackets: expected a label and a word, (label word)`;

const opening = 0x28;
const closing = 0x29;
const backslash = 0x5c;

/** White space that may be part of a word, as in the "1 1/2" of Stanford's tokenizer: U+00A0, U+2007, U+202F, U+FEFF. */
const isNoBreakSpace = (code: number): boolean =>
  code === 0xa0 || code === 0x2007 || code === 0x202f || code === 0xfeff;

/** All other white space of Unicode. */
function isSpace(code: number): boolean {
  if (code < 0x1680) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code >= 0x2000 && code <= 0x200a) return code !== 0x2007;
  return code === 0x1680 || code === 0x2028 || code === 0x2029 || code === 0x205f || code === 0x3000;
}

/** What a backslash takes its meaning from; before anything else it is a character. */
const escapable = /[()\\/*\-\s]/;
const isEscape = (text: string, at: number): boolean =>
  text.charCodeAt(at) === backslash && escapable.test(text.charAt(at + 1));

/** Where the label or word ends that begins here. */
function atomEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === opening || code === closing || isSpace(code)) break;
    at += isEscape(text, at) ? 2 : 1;
  }
  return at;
}

/** Those around a word are no part of it, unless they are escaped. */
function withoutNoBreakSpaces(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isNoBreakSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isNoBreakSpace(text.charCodeAt(end - 1)) && !(end - 2 >= start && isEscape(text, end - 2)))
    end -= 1;
  return text.slice(start, end);
}

const unescaped = (raw: string): string => raw.replace(/\\([()\\/*\-\s])/g, "$1");

/** The Penn Treebank's names of brackets. */
const bracketNames: Readonly<Record<string, string>> = {
  "-LRB-": "(",
  "-RRB-": ")",
  "-LSB-": "[",
  "-RSB-": "]",
  "-LCB-": "{",
  "-RCB-": "}",
};

const wordOf = (raw: string): string =>
  raw.replace(/\\([()\\/*\-\s])|-[LR][RSC]B-/g, (match, escaped?: string) => escaped ?? bracketNames[match] ?? match);
