/** Trees in brackets: what is read and written, what is wrong with them, and trees of any depth. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DatasetFormatError,
  DatasetNotFoundError,
  DatasetOptionError,
  encodeTreeLabels,
  encodeTrees,
  formatTree,
  type LabelledTree,
  parseTree,
  readTrees,
  TreeFormatError,
  type TreeLabels,
  type TreeOptions,
  treesOf,
  treeWords,
  writeTrees,
} from "@ostinato/datasets";
import { labelEncoder, UnknownLabelError, vocabularyFromTexts } from "@ostinato/text";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "trees-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string | Uint8Array, name = "trees.txt"): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const film: LabelledTree = { words: ["The", "film", null], labels: ["2", "4", "3"], parents: [2, 2, -1] };

/** Each node as "label:word>parent". */
const nodes = ({ words, labels, parents }: LabelledTree) =>
  words.map((word, node) => `${labels[node] ?? ""}:${word ?? ""}>${parents[node]}`).join(" ");

describe("what is read", () => {
  test.each<[string, string, TreeLabels, string]>([
    ["labels that are numbers", "(3 (2 The) (4 film))", "required", "2:The>2 4:film>2 3:>-1"],
    ["labels that are words", "(NP (DT the) (NN cat))", "required", "DT:the>2 NN:cat>2 NP:>-1"],
    [
      "brackets of the Penn Treebank",
      "( (S (NP (PRP I)) (VP (VBP am))) )",
      "required",
      "PRP:I>1 NP:>4 VBP:am>3 VP:>4 S:>-1",
    ],
    ["outer brackets around a word", "((2 film))", "required", "2:film>-1"],
    ["several words", "(3 (2 The) (4 good film))", "required", "2:The>4 :good>3 :film>3 4:>4 3:>-1"],
    ["no space where none is needed", "(3(2 The)(4 film))", "required", "2:The>2 4:film>2 3:>-1"],
    ["much space", " ( 3\t(2   The ) (4 film)  )  ", "required", "2:The>2 4:film>2 3:>-1"],
    ["spaces of Unicode", "(3\u3000(2\u2003The)\u00a0(4 film\u00a0)\u2028)", "required", "2:The>2 4:film>2 3:>-1"],
    ["a no-break space within a word", "(2 1\u00a01/2)", "required", "2:1\u00a01/2>-1"],
    [
      "escapes of Stanford's files",
      "(2 (2 -LRB-) (2 and\\/or) (2 \\*) (2 \\() (2 :-RRB-))",
      "required",
      "2:(>5 2:and/or>5 2:*>5 2:(>5 2::)>5 2:>-1",
    ],
    [
      "a backslash before anything else",
      "(2 (2 C:\\dir) (2 \\\\) (2 \\-LRB-))",
      "required",
      "2:C:\\dir>3 2:\\>3 2:-LRB->3 2:>-1",
    ],
    ["a label that is the name of a bracket", "(-LRB- -LRB-)", "required", "-LRB-:(>-1"],
    ["what JavaScript has names for", "(__proto__ constructor)", "required", "__proto__:constructor>-1"],
    ["a surrogate pair and marks", "(2 (2 🎬) (2 e\u0301))", "required", "2:🎬>2 2:e\u0301>2 2:>-1"],
    ["labels at some brackets", "((2 The) (3 (4 film)))", "optional", "2:The>3 4:film>2 3:>3 :>-1"],
    ["no labels", "( ( The film ) works )", "none", "The>2 film>2 >4 works>4 >-1".replace(/(\S*)>/g, ":$1>")],
    ["no labels, one word", "( film )", "none", ":film>-1"],
    ["lists of ListOps", "( ( ( [MAX 2 ) 9 ) ] )", "none", ":[MAX>2 :2>2 :>4 :9>4 :>6 :]>6 :>-1"],
  ])("%s", (_, text, labels, expected) => {
    expect(nodes(parseTree(text, { labels }))).toBe(expected);
  });

  const readAll = async (text: string | Uint8Array, options?: TreeOptions) =>
    (await readTrees(written(text), options)).map((tree) => nodes(tree));

  test("a tree on each line, Windows line ends, a byte order mark, blank lines, no last line end", async () => {
    const expected = [nodes(film), "1:no>-1"];
    expect(await readAll("(3 (2 The) (4 film))\n(1 no)\n")).toEqual(expected);
    expect(await readAll("\ufeff\r\n(3 (2 The) (4 film))\r\n  \r\n(1 no)")).toEqual(expected);
  });

  test("trees over several lines, and several on a line", async () => {
    const text = "( (3\r\n  (2 The)\n\n  (4 film)))(1\nno) (1 no)\n";
    expect(await readAll(text, { multiline: true })).toEqual([nodes(film), "1:no>-1", "1:no>-1"]);
    expect(nodes(parseTree("\n(3 (2 The)\n(4 film))\n"))).toBe(nodes(film));
  });

  test("tree by tree, before the file is at its end", async () => {
    const trees = treesOf(written("(1 no)\n(1 no\n"));
    expect((await trees.next()).value).toEqual({ words: ["no"], labels: ["1"], parents: [-1] });
    await expect(trees.next()).rejects.toThrow("trees.txt: line 2, column 1: this bracket is not closed on its line");
  });
});

