/** Text in, label out: the same answers from every kind of file and on everything that computes, and clear words for what is no classifier. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import {
  type ClassifierDescription,
  classifierDescription,
  classifierMetadata,
  classifierSettings,
  encodeForClassifier,
  textClassifier as fromMemory,
  takenAndGiven,
  takesText,
} from "@ostinato/classifier";
import { onnxBytes, textClassifier } from "@ostinato/classifier/node";
import {
  ConfigError,
  compile,
  defineLayer,
  dense,
  embedding,
  featuresOf,
  float32,
  int32,
  type Json,
  lstm,
  ModelFileError,
  predictor,
  StateError,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type Trained,
  toBytes,
  treeLstm,
} from "@ostinato/core";
import { mul } from "@ostinato/core/graph";
import { saveModel } from "@ostinato/core/node";
import { exportOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { parseVocabulary, vocabularyFromTexts } from "@ostinato/text";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trainedClassifier } from "./models.ts";

const folder = mkdtempSync(join(tmpdir(), "classifier-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = join(folder, "model.safetensors");
const onnx = join(folder, "model.onnx");
let sigmoid: Trained;
beforeAll(async () => {
  sigmoid = await trainedClassifier(1);
  await saveModel(model, sigmoid);
  writeFileSync(onnx, exportOnnx(sigmoid));
});

const texts = ["The good film!", "dull and cold", "", "words that nobody knows", "film ".repeat(50)];

describe("answers", () => {
  test("are those of the predictor, on rows of the last words", async () => {
    await using classifier = await textClassifier(model);
    const answers = await classifier.classify(texts);
    await using own = await predictor(sigmoid, { backend: await cpu() });
    const rows = encodeForClassifier({ maxLength: 6 }, parseVocabulary(sigmoid.vocabulary), texts);
    expect((rows as number[][]).map((row) => row.length)).toEqual([3, 3, 0, 4, 6]);
    const { data } = await own.predict(rows);
    expect(answers.map(({ probabilities }) => probabilities.bad)).toEqual([...data]);
    expect(classifier.labels).toEqual(["good", "bad"]);
    expect(answers.slice(0, 2).map(({ label }) => label)).toEqual(["good", "bad"]);
    for (const { label, probability, probabilities } of answers) {
      expect(probability).toBe(probabilities[label]);
      expect(probability).toBeGreaterThanOrEqual(0.5);
      expect((probabilities.good ?? 0) + (probabilities.bad ?? 0)).toBeCloseTo(1, 12);
    }
    expect(await classifier.classify("The good film!")).toEqual(answers[0]);
  });

  test("come from models with layers of one's own, where these are handed in", async () => {
    const own = defineLayer({
      kind: "own",
      parse: () => ({}),
      takes: "features",
      outputs: { features: "features" },
      build: ({ parameter }, _config, [x]) => [
        { ...x, values: mul(x.values, parameter("factor", [featuresOf(x)], "ones")) },
      ],
    });
    const known = { layers: [own] };
    const { spec } = sequential([
      embedding({ inputDim: 30, outputDim: 4, maskZero: true }),
      lstm({ units: 6 }),
      own(),
      dense({ units: 1, activation: "sigmoid" }),
    ]);
    const factor = float32([6], [1, 1, 0.5, 1, 2, 1]);
    const trained = { ...sigmoid, spec, weights: { ...sigmoid.weights, "own/factor": factor } };
    const paths = [join(folder, "own.safetensors"), join(folder, "own.onnx")] as const;
    await saveModel(paths[0], trained);
    writeFileSync(paths[1], exportOnnx(trained));
    await using first = await textClassifier(trained);
    const expected = await first.classify(texts);
    const opened = [
      ...[...paths, toBytes(trained)].map((file) => textClassifier(file, known)),
      textClassifier(paths[0], { ...known, backend: "onnx" }),
      fromMemory(toBytes(trained), known),
    ];
    for (const opening of opened) {
      await using classifier = await opening;
      for (const [row, { probability }] of (await classifier.classify(texts)).entries())
        expect(probability).toBeCloseTo(expected[row]?.probability as number, 5);
    }
    for (const path of paths) await expect(textClassifier(path)).rejects.toThrow("{ layers: [own] }");
    await expect(fromMemory(toBytes(trained))).rejects.toThrow(ModelFileError);
  });

  test("are the same from every kind of file, and on everything that computes", async () => {
    const opened = {
      path: () => textClassifier(model),
      URL: () => textClassifier(pathToFileURL(model)),
      bytes: () => textClassifier(toBytes(sigmoid)),
      trained: () => textClassifier(sigmoid),
      "bytes in a page": () => fromMemory(toBytes(sigmoid)),
      wasm: async () => textClassifier(model, { backend: await wasm() }),
      "wasm in a page": async () => fromMemory(sigmoid, { backend: await wasm({ threads: 1 }) }),
      "onnxruntime by an export": () => textClassifier(model, { backend: "onnx" }),
      "an ONNX file": () => textClassifier(onnx),
      "an ONNX file on a backend of ours": async () => textClassifier(onnx, { backend: await cpu() }),
      "the bytes of one": async () => textClassifier(exportOnnx(sigmoid), { backend: await wasm({ threads: 1 }) }),
      "the bytes of an ONNX file": () => textClassifier(exportOnnx(sigmoid), { backend: "onnx" }),
    };
    await using first = await textClassifier(model);
    const expected = await first.classify(texts);
    for (const [name, open] of Object.entries(opened)) {
      await using classifier = await open();
      for (const [row, { label, probability }] of (await classifier.classify(texts, { batchSize: 2 })).entries()) {
        expect(label, `${name}: ${texts[row]}`).toBe(expected[row]?.label);
        expect(probability, `${name}: ${texts[row]}`).toBeCloseTo(expected[row]?.probability as number, 5);
      }
    }
  });

  test.each([
    [2, {}],
    [3, {}],
    [3, { padding: "pre" }],
    [1, { padding: "post", truncating: "post" }],
  ] as const)("of a model with %i units, with %j", async (units, settings) => {
    const trained = await trainedClassifier(units, settings);
    await using classifier = await textClassifier(toBytes(trained));
    const known = ["the good film", "a dull film", "the film is slow and late"].slice(0, Math.max(2, units));
    const answers = await classifier.classify(known);
    expect(answers.map(({ label }) => label)).toEqual(classifier.labels);
    for (const { probabilities } of answers) {
      expect(Object.keys(probabilities)).toEqual(classifier.labels);
      expect(Object.values(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    }
    await using exported = await textClassifier(exportOnnx(trained));
    expect((await exported.classify(known)).map(({ label }) => label)).toEqual(classifier.labels);
  });

  test("of no texts are none; of many come in batches", async () => {
    await using classifier = await textClassifier(model);
    expect(await classifier.classify([])).toEqual([]);
    let steps = 0;
    const onStep = (): void => {
      steps += 1;
    };
    const many = Array.from({ length: 70 }, (_, i) => texts[i % 2] as string);
    const answers = await classifier.classify(many, { batchSize: 10, onStep });
    expect(steps).toBe(7);
    expect(answers.map(({ label }) => label)).toEqual(many.map((_, i) => ["good", "bad"][i % 2]));
  });

  test("end with the classifier", async () => {
    const classifier = await textClassifier(model);
    await classifier.dispose();
    await classifier.dispose();
    await expect(classifier.classify("good")).rejects.toThrow(StateError);
  });
});

describe("which rows", () => {
  const vocabulary = vocabularyFromTexts(["a b c d"]);
  test.each([
    [{}, [[2, 3, 4], [5]]],
    [{ maxLength: 2 }, [[3, 4], [5]]],
    [{ maxLength: 2, truncating: "post" }, [[2, 3], [5]]],
  ] as const)("with %j", (settings, rows) => {
    expect(encodeForClassifier({ maxLength: 9, ...settings }, vocabulary, ["a b c", "d"])).toEqual(rows);
  });

  test("the lines of a text may end in CR LF", () => {
    expect(encodeForClassifier({ maxLength: 9 }, vocabulary, ["a b\r\nc\r"])).toEqual([[2, 3, 4]]);
  });

  test.each([
    ["pre", [2, 3, 4, 0, 0, 5]],
    ["post", [2, 3, 4, 5, 0, 0]],
  ] as const)("padded %s", (padding, data) => {
    const rows = encodeForClassifier({ maxLength: 3, padding }, vocabulary, ["a b c", "d"]);
    expect(rows).toMatchObject({ shape: [2, 3], data: Int32Array.from(data) });
  });
});

describe("a description", () => {
  /** What the README shows for other runtimes, on the description alone. */
  function idsOf({ vocabulary, maxLength, truncating }: ClassifierDescription, text: string): number[] {
    if (vocabulary.version !== 1) throw new Error("the models of these tests have vocabularies of version 1");
    const { lower, filters, split } = vocabulary.standardization;
    let plain = (lower ? text.toLowerCase() : text).replaceAll("\r", "\n");
    for (const character of filters) plain = plain.replaceAll(character, split);
    const ids = plain
      .split(split)
      .filter((word) => word !== "")
      .map((word) => {
        const place = vocabulary.words.indexOf(word);
        return place < 0 ? (vocabulary.unknownId ?? 0) : place + vocabulary.reserved.length;
      });
    return truncating === "pre" ? ids.slice(-maxLength) : ids.slice(0, maxLength);
  }

  test.each([
    [1, {}],
    [3, { padding: "pre" }],
    [2, { padding: "post", truncating: "post" }],
  ] as const)("is all that another runtime needs: %i units, %j", async (units, more) => {
    const trained = await trainedClassifier(units, more);
    const description = JSON.parse(JSON.stringify(classifierDescription(trained))) as ClassifierDescription;
    expect(description).toMatchObject({ input: "input", output: "output", padding: null, truncating: "pre", ...more });
    const { settings, vocabulary } = classifierSettings(trained);
    expect(settings).toEqual({ labels: description.labels, maxLength: 6, truncating: "pre", ...more });
    expect(vocabulary).toEqual(description.vocabulary);

    const given = ["The GOOD, fine film!", "", "a b c\r\nd dull cold words film slow"];
    const rows = given.map((text) => idsOf(description, text));
    const time = description.padding ? description.maxLength : Math.max(...rows.map((row) => row.length));
    const ids = new Int32Array(rows.length * time);
    for (const [i, row] of rows.entries())
      ids.set(row, i * time + (description.padding === "pre" ? time - row.length : 0));
    const session = await openSession(exportOnnx(trained));
    const results = await session.run({ [description.input]: int32([rows.length, time], ids) });
    await session.dispose();

    await using classifier = await textClassifier(trained);
    const expected = (await classifier.classify(given)).flatMap(({ probabilities }) =>
      Object.values(probabilities).slice(units === 1 ? 1 : 0),
    );
    const actual = [...(results[description.output]?.data ?? [])];
    expect(actual).toHaveLength(expected.length);
    for (const [i, probability] of actual.entries()) expect(probability).toBeCloseTo(expected[i] as number, 5);
  });

  test("of a model that is no classifier is refused", () => {
    expect(() => classifierDescription({ ...sigmoid, metadata: {} })).toThrow(ModelFileError);
  });
});

