/** Taggers from PyTorch and Keras (`golden/make.py`): evaluated, run, described and trained further; invalid files are rejected with one line. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RuntimeName, runtimeNames } from "@ostinato/app";
import { eventsOf } from "@ostinato/app/testing";
import { describe, expect, test } from "vitest";
import { runInside, temporaryFolder } from "./runCli.ts";

const golden = (name: string) => join(import.meta.dirname, "golden", name);
const data = golden("names.conll");
const expected = JSON.parse(readFileSync(golden("expected.json"), "utf8")) as Readonly<
  Record<"pytorch" | "keras", number[][]> & { sentences: string[][] }
>;
const texts = expected.sentences.map((tokens) => tokens.join(" "));

async function told(args: readonly string[]) {
  const { code, stdout, stderr } = await runInside([...args, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return eventsOf(stdout);
}

async function refused(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runInside(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^tag: [^\n]*\n$/);
  return stderr;
}

describe.each([
  ["pytorch", "pytorch.onnx"],
  ["keras", "keras.keras"],
] as const)("%s: %s", (library, name) => {
  const model = ["--model", golden(name)];

  test.each<RuntimeName>(runtimeNames)("predict on %s gives what the library gave", async (backend) => {
    const answers = await told(["predict", ...model, "--backend", backend, "--split", "whitespace", ...texts]);
    for (const [row, { probabilities }] of answers.entries())
      for (const [t, probability] of (probabilities as number[]).entries())
        expect(Math.abs(probability - (expected[library][row]?.[t] as number))).toBeLessThanOrEqual(1e-5);
    expect(answers).toHaveLength(8);
  });

  test("evaluate finds all right, info tells what it is", async () => {
    const [figures] = await told(["evaluate", ...model, "--data", data]);
    expect(figures).toMatchObject({ event: "test", accuracy: 1, spanF1: 1, unknownTokens: 0 });
    const [shown] = await told(["info", ...model]);
    expect(shown).toMatchObject({ event: "model", tags: ["O", "B-person", "B-place", "I-place"], words: 15 });
    expect(await refused(["evaluate", ...model])).toMatch(/name a file with --data/);
    expect(await refused(["predict", ...model, "--vocabulary", data, "Anna"])).toMatch(
      /it must contain tags and words/,
    );
  });
});

test("train --init goes on from a network that masks padding, and refuses one that does not", async () => {
  const [out, other] = [temporaryFolder(), temporaryFolder()];
  const train = ["train", "--data", data, "--no-test", "--epochs", "1", "--threads", "1", "--init"];
  const events = await told([...train, golden("keras.keras"), "--freeze", "embedding", "--out", out]);
  expect(events[0]).toMatchObject({ event: "model", init: { file: "keras.keras", network: true } });
  expect(Number(events[1]?.loss)).toBeLessThan(0.1);
  const [figures] = await told(["evaluate", "--model", out, "--data", data]);
  expect(figures).toMatchObject({ accuracy: 1 });
  expect((await told(["export", "--model", out]))[0]).toMatchObject({ event: "export" });
  expect(await refused([...train, golden("pytorch.onnx"), "--out", other])).toMatch(
    /the network of pytorch\.onnx does not mask padding, .* mask_zero=True/,
  );
});

test("descriptions that do not fit, and models of another task", async () => {
  const file = join(temporaryFolder(), "tagger.json");
  const { tags, vocabulary } = JSON.parse(readFileSync(golden("keras.json"), "utf8"));
  const predict = ["predict", "--model", golden("keras.keras"), "--vocabulary", file, "Anna"];
  for (const [json, message] of [
    [{ tags, vocabulary: [...vocabulary, "more"] }, /it has 18 words, but the model has ids for 17/],
    [{ tags: [...tags, "X"], vocabulary }, /is not a tagger of 5 tags: it must take ids of words/],
    [{ tags: ["O", "O"], vocabulary }, /tags must be different/],
    [{ tags, vocabulary: ["<pad>", "Anna"] }, /it has no id for unknown words/],
    [{ tags }, /it must contain tags and words/],
    [vocabulary, /it must contain tags and words/],
  ] as const) {
    writeFileSync(file, JSON.stringify(json));
    expect(await refused(predict)).toMatch(message);
  }
  const review = join(import.meta.dirname, "..", "..", "imdb", "test", "golden", "keras.keras");
  writeFileSync(file, JSON.stringify({ tags: ["a", "b"], vocabulary: ["<pad>", "<unk>"] }));
  expect(await refused(["predict", "--model", review, "--vocabulary", file, "Anna"])).toMatch(
    /is not a model of this app: the model is not a tagger of 2 tags/,
  );
});
