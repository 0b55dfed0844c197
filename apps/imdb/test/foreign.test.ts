/** Models from PyTorch and Keras (`golden/make.py`): evaluated, run, described and trained further; invalid files are rejected with one line. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RuntimeName, runtimeNames } from "@ostinato/app";
import { eventsOf } from "@ostinato/app/testing";
import { fromBytes, toBytes } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { runInside, temporaryFolder } from "./runCli.ts";
import { bytesOf, trained } from "./trainings.ts";

const golden = (name: string) => join(import.meta.dirname, "golden", name);
const data = golden("reviews.csv");
const rows = readFileSync(data, "utf8")
  .trim()
  .split("\r\n")
  .slice(1)
  .map((line) => line.split(","));
const texts = rows.map(([text]) => text as string);
const expected = JSON.parse(readFileSync(golden("expected.json"), "utf8")) as Record<"pytorch" | "keras", number[]>;

async function told(args: readonly string[]) {
  const { code, stdout, stderr } = await runInside([...args, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return eventsOf(stdout);
}

const only = (events: readonly Record<string, unknown>[], name: string) => events.find(({ event }) => event === name);

async function refused(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runInside(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^imdb: [^\n]*\n$/);
  return stderr;
}

/** The options of the network for the files with only weights. */
const network = ["--embedding", "4", "--units", "6", "--max-words", "40"];
const train = ["train", "--data", data, "--batch-size", "16", "--threads", "1", "--epochs", "1"];

describe.each([
  ["pytorch", "pytorch.onnx"],
  ["keras", "keras.keras"],
] as const)("%s: %s", (library, name) => {
  const file = golden(name);

  test.each<RuntimeName>(runtimeNames)("predict on %s gives what the library gave", async (backend) => {
    const answers = await told(["predict", "--model", file, "--backend", backend, ...texts]);
    const differences = answers.map(({ probability }, row) =>
      Math.abs(Number(probability) - (expected[library][row] as number)),
    );
    expect(differences).toHaveLength(60);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-5);
  });

  test("evaluate finds all right, info tells what it is", async () => {
    const tested = await told(["evaluate", "--model", file, "--data", data]);
    expect(only(tested, "test")).toMatchObject({ accuracy: 1, auc: 1 });
    const [model] = await told(["info", "--model", file]);
    expect(model).toMatchObject({ event: "model", file, parameters: 431, labels: ["negative", "positive"] });
    expect(model).not.toHaveProperty("trainedOn");
    const shown = (await runInside(["info", "--model", file])).stdout;
    expect(shown).toContain("Labels: negative, positive\n");
    expect(shown).toMatch(/40 ids, the first words are the, a, film, /);
    expect(shown).toContain("It was made by another program.\n");
  });

  test("train --init goes on from it, and what comes of it is a model of this app", async () => {
    const out = temporaryFolder();
    const events = await trained([...train, "--init", file], out);
    expect(only(events, "model")).toMatchObject({ parameters: 431, init: { file: name, network: true } });
    // The loss of an untrained network is 0.69.
    expect(Number(only(events, "epoch")?.loss)).toBeLessThan(0.1);
    await trained([...train, "--init", file, "--epochs", "2", "--resume"], out);
    expect(only(await told(["evaluate", "--model", out]), "test")).toMatchObject({ accuracy: 1 });
    const { metadata } = fromBytes(bytesOf(out, "model.safetensors"));
    expect(metadata).toMatchObject({ app: "imdb", init: { file: name } });
    expect(metadata).not.toHaveProperty("preset");
    expect((await told(["export", "--model", out]))[0]).toMatchObject({ event: "export" });
  });
});

describe.each([
  ["pytorch.safetensors", "pytorch.json", ["--preset", "article"]],
  ["keras.weights.h5", "keras.json", []],
])("weights alone: %s", (name, vocabulary, preset) => {
  const init = ["--init", golden(name), "--vocabulary", golden(vocabulary)];

  test("train --init puts them into the network of the options, and goes on without the file", async () => {
    const out = temporaryFolder();
    const own = join(out, name);
    copyFileSync(golden(name), own);
    const args = [...train, "--init", own, "--vocabulary", golden(vocabulary), ...network, ...preset];
    const events = await trained(args, out);
    expect(only(events, "model")).toMatchObject({ parameters: 431, init: { file: name, network: false } });
    expect(Number(only(events, "epoch")?.loss)).toBeLessThan(0.1);
    writeFileSync(own, "");
    expect(await refused([...args, "--epochs", "2", "--resume", "--out", out])).toMatch(/--init was .*, is /);
  });

  test("another network is refused with the shapes, and without one they are no model", async () => {
    const out = ["--out", temporaryFolder()];
    expect(await refused([...train, ...init, ...network, ...preset, "--units", "5", ...out])).toMatch(
      /cannot read the model .*: .*lstm/,
    );
    expect(await refused(["predict", "--model", golden(name), "a film"])).toMatch(
      /it contains weights but no network; .* train --init/,
    );
  });
});

