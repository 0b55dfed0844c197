/** Weights in other files: read on request, from the folder of the model alone, and as many bytes as the tensor has. */
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ModelFileError } from "@ostinato/core";
import { graphFromOnnx, importOnnx } from "@ostinato/onnx";
import { loadOnnx } from "@ostinato/onnx/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { file, float, input, node } from "./files.ts";

const numbers = Float32Array.of(1, 2, 3, 4, 5, 6);

/** A product with a weight [2, 3] that stands in another file. */
function model(entries: Readonly<Record<string, string>>): Uint8Array {
  const external = Object.entries(entries).map(([key, value]) => ({ key, value }));
  return file({
    inputs: [input("x", float, ["batch", 2])],
    initializers: [{ name: "w", dataType: float, dims: [2, 3], location: 1, external }],
    nodes: [node("MatMul", "x w", "y")],
  });
}

let root = "";
let folder = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "onnx-external-"));
  folder = join(root, "model");
  await mkdir(join(folder, "weights"), { recursive: true });
  const bytes = new Uint8Array(numbers.buffer);
  await writeFile(join(root, "outside.bin"), bytes);
  await writeFile(join(folder, "w.bin"), bytes);
  await writeFile(join(folder, "weights", "late.bin"), Uint8Array.of(9, 9, 9, 9, ...bytes));
  await symlink(join(root, "outside.bin"), join(folder, "symbolic.bin"));
  await link(join(root, "outside.bin"), join(folder, "hard.bin"));
  await symlink(root, join(folder, "up"));
});
afterAll(() => rm(root, { recursive: true }));

async function load(entries: Readonly<Record<string, string>>) {
  const path = join(folder, "model.onnx");
  await writeFile(path, model(entries));
  return loadOnnx(path, { externalData: true });
}

test("weights are read from files in the folder and below it", async () => {
  const whole = await load({ location: "w.bin" });
  expect(whole.weights["model/w"]?.data).toEqual(numbers);
  const part = await load({ location: "weights/late.bin", offset: "4", length: "24" });
  expect(part.weights["model/w"]?.data).toEqual(numbers);
  const byUrl = await loadOnnx(pathToFileURL(join(folder, "model.onnx")), { externalData: true });
  expect(byUrl.weights).toEqual(part.weights);
});

test("they are not read unless that is asked for", async () => {
  const bytes = model({ location: "w.bin" });
  await writeFile(join(folder, "model.onnx"), bytes);
  await expect(loadOnnx(join(folder, "model.onnx"))).rejects.toThrow(
    /"w" stands in another file \("w.bin"\).*externalData: true/,
  );
  expect(() => importOnnx(bytes)).toThrow(ModelFileError);
  expect(() => graphFromOnnx(bytes)).toThrow(ModelFileError);
});

test.each<[what: string, entries: Record<string, string>, words: RegExp]>([
  ["a folder above", { location: "../outside.bin" }, /only files in the folder/],
  ["an absolute path", { location: "/etc/passwd" }, /only files in the folder/],
  ["a path of Windows", { location: "..\\outside.bin" }, /only files in the folder/],
  ["a drive", { location: "C:outside.bin" }, /only files in the folder/],
  ["no name", {}, /only files in the folder/],
  ["a symbolic link", { location: "symbolic.bin" }, /links are not followed/],
  ["a folder that is a link", { location: "up/outside.bin" }, /links are not followed/],
  ["a hard link", { location: "hard.bin" }, /it is a hard link/],
  ["a folder", { location: "weights" }, /it is no file/],
  ["no such file", { location: "none.bin" }, /there is no such file/],
  [
    "an end beyond the file",
    { location: "w.bin", offset: "4" },
    /24 bytes are wanted, and 24 from 4 on are given of 24/,
  ],
  ["another length", { location: "w.bin", length: "8" }, /24 bytes are wanted, and 8/],
  ["an offset below 0", { location: "w.bin", offset: "-4" }, /no valid offset/],
  ["an offset that is no number", { location: "w.bin", offset: "1e3" }, /no valid offset/],
])("%s is refused", async (_what, entries, words) => {
  await expect(load(entries)).rejects.toThrow(words);
  await expect(load(entries)).rejects.toBeInstanceOf(ModelFileError);
});
