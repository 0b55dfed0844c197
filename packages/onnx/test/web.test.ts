/** Models in browsers: onnxruntime-web in headless Chromium gives the results and errors of onnxruntime-node. */
import { join } from "node:path";
import { cpu } from "@ostinato/backend-cpu";
import { minGru } from "@ostinato/cells";
import { bundleFiles, describeInChromium, type Files, isolated, type OpenPage } from "@ostinato/conformance/pages";
import {
  attention,
  bidirectional,
  concatenate,
  dense,
  embedding,
  generate,
  gru,
  type Inputs,
  input,
  lstm,
  model,
  predictor,
  rnn,
  sequenceModel,
  sequential,
  type Tensor,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { type ExportOptions, exportDecoding, exportOnnx } from "@ostinato/onnx";
import { onnxPredictor, onnxSequenceModel } from "@ostinato/onnx/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Calls, PlainTensors } from "./browser/page.ts";
import { guardCases } from "./guardCases.ts";
import { stripped } from "./import/stripped.ts";
import { trainedOf, trees } from "./models.ts";
import { difference } from "./run.ts";

const opsets = [17, 22];

const words = [[3, 7, 1], [12], [2, 2, 5, 9, 19], [], [4, 4]];
const readings = [
  [
    [0.5, -1],
    [0.25, 2],
  ],
  [[1, 1]],
  [
    [-0.5, 0.5],
    [2, 0],
    [0.1, 0.2],
  ],
];
/** A model, and the formats in which it is exported in addition to both opsets. */
interface Exported {
  readonly trained: Trained;
  readonly x: Inputs;
  readonly forms?: readonly ExportOptions[];
}

const models: Readonly<Record<string, Exported>> = {
  lstm: {
    trained: trainedOf(
      sequential([input({ shape: ["time", 2], lengths: true }), lstm({ units: 4 }), dense({ units: 3 })]),
    ),
    x: readings,
  },
  gru: {
    trained: trainedOf(
      sequential([
        embedding({ inputDim: 20, outputDim: 4, maskZero: true }),
        gru({ units: 4 }),
        dense({ units: 1, activation: "sigmoid" }),
      ]),
    ),
    x: words,
  },
  trees: {
    trained: trees(),
    x: [
      { values: [1, 2, 0, 4, 3], parents: [2, 2, 4, 4, -1] },
      { values: [3], parents: [-1] },
    ],
  },
  tagger: {
    trained: trainedOf(
      sequential([
        embedding({ inputDim: 20, outputDim: 4, maskZero: true }),
        bidirectional(lstm({ units: 4, returnSequences: true })),
        dense({ units: 3, activation: "softmax" }),
      ]),
    ),
    x: words,
  },
  small: {
    trained: trainedOf(
      sequential([
        embedding({ inputDim: 20, outputDim: 40, maskZero: true }),
        bidirectional(lstm({ units: 32, returnSequences: true })),
        gru({ units: 8 }),
      ]),
    ),
    x: words,
    forms: [{ weights: "int8" }, { weights: "float16", tokenType: "int64" }],
  },
  cell: {
    trained: trainedOf(sequential([input({ shape: ["time", 2], lengths: true }), rnn(minGru({ units: 3 }))])),
    x: readings,
  },
};

function writer(): Trained {
  const table = embedding({ inputDim: 7, outputDim: 4, maskZero: true });
  const [from, to] = [input({ shape: ["source"], name: "source" }), input({ shape: ["target"], name: "target" })];
  const [encoded, h] = gru({ units: 6, returnSequences: true, returnState: true, name: "encoder" })(table(from));
  const decoded = gru({ units: 6, returnSequences: true, name: "decoder" })(table(to), { initialState: [h] });
  const context = attention({ scoreMode: "general" })([decoded, encoded]);
  return trainedOf(
    model([from, to], { next: dense({ units: 7, activation: "softmax" })(concatenate()([decoded, context])) }),
  );
}

/** The largest difference between two sets of tensors. */
function largest(given: Tensors | PlainTensors, wanted: Tensors): number {
  expect(Object.keys(given)).toEqual(Object.keys(wanted));
  return Math.max(...Object.entries(wanted).map(([name, tensor]) => difference(given[name] as Tensor, tensor)));
}

/** Pages that share models of the same files; each page is loaded once, because it compiles 14 MB. */
describeInChromium("models in Chromium", (open) => {
  const variants = Object.entries(models).flatMap(([name, { forms = [{}], ...one }]) =>
    forms.flatMap((form, i) =>
      opsets.map((opset) => ({
        ...one,
        url: `/${name}-${i}-${opset}.onnx`,
        bytes: exportOnnx(one.trained, { ...form, opset }),
        isExact: form.weights === undefined,
      })),
    ),
  );
  // As if written by another program.
  const tagger = models.tagger as (typeof models)[string];
  variants.push({ ...tagger, url: "/foreign.onnx", bytes: stripped(exportOnnx(tagger.trained)), isExact: true });
  const inputs = Object.fromEntries(variants.map(({ url, x }) => [url, x]));
  const known = Object.keys(inputs)[0] as string;
  const first = { [known]: readings };
  const written = writer();
  const pairs = opsets.map((opset) => {
    const urls = { encode: `/encode-${opset}.onnx`, decodeStep: `/decodeStep-${opset}.onnx` };
    return { urls, halves: exportDecoding(written, { opset }) };
  });
  const files = Object.fromEntries(
    [
      ...variants.map(({ url, bytes }) => [url, bytes] as const),
      ...pairs.flatMap(({ urls, halves }) => [
        [urls.encode, halves.encode as Uint8Array] as const,
        [urls.decodeStep, halves.decodeStep] as const,
      ]),
      ...guardCases.map(({ model: bytes }, i) => [`/${i}.onnx`, bytes] as const),
    ].map(([url, bytes]) => [url.slice(1), bytes]),
  );

  /** The page's script, its dependencies, and the models. */
  let all: Files;
  let wasm: string;
  let plain: OpenPage;
  beforeAll(async () => {
    all = { ...(await bundleFiles(join(import.meta.dirname, "browser", "page.ts"), true)), ...files };
    wasm = Object.keys(all).find((file) => file.endsWith(".wasm")) as string;
    plain = await open({ files: all });
  });
  afterAll(() => plain[Symbol.asyncDispose]());

  /** The result of a function of the page. */
  async function call<C extends keyof Calls>({ page }: OpenPage, name: C, ...given: Parameters<Calls[C]>) {
    const list = given.map((one) => JSON.stringify(one)).join(", ");
    return (await page.evaluate(`${name}(${list})`)) as Awaited<ReturnType<Calls[C]>>;
  }

  async function expectSame(outcome: Awaited<ReturnType<Calls["predict"]>>): Promise<void> {
    if (!("result" in outcome)) throw new Error(outcome.message);
    for (const { url, bytes, trained, x, isExact } of variants) {
      const given = outcome.result[url] as PlainTensors;
      await using inNode = await onnxPredictor(bytes, { threads: 1, layers: [minGru] });
      await using ours = await predictor(trained, { backend: await cpu() });
      expect(largest(given, await inNode.predictAll(x, { batchSize: 4 })), url).toBeLessThanOrEqual(1e-6);
      if (!isExact) continue;
      expect(largest(given, await ours.predictAll(x, { batchSize: 4 })), url).toBeLessThanOrEqual(1e-5);
    }
  }

  test("predict the same", async () => {
    await expectSame(await call(plain, "predict", inputs));
    expect(plain.page.workers()).toEqual([]);
  });

  test("predict the same with threads, under a policy, with a runtime that is handed in and its file elsewhere", async () => {
    const { [wasm]: moved, ...rest } = all;
    const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
    await using site = await open({
      files: { ...rest, "moved.wasm": moved as Uint8Array },
      headers: { ...isolated, "Content-Security-Policy": policy },
    });
    const options = { threads: 2, wasmPaths: { wasm: "/moved.wasm" }, executionProviders: ["wasm"] };
    await expectSame(await call(site, "predict", inputs, options, "given"));
    expect(site.page.workers().length).toBeGreaterThan(0);
    expect(await call(site, "predict", first, { executionProviders: ["xnnpack"] }, "given")).toEqual({
      name: "ConfigError",
      message: expect.stringMatching(/^onnxruntime-web does not start in this page with xnnpack: .*backend not found/),
    });
  });

  test("write the same by a beam", async () => {
    const sources = { source: [[3, 5, 6], [4]] };
    const options = { start: 1, end: 2, beamSize: 3, nBest: 2, maxLength: 6 };
    await using ours = await sequenceModel(written, { backend: await cpu() });
    const wanted = (await generate(ours, sources, options)).flat();
    for (const { urls, halves } of pairs) {
      const outcome = await call(plain, "write", urls.encode, urls.decodeStep, sources, options);
      if (!("result" in outcome)) throw new Error(outcome.message);
      await using inNode = await onnxSequenceModel(halves, { threads: 1 });
      const same = (await generate(inNode, sources, options)).flat();
      const given = outcome.result.flat();
      expect(given.map(({ tokens }) => tokens)).toEqual(wanted.map(({ tokens }) => [...tokens]));
      given.forEach(({ logProbability }, i) => {
        expect(Math.abs(logProbability - (same[i]?.logProbability as number))).toBeLessThanOrEqual(1e-6);
        expect(Math.abs(logProbability - (wanted[i]?.logProbability as number))).toBeLessThanOrEqual(1e-5);
      });
    }
  });

  const plainTensors = (tensors: Tensors): PlainTensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
        name,
        { dtype: dtype as "int32", shape, data: [...data] },
      ]),
    );

  test.each(guardCases.map((one, i) => ({ ...one, i })))(
    "take no feeds that onnxruntime must not see: $what",
    async ({ i, good, bad }) => {
      // The valid feeds come last, to show that the invalid ones had no effect.
      const feeds = [...bad.map(([one]) => one), good].map(plainTensors);
      const outcome = await call(plain, "run", `/${i}.onnx`, feeds);
      if (!("result" in outcome)) throw new Error(outcome.message);
      expect(outcome.result.pop()).toHaveProperty("result");
      const errors = outcome.result.map(
        (one, at) => "name" in one && [one.name, one.message.slice(0, bad[at]?.[2].length)],
      );
      expect(errors).toEqual(bad.map(([, name, message]) => [name, message]));
    },
  );

  test("say why they do not open", async () => {
    expect(await call(plain, "predict", first)).toHaveProperty("result");
    for (const [url, options, error, message] of [
      ["/none.onnx", {}, "ModelFileError", "cannot read the model /none.onnx: the server responded with 404 Not Found"],
      ["/", {}, "ModelFileError", "cannot read the model /: the server responded with an HTML page (text/html)"],
      ["http://127.0.0.1:1/x", {}, "ModelFileError", "cannot read the model http://127.0.0.1:1/x: "],
      [`/${wasm}`, {}, "ModelFileError", "these "],
      [known, { threads: 0 }, "ConfigError", "openSession: threads must be a whole number from 1 on, got 0"],
      [known, { provider: "wasm" }, "ConfigError", 'openSession has no option "provider"'],
      [
        known,
        { threads: 2 },
        "ConfigError",
        "openSession: threads is 2, but was not set when the page opened its first",
      ],
    ] as const) {
      const outcome = await call(plain, "predict", { [url]: readings }, options as object);
      const found = "result" in outcome ? ["", ""] : [outcome.name, outcome.message.slice(0, message.length)];
      expect(found, url).toEqual([error, message]);
    }
  });

  test("say so where the file of WebAssembly is missing", async () => {
    const { [wasm]: _, ...without } = all;
    await using site = await open({ files: without });
    expect(await call(site, "predict", first)).toEqual({
      name: "ConfigError",
      message: expect.stringContaining("onnxruntime-web does not start in this page with wasm: "),
    });
  });
});
