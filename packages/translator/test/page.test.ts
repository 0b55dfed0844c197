/** Translators in pages: onnxruntime-web and the WebAssembly backend give the translations of Node.js, and the script for onnxruntime-web is small. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, bundleFiles, describeInChromium, type Files, type OpenPage } from "@ostinato/conformance/pages";
import { toBytes } from "@ostinato/core";
import { exportDecoding } from "@ostinato/onnx";
import { type TranslateOptions, translator } from "@ostinato/translator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ByOnnx } from "./browser/onnx.ts";
import { type Told, toldBy } from "./browser/told.ts";
import type { ByWasm } from "./browser/wasm.ts";
import { right, texts, tied } from "./models.ts";

/** Milliseconds in which a busy machine bundles and trains. */
const patience = 60_000;
const inBrowser = (file: string): string => join(import.meta.dirname, "browser", file);

describe("a page that translates in onnxruntime-web", () => {
  let files: Files;
  beforeAll(async () => {
    files = await bundleFiles(inBrowser("onnx.ts"), true);
  }, patience);

  test("has a script of at most 78 kB minified and gzipped, without what trains and without backends", () => {
    const [script = "", ...later] = Object.values(files);
    // 75.8 kB: what predicts in onnxruntime-web is 65 kB, the rest writes sequences and reads vocabularies.
    expect(gzipSync(script).length).toBeLessThanOrEqual(78_000);
    expect(script).not.toMatch(/learningRate|clipnorm|lstmGrad/);
    expect(later).toHaveLength(2); // onnxruntime-web
  });

  describeInChromium("in Chromium", (open) => {
    const sources = texts.slice(-20);
    const options: TranslateOptions = { beamSize: 5, nBest: 3, returnAttention: true, batchSize: 8 };
    let site: OpenPage;
    let wanted: readonly unknown[];
    beforeAll(async () => {
      const trained = await tied();
      const { encode, decodeStep } = exportDecoding(trained);
      const models = {
        "encode.onnx": encode as Uint8Array,
        "decodeStep.onnx": decodeStep,
        "model.safetensors": toBytes(trained),
      };
      site = await open({ files: { ...files, "wasm.js": await bundle(inBrowser("wasm.ts"), true), ...models } });
      const told = await toldBy(translator(trained), sources, options);
      expect(told.filter(([best], row) => best?.text === right(sources[row] as string)).length).toBeGreaterThan(15);
      wanted = told.map((each) => each.map(near));
    }, patience);
    afterAll(() => site[Symbol.asyncDispose]());

    /** The numbers of a translation may differ by rounding, its tokens may not. */
    const near = ({ logProbability, attention, ...exact }: Told) => ({
      ...exact,
      logProbability: expect.closeTo(logProbability, 4),
      attention: attention.map((weight) => expect.closeTo(weight, 4)),
    });

    /** The result of a function of the page. */
    async function call<F extends ByOnnx | ByWasm>(name: string, ...given: Parameters<F>): Promise<Told[][]> {
      return site.page.evaluate(`${name}(${given.map((one) => JSON.stringify(one)).join(", ")})`);
    }

    test("gives the n best translations of Node.js", async () => {
      const pair = { encode: "/encode.onnx", decodeStep: "/decodeStep.onnx" };
      expect(await call<ByOnnx>("byOnnx", pair, sources, options)).toEqual(wanted);
    });

    test("and so does a page on the WebAssembly backend", async () => {
      await site.page.evaluate('import("/wasm.js")');
      expect(await call<ByWasm>("byWasm", "/model.safetensors", sources, options)).toEqual(wanted);
    });
  });
});
