/** Stopping and going on: killed, interrupted, diverged, with other settings, from damaged checkpoints. */
import { copyFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "@ostinato/app/testing";
import { loadCheckpoint } from "@ostinato/core/node";
import { beforeAll, describe, expect, test } from "vitest";
import { killReviews } from "./kills.ts";
import { lastingFolder, runInside, runProcess, spawnCli, temporaryFolder } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";

const folder = lastingFolder();
const data = writeCsv(folder, drawnRows(120));
const small = ["train", "--data", data, ...columns, "--units", "4", "--max-words", "60", "--batch-size", "16"];
const bytesOf = (...path: string[]): Buffer => readFileSync(join(...path));

test("killed 3 times at drawn moments and resumed: the bytes of the training that was not", async () => {
  await killReviews(temporaryFolder(), 80, 3, 1);
}, 120_000);

describe("resuming", () => {
  const whole = join(folder, "whole");
  const out = join(folder, "half");
  beforeAll(async () => {
    expect(await runInside([...small, "--epochs", "4", "--out", whole])).toMatchObject({ code: 0, stderr: "" });
    expect(await runInside([...small, "--epochs", "2", "--out", out])).toMatchObject({ code: 0, stderr: "" });
  });

  test("another number of epochs and another backend may be asked for; the events tell from where it goes on", async () => {
    const longer = join(folder, "longer");
    expect(await runInside([...small, "--epochs", "2", "--out", longer])).toMatchObject({ code: 0 });
    const { code, stdout } = await runInside([...small, "--epochs", "4", "--out", longer, "--resume", "--json"]);
    expect(code).toBe(0);
    const events = eventsOf(stdout);
    expect(events.map(({ event }) => event)).toEqual(["table", "model", "resumed", "epoch", "epoch", "saved"]);
    expect(events[2]).toEqual({ event: "resumed", epoch: 2, step: 0 });
    for (const file of ["model.safetensors", "best.safetensors", "history.json"]) {
      expect(bytesOf(longer, file).equals(bytesOf(whole, file)), file).toBe(true);
    }
    const tfjs = await runInside([...small, "--epochs", "5", "--out", longer, "--resume", "--backend", "tfjs"]);
    expect(tfjs).toMatchObject({ code: 0, stderr: "" });
  });

  test.each([
    [["--units", "5"], "--units was 4, is 5"],
    [["--seed", "3", "--limit", "90"], "--seed was 0, is 3; --limit was not given, is 90"],
    [["--patience", "2", "--logdir", "logs"], /--patience was not given, is 2; --logdir was not given, is .*logs/],
    [["--preset", "article"], "--preset was default, is article"],
  ])("other settings are named: %j", async (other, message) => {
    const result = await runInside([...small, "--epochs", "4", "--out", out, "--resume", ...other]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(/^imdb: --resume: .* is of a training with other settings: [^\n]*\n$/);
    expect(result.stderr).toMatch(message);
  });

  test("other texts in the same file are noticed", async () => {
    const own = temporaryFolder();
    const file = writeCsv(own, drawnRows(60));
    const args = [...small.map((arg) => (arg === data ? file : arg)), "--out", own];
    expect((await runInside(args.concat("--epochs", "1"))).code).toBe(0);
    writeCsv(own, drawnRows(60, 3, 2));
    const result = await runInside(args.concat("--epochs", "2", "--resume"));
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining("the texts and labels have changed") });
  });

  test("no checkpoint, and one that is further than asked for", async () => {
    const none = await runInside([...small, "--out", temporaryFolder(), "--resume"]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toMatch(
      /^imdb: --resume: there is no checkpoint at .*checkpoint\.safetensors; leave --resume out/,
    );
    const further = await runInside([...small, "--epochs", "1", "--out", out, "--resume"]);
    expect(further).toMatchObject({ code: 2, stderr: expect.stringContaining("has finished 2 epochs already") });
  });

  test("a damaged checkpoint: the one before, with a warning, and the same bytes in the end; both damaged: an error", async () => {
    const own = temporaryFolder();
    for (const name of ["checkpoint.safetensors", "checkpoint.safetensors.previous"]) {
      copyFileSync(join(out, name), join(own, name));
    }
    truncateSync(join(own, "checkpoint.safetensors"), 1000);
    const { code, stderr } = await runInside([...small, "--epochs", "4", "--out", own, "--resume"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^imdb: cannot read the checkpoint .*; going on from the one before, .*\.previous\n$/);
    expect(bytesOf(own, "model.safetensors").equals(bytesOf(whole, "model.safetensors"))).toBe(true);

    for (const name of ["checkpoint.safetensors", "checkpoint.safetensors.previous"]) {
      writeFileSync(join(own, name), "no tensors");
    }
    const both = await runInside([...small, "--epochs", "4", "--out", own, "--resume"]);
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^imdb: cannot read the checkpoint [^\n]*\n$/),
    });
  });
});

