/** Texts of the user's own: a table with two classes or more, IMDB as a folder and as Keras's file, and what may be wrong with them. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { writeNpz } from "./npz.ts";
import { lastingFolder, runInside, runProcess, temporaryFolder } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";

const small = ["--units", "8", "--max-words", "80", "--learning-rate", "0.02", "--epochs", "4"];
const folder = lastingFolder();

describe("a CSV file of three classes, a process for each command", () => {
  const out = join(folder, "tickets");
  beforeAll(async () => {
    writeCsv(folder, drawnRows(240));
    const trained = await runProcess(
      ["train", "--data", "tickets.csv", ...columns, ...small, "--out", "tickets", "--json"],
      { cwd: folder },
    );
    expect(trained).toMatchObject({ code: 0, stderr: "" });
    const [form, model] = eventsOf(trained.stdout);
    expect(form).toEqual({
      event: "table",
      format: "csv",
      delimiter: ",",
      header: true,
      backslashEscapes: false,
      strayQuotes: [],
    });
    expect(model).toMatchObject({ layers: [{}, {}, { parameters: 27 }] });
  });

  test("evaluate tests on the fifth that training has not seen: 3 × 3 confusion, each class, macro averages", async () => {
    const { code, stdout, stderr } = await runProcess(["evaluate", "--model", out, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [, figures, report] = eventsOf(stdout) as [
      unknown,
      { accuracy: number; loss: number; confusion: number[][]; macro: { f1: number } },
      { classes: { label: string; f1: number; support: number }[] },
    ];
    expect(figures.confusion.map((row) => row.length)).toEqual([3, 3, 3]);
    expect(figures.confusion.flat().reduce((sum, count) => sum + count)).toBe(48);
    expect(figures.accuracy).toBeGreaterThan(0.9);
    expect(figures.loss).toBeLessThan(Math.log(3));
    expect(report.classes.map(({ label, support }) => [label, support])).toEqual([
      ["billing", 16],
      ["login", 16],
      ["shipping", 16],
    ]);
    expect(figures.macro.f1).toBeCloseTo(report.classes.reduce((sum, { f1 }) => sum + f1, 0) / 3, 12);

    const onnx = await runInside(["evaluate", "--model", out, "--backend", "onnx", "--json"]);
    expect(eventsOf(onnx.stdout)[1]).toMatchObject({ confusion: figures.confusion });
    const plain = await runInside(["evaluate", "--model", out]);
    expect(plain.stdout).toMatch(/^ +called billing +called login +called shipping$/m);
    expect(plain.stdout).toMatch(/^macro average +[01]\.\d{4}/m);
    expect(plain.stdout).toMatch(/^Testing on 48 texts with wasm\.$/m);
    expect(plain.stdout).toMatch(/^class +precision +recall +F1 +texts$/m);
    expect(plain.stdout).not.toContain("review");
  });

  test("another file is tested in whole, with the model's classes", async () => {
    const other = temporaryFolder();
    const file = writeCsv(other, drawnRows(30, 3, 7));
    const result = await runInside(["evaluate", "--model", out, "--data", file, "--json"]);
    const [, figures] = eventsOf(result.stdout) as [unknown, { confusion: number[][] }];
    expect(figures.confusion.flat().reduce((sum, count) => sum + count)).toBe(30);

    const unknown = writeCsv(other, [...drawnRows(3), { message: "hello", queue: "sales" }], "unknown.csv");
    const wrong = await runInside(["evaluate", "--model", out, "--data", unknown]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(/line 5 has the label "sales", not one of "billing", "login", "shipping"\n$/);
  });

  test("nothing calls the user's texts reviews", async () => {
    const again = ["train", "--data", join(folder, "tickets.csv"), ...columns, ...small, "--epochs", "1"];
    const { stdout } = await runInside([...again, "--out", temporaryFolder()]);
    expect(stdout).toMatch(/^173 texts to train with, 19 to validate; .* words of each text; 3 classes/m);
    expect(stdout).not.toContain("review");
    expect(await runInside(["predict", "--model", out])).toMatchObject({
      stderr: "imdb: no texts on standard input\n",
    });
    const exported = await runInside(["export", "--model", out, "--out", join(temporaryFolder(), "model.onnx")]);
    expect(exported.stdout).toContain("1,000 texts of drawn words");
    expect(exported.stdout).not.toContain("review");
  });

  test("predict names the class and its probability", async () => {
    const texts = ["my parcel is late", "please refund the charge", "locked account password"];
    const { code, stdout } = await runInside(["predict", "--model", out, "--json", ...texts]);
    expect(code).toBe(0);
    const answers = eventsOf(stdout);
    expect(answers.map(({ label }) => label)).toEqual(["shipping", "billing", "login"]);
    for (const answer of answers) {
      expect(Object.keys(answer)).toEqual(["text", "probability", "label", "probabilities"]);
      expect(answer.probability).toBeGreaterThan(1 / 3);
      const each = answer.probabilities as Record<string, number>;
      expect(Object.keys(each)).toEqual(["billing", "login", "shipping"]);
      expect(answer.probability).toBe(Math.max(...Object.values(each)));
      expect(each[String(answer.label)]).toBe(answer.probability);
    }
    const onnx = await runInside(["predict", "--model", out, "--backend", "onnx", "--json", ...texts]);
    for (const [row, { label, probability }] of eventsOf(onnx.stdout).entries()) {
      expect(label).toBe(answers[row]?.label);
      expect(probability).toBeCloseTo(answers[row]?.probability as number, 5);
    }
  });

  test("export agrees with onnxruntime without the data", async () => {
    const alone = temporaryFolder();
    cpSync(join(out, "model.safetensors"), join(alone, "model.safetensors"));
    const { code, stdout } = await runInside(["export", "--model", alone, "--json"]);
    expect(code).toBe(0);
    expect((eventsOf(stdout)[0] as { maxDifference: number }).maxDifference).toBeLessThanOrEqual(1e-4);
    const lost = await runInside(["evaluate", "--model", alone]);
    expect(lost).toMatchObject({ code: 2, stderr: expect.stringContaining("give it as --data") });
  });
});

test("two classes: the network of the reviews, AUC and ROC curve; TSV and JSONL as CSV", async () => {
  const rows = drawnRows(120, 2);
  const own = temporaryFolder();
  writeFileSync(join(own, "a.tsv"), `text\tlabel\n${rows.map((row) => `${row.message}\t${row.queue}\n`).join("")}`);
  writeFileSync(
    join(own, "a.jsonl"),
    rows.map((row) => `${JSON.stringify({ text: row.message, label: row.queue })}\n`).join(""),
  );
  for (const name of ["a.tsv", "a.jsonl"]) {
    const out = join(own, `${name}.model`);
    const data = ["--data", join(own, name)];
    expect(await runInside(["train", ...data, ...small, "--out", out])).toMatchObject({ code: 0, stderr: "" });
    const { stdout } = await runInside(["evaluate", "--model", out, "--json"]);
    const events = eventsOf(stdout);
    expect(events.map(({ event }) => event)).toEqual(["table", "test", "classes", "saved"]);
    expect(events[1]).toMatchObject({ auc: expect.any(Number), confusion: [expect.anything(), expect.anything()] });
    expect(existsSync(join(out, "roc.svg"))).toBe(true);
    const answer = await runInside(["predict", "--model", out, "--json", "password account locked"]);
    expect(eventsOf(answer.stdout)[0]).toMatchObject({ label: "login" });
  }
});

test("Stanford's folder, or the one above it; the halves are the official ones", async () => {
  const own = temporaryFolder();
  for (const [part, name, word] of [
    ["train", "neg", "awful"],
    ["train", "pos", "great"],
    ["test", "neg", "awful"],
    ["test", "pos", "great"],
  ] as const) {
    const reviews = join(own, "aclImdb", part, name);
    mkdirSync(reviews, { recursive: true });
    for (let i = 0; i < 20; i++) writeFileSync(join(reviews, `${i}_1.txt`), `a ${word} film ${"so ".repeat(i)}${word}`);
  }
  const out = join(own, "model");
  expect(await runInside(["train", "--data", own, ...small, "--out", out])).toMatchObject({ code: 0, stderr: "" });
  const { stdout } = await runInside(["evaluate", "--model", out, "--json"]);
  expect((eventsOf(stdout)[0] as { confusion: number[][] }).confusion.flat().reduce((a, b) => a + b)).toBe(40);
  const answer = await runInside(["predict", "--model", out, "--json", "a great film"]);
  expect(eventsOf(answer.stdout)[0]).toMatchObject({ label: expect.stringMatching(/^(negative|positive)$/) });
});

test("Keras's imdb.npz: with the word index beside it as texts; without it as ids, which answer no text", async () => {
  const own = temporaryFolder();
  const lists = Array.from({ length: 40 }, (_, row) => [1 + (row % 2), 3, 4, ...Array(row % 5).fill(5)]);
  writeNpz(
    join(own, "imdb.npz"),
    lists,
    lists.map((_, row) => row % 2),
  );
  const out = join(own, "model");
  const train = ["train", "--data", join(own, "imdb.npz"), ...small, "--out", out];
  expect(await runInside(train)).toMatchObject({ code: 0, stderr: "" });
  const { stdout } = await runInside(["evaluate", "--model", out, "--json"]);
  expect((eventsOf(stdout)[0] as { confusion: number[][] }).confusion.flat().reduce((a, b) => a + b)).toBe(40);
  const refused = await runInside(["predict", "--model", out, "a great film"]);
  expect(refused).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("knows no words; put imdb_word_index.json"),
  });

  const index = { bad: 1, good: 2, a: 3, film: 4, so: 5 };
  writeFileSync(join(own, "imdb_word_index.json"), JSON.stringify(index));
  expect(await runInside([...train, "--overwrite"])).toMatchObject({ code: 0, stderr: "" });
  const answer = await runInside(["predict", "--model", out, "--json", "a good film"]);
  expect(eventsOf(answer.stdout)[0]).toMatchObject({ label: expect.stringMatching(/^(negative|positive)$/) });
});

describe("a table that is written otherwise", () => {
  const own = lastingFolder();
  const rows = drawnRows(120, 2);
  const written = (name: string, lines: readonly string[]): string => {
    writeFileSync(join(own, name), lines.join("\r\n"));
    return join(own, name);
  };

  test("semicolons, no header and a stray quote: told in training, remembered, told in evaluation", async () => {
    const lines = rows.map((row) => `${row.queue};${row.message}, and so on`);
    const data = written("export.csv", [...lines, 'login;"password locked']);
    const out = join(own, "model");
    const options = ["--no-header", "--text-column", "2", "--label-column", "1"];
    const trained = await runInside(["train", "--data", data, ...options, ...small, "--out", out]);
    const note = `imdb: --data ${data}: read with semicolons between fields; no names in the first row; a quote that nothing closes in line 121, column 2\n`;
    expect(trained).toMatchObject({ code: 0, stderr: note });
    const { code, stdout, stderr } = await runInside(["evaluate", "--model", out, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: note });
    expect(eventsOf(stdout)[0]).toMatchObject({
      event: "table",
      delimiter: ";",
      header: false,
      strayQuotes: [{ line: 121, column: 2 }],
    });
    const other = await runInside(["train", "--data", data, "--text-column", "2", "--out", join(own, "no")]);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('has no column "2", only') });
  });

  test("a delimiter of one's own", async () => {
    const data = written("bars.csv", ["text|label", ...rows.map((row) => `${row.message}; a, b|${row.queue}`)]);
    const out = join(own, "bars");
    const train = ["train", "--data", data, ...small, "--out", out];
    expect(await runInside(train)).toMatchObject({ code: 2, stderr: expect.stringContaining('has no column "text"') });
    const trained = await runInside([...train, "--delimiter", "|"]);
    expect(trained).toMatchObject({ code: 0, stderr: `imdb: --data ${data}: read with "|" between fields\n` });
    expect(await runInside(["evaluate", "--model", out])).toMatchObject({ code: 0, stderr: trained.stderr });
    const tabs = written("tabs.csv", ["text\tlabel", ...rows.map((row) => `${row.message}\t${row.queue}`)]);
    const evaluate = ["evaluate", "--model", out, "--data", tabs, "--delimiter", "tab"];
    expect(await runInside(evaluate)).toMatchObject({ code: 0, stderr: expect.stringContaining("tabs between") });
  });
});

describe("clear answers to data that will not do", () => {
  const own = lastingFolder();
  const file = (name: string, text: string): string => {
    writeFileSync(join(own, name), text);
    return join(own, name);
  };
  const rows = (count: number, label: (row: number) => string) =>
    `text,label\n${Array.from({ length: count }, (_, row) => `some words ${row},${label(row)}\n`).join("")}`;

  test.each<[name: string, args: () => string[], message: RegExp]>([
    [
      "nothing there",
      () => ["--data", join(own, "none.csv")],
      /looked for .*none\.csv; give the path of .*aclImdb_v1\.tar\.gz/,
    ],
    [
      "a folder without reviews",
      () => ["--data", own],
      /looked for the folders train\/neg, .* in .*; download https:.*tar -xzf/,
    ],
    ["an empty file", () => ["--data", file("empty.csv", "")], /empty\.csv: is empty/],
    ["only a heading", () => ["--data", file("heading.csv", "text,label\n")], /heading\.csv: has no rows/],
    [
      "no such column",
      () => ["--data", writeCsv(own, drawnRows(30))],
      /has no column "text", only "message", "queue"; name another one with --text-column and --label-column, or say with --delimiter .* with --no-header that/,
    ],
    [
      "one class",
      () => [
        "--data",
        file(
          "one.csv",
          rows(30, () => "a"),
        ),
      ],
      /all 30 rows have the label "a".* needs two labels/,
    ],
    [
      "too few rows",
      () => [
        "--data",
        file(
          "few.csv",
          rows(6, (row) => "ab"[row % 2] ?? ""),
        ),
      ],
      /few\.csv: has 6 texts, and a fifth is kept for testing; give at least 13$/m,
    ],
    [
      "a class that is missing from training",
      () => [
        "--data",
        file(
          "rare.csv",
          rows(400, (row) => (row < 2 ? "rare" : ("ab"[row % 2] ?? ""))),
        ),
        "--limit",
        "20",
      ],
      /"rare"/,
    ],
    [
      "two rows",
      () => ["--data", file("two.csv", "text,label\na,x\nb,y\n")],
      /has 2 texts, and a fifth .* at least 13$/m,
    ],
    ["another kind of file", () => ["--data", file("notes.txt", "hello")], /is of no known kind by its name/],
    [
      "columns of IMDB",
      () => ["--text-column", "review"],
      /--text-column and --label-column are for CSV, TSV and JSONL/,
    ],
  ])("%s", async (_, args, message) => {
    const { code, stdout, stderr } = await runInside(["train", ...args(), "--out", temporaryFolder()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^imdb: [^\n]*\n$/);
    expect(stderr).toMatch(message);
  });

  test("reviews of 10,000 words are read from their ends", async () => {
    const long = drawnRows(40).map((row) => ({ ...row, message: `${"word ".repeat(10_000)}${row.message}` }));
    const out = temporaryFolder();
    const data = ["--data", writeCsv(out, long), ...columns];
    const trained = await runInside(["train", ...data, ...small, "--max-length", "30", "--out", out]);
    expect(trained).toMatchObject({ code: 0, stderr: "" });
    const answer = await runInside(["predict", "--model", out, "--json", long[0]?.message ?? ""]);
    expect(eventsOf(answer.stdout)[0]).toMatchObject({ label: expect.any(String) });
    expect(JSON.parse(readFileSync(join(out, "history.json"), "utf8")).epochs).toHaveLength(4);
  });
});

test("labels are shown on one line, short, and with nothing in them that a terminal would obey", async () => {
  const here = temporaryFolder();
  const labels = ["\u001b[31mbilling\u001b[0m", "login\nteam", "x".repeat(500)];
  const rows = drawnRows(60).map(({ message }, i) => `"${message}","${labels[i % 3]}"\n`);
  writeFileSync(join(here, "odd.csv"), `text,label\n${rows.join("")}`);
  const data = ["--data", join(here, "odd.csv"), "--units", "2", "--epochs", "1"];
  const { code, stdout } = await runInside(["train", ...data, "--out", join(here, "odd")]);
  expect(code).toBe(0);
  expect(stdout).not.toContain("\u001b");
  expect(stdout).toMatch(/; 3 classes: \[31mbilling \[0m, login team, x{23}…\.$/m);
});

test("data that have grown since training are not tested on whole, training's rows among them, unless asked for", async () => {
  const here = temporaryFolder();
  const rows = drawnRows(60);
  const data = writeCsv(here, rows);
  const out = join(here, "out");
  expect(
    (await runInside(["train", "--data", data, ...columns, "--units", "2", "--epochs", "1", "--out", out])).code,
  ).toBe(0);
  expect((await runInside(["evaluate", "--model", out])).stdout).toContain("Testing on 12 texts");
  writeCsv(here, [...rows, ...drawnRows(1, 3, 5)]);
  expect(await runInside(["evaluate", "--model", out])).toEqual({
    code: 2,
    stdout: "",
    stderr: `imdb: ${data} has changed since it was trained on, and which rows are new to the model is not known; name a file with --data to test on all of its rows\n`,
  });
  expect((await runInside(["evaluate", "--model", out, "--data", data])).stdout).toContain("Testing on 61 texts");
});
