/** ListOps: the rules of its expressions, their values and their trees. */
import {
  DatasetOptionError,
  formatTree,
  generateListOps,
  type ListOpsOptions,
  type ListOpsTreeOptions,
  listOpsTokens,
  listOpsTree,
  listOpsValue,
  parseTree,
  treeWords,
} from "@ostinato/datasets";
import { describe, expect, test } from "vitest";

describe("expressions that are drawn", () => {
  const data = generateListOps({ train: 9000, validation: 500, test: 1000, seed: 7 });
  const all = [...data.train, ...data.validation, ...data.test];
  const tokens = all.map((expression) => listOpsTokens(expression));

  test("as many as asked for, and no two alike", () => {
    expect([data.train.length, data.validation.length, data.test.length]).toEqual([9000, 500, 1000]);
    expect(new Set(all).size).toBe(10_500);
  });

  test("the rules: 2 to 5 arguments, six levels, four operators, numbers from 0 to 9", () => {
    const counts = { arguments: new Map<number, number>(), tokens: new Map<string, number>(), depth: 0 };
    for (const each of tokens) {
      const open: number[] = [];
      for (const token of each) {
        counts.tokens.set(token, (counts.tokens.get(token) ?? 0) + 1);
        if (token === "]") {
          const size = open.pop() ?? 0;
          counts.arguments.set(size, (counts.arguments.get(size) ?? 0) + 1);
          continue;
        }
        if (open.length > 0) open[open.length - 1]! += 1;
        counts.depth = Math.max(counts.depth, open.length + 1);
        if (token.startsWith("[")) open.push(0);
      }
      expect(open).toEqual([]);
    }
    expect(counts.depth).toBe(6);
    expect([...counts.arguments.keys()].sort()).toEqual([2, 3, 4, 5]);
    expect([...counts.tokens.keys()].sort().join(" ")).toBe("0 1 2 3 4 5 6 7 8 9 [MAX [MED [MIN [SM ]");
    const lists = counts.tokens.get("]")!;
    for (const operator of ["[MAX", "[MED", "[MIN", "[SM"])
      expect(counts.tokens.get(operator)! / lists).toBeCloseTo(0.25, 1);
    // Of arguments above the last level a quarter are lists; what was drawn before is left out, and the last level has none.
    const within = lists - all.length;
    const numbers = tokens.flat().length - 2 * lists;
    expect(within / (within + numbers)).toBeGreaterThan(0.15);
    expect(within / (within + numbers)).toBeLessThan(0.25);
  });

  test("parts are alike: none has the short ones", () => {
    const mean = (part: readonly string[]) =>
      part.reduce((sum, expression) => sum + listOpsTokens(expression).length, 0) / part.length;
    expect(Math.abs(mean(data.train) / mean(data.test) - 1)).toBeLessThan(0.15);
  });

  test("the same for the same seed, on every machine", () => {
    const some = (seed: number) => generateListOps({ train: 20, test: 5, seed });
    expect(some(1)).toEqual(some(1));
    expect(some(1)).not.toEqual(some(2));
    expect(some(1).train.slice(0, 3)).toEqual(["[SM 4 0 8 5 [SM 3 2 ] ]", "[MAX 5 7 ]", "[MIN 4 7 2 4 ]"]);
  });

  test("fewer levels and arguments", () => {
    const { train } = generateListOps({ train: 100, test: 0, maxDepth: 2, maxArguments: 2 });
    for (const expression of train) expect(expression).toMatch(/^\[(MAX|MIN|MED|SM) \d \d \]$/);
  });

  test.each<[ListOpsOptions, RegExp]>([
    [{ train: -1 }, /train must be a whole number of at least 0, got -1/],
    [{ test: 0.5 }, /test must be a whole number/],
    [{ maxDepth: 1 }, /maxDepth must be a whole number from 2 to 100/],
    [{ maxDepth: 100, maxArguments: 10 }, /maxDepth must be less for up to 10 arguments: lists would be huge/],
    [{ maxArguments: 1 }, /maxArguments must be a whole number from 2 to 100/],
    [
      { train: 401, test: 0, maxDepth: 2, maxArguments: 2 },
      /train must be 400 or less together with validation and test \(no other expressions were found with maxDepth 2 and maxArguments 2\), got 401/,
    ],
    [{ train: 100_000, test: 1, maxDepth: 2, maxArguments: 2 }, /train must be 400 or less/],
    [{ train: 10_000_000, test: 1 }, /train must be 10000000 or less together with validation and test, got 10000001/],
    [{ seed: 0.5 }, /seed must be a 32-bit integer/],
    [{ depth: 6 } as ListOpsOptions, /depth must be left out/],
  ])("%j is refused", (options, message) => {
    expect(() => generateListOps(options)).toThrow(DatasetOptionError);
    expect(() => generateListOps(options)).toThrow(message);
  });
});

