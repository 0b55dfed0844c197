/** Wrong use: one clear line on standard error, nothing on standard output, exit code 2. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explain } from "@ostinato/app";
import type { Result } from "@ostinato/app/testing";
import { fromBytes, toBytes } from "@ostinato/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runInside, runProcess, smallTraining, temporaryFolder } from "./runCli.ts";

function expectUsage({ code, stdout, stderr }: Result, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^imdb: [^\n]*\n$/); // one line
  expect(stderr).not.toMatch(/\bat .*:\d+|Error\b/); // no stack trace
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
}

const wrong: [args: string[], message: RegExp][] = [
  [["frob"], /unknown command 'frob'; --help lists them/],
  [["trian"], /Did you mean train\?/],
  [["help", "frob"], /unknown command; --help lists them/],
  [["--frob"], /unknown option '--frob'/],
  [["train", "--epoch", "3"], /unknown option '--epoch' .*Did you mean --epochs\?/],
  [["train", "extra"], /too many arguments/],
  [["train", "--epochs"], /'--epochs <n>' argument missing/],
  ...["0", "-1", "abc", "1.5", "", "1e9", "Infinity"].map((n): [string[], RegExp] => [
    ["train", "--epochs", n],
    /'--epochs <n>' argument '.*' is invalid\. It must be a whole number from 1 to/,
  ]),
  ...["batch-size", "max-words", "max-length", "embedding", "units", "limit"].map((name): [string[], RegExp] => [
    ["train", `--${name}`, "0"],
    new RegExp(`'--${name} <n>' argument '0' is invalid. It must be a whole number from`),
  ]),
  [["train", "--seed", "-1"], /'--seed <n>' argument '-1' is invalid/],
  ...["save-every", "patience"].map((name): [string[], RegExp] => [
    ["train", `--${name}`, "0"],
    new RegExp(`'--${name} <n>' argument '0' is invalid. It must be a whole number from 1`),
  ]),
  ...["data", "logdir", "text-column", "label-column"].map((name): [string[], RegExp] => [
    ["train", `--${name}`, ""],
    new RegExp(`'--${name} <\\w+>' argument '' is invalid. It must not be empty.`),
  ]),
  [["train", "--learning-rate", "0"], /It must be a number above 0/],
  [["train", "--learning-rate", "fast"], /It must be a number above 0/],
  [["train", "--cell", "LSTM"], /'LSTM' is invalid\. Allowed choices are lstm, gru, rnn\./],
  [["train", "--pooling", "sum"], /'sum' is invalid\. Allowed choices are last, max, mean\./],
  ...["0", "65", "two"].map((n): [string[], RegExp] => [
    ["train", "--layers", n],
    /'--layers <n>' argument '.*' is invalid\. It must be a whole number from 1 to 64\./,
  ]),
  ...["1", "-0.1", "half", "", "NaN"].flatMap((rate) =>
    ["dropout", "recurrent-dropout"].map((name): [string[], RegExp] => [
      ["start", `--${name}`, rate],
      new RegExp(`'--${name} <share>' argument '${rate}' is invalid\\. It must be a number from 0 to below 1\\.`),
    ]),
  ),
  [["train", "--class-weight", "even"], /'even' is invalid\. It must be "balanced", or weights by label, such as/],
  [["train", "--class-weight", "negative=-1"], /The weight of "negative" must be a number from 0 on\./],
  [["train", "--backend", "gpu"], /'gpu' is invalid\. Allowed choices are wasm, cpu, tfjs, tfjs-wasm\./],
  [["train", "--backend", "onnx"], /'onnx' is invalid/],
  [["train", "--backend", "constructor"], /'constructor' is invalid/],
  [["train", "--preset", "articel"], /'articel' is invalid\. Allowed choices are default, article, best\./],
  [["predict", "--backend", "torch", "text"], /Allowed choices are wasm, cpu, tfjs, tfjs-wasm, onnx\./],
  [["evaluate", "--limit", "0"], /'--limit <n>' argument '0' is invalid/],
  [
    ["predict", "-bad film"],
    /unknown option '-bad film'.*; a text that begins with "-" goes behind "--": predict -- "-text"/,
  ],
  ...["", "ab", '"', "\n"].map((text): [string[], RegExp] => [
    ["train", "--delimiter", text],
    /'--delimiter <character>' argument .* is invalid\. It must be one character, not a quote, or "tab"\./,
  ]),
  [["predict", "--model", "", "text"], /'--model <path>' argument '' is invalid\. It must not be empty\./],
];

describe("arguments", () => {
  test.each(wrong)("%j", async (args, message) => expectUsage(await runInside(args), message));

  test("the exit code of the process is 2", async () => {
    expectUsage(await runProcess(["train", "--epochs", "0"]), /It must be a whole number/);
  }, 20_000);
});

test("a class weight for a label that the data do not have names those that there are", async () => {
  expectUsage(
    await runInside(["train", "--limit", "20", "--class-weight", "negative=1,postive=3", "--out", temporaryFolder()]),
    /--class-weight: there is no label "postive"; the labels are "negative", "positive"\n/,
  );
});

describe("output folders are tried before any work", () => {
  const folder = mkdtempSync(join(tmpdir(), "imdb-test-"));
  const file = join(folder, "file");
  writeFileSync(file, "");
  afterAll(() => rmSync(folder, { recursive: true }));

  test("a file is in the way", async () => {
    expectUsage(
      await runInside(["train", "--out", file]),
      /cannot write to --out .*file: a file of that name is in the way/,
    );
  });

  test("part of the path is a file", async () => {
    expectUsage(
      await runInside(["train", "--out", join(file, "below")]),
      /cannot write to --out .*below: a file of that name is in the way/,
    );
  });

  test.skipIf(process.platform !== "linux")("the system lets no folder be made (needs Linux's /proc)", async () => {
    expectUsage(
      await runInside(["train", "--out", "/proc/none/below"]),
      /cannot write to --out \/proc\/none\/below: no such/,
    );
  });
});

describe("models", () => {
  const folder = mkdtempSync(join(tmpdir(), "imdb-test-"));
  let model: Buffer;
  beforeAll(async () => {
    const { code } = await runInside([...smallTraining, "--epochs", "1", "--out", join(folder, "good")]);
    expect(code).toBe(0);
    model = readFileSync(join(folder, "good", "model.safetensors"));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A folder whose model file has the given bytes. */
  function folderWith(bytes: Uint8Array | string): string {
    const damaged = temporaryFolder();
    writeFileSync(join(damaged, "model.safetensors"), bytes);
    return damaged;
  }

  test("no folder, an empty folder, a file that is no model", async () => {
    const missing = /no model at .*model\.safetensors; create one with: npm run imdb -- train/;
    expectUsage(await runInside(["predict", "--model", join(folder, "none"), "text"]), missing);
    expectUsage(await runInside(["evaluate", "--model", temporaryFolder()]), missing);
    const history = join(folder, "good", "history.json");
    expectUsage(await runInside(["export", "--model", history]), /cannot read the model .*history\.json: /);
  });

  test("cut short at any of many places", async () => {
    for (let part = 0; part < 16; part++) {
      const cut = folderWith(model.subarray(0, Math.floor((model.length * part) / 16)));
      expectUsage(await runInside(["predict", "--model", cut, "text"]), /cannot read the model /);
    }
  });

  test("damaged in its header", async () => {
    const bytes = Buffer.from(model);
    bytes.fill("!", 20, 60);
    expectUsage(await runInside(["predict", "--model", folderWith(bytes), "text"]), /cannot read the model /);
  });

  test("something else altogether", async () => {
    for (const bytes of ["", "not a model", readFileSync(join(folder, "good", "loss.png"))]) {
      expectUsage(
        await runInside(["predict", "--model", folderWith(bytes), "text"]),
        /the file is not a model; supported are/,
      );
    }
    const inTheWay = temporaryFolder();
    mkdirSync(join(inTheWay, "model.safetensors"));
    expectUsage(await runInside(["predict", "--model", inTheWay, "text"]), /model\.safetensors: it is a folder/);
  });

  test("a model of this format that another program wrote", async () => {
    const { metadata, ...own } = fromBytes(model);
    const text = JSON.stringify(metadata);
    expect(text).toContain("imdb");
    const bytes = Buffer.from(toBytes({ ...own, metadata: JSON.parse(text.replace("imdb", "jazz")) }));
    expectUsage(await runInside(["predict", "--model", folderWith(bytes), "text"]), /is not a model of this app/);
  });

  test("export to a folder, and below a file", async () => {
    const good = join(folder, "good");
    expectUsage(await runInside(["export", "--model", good, "--out", good]), /cannot write --out .*: it is a folder/);
    const below = join(good, "history.json", "model.onnx");
    expectUsage(await runInside(["export", "--model", good, "--out", below]), /cannot write to the folder of --out/);
  });

  test("export over a file that is no export: the model, its history, a table", async () => {
    const good = join(folder, "good");
    const table = join(temporaryFolder(), "table.csv");
    writeFileSync(table, "text,label\n");
    for (const [out, problem] of [
      [
        join(good, "model.safetensors"),
        /^imdb: --out: .*model\.safetensors is there already, and is no ONNX file by its name; /,
      ],
      [
        join(good, "history.onnx"),
        /^imdb: --out: .*history\.json, which goes beside .*history\.onnx, is there already/,
      ],
      [table, /table\.csv is there already/],
    ] as const) {
      expectUsage(await runInside(["export", "--model", good, "--out", out]), problem);
    }
    expect(readFileSync(join(good, "model.safetensors"))).toEqual(model);
    expect(existsSync(join(good, "history.onnx"))).toBe(false);
    expect(JSON.parse(readFileSync(join(good, "history.json"), "utf8"))).toHaveProperty("options");
    expect(readFileSync(table, "utf8")).toBe("text,label\n");
  });
});

describe("what is not the user's fault", () => {
  test("a defect is told as one, with its stack and a code of its own", () => {
    const { message, code } = explain(new TypeError("x is not a function"));
    expect(code).toBe(70);
    expect(message).toMatch(/^a defect of this program, please report it:\nTypeError: x is not a function\n {4}at /);
  });

  test("a full disk is told in words, with exit code 1", () => {
    const error = Object.assign(new Error("ENOSPC: no space"), { code: "ENOSPC", syscall: "write", path: "/x/model" });
    expect(explain(error)).toEqual({ message: "/x/model: no space left on the disk", code: 1 });
  });
});

describe("help", () => {
  test("without arguments, and of each command, on standard output", async () => {
    const { code, stdout, stderr } = await runInside([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const command of ["train", "evaluate", "predict", "export", "info", "start"]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} \\[options\\]`, "m"));
      const help = await runInside([command, "--help"]);
      expect(help).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toMatch(new RegExp(`^Usage: imdb ${command}`));
    }
  });
});
