/** The command of the measurements, used wrongly: one line that says what is wrong, and exit code 2. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "..");

test.each([
  { args: ["--only", "stp"], reason: "--only stp: there is no such part" },
  { args: ["--only", "sweep", "--python", folder], reason: `--python ${folder}: this is not a Python interpreter` },
])("$reason", ({ args, reason }) => {
  const command = ["--conditions=@ostinato/source", "src/peers/main.ts", ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" });
  expect([status, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
  expect(stderr).toContain(reason);
});