describe("values and trees", () => {
  // Values by hand; the first is the example of the paper's introduction.
  test.each([
    ["[MAX 2 9 [MIN 4 7 ] 0 ]", 9],
    ["[MIN 5 3 8 ]", 3],
    ["[MED 9 1 5 ]", 5],
    ["[MED 1 4 8 9 ]", 6],
    ["[MED 2 3 ]", 2],
    ["[SM 9 9 3 ]", 1],
    ["[SM [MAX 1 5 ] [MED 2 8 [MIN 7 6 ] ] ]", 1],
  ])("%s is %i", (expression, value) => {
    expect(listOpsValue(expression)).toBe(value);
    expect(listOpsTree(expression).labels.at(-1)).toBe(String(value));
  });

  const expression = "[MAX 2 9 [MIN 4 7 ] 0 ]";
  const published = "( ( ( ( ( [MAX 2 ) 9 ) ( ( ( [MIN 4 ) 7 ) ] ) ) 0 ) ] )";

  test("the binary tree of the paper, as its files write it", () => {
    const tree = listOpsTree(expression);
    const { words, parents } = parseTree(published, { labels: "none" });
    expect({ words: tree.words, parents: tree.parents }).toEqual({ words, parents });
    expect(tree.labels.filter((label) => label !== null)).toEqual(["9"]);
    expect(formatTree(tree, { labels: "none" })).toBe("((((([MAX 2) 9) ((([MIN 4) 7) ])) 0) ])");
    expect(treeWords(tree)).toEqual(listOpsTokens(expression));
    expect(listOpsTokens(published)).toEqual(listOpsTokens(expression));
    expect(listOpsTree(published)).toEqual(tree);
  });

  test("operators as parents of their arguments", () => {
    const tree = listOpsTree(expression, { form: "lists", labels: "lists" });
    expect(tree).toEqual({
      words: ["2", "9", "4", "7", "[MIN", "0", "[MAX"],
      parents: [6, 6, 4, 4, 6, 6, -1],
      labels: [null, null, null, null, "4", null, "9"],
      positions: [1, 2, 4, 5, 3, 6, 0],
    });
    expect(treeWords(tree).join(" ")).toBe("[MAX 2 9 [MIN 4 7 0");
  });

  test("the value of every list", () => {
    const { labels, words } = listOpsTree(expression, { labels: "lists" });
    expect(labels.flatMap((label, node) => (label === null ? [] : [[label, words[node]]]))).toEqual([
      ["4", null],
      ["9", null],
    ]);
  });

  test("a list of 200,000 numbers", () => {
    expect(listOpsValue(`[MAX${" 3".repeat(200_000)} 4 ]`)).toBe(4);
  });

  test("lists within 20,000 lists", () => {
    const deep = 20_000;
    const text = `${"[MAX 3 ".repeat(deep)}4 ${"] ".repeat(deep)}`;
    expect(listOpsValue(text)).toBe(4);
    expect(listOpsTree(text).words.length).toBe(2 * 3 * deep + 1);
  });

  test.each([
    ["", /and have a "]" for each list, got ""/],
    ["5", /and go on otherwise at token 1, got "5"/],
    ["[MAX ]", /go on otherwise at token 2, got "\]"/],
    ["[MAX 2 10 ]", /go on otherwise at token 3, got "10"/],
    ["[SUM 2 1 ]", /go on otherwise at token 1, got "\[SUM"/],
    ["[MAX 2 1", /have a "]" for each list/],
    ["[MAX 2 1 ] 3", /end with token 4, got "3"/],
    ["] [MAX", /go on otherwise at token 1/],
  ])("%j is no expression", (text, message) => {
    expect(() => listOpsTree(text)).toThrow(DatasetOptionError);
    expect(() => listOpsTree(text)).toThrow(message);
  });

  test.each([5, null, undefined, ["[MAX", "2", "]"]])("%j is no text", (given: unknown) => {
    for (const read of [listOpsTree, listOpsTokens, listOpsValue])
      expect(() => read(given as string)).toThrow(/expression must be a text such as "\[MAX 2 9 \]", got/);
  });

  test.each([{ form: "tree" }, { labels: "all" }, { shape: 1 }])("%j is refused", (options: object) => {
    expect(() => listOpsTree(expression, options as ListOpsTreeOptions)).toThrow(DatasetOptionError);
  });
});
