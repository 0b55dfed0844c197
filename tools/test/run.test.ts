/** The command runner: what it says to a command that it does not know. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const runner = join(import.meta.dirname, "..", "run.mjs");

test.each([[[]], [["toString"]], [["tset"]]])("refuses %j with one line and exit code 2", (args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], { encoding: "utf8" });
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^usage: node tools\/run\.mjs <.*start.*test.*imdb.*tag.*> \[arguments\]\n$/);
});

test.each([
  [
    "imdb",
    ["train"],
    { npm_config_epochs: "1", npm_config_batch_size: "8" },
    "--epochs, --batch-size",
    "npm run imdb -- train",
  ],
  ["imdb", ["train", "data.csv"], { npm_config_header: "" }, "--no-header", "npm run imdb -- train"],
  ["translate", ["evaluate"], { npm_config_beam: "1" }, "--beam", "npm run translate -- evaluate"],
  ["tag", ["train"], { npm_config_affix: "8", npm_config_test: "" }, "--affix, --no-test", "npm run tag -- train"],
  ["trees", ["train"], { npm_config_units: "8" }, "--units", "npm run trees -- train"],
  ["start", [], { npm_config_limit: "2000" }, "--limit", "npm start --"],
] as const)(
  "%s %j: options that npm kept for itself are told, and nothing runs",
  (name, args, taken, options, right) => {
    const env = { ...process.env, ...taken };
    const { status, stdout, stderr } = spawnSync(process.execPath, [runner, name, ...args], { encoding: "utf8", env });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toBe(
      `${name === "start" ? "imdb" : name}: npm has taken ${options} for itself; options go behind "--": ${right} …\n`,
    );
  },
);
