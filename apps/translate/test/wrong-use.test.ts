/** What is typed wrongly, and data that is not as it should be: one line, which says what to type next, and exit code 2. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadModel, saveModel } from "@ostinato/core/node";
import { beforeAll, expect, test } from "vitest";
import { lastingFolder, runInside, small, spelledRows, temporaryFolder, writeRows } from "./runCli.ts";

const folder = lastingFolder();
const data = writeRows(folder, spelledRows());
const model = join(folder, "model");
beforeAll(async () => {
  const { code, stderr } = await runInside(["train", "--data", data, ...small, "--epochs", "1", "--out", model]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

/** Runs a command that must fail; its one line. */
async function refused(args: readonly string[], code = 2): Promise<string> {
  const result = await runInside(args);
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toMatch(/^translate: [^\n]+\n$/);
  return result.stderr;
}
const train = (...more: string[]) => refused(["train", ...small, "--epochs", "1", "--out", temporaryFolder(), ...more]);
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test("data: no file, one column, a line without a target, too few texts, a part for CMUdict", async () => {
  expect(await train("--data", join(folder, "none"))).toMatch(/--data: .*none/);
  const missing = join(folder, "missing");
  for (const languages of [[], ["--source-language", "fr"]])
    expect(await train("--data", missing, ...languages)).toMatch(
      /--data: .*missing does not exist; give a file .* or a folder/,
    );
  expect(await train("--data", file("one", "a\nb\n"))).toMatch(/line 1 has 1 column.*must be separated by a tab/);
  expect(await train("--data", file("broken", "a\tA\nb\t \n"))).toMatch(/broken: line 2 has no target/);
  expect(await train("--data", file("few", "a\tA\nb\tB\n"))).toMatch(/has \d texts to train with; give at least 20/);
  expect(await train("--no-test")).toMatch(/--no-test is for --data FILE/);
});

test("a folder: no pair of languages, too many, a language or a file that is not there, files of unlike length", async () => {
  const own = temporaryFolder();
  const write = (name: string, lines = 30) => writeFileSync(join(own, name), "a b\n".repeat(lines));
  expect(await train("--data", own)).toMatch(
    /needs files in two languages, such as train\.de and train\.en; it has none/,
  );
  write("train.de");
  expect(await train("--data", own)).toMatch(/needs files in two languages, .*; it has de/);
  write("val.en");
  expect(await train("--data", own)).toMatch(/train\.de has no counterpart in en/);
  write("train.en", 29);
  expect(await train("--data", own)).toMatch(/--data: .*train\.en: has 29 lines, and .*train\.de has more/);
  write("train.fr");
  expect(await train("--data", own)).toMatch(/has texts in de, en, fr; choose with --source-language/);
  const languages = (source: string, target: string) => ["--source-language", source, "--target-language", target];
  expect(await train("--data", own, ...languages("de", "it"))).toMatch(/--target-language it: .* it has de, en, fr/);
  expect(await train("--data", own, ...languages("de", "de"))).toMatch(/must differ/);
  expect(await train("--data", data, ...languages("de", "en"))).toMatch(/are for --data FOLDER/);
  mkdirSync(join(own, "train.it"));
  expect(await train("--data", own, ...languages("de", "it"))).toMatch(/train\.it: cannot be read: it is a folder/);
  rmSync(join(own, "train.it"), { recursive: true });
  for (const name of ["train.x", "train.y"]) writeFileSync(join(own, name), "the man runs home\n".repeat(30));
  expect(await train("--data", own, ...languages("x", "y"))).toMatch(
    /has 0 texts to train with, and 30 to validate or test with; give at least 20/,
  );
  const short = ["--max-length", "1", "--data", own];
  expect(await train(...short, ...languages("de", "fr"))).toMatch(
    /has 0 texts to train with \(left out: 30 too long\); give at least 20/,
  );
  expect(await train("--data", data, "--tokens", "subwords", "--vocabulary-size", "260")).toMatch(/must be above 260/);
  expect(await train("--data", data, "--max-ratio", "0.5")).toMatch(/It must be a number from 1 on/);
});

test("evaluate: other texts than those of training, none kept, none of the model's script", async () => {
  const own = temporaryFolder();
  const rows = writeRows(own, spelledRows());
  const out = join(own, "model");
  const args = ["train", "--data", rows, ...small, "--epochs", "1", "--no-test", "--out", out];
  expect(await runInside(args)).toMatchObject({ code: 0, stderr: "" });
  expect(await refused(["evaluate", "--model", out])).toMatch(/no text was kept to test with; name a file/);
  writeRows(own, spelledRows().slice(4));
  expect(await refused(["evaluate", "--model", out])).toMatch(/not the texts that the model was trained with/);
  expect(await refused(["evaluate", "--model", model, "--data", file("other", "щи\tA\nоб\tB\n")])).toMatch(
    /none of its texts fits the model; the first, "щи": the model does not know the characters "щ", "и"/,
  );
});

