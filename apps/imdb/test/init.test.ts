/** `--init`: continues the training of a model, resumes without its file, and freezes parts of it. */
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runtimeNames } from "@ostinato/app";
import { fromBytes } from "@ostinato/core";
import { beforeAll, describe, expect, test } from "vitest";
import { lastingFolder, runInside, temporaryFolder } from "./runCli.ts";
import { columns, drawnRows, writeCsv } from "./tables.ts";
import { bytesOf, expectSameFiles, probabilitiesOn, trained } from "./trainings.ts";

const folder = lastingFolder();
const data = writeCsv(folder, drawnRows(120));
const first = join(folder, "first");
const train = ["train", "--data", data, ...columns, "--batch-size", "16"];
const init = ["--init", first];
const modelOf = (out: string) => fromBytes(bytesOf(out, "model.safetensors"));
const lossOf = (events: Record<string, unknown>[]) => Number(events.find(({ event }) => event === "epoch")?.loss);

async function refused(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runInside(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^imdb: [^\n]*\n$/);
  return stderr;
}

beforeAll(async () => {
  await trained([...train, "--units", "4", "--max-words", "60", "--epochs", "2"], first);
}, 60_000);

describe("own models", () => {
  test("training begins where it was, with the words that the model knows", async () => {
    const [further, anew] = [temporaryFolder(), temporaryFolder()];
    const events = await trained([...train, ...init, "--epochs", "1"], further);
    expect(events[1]).toMatchObject({ event: "model", init: { file: "model.safetensors", network: true } });
    const cold = await trained([...train, "--units", "4", "--max-words", "60", "--epochs", "1"], anew);
    expect(lossOf(events)).toBeLessThan(lossOf(cold));
    expect(modelOf(further).vocabulary).toEqual(modelOf(first).vocabulary);
    expect(modelOf(further).metadata).toMatchObject({ textClassifier: modelOf(first).metadata?.textClassifier });
    const { options } = JSON.parse(readFileSync(join(further, "history.json"), "utf8"));
    expect(options).toMatchObject({ init: expect.stringMatching(/^[0-9a-f]{32}$/), epochs: 1 });
    expect(options).not.toHaveProperty("units");
  });

  test("its file may be in the folder that is written to, or be gone when training is gone on with", async () => {
    const [whole, half] = [temporaryFolder(), temporaryFolder()];
    await trained([...train, ...init, "--epochs", "3"], whole);
    copyFileSync(join(first, "model.safetensors"), join(half, "model.safetensors"));
    const own = ["--init", join(half, "model.safetensors")];
    expect(await refused([...train, ...own, "--epochs", "1", "--out", half])).toMatch(/add --resume .* --overwrite/);
    await trained([...train, ...own, "--epochs", "1", "--overwrite"], half);
    expect(existsSync(join(half, "initial.safetensors"))).toBe(true);

    // Now the file is another one.
    const changed = await refused([...train, ...own, "--epochs", "3", "--resume", "--out", half]);
    expect(changed).toMatch(/of a training with other settings: --init was [0-9a-f]{32}, is [0-9a-f]{32}/);
    rmSync(join(half, "model.safetensors"));
    await trained([...train, ...own, "--epochs", "2", "--resume"], half);
    await trained([...train, "--epochs", "3", "--resume"], half);
    expectSameFiles(half, whole);
  });

  test("a training without --init takes no notice of one before", async () => {
    const out = temporaryFolder();
    await trained([...train, ...init, "--epochs", "1"], out);
    await trained([...train, "--units", "3", "--max-words", "60", "--epochs", "1", "--overwrite"], out);
    expect(existsSync(join(out, "initial.safetensors"))).toBe(false);
    await trained([...train, "--units", "3", "--max-words", "60", "--epochs", "2", "--resume"], out);
  });
});

describe("an export", () => {
  const file = join(folder, "export", "model.onnx");
  const texts = drawnRows(20).map(({ message }) => message);
  beforeAll(async () => {
    expect(await runInside(["export", "--model", first, "--out", file])).toMatchObject({ code: 0 });
  });

  test("answers as the model does, on every backend and as it is in onnxruntime", async () => {
    const expected = await probabilitiesOn("cpu", first, texts);
    for (const backend of runtimeNames)
      for (const [row, probability] of (await probabilitiesOn(backend, file, texts)).entries())
        expect(Math.abs(probability - (expected[row] as number)), backend).toBeLessThanOrEqual(1e-5);
    const evaluated = await runInside(["evaluate", "--model", file, "--data", data, ...columns, "--json"]);
    expect(evaluated).toMatchObject({ code: 0, stderr: "" });
  });

  test("trains further as the model does", async () => {
    const [ofExport, ofModel] = [temporaryFolder(), temporaryFolder()];
    const args = [...train, "--backend", "cpu", "--epochs", "1", "--init"];
    const [one, other] = [await trained([...args, file], ofExport), await trained([...args, first], ofModel)];
    expect(lossOf(one)).toBe(lossOf(other));
  });
});

