/** The suite in headless Chromium: in full as an isolated page gets it, of the rest what can differ; and how large the example's bundle is. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suiteTests } from "@ostinato/conformance";
import { bundle, describeInChromium, isolated } from "@ostinato/conformance/pages";
import { beforeAll, expect, test } from "vitest";
import type { WasmOptions } from "../src/index.ts";
import type { Report } from "./browser/page.ts";
import { differs, usual } from "./variants.ts";

const inBrowser = (file: string): string => join(import.meta.dirname, "browser", file);

/** In Node all random shapes are tried; here the engine is the same, and the page another. */
const TRIALS = 3;

describeInChromium("the suite in Chromium", (open) => {
  let script: string;
  beforeAll(async () => {
    script = await bundle(inBrowser("page.ts"));
  });

  const all = suiteTests().map(({ name }) => name);
  const cases: { shared: boolean; options: Required<WasmOptions>; backend: string }[] = [
    { shared: true, options: usual, backend: "wasm (relaxed SIMD, 2 threads)" },
    { shared: true, options: { simd: "plain", threads: 3 }, backend: "wasm (plain SIMD, 3 threads)" },
    { shared: false, options: { simd: "auto", threads: 2 }, backend: "wasm (relaxed SIMD, 1 thread)" },
    { shared: false, options: { simd: "plain", threads: 1 }, backend: "wasm (plain SIMD, 1 thread)" },
  ];
  for (const { shared, options, backend } of cases) {
    // Without shared memory there is one thread, whatever was asked for.
    const names = options === usual ? all : all.filter(differs(shared ? options : { ...options, threads: 1 }));
    test(`${shared ? "cross-origin isolated" : "not isolated"}: ${backend}, ${names.length} tests`, {
      timeout: 120_000,
    }, async () => {
      await using site = await open({ files: { "page.js": script }, headers: shared ? isolated : {} });
      const report = (await site.page.evaluate(
        `runSuite(${JSON.stringify(options)}, ${JSON.stringify(names)}, ${TRIALS})`,
      )) as Report;
      expect(report).toEqual({ backend, isolated: shared, passed: names.length, failed: [] });
    });
  }

  test("more sessions in a row than a page has memory for wait for the threads of those before them", async () => {
    await using site = await open({ files: { "page.js": script }, headers: isolated });
    expect(await site.page.evaluate("sessions(150)")).toBe(150);
  });
});

test("the example of the README, with core and this backend, is at most 103 kB minified and gzipped", {
  timeout: 60_000,
}, async () => {
  const code = await bundle(inBrowser("example.ts"), true);
  expect(code).toContain("export");
  expect(gzipSync(code).length).toBeLessThanOrEqual(103_000);
});
