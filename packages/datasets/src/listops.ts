/** ListOps (Nangia & Bowman 2018): nested lists of numbers, whose values can only be found by their structure. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";
import { DatasetOptionError, refuseUnknown } from "./errors.ts";
import { shuffledIndices } from "./shuffle.ts";
import type { LabelledTree } from "./trees/tree.ts";

/** What becomes of the values of a list. */
const operators = {
  "[MAX": (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value)),
  "[MIN": (values: readonly number[]) => values.reduce((least, value) => Math.min(least, value)),
  /** Of an even number of values the mean of the two in the middle, rounded down. */
  "[MED": (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) >> 1;
  },
  "[SM": (values: readonly number[]) => values.reduce((sum, value) => sum + value) % 10,
} as const;
type Operator = keyof typeof operators;
const operatorNames = Object.keys(operators) as Operator[];
const isOperator = (token: string): token is Operator => Object.hasOwn(operators, token);
const listEnd = "]";

/** An argument is a list with this probability, else a number. */
const listProbability = 0.25;

/** The most expressions, of all parts together. */
const mostExpressions = 10_000_000;
/** After this many draws in a row that brought nothing new, there are no more expressions to be had. */
const mostRepeats = 10_000;

/** Options of `generateListOps`. */
export interface ListOpsOptions {
  /** Expressions to train with. Default 90,000. */
  readonly train?: number;
  /** Expressions to validate with. Default 0. */
  readonly validation?: number;
  /** Expressions to test with. Default 10,000. */
  readonly test?: number;
  /** Draws them (a 32-bit integer). Default 0. */
  readonly seed?: number;
  /** The most levels. The outermost list is level 1, and the last level has only numbers. Default 6. */
  readonly maxDepth?: number;
  /** The most arguments of a list; it has at least 2. Default 5. */
  readonly maxArguments?: number;
}

/** Expressions such as `[MAX 2 9 [MIN 4 7 ] 0 ]`, no two alike. */
export interface ListOps {
  readonly train: readonly string[];
  readonly validation: readonly string[];
  readonly test: readonly string[];
}

/**
 * Draws expressions by the rules of Nangia and Bowman (2018): a list has 2 to 5 arguments and an operator, `[MAX`, `[MIN`, `[MED` (the median, rounded down) or `[SM` (the sum modulo 10); an argument is a list with a probability of
 * 0.25 and a number from 0 to 9 otherwise. All expressions are different, so no two parts share one. The same seed gives the same expressions on every machine.
 *
 * Throws `DatasetOptionError` for options that cannot work, such as more expressions than there are.
 *
 * @example
 * const { train, test } = generateListOps({ seed: 1 });
 * const x = train.map((expression) => listOpsTree(expression));
 */
export function generateListOps(options: ListOpsOptions = {}): ListOps {
  refuseUnknown("generateListOps", options, {
    train: true,
    validation: true,
    test: true,
    seed: true,
    maxDepth: true,
    maxArguments: true,
  } satisfies Record<keyof ListOpsOptions, true>);
  const { train = 90_000, validation = 0, test = 10_000, seed = 0, maxDepth = 6, maxArguments = 5 } = options;
  for (const [name, count] of Object.entries({ train, validation, test }))
    if (!(Number.isSafeInteger(count) && count >= 0))
      throw new DatasetOptionError(name, "be a whole number of at least 0", count);
  for (const [name, most] of Object.entries({ maxDepth, maxArguments }))
    if (!(Number.isSafeInteger(most) && most >= 2 && most <= 100))
      throw new DatasetOptionError(name, "be a whole number from 2 to 100", most);
  checkSize(maxDepth, maxArguments);
  const wanted = train + validation + test;
  const tooMany = (most: number, why: string) =>
    new DatasetOptionError("train", `be ${most} or less together with validation and test${why}`, wanted);
  if (wanted > mostExpressions) throw tooMany(mostExpressions, "");
  const order = shuffledIndices(wanted, seed);
  const draw = expressions(seed, maxDepth, maxArguments);
  const distinct = new Set<string>();
  for (let repeats = 0; distinct.size < wanted; ) {
    const before = distinct.size;
    distinct.add(draw());
    repeats = distinct.size > before ? 0 : repeats + 1;
    if (repeats === mostRepeats)
      throw tooMany(
        before,
        ` (no other expressions were found with maxDepth ${maxDepth} and maxArguments ${maxArguments})`,
      );
  }
  // What is likely comes first: the parts are drawn from all of it.
  const all = [...distinct];
  const part = (from: number, count: number) => Array.from(order.subarray(from, from + count), (index) => all[index]!);
  return {
    train: part(0, train),
    validation: part(train, validation),
    test: part(train + validation, test),
  };
}