describe("what is no classifier", () => {
  const failure = async (open: () => Promise<unknown>): Promise<Error> => {
    const error: unknown = await open().then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(Error);
    return error as Error;
  };

  test("a model without labels or vocabulary, with the way out", async () => {
    const { vocabulary: _, ...wordless } = sigmoid;
    for (const [lacking, what] of [
      [{ ...sigmoid, metadata: { other: 1 } }, "labels"],
      [wordless, "vocabulary"],
    ] as const) {
      const error = await failure(() => textClassifier(toBytes(lacking)));
      expect(error).toBeInstanceOf(ModelFileError);
      expect(error.message).toContain(
        `has no ${what}; save it with trainer.snapshot({ vocabulary, metadata: classifierMetadata(`,
      );
      expect(await failure(() => textClassifier(exportOnnx(lacking)))).toEqual(error);
    }
  });

  test("a file that is missing, damaged or something else is named", async () => {
    const absent = join(folder, "absent");
    expect((await failure(() => textClassifier(absent))).message).toContain(
      `cannot read the model ${absent}: there is no`,
    );
    const text = join(folder, "text");
    writeFileSync(text, "just a text, and a long one");
    expect((await failure(() => textClassifier(text))).message).toContain(`${text}: this is not a safetensors file`);
    expect((await failure(() => textClassifier(folder))).message).toContain(`${folder}: this is a folder`);
    const unlabelled = join(folder, "unlabelled");
    await saveModel(unlabelled, { ...sigmoid, metadata: {} });
    expect((await failure(() => textClassifier(unlabelled))).message).toMatch(/^.*unlabelled: the model is not a text/);
  });

  test.each([
    [{ labels: ["a"], maxLength: 3 }, "labels must be a list of two texts or more"],
    [{ labels: ["a", "a"], maxLength: 3 }, "labels must be different texts"],
    [{ labels: ["a", "b"], maxLength: 0 }, "maxLength must be a whole number from 1 on, got 0"],
    [{ labels: ["a", "b"], maxLength: 3, padding: "front" as "pre" }, 'padding must be "pre" or "post"'],
    [{ labels: ["a", "b"], maxLength: 3, truncating: "front" as "pre" }, 'truncating must be "pre" or "post"'],
  ])("settings that cannot work: %j", async (settings, message) => {
    expect(() => classifierMetadata(settings)).toThrow(ConfigError);
    expect(() => classifierMetadata(settings)).toThrow(message);
    const damaged = { ...sigmoid, metadata: { textClassifier: { ...settings, labels: [...settings.labels] } } };
    const error = await failure(() => textClassifier(damaged));
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error.message).toContain(`damaged: ${message}`);
  });

  test.each(["text", null, 3, ["a"]])("settings that are none: %j", async (settings) => {
    const error = await failure(() => textClassifier({ ...sigmoid, metadata: { textClassifier: settings } }));
    expect(error.message).toContain("labels must be a list");
  });

  test("a model of trees is refused when it is opened, not at its first text", async () => {
    const layers = [embedding({ inputDim: 10, outputDim: 2 }), treeLstm({ units: 2, type: "childSum" })] as const;
    await using trainer = await compile(sequential([...layers, dense({ units: 3, activation: "softmax" })]), {
      backend: await cpu(),
      loss: sparseCategoricalCrossentropy(),
      optimizer: sgd({ learningRate: 0.1 }),
    });
    const metadata = classifierMetadata({ labels: ["a", "b", "c"], maxLength: 3 });
    const vocabulary = sigmoid.vocabulary as Json;
    const snapshot = await trainer.snapshot({ vocabulary, metadata });
    expect(snapshot.spec.inputs.map(takesText)).toEqual([false]);
    expect(sigmoid.spec.inputs.map(takesText)).toEqual([true]);
    const error = await failure(() => textClassifier(snapshot));
    expect(error).toBeInstanceOf(ModelFileError);
    expect(error.message).toContain(
      'not a classifier of texts into 3 labels: it must take ids and end in 3 units; it takes trees of ids "input" and gives [batch, 3]',
    );
  });

  test("a vocabulary that is damaged, and labels that do not fit the model", async () => {
    const words = await failure(() => textClassifier({ ...sigmoid, vocabulary: { version: 9 } }));
    expect(words).toBeInstanceOf(ModelFileError);
    expect(words.message).toContain("vocabulary.version");
    const metadata = classifierMetadata({ labels: ["a", "b", "c"], maxLength: 3 });
    expect((await failure(() => textClassifier({ ...sigmoid, metadata }))).message).toContain(
      `not a classifier of texts into 3 labels: it must take ids and end in 3 units; ${takenAndGiven(sigmoid.spec)}`,
    );
  });

  test("what is no text is refused", async () => {
    await using classifier = await textClassifier(model);
    await expect(classifier.classify(7 as unknown as string)).rejects.toThrow(ConfigError);
    await expect(classifier.classify([float32([1], [1])] as unknown as string[])).rejects.toThrow(/text.*be a string/);
    await expect(classifier.classify(["a film", undefined] as unknown as string[])).rejects.toThrow(
      "texts[1] must be a string, got undefined",
    );
    await expect(classifier.classify(null as unknown as string)).rejects.toThrow("a list of texts, got null");
  });

  test("what is no model is refused, with the way in", async () => {
    const untyped = (value: unknown) => value as Trained;
    for (const open of [textClassifier, fromMemory]) {
      for (const [given, found] of [
        [undefined, "undefined"],
        [null, "null"],
        [Promise.resolve(sigmoid), "an object (Promise)"],
        [new Blob(["text"]), "an object (Blob)"],
      ] as const) {
        const error = await failure(() => open(untyped(given)));
        expect(error).toBeInstanceOf(ModelFileError);
        expect(error.message).toBe(`the bytes of a file are a Uint8Array, got ${found}`);
      }
      for (const backend of ["wasm", cpu(), {}]) {
        const error = await failure(() => open(sigmoid, { backend: backend as never }));
        expect(error).toBeInstanceOf(ConfigError);
        expect(error.message).toContain("backend must be what a function such as await cpu() made");
      }
    }
    const path = await failure(() => fromMemory(untyped(model)));
    expect(path).toBeInstanceOf(ConfigError);
    expect(path.message).toContain("a path is for textClassifier of @ostinato/classifier/node");
    const bytes = await failure(() => fromMemory(exportOnnx(sigmoid)));
    expect(bytes).toBeInstanceOf(ModelFileError);
    expect(bytes.message).toContain("this is an ONNX file: @ostinato/classifier/node opens it");
  });
});

test("the bytes of an ONNX file, by its path, its URL, and as they are", async () => {
  const bytes = exportOnnx(sigmoid);
  for (const given of [onnx, pathToFileURL(onnx), bytes])
    expect(Buffer.from(await onnxBytes(given)).equals(bytes), String(given)).toBe(true);
});
