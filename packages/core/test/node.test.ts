/** Models on disk: saved whole or not at all, and clear words where they cannot be loaded or saved. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelFileError, toBytes } from "@ostinato/core";
import { loadModel, makeFolder, saveModel, writeFileAtomic } from "@ostinato/core/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { smallModel } from "./models.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-"));
});
afterAll(() => rm(folder, { recursive: true }));

const place = async (name: string): Promise<string> => {
  const own = join(folder, name);
  await mkdir(own);
  return own;
};

async function failure(action: Promise<unknown>): Promise<ModelFileError> {
  const error: unknown = await action.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ModelFileError);
  expect((error as Error).message).not.toContain("\n");
  return error as ModelFileError;
}

describe("saveModel and loadModel", () => {
  test("what is saved is loaded, in folders that were not there, and leaves nothing else behind", async () => {
    const own = await place("round trip");
    const path = join(own, "deep", "er", "model.safetensors");
    const trained = smallModel({ vocabulary: ["a", "b"] });
    await saveModel(path, trained);
    expect(await loadModel(path)).toEqual(trained);
    expect(await readdir(join(own, "deep", "er"))).toEqual(["model.safetensors"]);
    expect(new Uint8Array(await readFile(path))).toEqual(toBytes(trained));
  });

  test("a model is replaced", async () => {
    const path = join(await place("replaced"), "model");
    await saveModel(path, smallModel());
    await saveModel(path, smallModel({ metadata: { second: true } }));
    expect((await loadModel(path)).metadata).toEqual({ second: true });
  });

  test("loading names the path and what is wrong with it", async () => {
    const own = await place("wrong");
    const path = join(own, "model");
    expect((await failure(loadModel(path))).message).toBe(
      `cannot read the model ${path}: there is no such file; train a model first, or check the path`,
    );
    expect((await failure(loadModel(own))).message).toContain(`${own}: this is a folder`);
    await writeFile(path, "");
    expect((await failure(loadModel(path))).message).toContain(`${path}: this is not a safetensors file`);
    expect((await failure(loadModel(join(path, "model")))).message).toContain("part of the path is a file");
    await writeFile(path, "a text that is not a model");
    expect((await failure(loadModel(path))).message).toContain("not a safetensors file");
    await saveModel(path, smallModel());
    await truncate(path, 500);
    expect((await failure(loadModel(path))).message).toContain("cut short");
  });
});

describe("a save that fails leaves all as it was", () => {
  test("the target is a folder", async () => {
    const own = await place("folder");
    const path = join(own, "model");
    await mkdir(path);
    await writeFile(join(path, "kept"), "kept");
    const { message } = await failure(saveModel(path, smallModel()));
    expect(message).toContain(`cannot write the model ${path}: this is a folder`);
    expect(await readdir(own)).toEqual(["model"]);
    expect(await readdir(path)).toEqual(["kept"]);
  });

  test("part of the path is a file", async () => {
    const own = await place("file");
    await writeFile(join(own, "a"), "kept");
    expect((await failure(saveModel(join(own, "a", "model"), smallModel()))).message).toContain(
      "part of the path is a file",
    );
    expect((await failure(saveModel(join(own, "a", "b", "model"), smallModel()))).message).toContain(
      "part of the path is a file",
    );
    expect(await readFile(join(own, "a"), "utf8")).toBe("kept");
  });

  // Whoever may write anywhere cannot be refused.
  test.skipIf(process.getuid?.() === 0)("the folder cannot be written (skipped for root)", async () => {
    const own = await place("read-only");
    const path = join(own, "model");
    await saveModel(path, smallModel());
    await chmod(own, 0o500);
    expect((await failure(saveModel(path, smallModel({ metadata: {} })))).message).toContain("permission denied");
    await chmod(own, 0o700);
    expect(await loadModel(path)).toEqual(smallModel());
  });

  test("the weights do not fit", async () => {
    const path = join(await place("misfit"), "model");
    await saveModel(path, smallModel());
    expect((await failure(saveModel(path, { ...smallModel(), weights: {} }))).message).toContain("missing");
    expect(await loadModel(path)).toEqual(smallModel());
  });

  test("writing stops in the middle: the old file is whole, and no other is left", async () => {
    const own = await place("middle");
    const path = join(own, "text");
    await writeFileAtomic(path, "old");
    // Not bytes: the system call for writing refuses them when the temporary file is open already.
    const broken = { length: 3 } as unknown as Uint8Array;
    await expect(writeFileAtomic(path, broken)).rejects.toThrow();
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(own)).toEqual(["text"]);
  });
});

test("two saves at once: one of the two models, whole", async () => {
  const path = join(await place("two"), "model");
  const models = [0, 1, 2, 3].map((number) => smallModel({ metadata: { number } }));
  await Promise.all(models.map((trained) => saveModel(path, trained)));
  expect(models).toContainEqual(await loadModel(path));
});

test("makeFolder makes all that are missing, and names what stands in the way", async () => {
  const own = await place("makeFolder");
  await makeFolder(join(own, "a", "b", "c"));
  await makeFolder(join(own, "a", "b"));
  expect(await readdir(join(own, "a", "b"))).toEqual(["c"]);
  await writeFile(join(own, "file"), "");
  await expect(makeFolder(join(own, "file", "inside"))).rejects.toThrow(join(own, "file"));
});
