/** The way of a user with trees of one's own: train, evaluate, predict, export; and the same bytes, stopped on the way or not. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { beforeAll, expect, test } from "vitest";
import { drawnTrees, lastingFolder, runInside, small, temporaryFolder, writeTrees } from "./runCli.ts";

const folder = lastingFolder();
const data = writeTrees(folder, drawnTrees(300));
const dev = writeTrees(folder, drawnTrees(100, 2), "dev.txt");
const out = join(folder, "model");
const training = ["train", "--data", data, "--validation", dev, ...small, "--learning-rate", "0.03"];
let told: string;
beforeAll(async () => {
  const { code, stdout, stderr } = await runInside([...training, "--epochs", "6", "--out", out]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  told = stdout;
});

/** The events of a command that must succeed without a word on standard error. */
async function events(args: readonly string[], input?: readonly Uint8Array[]) {
  const { code, stdout, stderr } = await runInside([...args, "--json"], input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return eventsOf(stdout);
}

test("train tells the data, the layers, each epoch and the files", () => {
  expect(told).toMatch(
    /^Your data: 300 trees with [\d,]+ nodes for training, 100 for validation; 9 word ids, 5 labels: 0 1 2 3 4$/m,
  );
  expect(told).toMatch(/^treeLstm /m);
  expect(told).toMatch(/^epoch 6\/6 {2}done in .* valLoss \S+ {2}valAccuracy \S+ {2}valRootAccuracy \S+$/m);
  expect(told).toMatch(/^Kept the model of epoch \d, which has the best validation accuracy at the roots\.$/m);
  expect(readFileSync(join(out, "rootAccuracy.svg"), "utf8")).toContain("Accuracy at the roots");
});

test("evaluate: roots, their sign, and all nodes, as validation found them", async () => {
  const [event] = await events(["evaluate", "--model", out, "--data", dev]);
  expect(event).toMatchObject({ event: "test", trees: 100, unknownWords: 0 });
  const { rootAccuracy, rootBinaryAccuracy, nodeAccuracy } = event as Record<string, number>;
  const { epochs } = JSON.parse(readFileSync(join(out, "history.json"), "utf8"));
  const best = epochs.reduce((a: Record<string, number>, b: Record<string, number>) =>
    (b.valRootAccuracy as number) > (a.valRootAccuracy as number) ? b : a,
  );
  expect(rootAccuracy).toBe(best.valRootAccuracy);
  expect(rootAccuracy).toBeGreaterThan(0.8);
  expect(rootBinaryAccuracy).toBeGreaterThan(0.9);
  expect(nodeAccuracy).toBeGreaterThan(0.9);
  const said = await runInside(["evaluate", "--model", out, "--data", dev]);
  expect(said.stdout).toMatch(/^positive or negative at the roots +[01]\.\d{4}$/m);
});

test("stopped after three epochs and resumed: the bytes of the training that was not", async () => {
  const own = temporaryFolder();
  expect(await runInside([...training, "--epochs", "3", "--out", own])).toMatchObject({ code: 0, stderr: "" });
  const [first] = await events([...training, "--epochs", "6", "--resume", "--out", own]);
  expect(first).toMatchObject({ event: "model" });
  for (const name of ["model.safetensors", "history.json"])
    expect(readFileSync(join(own, name)).equals(readFileSync(join(out, name))), name).toBe(true);
});

test("predict: arguments and lines, each node, without labels, and words that are unknown", async () => {
  const plain = await runInside(["predict", "--model", out, "(9 (9 good) (9 film))", "(9 bad)"]);
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout).toMatch(/^3 {2}0\.\d{4} {2}good film\n1 {2}0\.\d{4} {2}bad\n$/);
  const nodes = await events(["predict", "--model", out, "--nodes", "--no-labels", "((good) (film))"]);
  expect(nodes).toMatchObject([
    { text: "(3 (3 good) (2 film))", label: "3", nodes: [{ label: "3" }, { label: "2" }, {}] },
  ]);
  const probabilities = Object.values(nodes[0]?.probabilities as Record<string, number>);
  expect(probabilities).toHaveLength(5);
  expect(probabilities.reduce((sum, each) => sum + each)).toBeCloseTo(1, 5);
  const lines = [Buffer.from("(2 (2 odd) (2 good))\n\n(2 "), Buffer.from("bad)\n")];
  const read = await runInside(["predict", "--model", out, "--json", "--backend", "cpu"], lines);
  expect(read).toMatchObject({ code: 0, stderr: "trees: 1 of 3 words are unknown to the model\n" });
  expect(eventsOf(read.stdout)).toMatchObject([{ text: "odd good" }, { text: "bad", label: "1" }]);
});

test("predict --svg draws each tree", async () => {
  const file = join(temporaryFolder(), "tree.svg");
  const [, saved, , second] = await events([
    "predict",
    "--model",
    out,
    "--svg",
    file,
    "(2 (2 good) (2 film))",
    "(2 bad)",
  ]);
  expect(saved).toEqual({ event: "saved", files: [file] });
  expect(second).toEqual({ event: "saved", files: [file.replace(".svg", "-2.svg")] });
  expect(readFileSync(file, "utf8")).toMatch(/^<svg .*good.*film/s);
});

test.each([
  ["childsum", "root"],
  ["recursive", "all"],
  ["tensor", "all"],
  ["treegru", "all"],
])("--model %s learns the labels of nodes (%s), and gives the same figures", async (model, nodes) => {
  const own = temporaryFolder();
  const args = [...training, "--model", model, "--nodes", nodes, "--epochs", "1", "--out", own];
  await events(args);
  const [event] = await events(["evaluate", "--model", own, "--data", dev]);
  expect(event).toMatchObject({ rootBinaryAccuracy: expect.any(Number), nodeAccuracy: expect.any(Number) });
  expect(event?.rootAccuracy).toBeGreaterThan(0.3);
  expect(await events(["predict", "--model", own, "--nodes", "(2 (2 good) (2 film))"])).toMatchObject([
    { nodes: [{}, {}, {}] },
  ]);
});

test.each([
  ["treelstm", out],
  ["bilstm", undefined],
])("export of %s: checked against onnxruntime, which then answers the same", async (model, trained) => {
  const own = trained ?? temporaryFolder();
  if (trained === undefined) await events([...training, "--model", model, "--epochs", "1", "--out", own]);
  const [event] = await events(["export", "--model", own]);
  expect(event).toMatchObject({ event: "export", trees: 200, tolerance: 1e-4 });
  expect(JSON.parse(readFileSync(join(own, "model.json"), "utf8"))).toMatchObject({
    labels: ["0", "1", "2", "3", "4"],
  });
  const figures = async (path: string, backend: string) =>
    events(["evaluate", "--model", path, "--data", dev, "--backend", backend]);
  const expected = await figures(own, "wasm");
  expect(await figures(join(own, "model.onnx"), "onnx")).toEqual(expected);
  expect(await figures(own, "onnx")).toEqual(expected);
});

test("ListOps: trained, tested with expressions of its own, and told by the value of an expression", async () => {
  const own = temporaryFolder();
  await events(["train", ...small, "--limit", "60", "--epochs", "1", "--out", own]);
  const [event] = await events(["evaluate", "--model", own, "--limit", "50"]);
  expect(event).toMatchObject({ event: "test", trees: 50, nodeAccuracy: expect.any(Number) });
  expect(event).not.toHaveProperty("rootBinaryAccuracy");
});
