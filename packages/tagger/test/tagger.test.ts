/** Taggers from their file: the same tags on every backend and in onnxruntime, wrong use, and words that are hidden in training. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpu } from "@ostinato/backend-cpu";
import { tfjs } from "@ostinato/backend-tfjs";
import { wasm } from "@ostinato/backend-wasm";
import { openTrained } from "@ostinato/classifier";
import { openModel } from "@ostinato/classifier/node";
import {
  adam,
  bidirectional,
  ConfigError,
  compile,
  dense,
  embedding,
  input,
  lstm,
  ModelFileError,
  model,
  predictor,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type Trained,
  toBytes,
  treeLstm,
} from "@ostinato/core";
import { loadModel, saveModel } from "@ostinato/core/node";
import { exportOnnx } from "@ostinato/onnx";
import {
  tagger as fromBytes,
  taggerDescription,
  taggerMetadata,
  taggerSettings,
  tokenEncoder,
  wordDropout,
  wordVocabulary,
} from "@ostinato/tagger";
import { tagger } from "@ostinato/tagger/node";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sentences, tags, trainedTagger } from "./models.ts";

tf.enableProdMode(); // no advice on standard error

const folder = mkdtempSync(join(tmpdir(), "tagger-test-"));
const file = join(folder, "tagger.safetensors");
let trained: Trained;
beforeAll(async () => {
  trained = await trainedTagger();
  await saveModel(file, trained);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("tags known words, and unknown ones by their letters", async () => {
  await using english = await tagger(file);
  expect(english.tags).toEqual(tags);
  const { tokens, tags: said, probabilities } = await english.tag(["The", "cat", "sleeps"]);
  expect([tokens, said]).toEqual([["The", "cat", "sleeps"], tags]);
  expect(probabilities?.every((each) => each > 0.5 && each <= 1)).toBe(true);
  expect((await english.tag(["this", "cat", "leaps"])).tags).toEqual(tags);
});

test("many sentences of any lengths, in their order, whatever the batch; progress is told", async () => {
  await using english = await tagger(file);
  const many = Array.from({ length: 50 }, (_, i) =>
    Array.from({ length: 1 + (i % 7) }, (_, j) => sentences[i % 48]![j % 3]!),
  );
  const steps: string[] = [];
  const answers = await english.tag(many, {
    batchSize: 16,
    onStep: ({ step, steps: all }) => void steps.push(`${step}/${all}`),
  });
  expect(answers.map(({ tokens }) => tokens)).toEqual(many);
  expect(steps).toEqual(["1/4", "2/4", "3/4", "4/4"]);
  const alone = await english.tag(many, { batchSize: 1 });
  for (const [row, answer] of answers.entries()) {
    expect(answer.tags).toEqual(alone[row]?.tags);
    const other = alone[row]?.probabilities ?? [];
    expect(answer.probabilities).toEqual(other.map((each) => expect.closeTo(each, 6)));
  }
  expect(await english.tag([])).toEqual([]);
});

test("a network of words alone that does not know where sentences end: beside others each has the answer that it has alone", async () => {
  const words = [...new Set(sentences.flat())];
  const ids = input({ shape: ["time"], name: "word" });
  const states = bidirectional(lstm({ units: 6, returnSequences: true }))(
    embedding({ inputDim: words.length + 2, outputDim: 6 })(ids),
  );
  await using trainer = await compile(model(ids, dense({ units: 3, activation: "softmax" })(states)), {
    backend: await cpu(),
    loss: sparseCategoricalCrossentropy(),
    optimizer: adam({ learningRate: 0.03 }),
  });
  const vocabulary = wordVocabulary({ words, reserved: ["<pad>", "<unk>"], unknownId: 1, lower: true });
  await trainer.fit({ x: tokenEncoder(vocabulary)(sentences), y: sentences.map(() => [0, 1, 2]) }, { epochs: 8 });
  const snapshot = await trainer.snapshot({ vocabulary, metadata: taggerMetadata({ tags }) });
  await using english = await tagger(snapshot);
  const batch = [["the"], ["The", "cat", "SLEEPS"], ["a", "bird", "eats", "the", "fish"], ["a", "leap", "runs"]];
  const steps: number[] = [];
  const answers = await english.tag(batch, { onStep: ({ step }) => void steps.push(step) });
  expect(answers[1]?.tags).toEqual(tags);
  for (const [row, answer] of answers.entries()) expect(answer).toEqual(await english.tag(batch[row] as string[]));
  expect(steps).toEqual([1, 2, 3]);
  expect(taggerDescription(snapshot)).toMatchObject({ inputs: ["word"], vocabulary: { version: 2 } });
  await expect(tagger({ ...snapshot, metadata: taggerMetadata({ tags: ["a", "b"] }) })).rejects.toThrow(
    /not a tagger of 2 tags: it must take ids of words, the input "word", and end in 2 units/,
  );
  const overTrees = treeLstm({ units: 4, type: "childSum", returnSequences: true });
  await using reader = await compile(
    sequential([embedding({ inputDim: 20, outputDim: 4 }), overTrees, dense({ units: 3, activation: "softmax" })]),
    { backend: await cpu(), loss: sparseCategoricalCrossentropy(), optimizer: adam() },
  );
  const ofTrees = await reader.snapshot({ vocabulary, metadata: taggerMetadata({ tags }) });
  const { inputs } = ofTrees.spec;
  const spec = { ...ofTrees.spec, inputs: inputs.map((each) => ({ ...each, name: "word" })) };
  await expect(tagger({ ...ofTrees, spec })).rejects.toThrow(
    /not a tagger of 3 tags: .*; it takes trees of ids "word" and gives \[batch, time, 3\]/,
  );
});

describe("the same figures within 1e-5", () => {
  const runs = {
    cpu: async () => predictor(trained, { backend: await cpu() }),
    wasm: async () => predictor(trained, { backend: await wasm({ threads: 1 }) }),
    "tfjs-cpu": async () => predictor(trained, { backend: await tfjs(tf, { backend: "cpu" }) }),
    "tfjs-wasm": async () => predictor(trained, { backend: await tfjs(tf, { backend: "wasm" }) }),
  };
  const batch = [["the"], ["this", "cat", "leaps"], ...sentences.slice(0, 9), ["a", "bird", "eats", "the", "fish"]];

  test.each(Object.keys(runs) as (keyof typeof runs)[])("onnxruntime and %s", async (name) => {
    const ids = tokenEncoder(taggerSettings(trained).vocabulary)(batch);
    await using ours = await runs[name]();
    const { onnxPredictor } = await import("@ostinato/onnx/node");
    await using theirs = await onnxPredictor(exportOnnx(trained), { layers: [wordDropout] });
    const [{ data }, { data: expected }] = [await ours.predict(ids), await theirs.predict(ids)];
    let largest = 0;
    for (const [i, each] of data.entries()) largest = Math.max(largest, Math.abs(each - (expected[i] ?? Number.NaN)));
    expect(data.length).toBe(expected.length);
    expect(largest).toBeLessThan(1e-5);
  });

  test("the tags from a file, its bytes, an ONNX file and in onnxruntime", async () => {
    const onnxFile = join(folder, "tagger.onnx");
    writeFileSync(onnxFile, exportOnnx(trained));
    const said: unknown[] = [];
    for (const open of [
      () => tagger(file),
      () => fromBytes(toBytes(trained)),
      () => tagger(file, { backend: "onnx" }),
      () => tagger(onnxFile),
      async () => tagger(onnxFile, { backend: await wasm({ threads: 1 }) }),
    ]) {
      await using each = await open();
      said.push((await each.tag(batch)).map((answer) => answer.tags));
    }
    for (const each of said) expect(each).toEqual(said[0]);
  });
});

describe("wrong use", () => {
  test.each<[string, unknown, string]>([
    [
      "a text",
      "the cat",
      "give a sentence as a list of tokens, or a list of such, got string; tokenize(text) makes tokens",
    ],
    ["nothing", null, "got null"],
    ["an empty sentence", [["the"], []], "sentence 2 has no tokens; leave it out"],
    ["texts among sentences", [["the"], "cat"], "sentence 2 must be a list of tokens, which are texts"],
    ["numbers among tokens", [["the", 1]], "sentence 1 must be a list of tokens, which are texts"],
  ])("%s", async (_, given, message) => {
    await using english = await tagger(file);
    const error = await english.tag(given as string[]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(message);
  });

  test("a batch size that is none", async () => {
    await using english = await tagger(file);
    await expect(english.tag([["the"]], { batchSize: 0 })).rejects.toThrow(
      "batchSize must be a whole number from 1 on",
    );
  });

  test("models that are no taggers, and files without the tagger's layers", async () => {
    const { vocabulary, metadata, ...bare } = trained;
    const of = (more: Partial<Trained>) => tagger({ ...bare, ...more } as Trained);
    await expect(of({})).rejects.toThrow(/not a tagger: its file has no tags; save it with trainer\.snapshot/);
    await expect(of({ ...(metadata ? { metadata } : {}) })).rejects.toThrow(/its file has no vocabulary/);
    const more = { vocabulary: vocabulary ?? null, metadata: taggerMetadata({ tags: ["A", "B"] }) };
    await expect(of(more)).rejects.toThrow(/is not a tagger of 2 tags/);
    await expect(of({ ...more, metadata: { tagger: { tags: ["A", "A"] } } })).rejects.toThrow(ModelFileError);
    await expect(of({ ...more, metadata: { tagger: { tags: "A" } } })).rejects.toThrow(/the model file is damaged/);
    await expect(loadModel(file)).rejects.toThrow(/wordDropout/);
    await expect(fromBytes("tagger.safetensors" as unknown as Uint8Array)).rejects.toThrow(
      "tagger: a path is for tagger of @ostinato/tagger/node",
    );
    await expect(tagger(join(folder, "none"))).rejects.toThrow(ModelFileError);
    expect(() => taggerMetadata({ tags: ["A"] })).toThrow(ConfigError);
  });
});

test("a program of one's own over a model, as classifiers and taggers are", async () => {
  const opener = { name: "spelled", package: "spelled" };
  const over = async ({ spec }: Omit<Trained, "weights">, open: () => Promise<{ dispose(): Promise<void> }>) => {
    await (await open()).dispose();
    return spec.inputs.length;
  };
  const layers = [wordDropout];
  expect(await openTrained(opener, over, toBytes(trained), { layers })).toBe(11);
  expect(await openModel(opener, over, file, { layers })).toBe(11);
});

test("what the description says fits the ONNX file", () => {
  const { inputs, output, tags: said, vocabulary } = taggerDescription(trained);
  expect([inputs.length, output, said]).toEqual([11, "output", tags]);
  expect(vocabulary.values.word).toContain("cat");
});

describe("a CRF", () => {
  /** A sentence ends in a verb, and no verb follows a determiner. */
  const constraints = {
    transitions: [
      [true, true, false],
      [true, true, true],
      [true, true, true],
    ],
    start: [true, true, true],
    end: [false, false, true],
  };
  let path: Trained;
  beforeAll(async () => {
    path = await trainedTagger("crf", constraints);
  });
  const odd = [["the", "sleeps", "cat"], ["cat"], ["the"], ...sentences.slice(0, 5)];

  test("finds the best path that is allowed, with probabilities; the same on every runtime", async () => {
    const said: (readonly string[])[][] = [];
    for (const options of [{}, { backend: await wasm({ threads: 1 }) }, { backend: "onnx" as const }]) {
      await using each = await tagger(path, options);
      const answers = await each.tag(odd);
      said.push(answers.map((answer) => answer.tags));
      for (const { tags: own, probabilities } of answers) {
        expect(own.at(-1)).toBe("VERB");
        for (const [i, tag] of own.entries()) if (own[i - 1] === "DET") expect(tag).not.toBe("VERB");
        expect(probabilities).toHaveLength(own.length);
        for (const each of probabilities) expect(each > 0 && each <= 1.0001, String(each)).toBe(true);
      }
    }
    expect(said[1]).toEqual(said[0]);
    expect(said[2]).toEqual(said[0]);
    expect(said[0]?.slice(3)).toEqual(Array(5).fill(tags));
    await using free = await tagger(await trainedTagger("crf"));
    expect((await free.tag(["the"])).tags).toEqual(["DET"]);
  });

  test("from a file of either kind it is the same; without its transitions it is an error", async () => {
    const saved = join(folder, "crf.safetensors");
    await saveModel(saved, path);
    await using one = await tagger(saved);
    await using other = await tagger(path);
    expect(await one.tag(odd)).toEqual(await other.tag(odd));
    await using exported = await tagger(exportOnnx(path));
    expect((await exported.tag(odd)).map((answer) => answer.tags)).toEqual(
      (await other.tag(odd)).map((answer) => answer.tags),
    );
    const { losses: _, ...bare } = path;
    await expect(tagger(bare)).rejects.toThrow(ModelFileError);
    expect(() => taggerMetadata({ tags, output: "argmax" as "crf" })).toThrow('output must be "softmax" or "crf"');
  });

  test("the description tells what paths are scored by", () => {
    const { ending, crf } = taggerDescription(path);
    expect([ending, crf?.constraints]).toEqual(["crf", constraints]);
    const { data } = path.weights["output/crf/transitions"] as { data: Float32Array };
    expect(crf?.transitions.flat()).toEqual([...data]);
    expect([crf?.start.length, crf?.end.length]).toEqual([3, 3]);
    expect(taggerDescription(trained)).not.toHaveProperty("crf");
  });
});

