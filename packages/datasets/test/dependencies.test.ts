/** Dependency trees in CoNLL-U: what is read and written, and what is wrong with them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DatasetFormatError,
  DatasetNotFoundError,
  DatasetOptionError,
  type DependencyTreeOptions,
  dependencyTreesOf,
  formatDependencyTree,
  type LabelledTree,
  readDependencyTrees,
  TreeFormatError,
  treeWords,
  writeDependencyTrees,
} from "@ostinato/datasets";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "dependencies-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string | Uint8Array, name = "file.conllu"): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Lines of "id form head deprel". */
const conllu = (text: string) =>
  text
    .split("\n")
    .map((line) => {
      if (line === "" || line.startsWith("#")) return line;
      const [id, form, head, deprel] = line.split(" ");
      return [id, form, `${form}-lemma`, "NOUN", "_", "_", head, deprel, "_", "_"].join("\t");
    })
    .join("\n");

const read = (text: string, options?: DependencyTreeOptions) => readDependencyTrees(written(text), options);

describe("what is read", () => {
  test("words at every node, children in the order of the sentence, the root last", async () => {
    expect(
      await read(
        conllu("# text = The cat saw a film\n1 The 2 det\n2 cat 3 nsubj\n3 saw 0 root\n4 a 5 det\n5 film 3 obj\n"),
      ),
    ).toEqual([
      {
        words: ["The", "cat", "a", "film", "saw"],
        parents: [1, 4, 3, 4, -1],
        labels: ["det", "nsubj", "det", "obj", "root"],
        positions: [0, 1, 3, 4, 2],
      },
    ]);
  });

  test("trees whose edges cross: words keep their places", async () => {
    const [tree] = await read(
      conllu(
        "1 A 2 det\n2 hearing 3 nsubj\n3 is 0 root\n4 scheduled 3 comp\n5 on 2 prep\n6 it 5 pobj\n7 today 4 mod\n",
      ),
    );
    expect(treeWords(tree!).join(" ")).toBe("A hearing is scheduled on it today");
    expect(tree!.words.join(" ")).toBe("A it on hearing today scheduled is");
  });

  test("ranges, empty nodes, comments, Windows line ends, several sentences, other columns", async () => {
    const text = conllu(
      "# sent_id = 1\n1-2 don't _ _\n1 do 3 aux\n2 n't 3 advmod\n3 go 0 root\n3.1 there _ _\n\n\n# sent_id = 2\n1 No 0 _",
    );
    const trees = await read(text.replaceAll("\n", "\r\n"));
    expect(trees.map(({ words }) => words)).toEqual([["do", "n't", "go"], ["No"]]);
    expect(trees[1]?.labels).toEqual([null]);
    const [lemmas] = await read(text, { wordColumn: "LEMMA", labelColumn: "UPOS" });
    expect([lemmas?.words[2], lemmas?.labels]).toEqual(["go-lemma", ["NOUN", "NOUN", "NOUN"]]);
  });

  test("sentence by sentence, before the file is at its end", async () => {
    const trees = dependencyTreesOf(written(conllu("1 a 0 root\n\n1 a 7 dep\n")));
    expect((await trees.next()).value?.words).toEqual(["a"]);
    await expect(trees.next()).rejects.toThrow(
      "file.conllu: line 3, column 22: the head is 7, and the last word of the sentence is 1",
    );
  });

  test("a sentence 20,000 deep", async () => {
    const deep = 20_000;
    const lines = Array.from({ length: deep }, (_, i) => `${i + 1} w ${i} dep`);
    const [tree] = await read(conllu(lines.join("\n")));
    expect(tree?.parents.every((parent, node) => parent === (node === deep - 1 ? -1 : node + 1))).toBe(true);
  });
});

