/** Reviews from standard input: whatever the bytes, an answer or a clear error, line by line. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main, runInside, smallTraining, spawnCli } from "./runCli.ts";

const folder = mkdtempSync(join(tmpdir(), "imdb-test-"));
beforeAll(async () => {
  const { code } = await runInside([...smallTraining, "--epochs", "1", "--out", folder]);
  expect(code).toBe(0);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text, "utf8");
const predictJson = (...input: Uint8Array[]) => runInside(["predict", "--model", folder, "--json"], input);

describe("standard input", () => {
  test("one answer a line, in order: Windows line ends, empty lines, unknown words, emoji, no last line end", async () => {
    const { code, stdout, stderr } = await predictJson(bytes("the film\r\n\nqwxyz qwxyz\n💩 👍🏽\nlast"));
    expect(code).toBe(0);
    expect(stderr).toBe(
      "imdb: line 2: nothing to judge: the text is empty\n" +
        "imdb: line 3: nothing to judge: the model knows none of its words\n" +
        "imdb: line 4: nothing to judge: the model knows none of its words\n",
    );
    const answers = eventsOf(stdout);
    expect(answers.map(({ text }) => text)).toEqual(["the film", "", "qwxyz qwxyz", "💩 👍🏽", "last"]);
    const none = { probability: null, label: null };
    expect(answers.slice(1, 4)).toEqual([
      { text: "", ...none, problem: "the text is empty" },
      { text: "qwxyz qwxyz", ...none, problem: "the model knows none of its words" },
      { text: "💩 👍🏽", ...none, problem: "the model knows none of its words" },
    ]);
    for (const { probability, label } of [answers[0]!, answers[4]!]) {
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThan(1);
      expect(label).toMatch(/^(negative|positive)$/);
    }
  });

  test("broken UTF-8 is answered, with a note on standard error", async () => {
    const broken = Buffer.concat([
      bytes("good\nbroken "),
      Buffer.from([0xff, 0xfe, 0xed, 0xa0, 0x80]),
      bytes(" film\n"),
    ]);
    const { code, stdout, stderr } = await predictJson(broken);
    expect(code).toBe(0);
    expect(eventsOf(stdout).map(({ text }) => text)).toEqual(["good", "broken \ufffd\ufffd\ufffd\ufffd\ufffd film"]);
    expect(stderr).toBe(
      "imdb: line 2 is not valid UTF-8; its broken bytes are read as U+FFFD (if it is Latin-1, convert it: iconv -f WINDOWS-1252 -t UTF-8)\n",
    );
  });

  test("a byte order mark, and carriage returns within a line, are no part of a word", async () => {
    const { stdout } = await predictJson(bytes("\ufeffthe film was\rgood\r\nthe film was good\n"));
    const [marked, plain] = eventsOf(stdout);
    expect(marked).toEqual({ ...plain, text: "the film was\rgood" });
  });

  test.each([
    ["UTF-16", "\ufeffthe film\n", "UTF-16 (little-endian), not UTF-8; convert it: iconv -f UTF-16 -t UTF-8"],
    ["UTF-16 without mark", "the film\n", "UTF-16 (little-endian), not UTF-8; convert it: iconv -f UTF-16LE -t UTF-8"],
  ])("%s is recognised", async (_, text, message) => {
    const result = await predictJson(Buffer.from(text, "utf16le"));
    expect(result).toEqual({ code: 1, stdout: "", stderr: `imdb: standard input is ${message}\n` });
  });

  test("a line of 1 MB", async () => {
    const text = "a wonderful film ".repeat(60_000);
    const { code, stdout } = await predictJson(bytes(text));
    expect(code).toBe(0);
    expect(eventsOf(stdout)).toMatchObject([{ text, probability: expect.any(Number), label: expect.any(String) }]);
  });

  test("nothing at all", async () => {
    expect(await predictJson()).toEqual({ code: 0, stdout: "", stderr: "imdb: no reviews on standard input\n" });
  });

  test.each([
    ["nothing", [""], "the text is empty"],
    ["spaces", [" \t\n", ""], "the text is empty"],
    ["no known word", ["qwxyz"], "the model knows none of its words"],
    ["neither", ["", "qwxyz"], "the text is empty; the model knows none of its words"],
  ])("arguments with %s to judge are told so", async (_, texts, reason) => {
    const result = await runInside(["predict", "--model", folder, ...texts]);
    expect(result).toEqual({ code: 1, stdout: "", stderr: `imdb: nothing to judge: ${reason}\n` });
  });

  test("among others a text without a word is told by its place; behind -- a text may begin with a dash", async () => {
    const { code, stdout, stderr } = await runInside(["predict", "--model", folder, "--", "-the film", "qwxyz"]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "imdb: text 2: nothing to judge: the model knows none of its words\n",
    });
    expect(stdout).toMatch(/^(negative|positive) {2}0\.\d{4} {2}-the film\n- +n\/a {2}qwxyz\n$/);
  });

  test("people see the label, the probability and the start of the text, on one line and without control characters", async () => {
    const { stdout } = await runInside([
      "predict",
      "--model",
      folder,
      "\u001b[31mred\u0007\r\nfilm",
      `film ${"x".repeat(500)}`,
    ]);
    const lines = stdout.split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^(negative|positive) {2}0\.\d{4} {2}\[31mred film$/);
    expect(lines[1]).toMatch(/ {2}film x{54}…$/);
  });

  test("the answer does not depend on the company: alone or among others", async () => {
    const texts = ["the film was good", "bad", "a long and boring story of a man and his dog"];
    const together = eventsOf((await predictJson(bytes(texts.join("\n")))).stdout);
    for (const [row, text] of texts.entries()) {
      const [alone] = eventsOf((await predictJson(bytes(text))).stdout);
      expect(alone?.probability).toBeCloseTo(together[row]?.probability as number, 6);
    }
  });
});

const hasFull = existsSync("/dev/full");
if (!hasFull)
  console.info('skips "tells with its exit code that the answers could not be written": there is no /dev/full');

describe("as a process", () => {
  test("answers each line before the next is typed", async () => {
    const child = spawnCli(["predict", "--model", folder]);
    const closed = new Promise((resolve) => void child.on("close", resolve));
    const answer = () =>
      new Promise<string>((resolve) => void child.stdout.once("data", (data) => resolve(String(data))));
    child.stdin.write("a first review\n");
    expect(await answer()).toMatch(/a first review\n$/);
    child.stdin.write("a second\n");
    expect(await answer()).toMatch(/a second\n$/);
    child.stdin.end();
    expect(await closed).toBe(0);
  }, 30_000);

  test.skipIf(!hasFull)(
    "tells with its exit code that the answers could not be written",
    async () => {
      const full = openSync("/dev/full", "w");
      try {
        const args = ["--conditions=@ostinato/source", main, "predict", "--model", folder, "--json", "a film"];
        const child = spawn(process.execPath, args, { stdio: ["ignore", full, "pipe"] });
        let stderr = "";
        child.stderr?.on("data", (data) => {
          stderr += String(data);
        });
        expect(await new Promise((resolve) => void child.on("close", resolve))).toBe(1);
        expect(stderr).toMatch(/^imdb: cannot write to standard output: ENOSPC.*\n$/);
      } finally {
        closeSync(full);
      }
    },
    30_000,
  );

  test("ends quietly when the reader goes away, however much is left to read", async () => {
    const child = spawnCli(["predict", "--model", folder]);
    let stderr = "";
    child.stderr.on("data", (data) => {
      stderr += String(data);
    });
    child.stdin.on("error", () => {}); // nobody reads the rest
    const closed = new Promise((resolve) => void child.on("close", resolve));
    const more = setInterval(() => child.stdin.write("a review like any other\n".repeat(1000)), 10);
    child.stdout.once("data", () => child.stdout.destroy());
    expect(await closed).toBe(0);
    clearInterval(more);
    expect(stderr).toBe("");
  }, 30_000);
});
