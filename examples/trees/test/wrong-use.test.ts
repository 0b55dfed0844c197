/** What is typed wrongly, and trees that are not as they should be: one line, which says what is wrong where, and the right exit code. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadModel, saveModel } from "@ostinato/core/node";
import { beforeAll, expect, test } from "vitest";
import { drawnTrees, lastingFolder, runInside, runMeasured, small, temporaryFolder, writeTrees } from "./runCli.ts";

const folder = lastingFolder();
const trees = drawnTrees(40);
const data = writeTrees(folder, trees);
const model = join(folder, "model");
beforeAll(async () => {
  const { code, stderr } = await runInside(["train", "--data", data, ...small, "--epochs", "1", "--out", model]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

/** Runs a command that must fail; its one line. */
async function refused(args: readonly string[]): Promise<string> {
  const result = await runInside(args);
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toMatch(/^trees: [^\n]+\n$/);
  return result.stderr;
}
const train = (lines: readonly string[], ...more: string[]) =>
  refused(["train", "--data", writeTrees(folder, lines, "wrong.txt"), ...small, "--out", temporaryFolder(), ...more]);
const evaluate = (lines: readonly string[]) =>
  refused(["evaluate", "--model", model, "--data", writeTrees(folder, lines, "other.txt")]);

test("files: none, empty, a broken bracket, a missing label, too few trees, one label", async () => {
  expect(await refused(["train", "--data", join(folder, "none"), "--out", temporaryFolder()])).toMatch(
    /--data: .*none/,
  );
  expect(await train([])).toMatch(/--data .*wrong\.txt: is empty/);
  expect(await train([...trees, "(2 (2 good) (2 film)"])).toMatch(/wrong\.txt.*line 41.*column/);
  expect(await train([...trees, "(2 (good) (2 film))"])).toMatch(/wrong\.txt.*line 41.*column/);
  expect(await train(trees.slice(0, 5))).toMatch(/has 5 trees; give at least 20/);
  expect(await train(trees.map(() => "(2 film)"))).toMatch(/has only one label, "2"/);
});

test("a label that training did not have, and a node with more children than the model takes", async () => {
  const unknown = writeTrees(folder, ["(7 good)"], "seven.txt");
  expect(
    await refused(["train", "--data", data, "--validation", unknown, ...small, "--out", temporaryFolder()]),
  ).toMatch(
    /--validation .*seven\.txt: has the label "7", in tree 1, which is not among the labels of training: 0, 1, 2, 3, 4/,
  );
  expect(await evaluate(["(2 good)", "(7 good)"])).toMatch(/has the label "7", in tree 2/);
  expect(await evaluate(["(2 (2 good) (2 good) (2 film))"])).toMatch(
    /has a node with 3 children, and the model takes up to 2, in tree 1/,
  );
});

test("trees that are deep and trees that are wide train together; a network with weights for each child says that it cannot", async () => {
  const size = 10_000;
  const deep = `${"(2 ".repeat(size)}(2 good)${")".repeat(size)}`;
  const wide = `(2 ${"(3 good)".repeat(size)})`;
  const lines = [...drawnTrees(60), deep, wide];
  expect(await train(lines)).toMatch(
    /--model treelstm has weights for each child of a node, up to 32, and a node has 10,000, in tree 62 of --data .*; --model childsum takes any number/,
  );
  const file = writeTrees(folder, lines, "large.txt");
  const out = temporaryFolder();
  const args = ["train", "--data", file, "--validation", data, "--model", "childsum", "--epochs", "1", "--out", out];
  const { code, stderr } = await runMeasured(args);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^\d+$/);
  expect(Number(stderr)).toBeLessThan(1e9 / 1024);
  const tested = await runInside(["evaluate", "--model", out, "--data", file, "--json"]);
  expect(JSON.parse(tested.stdout)).toMatchObject({ trees: 62, nodes: expect.any(Number) });
});

