/** The folder of a training: one process at a time, never two trainings in one, nothing left of an older model, and a disk that gets full. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockFolder } from "@ostinato/core/node";
import { describe, expect, onTestFinished, test } from "vitest";
import { lastingFolder, runInside, spawnCli, temporaryFolder } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";

const folder = lastingFolder();
const data = writeCsv(folder, drawnRows(120));
const small = ["train", "--data", data, ...columns, "--units", "4", "--max-words", "60", "--batch-size", "16"];
const training = (out: string, ...more: string[]) => runInside([...small, "--out", out, ...more]);

/** A folder with a finished training of one epoch, and what the other commands made of its model. */
async function finished(): Promise<string> {
  const out = temporaryFolder();
  expect(await training(out, "--epochs", "1")).toMatchObject({ code: 0, stderr: "" });
  for (const name of ["model.onnx", "model.json", "roc.svg", "roc.png"])
    writeFileSync(join(out, name), "of the old model");
  writeFileSync(join(out, "notes.txt"), "the user's own");
  return out;
}

const contents = (out: string) =>
  Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(join(out, name)).toString("base64")]));

describe("a folder with a training", () => {
  test("is refused, and left as it is; the message says what to type", async () => {
    const out = await finished();
    const before = contents(out);
    const result = await training(out, "--epochs", "2");
    expect(result).toEqual({
      code: 2,
      stdout: "",
      stderr: `imdb: --out: ${out} holds a finished training (model.safetensors); add --resume to train it further (with a larger --epochs), --overwrite to delete it and begin anew, or name another folder with --out\n`,
    });
    expect(contents(out)).toEqual(before);
  });

  test("that has not finished is refused as such", async () => {
    const out = temporaryFolder();
    copyFileSync(join(await finished(), "checkpoint.safetensors"), join(out, "checkpoint.safetensors"));
    const { code, stderr } = await training(out);
    expect(code).toBe(2);
    expect(stderr).toContain(
      "holds a training that has not finished (checkpoint.safetensors); add --resume to go on with it, --overwrite to",
    );
    const evaluated = await runInside(["evaluate", "--model", out]);
    expect(evaluated).toEqual({
      code: 2,
      stdout: "",
      stderr: `imdb: no model at ${join(out, "model.safetensors")}: its training has not finished; repeat the train command with --resume\n`,
    });
  });

  test("--overwrite: everything of the old one goes, and nothing else", async () => {
    const out = await finished();
    expect(await training(out, "--epochs", "1", "--units", "5", "--overwrite")).toMatchObject({ code: 0, stderr: "" });
    const fresh = temporaryFolder();
    expect(await training(fresh, "--epochs", "1", "--units", "5")).toMatchObject({ code: 0 });
    const { "notes.txt": notes, ...rest } = contents(out);
    expect(notes).toBeDefined();
    // Seconds are in checkpoints; all else has the same bytes.
    expect(Object.keys(rest).sort()).toEqual(Object.keys(contents(fresh)).sort());
    expect(rest["model.safetensors"]).toBe(contents(fresh)["model.safetensors"]);
  });

  test("--overwrite deletes nothing before the new training can begin", async () => {
    const out = await finished();
    const before = contents(out);
    const wrong = await training(out, "--overwrite", "--data", join(folder, "none.csv"));
    expect(wrong.code).toBe(2);
    expect(contents(out)).toEqual(before);
    const both = await training(out, "--overwrite", "--resume");
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'--overwrite' cannot be used with option '--resume'"),
    });
  });

  test("--resume: what was made from the model before is gone when the new one is there", async () => {
    const out = await finished();
    const { code, stdout } = await training(out, "--epochs", "2", "--resume");
    expect(code).toBe(0);
    expect(stdout).toContain("Deleted model.onnx, model.json, roc.svg, roc.png of the model before.");
    expect(readdirSync(out)).not.toContain("model.onnx");
    expect(readdirSync(out)).toContain("notes.txt");
  });

  test("files of these names in a folder without a training are the user's, and stay", async () => {
    const out = temporaryFolder();
    writeFileSync(join(out, "model.onnx"), "the user's own");
    expect(await training(out, "--epochs", "1")).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(join(out, "model.onnx"), "utf8")).toBe("the user's own");
  });
});