describe("what is wrong is said with file, line and column", () => {
  test.each<[string, string, TreeLabels, number, number, string]>([
    ["a bracket that is not closed", "(3 (2 The) (4 film)", "required", 1, 1, "this bracket is not closed"],
    [
      "two brackets that are not closed",
      "\n  (3 (2 The",
      "required",
      2,
      3,
      "this bracket and 1 within it are not closed",
    ],
    ["a bracket too many", "(3 (2 The)) )", "required", 1, 13, "closes nothing"],
    ["nothing but a bracket that closes", ")", "required", 1, 1, "closes nothing"],
    ["text behind the tree", "(2 film) good", "required", 1, 10, "there is text after the tree"],
    ["a second tree", "(2 film)\n (2 film)", "required", 2, 2, "expected only one"],
    ["text outside of brackets", "film", "required", 1, 1, '"film" is outside any brackets'],
    ["empty brackets", "(3 (2 film) ())", "required", 1, 13, "the brackets are empty"],
    ["empty brackets without labels", "( the ( ) )", "none", 1, 7, "the brackets are empty"],
    ["a label alone", "(3 (2 film) (2))", "required", 1, 13, '"2" is alone in its brackets'],
    ["a word alone", "(film)", "optional", 1, 1, '"film" is alone in its brackets: expected a label and a word'],
    ["a missing label", "(3 ((2 The) (4 film)))", "required", 1, 4, "this bracket has no label: expected (label word)"],
    ["a missing label of the root", "((2 The) (4 film))", "required", 1, 1, "this bracket has no label"],
    ["a word and children", "(3 good (2 film))", "required", 1, 9, "a bare word is next to a bracket"],
    ["children and a word", "(3 (2 good) film)", "required", 1, 13, "a bare word is next to a bracket"],
    ["nothing", " \n ", "required", 1, 1, "there is no tree"],
    ["columns are of characters", "(2 (2 🎬🎬) ())", "required", 1, 11, "the brackets are empty"],
  ])("%s", (_, text, labels, line, column, problem) => {
    let error: unknown;
    try {
      parseTree(text, { labels });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(TreeFormatError);
    expect(error).toMatchObject({ file: "tree", line, column });
    expect(String(error)).toContain(`tree: line ${line}, column ${column}: `);
    expect(String(error)).toContain(problem);
    expect(String(error)).not.toContain("\n");
  });

  test("of a text, where it is from", () => {
    expect(() => parseTree("(2", { file: "stdin", line: 7 })).toThrow("stdin: line 7, column 1: this bracket");
  });

  test.each<[string, string | Uint8Array, string]>([
    ["a bracket too many on a line", "(2 a)\n(2 b))\n", "line 2, column 6: this bracket closes nothing"],
    [
      "two trees on a line",
      "(2 a)\n(2 b) (2 c)\n",
      "line 2, column 7: there is text after the tree: a line holds one tree",
    ],
    [
      "a tree that goes on",
      "(2 (2 a)\n(2 b))\n",
      "line 1, column 1: this bracket is not closed on its line; with multiline a tree may take several lines",
    ],
    ["no tree", "\n \n", "has no tree: a tree on each line is wanted"],
    ["nothing", "", "is empty"],
    [
      "no text",
      Uint8Array.of(40, 50, 32, 0, 255, 41, 10),
      "is not UTF-8 in line 1; it has zero bytes, so it is probably not",
    ],
    ["Latin-1", Buffer.from("(2 f\u00fcr)\n", "latin1"), "is not UTF-8 in line 1"],
  ])("of a file: %s", async (_, text, problem) => {
    const path = written(text);
    const error = await readTrees(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DatasetFormatError);
    expect((error as Error).message).toContain(`${path}: ${problem}`);
  });

  test("no file, a folder, and options that there are not", async () => {
    await expect(readTrees(join(folder, "none"))).rejects.toThrow(DatasetNotFoundError);
    await expect(readTrees(folder)).rejects.toThrow("cannot be read: it is a folder");
    await expect(readTrees("x", { multiLine: true } as TreeOptions)).rejects.toThrow("multiLine must be left out");
    expect(() => parseTree("(2 a)", { labels: "some" as "none" })).toThrow(/labels must be one of required, optional/);
    expect(() => parseTree(undefined as unknown as string)).toThrow(DatasetOptionError);
  });

  test("2,000 files that are broken at random: trees or typed errors, never anything else", () => {
    const whole = "(3 (2 (2 The) (2 -LRB-)) (4 (3 \\() (2 caf\u00e9\u00a0🎬 x)))";
    const bits = ["(", ")", " ", "\n", "\\", "\u00a0", "\ud83c", "\0", "((", "-LRB-", "2", "\\("];
    const at = fc.nat(whole.length);
    const edits = fc.array(fc.tuple(at, fc.nat(3), fc.constantFrom(...bits)), { minLength: 1, maxLength: 6 });
    let trees = 0;
    fc.assert(
      fc.property(edits, fc.constantFrom("required", "optional", "none"), (all, labels) => {
        let text = whole;
        for (const [from, length, bit] of all) text = text.slice(0, from) + bit + text.slice(from + length);
        try {
          const tree = parseTree(text, { labels: labels as TreeLabels });
          treeWords(tree);
          trees += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(TreeFormatError);
        }
      }),
      { numRuns: 2000, seed: 16 },
    );
    expect(trees).toBeGreaterThan(20);
  });
});

describe("any size", () => {
  const depth = 100_000;
  const deep = `${"(1 ".repeat(depth)}x${")".repeat(depth)}`;

  test("a tree 100,000 deep: read, written, cloned, as JSON and encoded", () => {
    // The innermost brackets hold the word, each of the others the next.
    const tree = parseTree(deep);
    expect(tree.parents.length).toBe(depth);
    expect(formatTree(tree) === deep).toBe(true);
    const json = JSON.stringify(tree);
    expect(JSON.stringify(JSON.parse(json)) === json).toBe(true);
    expect(JSON.stringify(structuredClone(tree)) === json).toBe(true);
    expect(encodeTrees(vocabularyFromTexts(["x"]), [tree])[0]?.values[0]).toBe(2);
  });

  test("a node with 100,000 children", () => {
    const text = `(1${" (2 x)".repeat(depth)})`;
    const tree = parseTree(text);
    expect(tree.parents.every((parent, node) => parent === (node === depth ? -1 : depth))).toBe(true);
    expect(formatTree(tree) === text).toBe(true);
  });

  test("10 MB of brackets on a line: an error at the millionth, in little time", async () => {
    const path = written("(".repeat(10_000_000));
    const begun = performance.now();
    const message = "line 1, column 1000001: the tree has more than 1000000 nodes";
    await expect(readTrees(path, { labels: "none" })).rejects.toThrow(message);
    // A hundred times what it takes; quadratic time would be days.
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

/** Trees as readers give them: words at leaves, labels as asked for. */
function treesWith(label: fc.Arbitrary<string | null>): fc.Arbitrary<LabelledTree> {
  const text = fc.oneof(
    fc.constantFrom("(", ")", "-LRB-", "-RRB", "\\", "a b", "\u00a0", "x\u00a0", "\r", "-LRB-)", "*", "3", "\u2028"),
    fc.string({ minLength: 1, maxLength: 4, unit: "grapheme" }).filter((each) => !each.includes("\n")),
  );
  const shape = fc.array(fc.nat(3), { minLength: 1, maxLength: 12 });
  return shape
    .chain((counts) =>
      fc.tuple(
        fc.constant(counts),
        fc.array(text, { minLength: counts.length + 1, maxLength: counts.length + 1 }),
        fc.array(label, { minLength: counts.length + 1, maxLength: counts.length + 1 }),
      ),
    )
    .map(([counts, texts, labels]) => {
      // Each node takes some of the nodes before it that have no parent; what is left at the end are the children of the root.
      const parents: number[] = [];
      const words: (string | null)[] = [];
      const waiting: number[] = [];
      for (const [node, count] of [...counts, Number.POSITIVE_INFINITY].entries()) {
        const taken = waiting.splice(Math.max(0, waiting.length - count));
        for (const child of taken) parents[child] = node;
        words.push(taken.length === 0 ? texts[node]! : null);
        parents.push(-1);
        waiting.push(node);
      }
      return { words, labels, parents };
    });
}

describe("what is written is read as the same tree", () => {
  const label = fc.oneof(
    fc.constantFrom("3", "-LRB-", "(", "a b", "\\-", "NP"),
    fc.string({ minLength: 1, maxLength: 3 }).filter((each) => !each.includes("\n")),
  );

  test("labels everywhere", () => {
    fc.assert(
      fc.property(treesWith(label), (tree) => {
        const text = formatTree(tree);
        expect(text).not.toContain("\n");
        expect(parseTree(text)).toEqual(tree);
        expect(parseTree(`( ${text} )`)).toEqual(tree);
      }),
      { numRuns: 300 },
    );
  });

  test.each(["optional", "none"] as const)("labels %s: the same tree, or refused", (labels) => {
    const some = labels === "none" ? fc.constant(null) : fc.option(label);
    let same = 0;
    fc.assert(
      fc.property(treesWith(some), (tree) => {
        let text: string;
        try {
          text = formatTree(tree, { labels });
        } catch (error) {
          expect(error).toBeInstanceOf(DatasetOptionError);
          return;
        }
        expect(parseTree(text, { labels })).toEqual(tree);
        same += 1;
      }),
      { numRuns: 400, seed: 3 },
    );
    expect(same).toBeGreaterThan(30);
  });

  test("files", async () => {
    const path = join(folder, "written.txt");
    const trees = [film, parseTree("(1 (2 -LRB-) (4 good film))")];
    await writeTrees(path, trees);
    expect(readFileSync(path, "utf8")).toBe("(3 (2 The) (4 film))\n(1 (2 -LRB-) (4 good film))\n");
    expect(await readTrees(path)).toEqual(trees);
    await writeTrees(path, treesOf(path), { labels: "none" });
    expect(readFileSync(path, "utf8")).toBe("(The film)\n(-LRB- (good film))\n");
  });

  test("a tree that cannot be written leaves the file as it was", async () => {
    const path = join(folder, "kept.txt");
    await writeTrees(path, [film]);
    await expect(writeTrees(path, [film, { ...film, labels: ["2", null, "3"] }])).rejects.toThrow(DatasetOptionError);
    expect(await readTrees(path)).toEqual([film]);
    expect(readdirSync(folder).filter((name) => name.includes(".part"))).toEqual([]);
  });

  test.each<[string, Partial<LabelledTree>, string]>([
    [
      "a word and children",
      { words: ["The", "film", "x"] },
      'tree must have no word at node 2, which has children, got "x"',
    ],
    ["neither", { words: ["The", null, null] }, "tree must have a word or children at node 1, got null"],
    ["no label", { labels: ["2", "4", null] }, "tree must have a label at node 2"],
    ["a line end", { words: ["The", "fi\nlm", null] }, "tree must have text without line ends at node 1"],
    ["an empty word", { words: ["", "film", null] }, 'tree must have text without line ends at node 0, got ""'],
    ["two roots", { parents: [2, -1, -1] }, "tree must have a parent of node 1 that comes after it, got -1"],
    ["a circle", { parents: [1, 0, -1] }, "tree must have a parent of node 1 that comes after it, got 0"],
    ["a root that is not last", { parents: [2, 2, 0] }, "tree must end with its root, whose parent is -1, got 0"],
    ["lists of other lengths", { labels: ["2"] }, "tree must have as many labels as parents, which are 3, got 1"],
    ["nothing", { words: [], labels: [], parents: [] }, "tree must have a node, got 0"],
  ])("refused: %s", (_, change, message) => {
    expect(() => formatTree({ ...film, ...change })).toThrow(message);
  });
});

describe("treeWords and encodeTrees", () => {
  test("words in the order of the sentence", () => {
    expect(treeWords(film)).toEqual(["The", "film"]);
    expect(treeWords({ ...film, words: ["a", "b", "c"], positions: [2, 0, 1] })).toEqual(["b", "c", "a"]);
  });

  test("labels as classes, and a weight of 0 without one", () => {
    const trees = [film, parseTree("(4 good film)")];
    const encoder = labelEncoder(trees.flatMap(({ labels }) => labels.filter((label) => label !== null)));
    expect(encodeTreeLabels(encoder, trees)).toEqual({
      y: [Int32Array.of(0, 2, 1), Int32Array.of(0, 0, 2)],
      sampleWeights: [Float32Array.of(1, 1, 1), Float32Array.of(0, 0, 1)],
    });
    expect(() => encodeTreeLabels(labelEncoder(["2", "3"]), trees)).toThrow(UnknownLabelError);
  });

  test("ids by the vocabulary's rules, 0 without a word", () => {
    const tree = parseTree("(3 (2 The) (2 FILM) (2 .) (2 unseen) (2 .))");
    const ids = (options: object) => {
      const vocabulary = vocabularyFromTexts([treeWords(film).join(" "), "."], { filters: "", ...options });
      const [encoded] = encodeTrees(vocabulary, [tree]);
      expect(encoded?.parents).toEqual(tree.parents);
      return Array.from(encoded?.values ?? []);
    };
    expect(ids({})).toEqual([2, 3, 4, 1, 4, 0]);
    expect(ids({ lower: false })).toEqual([2, 1, 4, 1, 4, 0]);
    expect(ids({ unknown: "padding" })).toEqual([1, 2, 3, 0, 3, 0]);
    expect(ids({ unknown: "drop" })).toEqual([1, 2, 3, 0, 3, 0]);
    // Keras's filters leave nothing of the full stop.
    expect(ids({ filters: "." })).toEqual([2, 3, 1, 1, 1, 0]);
  });
});

const sst = join(import.meta.dirname, "../../../../shared/data/sst");

test("the Stanford treebank, read and written", async ({ skip }) => {
  if (!existsSync(sst)) skip(`the data for tests are not at ${sst}`);
  const trees = await readTrees(join(sst, "dev.txt"));
  expect(trees.length).toBe(1101);
  // Binary trees: one node less inside than there are words.
  for (const tree of trees) expect(tree.words.length).toBe(2 * treeWords(tree).length - 1);
  const counts = new Map<string | null | undefined, number>();
  for (const { labels } of trees) counts.set(labels.at(-1), (counts.get(labels.at(-1)) ?? 0) + 1);
  // Published: 139, 289, 229, 279, 165 for very negative to very positive (Socher et al. 2013).
  expect(["0", "1", "2", "3", "4"].map((label) => counts.get(label))).toEqual([139, 289, 229, 279, 165]);
  const lines = readFileSync(join(sst, "dev.txt"), "utf8").trim().split("\n");
  // Written again they differ in escapes alone.
  expect(trees.map((tree) => formatTree(tree))).toEqual(lines.map((line) => line.replace(/\\([/*])/g, "$1")));
  expect(trees.flatMap((tree) => treeWords(tree)).filter((word) => word === "(").length).toBeGreaterThan(30);
});