test("a network that is too large: its weights and the way out, before there is memory for them", async () => {
  const wide = `(2 ${"(3 good)".repeat(20)})`;
  expect(await train([...trees, wide], "--model", "tensor", "--units", "100", "--embedding", "100")).toMatch(
    /--model tensor with 100 units would have [1-9]\d\d,\d{3},\d{3} weights, and 100,000,000 are the most: a node has 20 children, in tree 41 of --data .*wrong\.txt; give fewer --units, or --model childsum, which takes any number/,
  );
  const file = writeTrees(folder, [...trees, wide], "wide.txt");
  const { code, stdout } = await runInside([
    "train",
    "--data",
    file,
    ...small,
    "--epochs",
    "1",
    "--out",
    temporaryFolder(),
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /A node has 20 children, and --model treelstm has weights for each of them; --model childsum would have \d{3} parameters/,
  );
});

test("predict: what cannot be read is told, the rest is answered, and the exit code is 1", async () => {
  const lines = [Buffer.from("(2 (2 good)\n(2 good)\n(2 (2 a) (2 b) (2 c))\n")];
  const { code, stdout, stderr } = await runInside(["predict", "--model", model], lines);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^-\n\d {2}0\.\d{4} {2}good\n-\n$/);
  expect(stderr.split("\n")).toEqual([
    expect.stringMatching(/^trees: line 1, column 1: this bracket is not closed$/),
    "trees: line 3: it has a node with 3 children, and the model takes up to 2",
    "trees: 2 of 3 trees could not be read",
    "",
  ]);
});

test("a model whose file has been changed, and one of another app", async () => {
  const trained = await loadModel(join(model, "model.safetensors"));
  const changed = async (metadata: object) => {
    const file = join(temporaryFolder(), "changed.safetensors");
    await saveModel(file, { ...trained, metadata: { ...trained.metadata, ...metadata } });
    return refused(["predict", "--model", file, "(2 good)"]);
  };
  expect(await changed({ trees: { model: "treelstm", labels: ["0", "1"], arity: 2 } })).toMatch(
    /is not a model of this app: its words or its labels are not those of its network/,
  );
  expect(await changed({ trees: { model: "treelstm" } })).toMatch(/it has no words and labels for trees/);
  expect(await changed({ app: "tag" })).toMatch(/it is one of npm run tag/);
});

test("trees over several lines", async () => {
  const lines = trees.map((tree) => tree.replaceAll(" (", "\n  ("));
  expect(await train(lines)).toMatch(
    /--data .*wrong\.txt: line \d+, column 1: this bracket .* on its line; with multiline a tree may take several/,
  );
  const file = writeTrees(folder, lines, "several.txt");
  const args = ["train", "--data", file, "--multiline", ...small, "--epochs", "1", "--out", temporaryFolder()];
  expect(await runInside(args)).toMatchObject({ code: 0, stderr: "" });
  const tested = await runInside(["evaluate", "--model", model, "--data", file, "--multiline", "--json"]);
  expect(JSON.parse(tested.stdout)).toMatchObject({ event: "test", trees: 40 });
});

test("wrong data leave no folder behind", async () => {
  const out = join(temporaryFolder(), "new");
  await refused(["train", "--data", writeTrees(folder, [], "empty.txt"), ...small, "--out", out]);
  expect(existsSync(out)).toBe(false);
});

test("options and folders", async () => {
  expect(await train(trees, "--min-count", "1000")).toMatch(/--min-count 1000: no word occurs as often/);
  expect(await train(trees, "--model", "recursive", "--embedding", "7")).toMatch(
    /--model recursive has as many numbers for a word as units: leave --embedding out/,
  );
  expect(await refused(["train", "--task", "listops", "--data", data])).toMatch(/'--task <name>' cannot be used with/);
  expect(await refused(["train", "--model", "tree"])).toMatch(/Allowed choices are treelstm, childsum/);
  expect(await refused(["evaluate", "--model", model])).toMatch(/give other trees to test it with: --data FILE/);
  expect(await refused(["evaluate", "--model", join(folder, "nowhere")])).toMatch(
    /create one with: npm run trees -- train/,
  );
  expect(await refused(["train", "--data", data, ...small, "--out", model])).toMatch(
    /holds a finished training .*; add --resume/,
  );
});
