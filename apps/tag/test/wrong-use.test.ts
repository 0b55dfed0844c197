/** What is typed wrongly, and data that is not as it should be: one line, which says what to type next, and exit code 2. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { drawnSentences, lastingFolder, runInside, small, spawnCli, temporaryFolder, writeConll } from "./runCli.ts";

const folder = lastingFolder();
const data = writeConll(folder, drawnSentences(60));
const model = join(folder, "model");
beforeAll(async () => {
  const { code, stderr } = await runInside(["train", "--data", data, ...small, "--epochs", "1", "--out", model]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

/** Runs a command that must fail; its one line. */
async function refused(args: readonly string[], code = 2): Promise<string> {
  const result = await runInside(args);
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toMatch(/^tag: [^\n]+\n$/);
  return result.stderr;
}
const train = (...more: string[]) => refused(["train", ...small, "--epochs", "1", "--out", temporaryFolder(), ...more]);

test("data: no file, no column, a broken line, too few sentences, one tag", async () => {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  expect(await train("--data", join(folder, "none"))).toMatch(
    /--data: tagged sentences not found: looked for .*none; give a CoNLL file, or a folder/,
  );
  expect(await train("--data", data, "--tag-column", "4")).toMatch(
    /there is no column "4" for tagColumn: line 1 has 2, .*; name others with --token-column and --tag-column, by name or number/,
  );
  expect(await train("--data", file("broken", "a\tA\nb\n"))).toMatch(
    /broken: line 2 has 1 column, line 1 has 2 columns/,
  );
  expect(await train("--data", file("few", "a\tA\n\nb\tB\n"))).toMatch(
    /has \d sentences? to train with; give at least 20/,
  );
  const one = Array.from({ length: 90 }, (_, i) => `${i}\tA\n`).join("\n");
  expect(await train("--data", file("one", one))).toMatch(
    /has one tag alone, "A"; name the column of the tags with --tag-column/,
  );
  expect(await train("--tag-column", "2")).toMatch(/--token-column and --tag-column are for --data/);
});

test("a tag that the training part lacks, in the sentences to validate and to test with", async () => {
  const parts = join(folder, "parts");
  mkdirSync(parts);
  writeConll(parts, drawnSentences(40), "train.conll");
  const odd = writeConll(parts, ["Anna\tB-animal\nruns\tO\n"], "dev.conll");
  expect(await train("--data", parts)).toMatch(
    /the sentences to validate with have the tag "B-animal", of "Anna" in "Anna runs", which is not among the tags to train with: B-person, B-place, I-place, O; give sentences with it to train with, or take it out/,
  );
  expect(await refused(["evaluate", "--model", model, "--data", odd])).toMatch(
    /has the tag "B-animal".*not among the tags that the model was trained with/,
  );
});

test("evaluate: other sentences than those of training, none kept, a folder without a test file", async () => {
  const own = temporaryFolder();
  const file = writeConll(own, drawnSentences(60));
  const out = join(own, "model");
  const args = ["train", "--data", file, ...small, "--epochs", "1", "--no-test", "--out", out];
  expect(await runInside(args)).toMatchObject({ code: 0, stderr: "" });
  expect(await refused(["evaluate", "--model", out])).toMatch(/no sentence was kept to test with; name a file/);
  writeConll(own, drawnSentences(60, 2));
  expect(await refused(["evaluate", "--model", out])).toMatch(
    /these are not the sentences that the model was trained with/,
  );
  expect(await refused(["evaluate", "--model", out, "--tag-column", "2"])).toMatch(/are for --data/);
  const parts = join(own, "parts");
  mkdirSync(parts);
  for (const name of ["train", "dev"]) writeConll(parts, drawnSentences(30), name);
  expect(await refused(["evaluate", "--model", out, "--data", parts])).toMatch(
    /has no file named test; name a file with --data, such as .*dev/,
  );
});

test("options and folders", async () => {
  expect(await refused(["train", "--decay", "0"])).toMatch(
    /'--decay <factor>' argument '0' is invalid\. It must be a number above 0 and not above 1/,
  );
  expect(await refused(["train", "--tagset", "penn"])).toMatch(/Allowed choices are universal, brown/);
  expect(await refused(["predict", "-x"])).toMatch(/a text that begins with "-" goes behind "--"/);
  expect(await refused(["frob"])).toMatch(/unknown command/);
  expect(await refused(["evaluate", "--model", join(folder, "nowhere")])).toMatch(
    /no model at .*nowhere\/model\.safetensors; create one with: npm run tag -- train \(and pass its folder as --model\)/,
  );
  expect(await refused(["train", "--data", data, ...small, "--out", model])).toMatch(
    /holds a finished training .*; add --resume/,
  );
  expect(
    await refused([
      "train",
      "--data",
      data,
      ...small,
      "--epochs",
      "2",
      "--out",
      model,
      "--resume",
      "--units",
      "7",
      "--no-test",
    ]),
  ).toMatch(/--no-test was not given, is given; --units was 6, is 7/);
  writeFileSync(join(folder, "other.json"), "{}");
  expect(await refused(["export", "--model", model, "--out", join(folder, "other.onnx")])).toMatch(
    /is there already and describes no model/,
  );
});

test("a reader that has gone away before --help is written: no crash", async () => {
  const child = spawnCli(["train", "--help"]);
  child.stdout.destroy();
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += String(text);
  });
  expect(await new Promise((resolve) => void child.on("close", resolve))).toBe(0);
  expect(stderr).toBe("");
});

test("--help tells every command, and the way through", async () => {
  const { code, stdout } = await runInside(["--help"]);
  expect(code).toBe(0);
  for (const text of ["train", "evaluate", "predict", "export", "info", "npm run tag -- train --limit 5000"])
    expect(stdout).toContain(text);
});