test("a chart of the user's in a folder without a training is not replaced, unless asked for", async () => {
  const out = temporaryFolder();
  writeFileSync(join(out, "loss.svg"), "the user's own");
  expect(await training(out, "--epochs", "1")).toEqual({
    code: 2,
    stdout: "",
    stderr: `imdb: --out: ${out} holds loss.svg already, which a training writes; add --overwrite to replace it, or name another folder with --out\n`,
  });
  expect(readdirSync(out)).toEqual(["loss.svg"]);
  expect(await training(out, "--epochs", "1", "--overwrite")).toMatchObject({ code: 0 });
  expect(readFileSync(join(out, "loss.svg"), "utf8")).toContain("<svg");
});

test("logs of one training are not mixed with those of another", async () => {
  const logs = temporaryFolder();
  const [first, second] = [temporaryFolder(), temporaryFolder()];
  const events = () => readdirSync(join(logs, "train"));
  expect(await training(first, "--epochs", "1", "--logdir", logs)).toMatchObject({ code: 0 });
  const [figures, written] = [readFileSync(join(logs, "epochs.csv"), "utf8"), events()];
  const refused = await training(second, "--epochs", "2", "--logdir", logs);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toMatch(
    /^imdb: --logdir: .* holds epochs\.csv already, .*; add --overwrite .* with --logdir\n$/,
  );
  rmSync(join(logs, "epochs.csv"));
  expect((await training(second, "--logdir", logs)).stderr).toContain(join("train", written[0] ?? ""));
  writeFileSync(join(logs, "epochs.csv"), figures);
  expect(await training(first, "--epochs", "2", "--logdir", logs, "--resume")).toMatchObject({ code: 0 });
  expect(events()).toEqual(expect.arrayContaining(written));
  writeFileSync(join(logs, "train", "notes.txt"), "the user's own");
  expect(await training(second, "--epochs", "1", "--logdir", logs, "--overwrite")).toMatchObject({ code: 0 });
  expect(events().filter((name) => written.includes(name))).toEqual([]);
  expect(events()).toHaveLength(2);
  expect(readFileSync(join(logs, "epochs.csv"), "utf8").split("\n")).toHaveLength(3);
});

describe("two trainings at once", () => {
  test("the second is told which process has the folder; it comes free when that one is killed", async () => {
    const out = join(temporaryFolder(), "out");
    const child = spawnCli([...small, "--epochs", "100000", "--out", out]);
    onTestFinished(() => void child.kill("SIGKILL"));
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (text) => {
        if (String(text).includes("epoch 2/")) resolve();
      });
    });
    for (const more of [[], ["--overwrite"], ["--resume"]]) {
      const { code, stderr } = await training(out, ...more);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`^imdb: ${out} is in use: process ${child.pid} on .* holds it\\. Wait for its end`),
      );
    }
    const ended = new Promise((resolve) => void child.on("close", resolve));
    child.kill("SIGKILL");
    await ended;
    expect(await training(out, "--epochs", "1", "--overwrite")).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("may not share the folder of logs either", async () => {
    const logs = temporaryFolder();
    using _lock = await lockFolder(logs);
    const { code, stderr } = await training(join(folder, "elsewhere"), "--logdir", logs);
    expect(code).toBe(1);
    expect(stderr).toContain(`${logs} is in use: process ${process.pid}`);
    expect(existsSync(join(folder, "elsewhere", ".lock"))).toBe(false);
  });

  test("one training may have its logs in its own folder", async () => {
    const out = temporaryFolder();
    expect(await training(out, "--epochs", "1", "--logdir", out)).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(out)).toContain("epochs.csv");
  });
});

test("a disk that gets full: exit code 1, and the file that could not be written is named", async ({ skip }) => {
  const out = temporaryFolder();
  const mounted = (size: number) =>
    process.platform === "linux" &&
    spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}k`, "tmpfs", out]).status === 0;
  const named = new Set<string>();
  for (const size of [8, 32, 64, 128]) {
    if (!mounted(size)) skip("a small disk cannot be mounted here: that takes root on Linux");
    try {
      const { code, stderr } = await training(out, "--epochs", "2", "--save-every", "2");
      expect(code, `${size} kB`).toBe(1);
      const [, file = ""] =
        /^imdb: cannot write (?:the (?:model|checkpoint) )?(\S+): there is no space left\n$/.exec(stderr) ?? [];
      expect(file.startsWith(out), stderr).toBe(true);
      expect(readdirSync(out).filter((name) => name.endsWith(".tmp") || name === ".lock")).toEqual([]);
      named.add(file);
    } finally {
      spawnSync("umount", [out]);
    }
  }
  expect(named.size).toBeGreaterThan(1);
  rmSync(out, { recursive: true });
  mkdirSync(out);
});
