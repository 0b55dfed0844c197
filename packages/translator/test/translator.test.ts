/** Translators from their file: the same texts on every backend and in onnxruntime, and wrong use. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { tfjs } from "@ostinato/backend-tfjs";
import { wasm } from "@ostinato/backend-wasm";
import { importOnnx, readTrained, withModel } from "@ostinato/classifier/node";
import { ConfigError, DataError, ModelFileError, type Trained, toBytes } from "@ostinato/core";
import { saveModel } from "@ostinato/core/node";
import { decodeOnnx, exportDecoding } from "@ostinato/onnx";
import {
  translator as fromBytes,
  type TranslateOptions,
  type Translator,
  textOf,
  tokenizerFiles,
  translatorDescription,
  translatorOver,
} from "@ostinato/translator";
import { translator } from "@ostinato/translator/node";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as models from "./models.ts";
import { right, texts } from "./models.ts";

tf.enableProdMode(); // no advice on standard error

const folder = mkdtempSync(join(tmpdir(), "translator-test-"));
const file = join(folder, "names.safetensors");
let trained: Trained;
let names: Translator;
beforeAll(async () => {
  trained = await models.trained();
  await saveModel(file, trained);
  names = await translator(file);
  const { encode, decodeStep } = exportDecoding(trained);
  writeFileSync(join(folder, "encode.onnx"), encode as Uint8Array);
  writeFileSync(join(folder, "step.onnx"), decodeStep);
});
afterAll(async () => {
  await names.dispose();
  rmSync(folder, { recursive: true });
});

test("one text, and a list of them in their order, whatever the batch", async () => {
  expect(await names.translate("AB")).toMatchObject({
    text: "bravo alfa",
    tokens: ["bravo", "alfa"],
    sourceTokens: ["a", "b"],
    finished: true,
    others: [],
  });
  const progress: number[] = [];
  const answers = await names.translate(texts, { batchSize: 7, onProgress: ({ done }) => void progress.push(done) });
  expect(answers.map(({ text }) => text)).toEqual(texts.map(right));
  expect(progress).toEqual([7, 14, 21, 28, 35, 39]);
  expect(await names.translate([])).toEqual([]);
});

test("the n best, the best first, and what each token attended to", async () => {
  const { others, score, attention, ...best } = await names.translate("abc", {
    beamSize: 4,
    nBest: 4,
    returnAttention: true,
  });
  expect(best.text).toBe(right("abc"));
  const all = [score, ...others.map((other) => other.score)];
  expect(all).toHaveLength(4);
  expect(all).toEqual(all.toSorted((a, b) => b - a));
  expect(new Set(others.map(({ text }) => text)).size).toBe(3);
  expect(attention?.map(({ length }) => length)).toEqual([3, 3, 3]);
  for (const row of attention ?? []) expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
  expect(names.hasAttention).toBe(true);
});

test("a translation that does not end is cut at its greatest length", async () => {
  expect(await names.translate("abc", { maxLength: 2 })).toMatchObject({ text: "charlie bravo", finished: false });
});

describe("the same texts", () => {
  const options: TranslateOptions = { beamSize: 3, nBest: 2 };
  const told = async (open: () => Promise<Translator>) => {
    await using each = await open();
    const answers = await each.translate(texts.slice(-9), options);
    return answers
      .flatMap((best) => [best, ...best.others])
      .map(({ text, logProbability }) => ({ text, logProbability }));
  };
  let expected: { readonly text: string; readonly logProbability: unknown }[];
  beforeAll(async () => {
    const own = await told(() => translator(file));
    expected = own.map(({ text, logProbability }) => ({ text, logProbability: expect.closeTo(logProbability, 4) }));
  });
  test.each<[string, () => Promise<Translator>]>([
    ["of bytes", () => fromBytes(toBytes(trained))],
    ["wasm", async () => translator(trained, { backend: await wasm({ threads: 1 }) })],
    ["tfjs-cpu", async () => translator(trained, { backend: await tfjs(tf, { backend: "cpu" }) })],
    ["onnxruntime", () => translator(file, { backend: "onnx" })],
    [
      "two ONNX files",
      () => translator({ encode: join(folder, "encode.onnx"), decodeStep: join(folder, "step.onnx") }),
    ],
    [
      "two ONNX files on a backend of ours",
      async () =>
        translator(
          { encode: join(folder, "encode.onnx"), decodeStep: pathToFileURL(join(folder, "step.onnx")) },
          { backend: await wasm({ threads: 1 }) },
        ),
    ],
    ["tfjs-wasm", async () => translator(trained, { backend: await tfjs(tf, { backend: "wasm" }) })],
  ])("%s", async (_, open) => {
    expect(await told(open)).toEqual(expected);
  });
});

test("subwords: any text is taken, and the answers are the same from bytes and in onnxruntime", async () => {
  const shared = await models.untrainedShared();
  const given = ["ab", "🙂 ж", "C </s> a"];
  const told = async (each: Translator) => {
    await using opened = each;
    return (await opened.translate(given, { allowUnknown: false })).map(({ sourceTokens, tokens, text }) => ({
      sourceTokens,
      tokens,
      text,
    }));
  };
  const expected = await told(await fromBytes(toBytes(shared)));
  expect(expected.map(({ sourceTokens }) => sourceTokens.join(""))).toEqual([
    "▁ab",
    "▁<0xF0><0x9F><0x99><0x82>▁<0xD0><0xB6>",
    "▁c▁<0x3C><0x2F><0x73><0x3E>▁a",
  ]);
  expect(await told(await translator(shared, { backend: "onnx" }))).toEqual(expected);
  const { source, target } = translatorDescription(shared).vocabulary;
  for (const { text, tokens } of expected) expect(text).toBe(textOf(target, tokens));
  expect(source).toBe(target);
  await using opened = await translator(shared);
  expect(opened.problemOf("🙂🙂🙂🙂")).toBe("the text has 17 subwords; the limit is 12");
});

describe("texts that are not taken", () => {
  test.each<[string, string, TranslateOptions, string]>([
    ["empty", " \n", {}, 'text 1, " \n": the text is empty'],
    ["too long", "abcabcabcabca", {}, "the text has 13 characters; the limit is 12"],
    ["longer than is wanted", "abc", { maxSourceLength: 2 }, "the text has 3 characters; the limit is 2"],
    ["another script", "аб", {}, 'the model does not know the characters "а", "б"'],
    ["a character that is not known", "abz", {}, 'the model does not know the character "z"'],
    ["many of them", "defghijk", {}, 'the characters "d", "e", "f", "g", "h", …'],
  ])("%s", async (_, text, options, message) => {
    const error = await names.translate(text, options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect(String(error)).toContain(message);
    expect(String(error)).toContain(`": ${names.problemOf(text, options)}`);
  });

  test("the text is named by its place", async () => {
    await expect(names.translate(["ab", "", "c"])).rejects.toThrow('translate: text 2, "": the text is empty');
  });

  test("unknown characters are let through where that is asked for", async () => {
    expect(await names.translate("azb", { allowUnknown: true })).toMatchObject({ sourceTokens: ["a", "z", "b"] });
    expect(names.problemOf("azb", { allowUnknown: true })).toBeUndefined();
  });

  test.each<[unknown, object, string]>([
    [7, {}, "give a text or a list of texts, got number"],
    [null, {}, "got null"],
    [["a", 7], {}, "got other things among them"],
    ["a", { beamSize: 0 }, "beamSize"],
    ["a", { nBest: 2 }, "nBest is 2 and beamSize 1"],
  ])("wrong use: %j %j", async (given, options, message) => {
    const error = await names.translate(given as string, options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(message);
  });
});

test("models that are no translators", async () => {
  const { vocabulary: _, ...bare } = trained;
  await expect(translator(bare)).rejects.toThrow(/not a translator: its file has no vocabulary/);
  await expect(translator(join(folder, "none"))).rejects.toThrow(ModelFileError);
  const [encode, decodeStep] = [join(folder, "encode.onnx"), join(folder, "step.onnx")];
  await expect(translator(encode)).rejects.toThrow(/encode\.onnx: this is an ONNX file, and a translator has two/);
  await expect(translator({ encode: decodeStep, decodeStep: encode })).rejects.toThrow(ModelFileError);
  const backend = await wasm({ threads: 1 });
  await expect(translator({ encode: decodeStep, decodeStep: encode }, { backend })).rejects.toThrow(ModelFileError);
  await expect(translatorOver(trained as never)).rejects.toThrow(/^translatorOver takes an open sequence model/);
  const strange = exportDecoding({ ...bare, metadata: trained.metadata ?? {} });
  await expect(translator(strange)).rejects.toThrow(/its file has no vocabulary/);
  await expect(fromBytes("names.safetensors" as unknown as Uint8Array)).rejects.toThrow(
    "translator: a path is for translator of @ostinato/translator/node",
  );
});

test("what the description says fits the ONNX files", () => {
  const { memory, states, vocabulary, ...facts } = translatorDescription(trained);
  expect(facts).toEqual({
    maxSourceLength: 12,
    maxTargetLength: 10,
    paddingId: 0,
    unknownId: 1,
    startId: 2,
    endId: 3,
    attention: true,
  });
  expect(vocabulary).toEqual(trained.vocabulary);
  const step = decodeOnnx(exportDecoding(trained).decodeStep).graph;
  expect(step?.inputs?.map(({ name }) => name)).toEqual(["token", ...[...memory, ...states].map(({ name }) => name)]);
  const state = { dtype: "float32", shape: ["batch", 16], zeros: false };
  expect(states.map(({ name: _, ...rest }) => rest)).toEqual([state, state]);
  expect(memory.map(({ dtype }) => dtype).sort()).toEqual(["float32", "int32"]);
});

test("what opens models in ways of its own: the model as it is read, and errors with its path", async () => {
  const opener = { name: "speller", package: "speller" };
  const url = pathToFileURL(file);
  const layersOf = (given: URL | Trained) =>
    withModel(given, async (model, isOnnxFile) => {
      expect(isOnnxFile).toBe(false);
      return (await readTrained(opener, model, {})).spec.layers.length;
    });
  expect(await layersOf(url)).toBe(trained.spec.layers.length);
  expect(await layersOf(trained)).toBe(trained.spec.layers.length);
  const failing = withModel(file, async () => {
    throw new ModelFileError("it is no speller");
  });
  await expect(failing).rejects.toThrow(`${file}: it is no speller`);
  expect(await importOnnx(opener, async () => 1)).toBe(1);
  const missing = importOnnx(opener, async () => Promise.reject(new Error("Cannot find package")));
  await expect(missing).rejects.toThrow(ConfigError);
  await expect(missing).rejects.toThrow("speller: ONNX takes two more packages: npm install @ostinato/onnx");
});

test("words: unknown ones are read as such where others are known", async () => {
  await using words = await translator(await models.untrained("words"));
  expect(words.problemOf("a b zulu")).toBeUndefined();
  expect(words.problemOf("zulu yankee")).toBe('the model does not know the words "zulu", "yankee"');
  expect(words.problemOf("a zulu", { allowUnknown: false })).toBe('the model does not know the word "zulu"');
  expect(await words.translate("A  zulu")).toMatchObject({ sourceTokens: ["a", "zulu"] });
});

const run = promisify(execFile);
const python = process.env.PYTHON;
const isPythonReady =
  python !== undefined &&
  (await run(python, ["-c", "import onnxruntime, tokenizers"]).catch(() => undefined)) !== undefined;
if (!isPythonReady)
  console.info(
    "skipped: the README's Python script, since PYTHON names no interpreter with onnxruntime and tokenizers",
  );

test.skipIf(!isPythonReady)("the README's Python script translates as this library does", async () => {
  const tied = await models.tied();
  const { encode, decodeStep } = exportDecoding(tied);
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  const description = translatorDescription(tied);
  const files = {
    ...{ "encode.onnx": encode as Uint8Array, "decodeStep.onnx": decodeStep },
    ...tokenizerFiles(description.vocabulary),
    "model.json": JSON.stringify(description),
    "script.py": /^```python\n(.*?)^```$/ms.exec(readme)?.[1] ?? "",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const call = `import json, script; print(json.dumps(script.translate(json.loads('${JSON.stringify(texts)}'))))`;
  const { stdout } = await run(python as string, ["-c", call], { cwd: folder });
  await using opened = await translator(tied);
  const expected = (await opened.translate(texts)).map(({ text }) => text);
  expect(JSON.parse(stdout.trim().split("\n").at(-1) as string)).toEqual(expected);
});