describe("wordDropout", () => {
  test("hides the share of words that it says, in training alone, and never makes padding of a word", async () => {
    const words = input({ shape: ["time"], name: "words" });
    const hidden = wordDropout({ rate: 0.25, inputDim: 4 })(words);
    // A table that shows which id came through: 1 for unknown words, 0 for all others.
    const seen = embedding({ inputDim: 4, outputDim: 1, maskZero: true, trainable: false, name: "seen" })(hidden);
    const network = model([words], dense({ units: 2, activation: "softmax" })(seen));
    await using trainer = await compile(network, {
      backend: await cpu(),
      loss: sparseCategoricalCrossentropy(),
      optimizer: sgd({ learningRate: 1e-9 }),
      seed: 1,
      weights: {
        "seen/embeddings": { dtype: "float32", shape: [4, 1], data: Float32Array.of(0, 1, 0, 0) },
        "dense/kernel": { dtype: "float32", shape: [1, 2], data: Float32Array.of(0, 1) },
      },
    });
    const rows = Array.from({ length: 64 }, () => Array.from({ length: 40 }, () => 2));
    const data = { x: { words: rows }, y: rows.map((row) => row.map(() => 0)) };
    const loss = (probability: number) => -Math.log(probability);
    const [known, unknown] = [loss(0.5), loss(1 / (1 + Math.E))];
    expect((await trainer.evaluate(data)).loss).toBeCloseTo(known, 5);
    const { epochs } = await trainer.fit(data, { epochs: 1, batchSize: 64, onWarning: () => {} });
    const share = ((epochs[0]?.loss ?? 0) - known) / (unknown - known);
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
  });

  test("its options are checked", () => {
    expect(() => wordDropout({ rate: 1.5, inputDim: 4 })).toThrow(ConfigError);
    expect(() => wordDropout({ rate: 0.5 } as never)).toThrow(ConfigError);
    expect(() => sequential([wordDropout({ rate: 0.5, inputDim: 4 }), lstm({ units: 2 })] as never)).toThrow();
  });
});