/** The most lists that an expression may have on average. */
const mostLists = 10_000;

function checkSize(maxDepth: number, maxArguments: number): void {
  const growth = (listProbability * (2 + maxArguments)) / 2;
  let lists = 0;
  for (let level = 1; level < maxDepth; level++) lists += growth ** (level - 1);
  if (lists > mostLists)
    throw new DatasetOptionError(
      "maxDepth",
      `be less for up to ${maxArguments} arguments: lists would be huge`,
      maxDepth,
    );
}

/** Draws an expression with each call. */
function expressions(seed: number, maxDepth: number, maxArguments: number): () => string {
  const generator = mersenne(seed);
  const isList = () => generator.next() >>> 0 < listProbability * 2 ** 32;
  return () => {
    const tokens: string[] = [];
    /** For each list that is open the arguments that are to come. */
    const missing: number[] = [];
    do {
      const depth = missing.length + 1;
      if (depth === 1 || (depth < maxDepth && isList())) {
        tokens.push(operatorNames[uniformInt(generator, 0, operatorNames.length - 1)]!);
        missing.push(uniformInt(generator, 2, maxArguments));
        continue;
      }
      tokens.push(String(uniformInt(generator, 0, 9)));
      missing[missing.length - 1]! -= 1;
      while (missing.at(-1) === 0) {
        tokens.push(listEnd);
        missing.pop();
        if (missing.length > 0) missing[missing.length - 1]! -= 1;
      }
    } while (missing.length > 0);
    return tokens.join(" ");
  };
}

/**
 * The tokens of an expression in order, including its square brackets, for a net that reads sequences. Leaves out the round brackets that the published files add for the binary tree.
 *
 * @example
 * listOpsTokens("[MAX 2 9 ]"); // ["[MAX", "2", "9", "]"]
 * listOpsTokens("( ( ( [MAX 2 ) 9 ) ] )"); // the same
 */
export function listOpsTokens(expression: string): string[] {
  if (typeof expression !== "string")
    throw new DatasetOptionError("expression", `be a text such as "[MAX 2 9 ]"`, expression);
  return expression.split(" ").filter((token) => token !== "" && token !== "(" && token !== ")");
}

/** Options of `listOpsTree`. */
export interface ListOpsTreeOptions {
  /**
   * - `"binary"`, the default: the tree of the paper, `( ( ( [MAX 2 ) 9 ) ] )`. Every token is a leaf; each inner node joins the part of a list read so far with its next item.
   * - `"lists"`: an operator is the parent of its arguments.
   */
  readonly form?: keyof typeof forms;
  /** Which nodes have their value as a label: the root alone (the default), or every list. */
  readonly labels?: "root" | "lists";
}

/** A list that is being read. */
interface OpenList {
  readonly operator: Operator;
  /** Its place among the operators and numbers. */
  readonly position: number;
  readonly values: number[];
  /** The nodes that are to be joined to the next. */
  nodes: number[];
}

/** A tree that grows. */
interface Growing {
  readonly words: (string | null)[];
  readonly parents: number[];
  readonly labels: (string | null)[];
  readonly positions: number[];
}

function addNode(tree: Growing, word: string | null, children: readonly number[], position: number): number {
  const node = tree.words.length;
  for (const child of children) tree.parents[child] = node;
  tree.words.push(word);
  tree.parents.push(-1);
  tree.labels.push(null);
  tree.positions.push(position);
  return node;
}

