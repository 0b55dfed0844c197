/** Models in pages: onnxruntime-web in headless Chromium gives what onnxruntime-node gives, and refuses what it refuses. */
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
import { exportDecoding, exportOnnx } from "@ostinato/onnx";
import { onnxPredictor, onnxSequenceModel } from "@ostinato/onnx/node";
import { beforeAll, expect, test } from "vitest";
import type { Calls, PlainTensors } from "./browser/page.ts";
import { guardCases } from "./guardCases.ts";
import { trainedOf } from "./models.ts";
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
const models: Readonly<Record<string, { readonly trained: Trained; readonly x: Inputs }>> = {
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

describeInChromium("models in Chromium", (open) => {
  let script: Files;
  beforeAll(async () => {
    script = await bundleFiles(join(import.meta.dirname, "browser", "page.ts"), true);
  });

  /** What a function of the page gives. */
  async function call<C extends keyof Calls>(site: OpenPage, name: C, ...given: Parameters<Calls[C]>) {
    const list = given.map((one) => JSON.stringify(one)).join(", ");
    return (await site.page.evaluate(`${name}(${list})`)) as Awaited<ReturnType<Calls[C]>>;
  }

  const variants = Object.entries(models).flatMap(([name, one]) =>
    opsets.map((opset) => ({ ...one, file: `${name}-${opset}.onnx`, bytes: exportOnnx(one.trained, { opset }) })),
  );
  const inputs = Object.fromEntries(variants.map(({ file, x }) => [`/${file}`, x]));
  const files = Object.fromEntries(variants.map(({ file, bytes }) => [file, bytes]));

  test.each([
    { page: "that is not isolated", headers: {}, options: undefined },
    {
      page: "that is isolated, under a policy that allows its own scripts and WebAssembly alone, with two threads",
      headers: { ...isolated, "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" },
      options: { threads: 2 },
    },
  ])("predict the same in a page $page", async ({ headers, options }) => {
    await using site = await open({ files: { ...script, ...files }, headers });
    const outcome = await call(site, "predict", inputs, options);
    if (!("result" in outcome)) throw new Error(outcome.message);
    expect(site.page.workers().length > 0).toBe(options !== undefined);
    for (const { file, bytes, trained, x } of variants) {
      const given = outcome.result[`/${file}`] as PlainTensors;
      await using inNode = await onnxPredictor(bytes, { threads: 1, layers: [minGru] });
      await using ours = await predictor(trained, { backend: await cpu() });
      expect(largest(given, await inNode.predictAll(x, { batchSize: 4 })), file).toBeLessThanOrEqual(1e-6);
      expect(largest(given, await ours.predictAll(x, { batchSize: 4 })), file).toBeLessThanOrEqual(1e-5);
    }
  });

  test("write the same by a beam", async () => {
    const trained = writer();
    const [sources, options] = [
      { source: [[3, 5, 6], [4]] },
      { start: 1, end: 2, beamSize: 3, nBest: 2, maxLength: 6 },
    ];
    const pairs = opsets.map((opset) => ({ opset, ...exportDecoding(trained, { opset }) }));
    const halves = pairs.flatMap(({ opset, encode, decodeStep }) => [
      [`encode-${opset}.onnx`, encode as Uint8Array],
      [`decodeStep-${opset}.onnx`, decodeStep],
    ]);
    await using site = await open({ files: { ...script, ...Object.fromEntries(halves) } });
    await using ours = await sequenceModel(trained, { backend: await cpu() });
    const wanted = await generate(ours, sources, options);
    for (const { opset, encode, decodeStep } of pairs) {
      const outcome = await call(site, "write", `/encode-${opset}.onnx`, `/decodeStep-${opset}.onnx`, sources, options);
      if (!("result" in outcome)) throw new Error(outcome.message);
      await using inNode = await onnxSequenceModel({ encode, decodeStep }, { threads: 1 });
      const same = await generate(inNode, sources, options);
      outcome.result.flat().forEach(({ tokens, logProbability }, i) => {
        expect(tokens).toEqual([...(wanted.flat()[i]?.tokens ?? [])]);
        expect(Math.abs(logProbability - (same.flat()[i]?.logProbability as number))).toBeLessThanOrEqual(1e-6);
        expect(Math.abs(logProbability - (wanted.flat()[i]?.logProbability as number))).toBeLessThanOrEqual(1e-5);
      });
    }
  });

  test("take no feeds that onnxruntime must not see", async () => {
    const own = guardCases.map(({ model: bytes }, i) => [`${i}.onnx`, bytes] as const);
    await using site = await open({ files: { ...script, ...Object.fromEntries(own) } });
    const plain = (tensors: Tensors): PlainTensors =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
          name,
          { dtype: dtype as "int32", shape, data: [...data] },
        ]),
      );
    for (const [i, { what, good, bad }] of guardCases.entries()) {
      // The good feeds come last: what was refused before them has left no trace.
      const outcome = await call(site, "run", `/${i}.onnx`, [...bad.map(([feeds]) => feeds), good].map(plain));
      if (!("result" in outcome)) throw new Error(`${what}: ${outcome.message}`);
      const last = outcome.result.pop();
      expect(last, what).toHaveProperty("result");
      const errors = outcome.result.map(
        (one, at) => "name" in one && [one.name, one.message.slice(0, bad[at]?.[2].length)],
      );
      expect(errors, what).toEqual(bad.map(([, name, message]) => [name, message]));
    }
  });

  test("say why they do not open", async () => {
    const [name, bytes] = Object.entries(files)[0] as [string, Uint8Array];
    const wasm = Object.keys(script).find((file) => file.endsWith(".wasm")) as string;
    const all = { ...script, [name]: bytes };
    await using site = await open({ files: all });
    for (const [url, options, error, message] of [
      ["/none.onnx", {}, "ModelFileError", "cannot read the model /none.onnx: the server answers 404 Not Found"],
      ["/", {}, "ModelFileError", "cannot read the model /: the server answers with a page (text/html)"],
      ["http://127.0.0.1:1/x", {}, "ModelFileError", "cannot read the model http://127.0.0.1:1/x: "],
      [`/${wasm}`, {}, "ModelFileError", "these "],
      [`/${name}`, { threads: 0 }, "ConfigError", "openSession: threads must be a whole number from 1 on, got 0"],
      [`/${name}`, { provider: "wasm" }, "ConfigError", 'openSession has no option "provider"'],
      [`/${name}`, { threads: 1 }, "", ""],
      [`/${name}`, {}, "", ""],
      [`/${name}`, { threads: 2 }, "ConfigError", "openSession: threads is 2, and 1 where the page opened its first"],
    ] as const) {
      const outcome = await call(site, "predict", { [url]: readings }, options as object);
      const found = "result" in outcome ? ["", ""] : [outcome.name, outcome.message.slice(0, message.length)];
      expect(found, url).toEqual([error, message]);
    }
  });

  test("find the file of WebAssembly where it is said to be, and say so where there is none", async () => {
    const [name, bytes] = Object.entries(files)[0] as [string, Uint8Array];
    const wasm = Object.keys(script).find((file) => file.endsWith(".wasm")) as string;
    const { [wasm]: moved, ...rest } = script;
    const all = { ...rest, "moved.wasm": moved as Uint8Array, [name]: bytes };
    await using without = await open({ files: all });
    expect(await call(without, "predict", { [`/${name}`]: readings })).toEqual({
      name: "ConfigError",
      message: expect.stringContaining("onnxruntime-web does not start in this page: "),
    });
    await using site = await open({ files: all });
    const options = { wasmPaths: { wasm: "/moved.wasm" } };
    expect(await call(site, "predict", { [`/${name}`]: readings }, options)).toHaveProperty("result");
  });
});