describe("what is wrong is said with file, line and column", () => {
  test.each<[string, string, number, number, string]>([
    ["a second root", "1 a 0 root\n2 b 1 dep\n3 c 0 root", 3, 22, "this is a second root, after word 1"],
    ["no root", "1 a 2 dep\n2 b 1 dep", 1, 22, "the sentence has no root"],
    ["a circle", "1 a 0 root\n2 b 4 dep\n3 c 2 dep\n4 d 3 dep", 2, 22, 'the heads lead in a circle from "b" to itself'],
    ["a word that is its own head", "1 a 0 root\n2 b 2 dep", 2, 22, 'in a circle from "b"'],
    [
      "a head out of range",
      "1 a 0 root\n\n# x\n1 a 0 root\n2 b 3 dep",
      5,
      22,
      "the head is 3, and the last word of the sentence is 2",
    ],
    ["a head that is no number", "1 a x root", 1, 22, 'the head is "x": expected the number of a word'],
    ["a head below 0", "1 a -1 root", 1, 22, 'the head is "-1"'],
    ["no head", "1 a _ root", 1, 22, 'the head is "_"'],
    ["a number left out", "1 a 0 root\n3 b 1 dep", 2, 1, 'the number of the word is "3": expected 2'],
    ["a number that is none", "one a 0 root", 1, 1, 'the number of the word is "one": expected 1'],
  ])("%s", async (_, text, line, column, problem) => {
    const path = written(conllu(text));
    const error = await readDependencyTrees(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TreeFormatError);
    expect(error).toMatchObject({ file: path, line, column });
    expect(String(error)).toContain(problem);
    expect(String(error)).not.toContain("\n");
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ["spaces for tabs", "1 It it PRON _ _ 0 root _ _\n", /line 1, column 1: the line has 1 column: CoNLL-U has ten/],
    ["columns left out", "1\tIt\t0\troot\n", /line 1, column 1: the line has 4 columns/],
    ["no form", "1\t\tit\tPRON\t_\t_\t0\troot\t_\t_\n", /line 1, column 3: there is no FORM/],
    ["no label", "1\tIt\tit\tPRON\t_\t_\t0\t\t_\t_\n", /line 1, column 20: there is no DEPREL/],
    ["no sentence", "# nothing\n\n", /has no sentence: CoNLL-U has a word on each line/],
    ["nothing", "", /is empty/],
    ["Latin-1", Buffer.from("1\tf\u00fcr\n", "latin1"), /is not UTF-8 in line 1/],
  ])("%s", async (_, text, message) => {
    const error = await readDependencyTrees(written(text)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DatasetFormatError);
    expect((error as Error).message).toMatch(message);
  });

  test("no file, and options that there are not", async () => {
    await expect(readDependencyTrees(join(folder, "none"))).rejects.toThrow(DatasetNotFoundError);
    const refused = (options: object, message: string) =>
      expect(readDependencyTrees("x", options)).rejects.toThrow(message);
    await refused(
      { labelColumn: "HEAD" },
      "labelColumn must be one of FORM, LEMMA, UPOS, XPOS, FEATS, DEPREL, DEPS, MISC",
    );
    await refused({ wordColumn: "form" }, "wordColumn must be one of FORM, LEMMA");
    await refused({ labelColumn: "FORM" }, "labelColumn must be another column than wordColumn");
    await refused({ tagColumn: "UPOS" }, "tagColumn must be left out");
  });

  test("300 files that are broken at random: trees or typed errors, never anything else", async () => {
    const whole = conllu("# text\n1-2 don't _ _\n1 do 3 aux\n2 n't 3 advmod\n3 go 0 root\n\n1 No 0 root\n");
    const edit = fc.tuple(
      fc.nat(whole.length),
      fc.nat(3),
      fc.constantFrom("\t", "\n", "0", "9", "-", ".", "", "#", "\ud83c", " "),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        let text = whole;
        for (const [from, length, bit] of edits) text = text.slice(0, from) + bit + text.slice(from + length);
        const error = await read(text).then(
          () => undefined,
          (caught: unknown) => caught,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(DatasetFormatError);
      }),
      { numRuns: 300, seed: 16 },
    );
  });
});

/** Dependency trees as readers give them: each word but the root with a head that is nearer to it. */
const anyTree: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 4, unit: "grapheme" }),
      fc.option(fc.string({ minLength: 1 })),
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .chain((words) =>
    fc.shuffledSubarray([...words.keys()], { minLength: words.length }).map((order) => {
      const lines: string[] = [];
      for (const [rank, place] of order.entries()) {
        const [head, word, label] = words[place]!;
        const plain = (text: string) => text.replace(/[\t\n]/g, "x");
        const parent = rank === 0 ? 0 : order[head % rank]! + 1;
        lines[place] = [place + 1, plain(word), "_", "_", "_", "_", parent, plain(label ?? "_"), "_", "_"].join("\t");
      }
      return lines.join("\n");
    }),
  );

describe("what is written is read as the same tree", () => {
  test("any tree", async () => {
    await fc.assert(
      fc.asyncProperty(anyTree, async (text) => {
        const [tree] = await read(text);
        expect(formatDependencyTree(tree!)).toBe(text);
      }),
      { numRuns: 150 },
    );
  });

  test("files, and other columns", async () => {
    const trees = await read(conllu("1 It 2 nsubj\n2 works 0 root\n\n1 Yes 0 root\n"));
    const path = join(folder, "written.conllu");
    await writeDependencyTrees(path, trees);
    expect(readFileSync(path, "utf8")).toBe(
      "1\tIt\t_\t_\t_\t_\t2\tnsubj\t_\t_\n2\tworks\t_\t_\t_\t_\t0\troot\t_\t_\n\n1\tYes\t_\t_\t_\t_\t0\troot\t_\t_\n\n",
    );
    const options = { wordColumn: "LEMMA", labelColumn: "UPOS" } as const;
    await writeDependencyTrees(path, dependencyTreesOf(path), options);
    expect(await readDependencyTrees(path, options)).toEqual(trees);
  });

  const tree: LabelledTree = { words: ["It", "works"], parents: [1, -1], labels: ["nsubj", "root"] };
  test.each<[string, Partial<LabelledTree>, RegExp]>([
    ["no word", { words: ["It", null] }, /have a word without tabs and line ends at node 1, got ""/],
    ["a tab", { words: ["I\tt", "works"] }, /have a word without tabs/],
    ["a line end", { labels: ["nsubj", "ro\not"] }, /have a label without tabs and line ends at node 1/],
    ["a label that stands for none", { labels: ["_", "root"] }, /have a label of node 0 that does not stand for none/],
    ["a position twice", { positions: [0, 0] }, /have the positions 0 to 1, each once, got 0/],
    ["a position out of range", { positions: [0, 2] }, /have the positions 0 to 1, each once, got 2/],
    ["no tree", { parents: [0, -1] }, /have a parent of node 0 that comes after it/],
  ])("refused: %s", (_, change, message) => {
    expect(() => formatDependencyTree({ ...tree, ...change })).toThrow(DatasetOptionError);
    expect(() => formatDependencyTree({ ...tree, ...change })).toThrow(message);
  });
});