test("predict: an empty text, one over the limit, another script, a picture of two texts", async () => {
  const predict = (...more: string[]) => runInside(["predict", "--model", model, ...more]);
  for (const [text, problem] of [
    ["", "the text is empty"],
    ["abcdabcda", "the text has 9 characters; the limit is 8"],
    ["щи", 'the model does not know the characters "щ", "и"'],
  ] as const)
    expect(await predict(text)).toEqual({
      code: 2,
      stdout: `-\t${problem}\n`,
      stderr: `translate: not translated: ${problem}\n`,
    });
  const picture = join(folder, "picture.svg");
  const drawn = (...more: string[]) => refused(["predict", "--model", model, "--attention", ...more]);
  expect(await drawn(picture, "a", "b")).toMatch(/draws one text: .* got 2/);
  expect(await drawn(picture)).toMatch(/draws one text: .* got 0/);
  expect(await drawn(join(folder, "picture.gif"), "a")).toMatch(/must end in \.svg or \.png/);
  expect(await refused(["predict", "--model", model, "--attention-tokens", "a"])).toMatch(/is for --attention FILE/);
});

test("a vocabulary that does not fit the model, and a model of another app", async () => {
  const trained = await loadModel(join(model, "model.safetensors"));
  const other = temporaryFolder();
  const save = (change: object) => saveModel(join(other, "model.safetensors"), { ...trained, ...change });
  const { source, ...rest } = trained.vocabulary as { readonly source: { readonly values: readonly string[] } };
  await save({ vocabulary: { ...rest, source: { ...source, values: source.values.slice(1) } } });
  expect(await refused(["predict", "--model", other, "a"])).toMatch(
    /the vocabulary does not fit the model: with 4 reserved ones its source has 7 ids, and the model 8/,
  );
  await save({ metadata: { ...trained.metadata, app: "imdb" } });
  expect(await refused(["info", "--model", other])).toMatch(/is not a model of this app: it is one of npm run imdb/);
});

test("--sampled-softmax with a model whose output is no softmax", async () => {
  const bytes = readFileSync(join(model, "model.safetensors"), "latin1")
    .replaceAll("softmax", "sigmoid")
    .replace('"checksum"', '"checksun"');
  writeFileSync(join(folder, "odd.safetensors"), bytes, "latin1");
  const args = ["train", "--data", data, "--epochs", "1", "--init", join(folder, "odd.safetensors")];
  expect(await runInside([...args, "--sampled-softmax", "4", "--out", temporaryFolder()])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^translate: --sampled-softmax does not suit the model of --init; leave it out .*\n$/,
    ),
  });
});

test("options and folders", async () => {
  expect(await refused(["train", "--dropout", "1"])).toMatch(/'--dropout <share>' argument '1' is invalid/);
  expect(await refused(["train", "--attention", "none", "--input-feeding"])).toMatch(/--input-feeding .* --attention/);
  const sampled = ["train", "--sampled-softmax", "9", "--teacher-forcing", "0.9"];
  expect(await refused(sampled)).toMatch(/--sampled-softmax does not go with --teacher-forcing below 1/);
  expect(await refused(["train", "--frob"])).toMatch(/unknown option '--frob'/);
  expect(await refused(["train", "--source-tokens", "runes"])).toMatch(/Allowed choices are auto, characters, words/);
  expect(await refused(["predict", "-x"])).toMatch(/a text that begins with "-" goes behind "--"/);
  expect(await refused(["frob"])).toMatch(/unknown command/);
  expect(await refused(["evaluate", "--model", join(folder, "nowhere")])).toMatch(
    /no model at .*nowhere\/model\.safetensors; create one with: npm run translate -- train/,
  );
  const again = ["train", "--data", data, ...small, "--epochs", "2", "--out", model];
  expect(await refused(again)).toMatch(/holds a finished training .*; add --resume/);
  const resumed = [...again, "--resume", "--units", "7"];
  expect(await refused(resumed)).toMatch(/other settings: --units was 12, is 7\. Only/);
  expect(await refused([...resumed, "--decay-epochs", "2"])).toMatch(/--decay-epochs was 1, is 2/);
});

test("--help names every command, with examples", async () => {
  const { code, stdout } = await runInside(["--help"]);
  expect(code).toBe(0);
  for (const text of ["train", "evaluate", "predict", "export", "info", "npm run translate -- train --limit 20000"])
    expect(stdout).toContain(text);
});