describe("descriptions", () => {
  test("the vocabulary of a file that tells none: named, beside it, or in training that of the texts", async () => {
    const alone = temporaryFolder();
    const file = join(alone, "film.keras");
    copyFileSync(golden("keras.keras"), file);
    const predict = ["predict", "--model", file, ...texts.slice(0, 3)];
    expect(await refused(predict)).toMatch(
      /film\.keras has no vocabulary, and .*film\.json does not exist; use --vocabulary/,
    );
    const [first] = await told([...predict, "--vocabulary", golden("keras.json")]);
    expect(first?.probability).toBeCloseTo(expected.keras[0] as number, 5);
    writeFileSync(join(alone, "film.json"), readFileSync(golden("keras.json")));
    expect((await told(predict))[0]).toEqual(first);
    const other = join(alone, "other.keras");
    copyFileSync(file, other);
    const { code, stderr } = await runInside([...train, "--init", other, "--out", join(alone, "out")]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^imdb: .*other\.keras has no vocabulary: .*oov_token[^\n]*\n$/),
    });
  });

  test("a description tells labels and lengths; one that does not fit, or is none, is refused", async () => {
    const file = join(temporaryFolder(), "description.json");
    const vocabulary = JSON.parse(readFileSync(golden("keras.json"), "utf8")) as string[];
    const predict = ["predict", "--model", golden("keras.keras"), "--vocabulary", file, "a great film"];
    const written = (json: unknown) => writeFileSync(file, typeof json === "string" ? json : JSON.stringify(json));
    written({ labels: ["bad", "good"], maxLength: 2, vocabulary });
    expect((await told(predict))[0]).toMatchObject({ label: "good", probabilities: { bad: expect.any(Number) } });
    // With the labels in another order, each text gets the wrong label.
    written({ labels: ["positive", "negative"], vocabulary });
    const tested = await told(["evaluate", ...predict.slice(1, 5), "--data", data]);
    expect(only(tested, "test")).toMatchObject({ accuracy: 0, auc: 0 });
    for (const [json, message] of [
      [[...vocabulary, "more"], /--vocabulary .*: it has 41 ids, and the model's input "\w+" knows 40/],
      [{ labels: ["one"], vocabulary }, /labels must be a list of two texts or more/],
      [{ labels: ["a", "b", "c"], vocabulary }, /is not a classifier of texts into 3 labels/],
      [{ padding: "pre", vocabulary }, /treats id 0 as the end of a text, which conflicts with padding in front/],
      ['{"a": ', /is not JSON/],
      ["", /contains no words/],
    ] as const) {
      written(json);
      expect(await refused(predict)).toMatch(message);
    }
    expect(await refused([...predict.slice(0, 4), `${file}.none`, "a"])).toMatch(/no such file/);
  });
});

describe("what is no such model", () => {
  test("damaged files, files of other kinds, and of a training", async () => {
    const folder = temporaryFolder();
    const at = (name: string, bytes: Uint8Array | string) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const predict = (file: string) => refused(["predict", "--model", file, "a film"]);
    for (const name of ["pytorch.onnx", "keras.keras"]) {
      const bytes = readFileSync(golden(name));
      expect(await predict(at(name, bytes.subarray(0, bytes.length / 2)))).toMatch(/cannot read the model /);
    }
    expect(await predict(at("words.onnx", "nothing"))).toMatch(/the file is not a model; supported are/);
    expect(await predict(at("weights.pt", Buffer.of(0x80, 4, 0x95)))).toMatch(/cannot read the model .*weights\.pt: /);
    expect(await predict(join(folder, "none.onnx"))).toMatch(/none\.onnx: no such file/);
    expect(await predict(join(folder, "none.keras"))).toMatch(/none\.keras: no such file/);
  });

  test("a model of another app, and another task", async () => {
    const { metadata, ...model } = fromBytes(toBytes(await smallModel()));
    const file = join(temporaryFolder(), "model.safetensors");
    const written = (change: object) => writeFileSync(file, toBytes({ ...model, ...change }));
    written({ metadata: { ...metadata, app: "tag" } });
    expect(await refused(["predict", "--model", file, "a"])).toMatch(
      /is not a model of this app: it is one of npm run tag/,
    );
  });
});

describe("the README", () => {
  test("of the project: its lines run", async () => {
    const root = join(import.meta.dirname, "..", "..", "..");
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const block = readme.split("```").find((each) => each.startsWith("sh\n") && each.includes("apps/imdb/test/golden"));
    const lines = [...(block ?? "").matchAll(/^npm run imdb -- (.*)$/gm)].map(([, line = ""]) => line);
    expect(lines).toHaveLength(4);
    const out = temporaryFolder();
    for (const line of lines) {
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) =>
        (quoted ?? word ?? "")
          .replace("apps/imdb/test/golden", join(import.meta.dirname, "golden"))
          .replace("runs/further", out),
      );
      expect(await runInside(args), line).toMatchObject({ code: 0, stderr: "" });
    }
  });
});

async function smallModel() {
  const out = temporaryFolder();
  await trained([...train, ...network], out);
  return fromBytes(bytesOf(out, "model.safetensors"));
}