describe("signals", () => {
  /** Starts an endless training and calls `act` once it has made some steps. */
  async function interrupted(out: string, act: (kill: (name: NodeJS.Signals) => void) => void) {
    const child = spawnCli([...small, "--epochs", "100000", "--out", out]);
    let [stdout, stderr] = ["", ""];
    let acted = false;
    child.stderr.on("data", (text) => {
      stderr += String(text);
    });
    child.stdout.on("data", (text) => {
      stdout += String(text);
      if (acted || !stdout.includes("epoch 2/")) return;
      acted = true;
      act((name) => void child.kill(name));
    });
    const code = await new Promise((resolve) => void child.on("close", resolve));
    return { code, stderr };
  }

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s saves, says how to go on, and exits with %i", async (name, expected) => {
    const out = join(temporaryFolder(), "it's here");
    const { code, stderr } = await interrupted(out, (kill) => kill(name));
    expect(code).toBe(expected);
    const [, first, second, command = ""] = stderr.split("\n");
    expect(first).toBe("imdb: stopping after this step; once more ends at once");
    expect(second).toMatch(
      /^imdb: stopped in epoch \d+ after step \d+, saved in .*checkpoint\.safetensors\. Continue with:$/,
    );
    expect(command.trim()).toBe(
      `npm run imdb -- ${small.join(" ")} --epochs 100000 --out '${out.replace("'", "'\\''")}' --resume`,
    );
    const position = Number(/epoch (\d+)/.exec(second ?? "")?.[1]);
    const result = await runProcess([...small, "--epochs", String(position), "--out", out, "--resume"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const straight = temporaryFolder();
    expect((await runProcess([...small, "--epochs", String(position), "--out", straight])).code).toBe(0);
    for (const file of ["model.safetensors", "best.safetensors", "history.json"]) {
      expect(bytesOf(out, file).equals(bytesOf(straight, file)), file).toBe(true);
    }
  });

  test("before training has begun there is nothing to save", async () => {
    const child = spawnCli(["predict", "--model", join(folder, "whole")]);
    await new Promise<void>((resolve) => {
      child.stderr.once("data", () => resolve());
      child.stdin.write("my parcel\n");
      child.stdout.once("data", () => resolve());
    });
    child.kill("SIGINT");
    expect(await new Promise((resolve) => void child.on("close", resolve))).toBe(130);
  });
});

test("a learning rate that diverges: the step and the layer are named, the checkpoint before is kept, and no model is written", async () => {
  const out = temporaryFolder();
  expect((await runInside([...small, "--epochs", "1", "--out", out])).code).toBe(0);
  const wild = [...small, "--out", out, "--learning-rate", "1e30", "--save-every", "1"];
  const { code, stderr } = await runInside([...wild, "--overwrite"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^imdb: epoch 1, step \d+: [^\n]*the layer "\w+"[^\n]*checkpoint\.safetensors holds the last good checkpoint\n$/,
  );
  expect(existsSync(join(out, "model.safetensors"))).toBe(false);
  expect((await loadCheckpoint(join(out, "checkpoint.safetensors"))).position).toMatchObject({ epoch: 0, step: 0 });
  const resumed = await runInside([...wild, "--resume"]);
  expect(resumed).toMatchObject({ code: 1, stderr: expect.stringContaining("epoch 1, step 1") });
});

test("--patience ends training with the best weights; --logdir gets event files and a CSV", async () => {
  const out = temporaryFolder();
  const noise = drawnRows(80).map((row, i) => ({ ...row, queue: i % 7 < 3 ? "a" : "b" }));
  const args = ["train", "--data", writeCsv(out, noise), ...columns, "--units", "4", "--max-words", "60"];
  const options = ["--learning-rate", "0.1", "--epochs", "100", "--patience", "2", "--out", out];
  const { code, stdout } = await runInside([...args, ...options, "--logdir", join(out, "logs"), "--json"]);
  expect(code).toBe(0);
  const stopped = eventsOf(stdout).find(({ event }) => event === "stopped");
  expect(stopped).toMatchObject({ reason: expect.stringMatching(/^valLoss has not got better since epoch \d+/) });
  expect(bytesOf(out, "model.safetensors").equals(bytesOf(out, "best.safetensors"))).toBe(true);
  const history = JSON.parse(bytesOf(out, "history.json").toString("utf8"));
  expect(history.stopped).toBe(stopped?.reason);
  const lines = bytesOf(out, "logs", "epochs.csv").toString("utf8").trim().split("\n");
  expect(lines[0]).toBe("epoch,loss,accuracy,valLoss,valAccuracy");
  expect(lines).toHaveLength(1 + history.epochs.length);
  expect(existsSync(join(out, "logs", "train"))).toBe(true);
  expect(existsSync(join(out, "logs", "validation"))).toBe(true);
});