/** What becomes a node: where a list begins, with each of its arguments, and where it ends. */
const forms = {
  binary: {
    begin: (tree: Growing, list: OpenList) => {
      list.nodes = [addNode(tree, list.operator, [], list.position)];
    },
    argument: (tree: Growing, list: OpenList, node: number) => {
      list.nodes = [addNode(tree, null, [...list.nodes, node], list.position)];
    },
    end: (tree: Growing, list: OpenList) => {
      const end = addNode(tree, listEnd, [], list.position);
      return addNode(tree, null, [...list.nodes, end], list.position);
    },
  },
  lists: {
    begin: () => {},
    argument: (_: Growing, list: OpenList, node: number) => {
      list.nodes.push(node);
    },
    end: (tree: Growing, list: OpenList) => addNode(tree, list.operator, list.nodes, list.position),
  },
} as const;

/**
 * The tree of an expression. The label of the root is the value of the expression, "0" to "9". With `labels: "lists"` the nodes of inner lists have their values as labels, too; other nodes have no label.
 *
 * Throws `DatasetOptionError` for text that is not an expression.
 *
 * @example
 * const tree = listOpsTree("[MAX 2 9 [MIN 4 7 ] 0 ]");
 * tree.labels.at(-1); // "9"
 * formatTree(tree, { labels: "none" }); // "((((([MAX 2) 9) ((([MIN 4) 7) ])) 0) ])"
 */
export function listOpsTree(expression: string, options: ListOpsTreeOptions = {}): LabelledTree {
  refuseUnknown("listOpsTree", options, { form: true, labels: true } satisfies Record<keyof ListOpsTreeOptions, true>);
  const { form = "binary", labels = "root" } = options;
  if (!Object.hasOwn(forms, form)) throw new DatasetOptionError("form", 'be "binary" or "lists"', form);
  if (labels !== "root" && labels !== "lists") throw new DatasetOptionError("labels", 'be "root" or "lists"', labels);
  const tree: Growing = { words: [], parents: [], labels: [], positions: [] };
  const { begin, argument, end } = forms[form];
  const open: OpenList[] = [];
  const tokens = listOpsTokens(expression);
  let position = 0;
  for (const [place, token] of tokens.entries()) {
    let list = open.at(-1);
    if (list === undefined && place > 0) throw noExpression(`end with token ${place}`, token);
    let value: number;
    let node: number;
    if (isOperator(token)) {
      list = { operator: token, position: position++, values: [], nodes: [] };
      begin(tree, list);
      open.push(list);
      continue;
    }
    if (token === listEnd && list !== undefined && list.values.length > 0) {
      value = operators[list.operator](list.values);
      node = end(tree, list);
      if (labels === "lists" || open.length === 1) tree.labels[node] = String(value);
      open.pop();
      list = open.at(-1);
    } else if (/^\d$/.test(token) && list !== undefined) {
      value = Number(token);
      node = addNode(tree, token, [], position++);
    } else throw noExpression(`go on otherwise at token ${place + 1}`, token);
    if (list === undefined) continue;
    list.values.push(value);
    argument(tree, list, node);
  }
  if (open.length > 0 || tokens.length === 0) throw noExpression(`have a "]" for each list`, expression.slice(0, 40));
  const { positions, ...plain } = tree;
  // Leaves stand in the order of the expression by themselves.
  return form === "lists" ? tree : plain;
}

const noExpression = (rule: string, found: string) =>
  new DatasetOptionError("expression", `be one of ListOps, such as [MAX 2 9 ], and ${rule}`, found);

/**
 * The value of an expression, 0 to 9.
 *
 * @example
 * listOpsValue("[MAX 2 9 [MIN 4 7 ] 0 ]"); // 9
 */
export function listOpsValue(expression: string): number {
  return Number(listOpsTree(expression, { form: "lists" }).labels.at(-1));
}
