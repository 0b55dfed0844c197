/** The tools see every public package, so that the smoke test can load it. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** What is read of a package.json. */
interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifest = (path: string): Manifest => JSON.parse(readFileSync(join(root, path), "utf8"));

test("tools/package.json depends on every public package", () => {
  const names = globSync("packages/*/package.json", { cwd: root })
    .map(manifest)
    .filter((one) => one.private !== true)
    .map(({ name }) => name);
  expect(Object.keys(manifest("tools/package.json").dependencies ?? {}).sort()).toEqual(names.sort());
});