describe("what learns, and how fast", () => {
  const weightsOf = (out: string) => Object.entries(modelOf(out).weights);
  const changed = (out: string) =>
    weightsOf(out)
      .filter(
        ([name, { data }]) => !Buffer.from(data.buffer).equals(Buffer.from(modelOf(first).weights[name]!.data.buffer)),
      )
      .map(([name]) => name)
      .sort();

  test.each([
    ["layers by name", "embedding,lstm", ["dense/bias", "dense/kernel"]],
    ["weights, by any part of a name", "embedding, */kernel", ["dense/bias", "lstm/B", "lstm/R", "lstm/W"]],
    ["weights by the end of their name", "R,embeddings,*ias", ["dense/kernel", "lstm/B", "lstm/W"]],
  ])("--freeze %s", async (_, patterns, learning) => {
    const out = temporaryFolder();
    await trained([...train, ...init, "--epochs", "1", "--freeze", patterns], out);
    expect(changed(out)).toEqual(learning);
  });

  test("--learning-rates: 0 is as frozen as the rest learns; checkpoints remember both", async () => {
    const out = temporaryFolder();
    const slow = ["--learning-rates", "*=0.5,lstm=0", "--freeze", "embedding"];
    await trained([...train, ...init, "--epochs", "1", ...slow], out);
    expect(changed(out)).toEqual(["dense/bias", "dense/kernel"]);
    const other = [...train, ...init, "--epochs", "2", "--resume", "--out", out];
    expect(await refused([...other, "--freeze", "embedding"])).toMatch(
      /--learning-rates was \*=0\.5,lstm=0, is not given/,
    );
    expect(await refused([...other, ...slow.slice(0, 2)])).toMatch(/--freeze was embedding, is not given/);
    await trained([...train, ...init, "--epochs", "2", "--resume", ...slow], out);
    expect(changed(out)).toEqual(["dense/bias", "dense/kernel"]);
  });

  test("names that there are not, nothing left to learn, no model to begin with", async () => {
    const further = [...train, ...init, "--out", temporaryFolder()];
    expect(await refused([...further, "--freeze", "embeding"])).toMatch(
      /--freeze: "embeding" matches no name; the names are embedding\/embeddings, lstm\/W, .*dense\/bias\n/,
    );
    expect(await refused([...further, "--learning-rates", "gru=0.1"])).toMatch(
      /--learning-rates: "gru" matches no name/,
    );
    expect(await refused([...further, "--freeze", "*"])).toMatch(/--freeze: all weights would be frozen/);
    expect(await refused([...train, "--freeze", "embedding", "--out", temporaryFolder()])).toMatch(
      /--freeze requires --init/,
    );
    expect(await refused([...further, "--learning-rates", "lstm"])).toMatch(
      /It must be names with non-negative factors/,
    );
    expect(await refused([...further, "--freeze", "a,,b"])).toMatch(/It must be names separated by commas/);
  });
});

describe("what does not go together", () => {
  test("options of a network, and data of other labels", async () => {
    const out = temporaryFolder();
    const further = [...train, ...init, "--epochs", "1", "--out", out];
    expect(await refused([...further, "--units", "4"])).toMatch(
      /--units describes a new network and cannot be used with --init model\.safetensors; remove it/,
    );
    expect(await refused([...further, "--max-words", "60"])).toMatch(/--max-words describes a new network/);
    expect(await refused([...further, "--preset", "default"])).toMatch(/--preset describes a new network/);
    const other = writeCsv(
      temporaryFolder(),
      drawnRows(60).map((row) => ({ ...row, queue: `${row.queue}s` })),
    );
    expect(await refused(further.map((arg) => (arg === data ? other : arg)))).toMatch(
      /the data have the classes .*s; the model knows /,
    );
    expect(await refused([...train, "--init", join(folder, "none.onnx"), "--out", out])).toMatch(/none\.onnx/);
    expect(existsSync(join(out, "checkpoint.safetensors"))).toBe(false);
  });
});
