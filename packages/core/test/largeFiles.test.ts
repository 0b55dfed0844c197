/** Files are read and written in pieces: nothing depends on how many, so that a limit of the system on one call is none on a model. */
import { mkdtemp, open, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bool, decodeSafetensors, float32, float64, int32, ModelFileError, toBytes } from "@ostinato/core";
import { loadModel, saveModel, writeFileAtomic } from "@ostinato/core/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { safetensorsPieces } from "../src/checkpoint/safetensors.ts";
import { readSafetensors } from "../src/node/safetensorsFile.ts";
import { smallModel } from "./models.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-large-"));
});
afterEach(() => rm(folder, { recursive: true }));

const contents = {
  tensors: {
    bytes: bool([3], [1, 0, 1]),
    counts: int32([2], [7, -8]),
    doubles: float64([2], [0.1, 1e300]),
    empty: float32([0, 4], []),
    weights: float32(
      [5, 3],
      Float32Array.from({ length: 15 }, (_, i) => i / 7),
    ),
  },
  metadata: { said: "something" },
};

test.each([1, 7, 64, 2 ** 30])("a file read %i bytes at a time is what a file read at once is", async (piece) => {
  const path = join(folder, "file");
  await writeFileAtomic(path, safetensorsPieces(contents));
  expect(await readSafetensors(path, piece)).toEqual(contents);
  expect(decodeSafetensors(await readFile(path))).toEqual(contents);
});

test("a model's weights are written from where they are, without a copy of the whole", async () => {
  const trained = smallModel();
  const path = join(folder, "model");
  await saveModel(path, trained);
  expect(new Uint8Array(await readFile(path))).toEqual(toBytes(trained));
  const own = new Set(Object.values(contents.tensors).map(({ data }) => data.buffer));
  expect(safetensorsPieces(contents).filter(({ buffer }) => own.has(buffer))).toHaveLength(own.size);
});

test("a file that says to be larger than it is takes no memory: it is refused by its size", async () => {
  const path = join(folder, "model");
  const header = JSON.stringify({ w: { dtype: "F32", shape: [2 ** 40], data_offsets: [0, 2 ** 42] } });
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(header.length), true);
  await writeFileAtomic(path, [head, new TextEncoder().encode(header), new Uint8Array(100)]);
  await expect(loadModel(path)).rejects.toThrow(ModelFileError);
  await expect(loadModel(path)).rejects.toThrow(/cut short: it should have 4398046511\d+ bytes/);
});

test("a model of more than 2 GiB is read by its header first: a file with a hole of 3 GiB where its weights are is found damaged, not too large", async () => {
  const path = join(folder, "model");
  await saveModel(path, smallModel());
  await truncate(path, 3 * 2 ** 30);
  const handle = await open(path);
  expect((await handle.stat()).size).toBe(3 * 2 ** 30);
  await handle.close();
  await expect(loadModel(path)).rejects.toThrow(
    /cannot read the model .*: the file is damaged: it should have \d+ bytes/,
  );
});
