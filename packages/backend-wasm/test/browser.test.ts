/** The suite in headless Chromium, in a page that is cross-origin isolated and in one that is not, and how large the example's bundle is. */
import { gzipSync } from "node:zlib";
import { suiteTests } from "@ostinato/conformance";
import { beforeAll, expect, test } from "vitest";
import type { WasmOptions } from "../src/index.ts";
import type { Report } from "./browser/page.ts";
import { bundle, describeInChromium, isolated } from "./browser/pages.ts";

describeInChromium("the suite in Chromium", (open) => {
  let script: string;
  beforeAll(async () => {
    script = await bundle("page.ts");
  });

  const kinds = { auto: "relaxed", plain: "plain" } as const;
  const simds = ["auto", "plain"] as const;
  const cases = simds.flatMap((simd): { shared: boolean; options: WasmOptions; backend: string }[] => [
    { shared: true, options: { simd, threads: 1 }, backend: `wasm (${kinds[simd]} SIMD, 1 thread)` },
    { shared: true, options: { simd, threads: 2 }, backend: `wasm (${kinds[simd]} SIMD, 2 threads)` },
    { shared: true, options: { simd, threads: 3 }, backend: `wasm (${kinds[simd]} SIMD, 3 threads)` },
    { shared: false, options: { simd, threads: 2 }, backend: `wasm (${kinds[simd]} SIMD, 1 thread)` },
  ]);
  for (const { shared, options, backend } of cases) {
    test(`${shared ? "cross-origin isolated" : "not isolated"}: ${backend}`, { timeout: 120_000 }, async () => {
      await using site = await open({ scripts: { "page.js": script }, headers: shared ? isolated : {} });
      const report = (await site.page.evaluate(`runSuite(${JSON.stringify(options)})`)) as Report;
      expect(report).toEqual({ backend, isolated: shared, passed: suiteTests().length, failed: [] });
    });
  }
});

test("the example of the README, with core and this backend, is at most 80 kB minified and gzipped", {
  timeout: 60_000,
}, async () => {
  const code = await bundle("example.ts", true);
  expect(code).toContain("export");
  // 73.8 kB with queues, step weights, typed answers to wrong data and the rules of a page's policy; 69.8 before them.
  expect(gzipSync(code).length).toBeLessThanOrEqual(80_000);
});
