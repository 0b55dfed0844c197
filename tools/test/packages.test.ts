/** The public packages: the tools find each of them, so that the smoke test can load it, and none has install scripts or native code. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { installProblems } from "../installs.ts";

const root = join(import.meta.dirname, "../..");

/** What is read of a package.json. */
interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifest = (path: string): Manifest => JSON.parse(readFileSync(join(root, path), "utf8"));

const publicPackages = globSync("packages/*/package.json", { cwd: root }).filter(
  (path) => manifest(path).private !== true,
);

test("tools/package.json depends on every public package", () => {
  const names = publicPackages.map((path) => manifest(path).name);
  expect(Object.keys(manifest("tools/package.json").dependencies ?? {}).sort()).toEqual(names.sort());
});

test.each(publicPackages)("%s brings no install script and no native code", (path) => {
  expect(installProblems(join(root, dirname(path)))).toEqual([]);
});

test("install scripts and native code are found where they are", () => {
  const peer = (name: string) => installProblems(join(root, "packages/onnx/node_modules", name)).join("\n");
  expect(peer("onnxruntime-node")).toMatch(/onnxruntime-node has the script postinstall/);
  expect(peer("onnxruntime-node")).toMatch(/onnxruntime-node is for some os alone/);
  expect(peer("onnxruntime-node")).toMatch(/onnxruntime-node has the binary bin\/.*\.node/);
  expect(peer("onnxruntime-web")).toBe("protobufjs has the script postinstall");
});
