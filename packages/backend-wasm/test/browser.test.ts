/** The suite in headless Chromium, in a page that is cross-origin isolated and in one that is not, and how large the example's bundle is. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { gzipSync } from "node:zlib";
import { suiteTests } from "@ostinato/conformance";
import { type BrowserContext, chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WasmOptions } from "../src/index.ts";
import type { Report } from "./browser/page.ts";

/** A file of this folder with all it imports, as one script. */
async function bundle(file: string, minify: boolean): Promise<string> {
  const result = await build({
    configFile: false,
    root: import.meta.dirname,
    logLevel: "error",
    resolve: {
      conditions: ["@ostinato/source", "browser", "import", "default"],
      alias: { vitest: join(import.meta.dirname, "browser", "expect.ts") },
    },
    build: {
      write: false,
      minify,
      target: "esnext",
      modulePreload: false,
      rolldownOptions: { input: join(import.meta.dirname, file), preserveEntrySignatures: "strict" },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (!("output" in first)) throw new Error("vite watches instead of building");
  return first.output[0].code;
}

const executable = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
  .find((path) => existsSync(path));
const skipped = executable === undefined;
if (skipped) console.info("skips the suite in a browser: there is no chromium and no google-chrome on the path");

describe.skipIf(skipped)(`in Chromium${skipped ? " (skipped: there is none on the path)" : ""}`, () => {
  let server: Server;
  let context: BrowserContext;
  let profile: string;

  beforeAll(async () => {
    const script = await bundle("browser/page.ts", false);
    server = createServer((request, response) => {
      if (request.url?.startsWith("/isolated")) {
        response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
        response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
      }
      const isScript = request.url === "/page.js";
      response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
      response.end(
        isScript ? script : '<!doctype html><title>suite</title><script type="module" src="/page.js"></script>',
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    profile = mkdtempSync(join(tmpdir(), "ostinato-chromium-"));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: executable as string,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  }, 60_000);

  afterAll(async () => {
    await context?.close();
    server?.close();
    if (profile) rmSync(profile, { recursive: true, force: true });
  });

  const kinds = { auto: "relaxed", plain: "plain" } as const;
  const simds = ["auto", "plain"] as const;
  const cases = simds.flatMap((simd): { page: string; options: WasmOptions; backend: string }[] => [
    { page: "/isolated", options: { simd, threads: 1 }, backend: `wasm (${kinds[simd]} SIMD, 1 thread)` },
    { page: "/isolated", options: { simd, threads: 2 }, backend: `wasm (${kinds[simd]} SIMD, 2 threads)` },
    { page: "/isolated", options: { simd, threads: 3 }, backend: `wasm (${kinds[simd]} SIMD, 3 threads)` },
    { page: "/open", options: { simd, threads: 2 }, backend: `wasm (${kinds[simd]} SIMD, 1 thread)` },
  ]);
  for (const { page: path, options, backend } of cases) {
    test(`${path === "/open" ? "not isolated" : "cross-origin isolated"}: ${backend}`, {
      timeout: 120_000,
    }, async () => {
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
      await page.waitForFunction("globalThis.runSuite !== undefined");
      const report = (await page.evaluate(`runSuite(${JSON.stringify(options)})`)) as Report;
      await page.close();
      expect(report).toEqual({
        backend,
        isolated: path === "/isolated",
        passed: suiteTests().length,
        failed: [],
      });
    });
  }
});

test("the example of the README, with core and this backend, is at most 70 kB minified and gzipped", {
  timeout: 60_000,
}, async () => {
  const code = await bundle("browser/example.ts", true);
  expect(code).toContain("export");
  expect(gzipSync(code).length).toBeLessThanOrEqual(70_000);
});
