/** External data: read on request, only from the folder of the model, and only with the size of the tensor. */
import { link, mkdir, mkdtemp, open, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError, ModelFileError } from "@ostinato/core";
import { graphFromOnnx, importOnnx } from "@ostinato/onnx";
import { loadOnnx } from "@ostinato/onnx/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { file, float, input, node } from "./files.ts";

const numbers = Float32Array.of(1, 2, 3, 4, 5, 6);

/** A product with a weight [2, 3] that is external data. */
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
    /"w" is stored in another file \("w.bin"\).*externalData: true/,
  );
  expect(() => importOnnx(bytes)).toThrow(ModelFileError);
  expect(() => graphFromOnnx(bytes)).toThrow(ModelFileError);
});

/** A chain of products, each with a weight of its own name that refers to the same two rows of a file. */
function chain(count: number): Uint8Array {
  const external = [{ key: "location", value: "square.bin" }];
  return file({
    inputs: [input("x", float, ["batch", 2])],
    initializers: Array.from({ length: count }, (_, i) => ({
      ...{ name: `w${i}`, dataType: float, dims: [2, 2], location: 1, external },
    })),
    nodes: Array.from({ length: count }, (_, i) =>
      node("MatMul", `${i === 0 ? "x" : `h${i}`} w${i}`, i + 1 === count ? "y" : `h${i + 1}`),
    ),
  });
}

test("a file may be named by several tensors, and no model becomes large by naming one often", async () => {
  const path = join(folder, "chain.onnx");
  await writeFile(join(folder, "square.bin"), new Uint8Array(numbers.buffer, 0, 16));
  await writeFile(path, chain(10));
  const { weights } = await loadOnnx(path, { externalData: true });
  expect(Object.keys(weights)).toHaveLength(10);
  for (const { data } of Object.values(weights)) expect(data).toEqual(Float32Array.of(1, 2, 3, 4));
  await writeFile(path, chain(11));
  await expect(loadOnnx(path, { externalData: true })).rejects.toThrow(
    /"w10" is stored in .*the tensors in it have more than 10 times its size \(16 bytes\)/,
  );
});

test("a tensor that is larger than one can be is refused before it is read", async () => {
  const path = join(folder, "huge.onnx");
  const hole = await open(join(folder, "hole.bin"), "w");
  await hole.truncate(2 ** 31);
  await hole.close();
  const external = [{ key: "location", value: "hole.bin" }];
  const bytes = file({
    inputs: [input("x", float, ["batch", 2])],
    initializers: [{ name: "w", dataType: float, dims: [2, 2 ** 28], location: 1, external }],
    nodes: [node("MatMul", "x w", "y")],
  });
  await writeFile(path, bytes);
  await expect(loadOnnx(path, { externalData: true })).rejects.toThrow(
    new RegExp(`it has ${2 ** 31} bytes, but the maximum is`),
  );
});

test("options that are none are refused", async () => {
  await expect(loadOnnx(join(folder, "model.onnx"), null as never)).rejects.toThrow(ConfigError);
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
  ["a folder", { location: "weights" }, /it is not a file/],
  ["no such file", { location: "none.bin" }, /the file does not exist/],
  [
    "an end beyond the file",
    { location: "w.bin", offset: "4" },
    /needs 24 bytes, but the model specifies 24 bytes at offset 4 of 24/,
  ],
  ["another length", { location: "w.bin", length: "8" }, /needs 24 bytes, but the model specifies 8/],
  ["an offset below 0", { location: "w.bin", offset: "-4" }, /an invalid offset/],
  ["an offset that is no number", { location: "w.bin", offset: "1e3" }, /an invalid offset/],
])("%s is refused", async (_what, entries, words) => {
  await expect(load(entries)).rejects.toThrow(words);
  await expect(load(entries)).rejects.toBeInstanceOf(ModelFileError);
});
