/** The command runner: what it says to a command that it does not know. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const runner = join(import.meta.dirname, "..", "run.mjs");

test.each([[[]], [["toString"]], [["tset"]]])("refuses %j with one line and exit code 2", (args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], { encoding: "utf8" });
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^usage: node tools\/run\.mjs <.*start.*test.*imdb.*> \[arguments\]\n$/);
});
