/** Bundles pages and serves them with the headers of a test to the Chromium of the test run. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, inject } from "vitest";

/** Files of a site by name: scripts as text, binaries as bytes. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/**
 * Bundles a source file and its imports with Vite for a page. The script of the file comes first, then dynamically imported scripts and referenced files.
 *
 * @param file its absolute path
 */
export async function bundleFiles(file: string, minify = false): Promise<Files> {
  const result = await build({
    configFile: false,
    root: dirname(file),
    logLevel: "error",
    resolve: {
      conditions: ["@ostinato/source", "browser", "import", "default"],
      alias: { vitest: join(import.meta.dirname, "expect.ts") },
    },
    build: {
      write: false,
      minify,
      target: "esnext",
      modulePreload: false,
      rolldownOptions: { input: file, preserveEntrySignatures: "strict" },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (first === undefined || !("output" in first)) throw new Error("vite watches instead of building");
  return Object.fromEntries(
    first.output.map((part) => [part.fileName, part.type === "chunk" ? part.code : part.source] as const),
  );
}

/** Bundles a source file to a single script. */
export async function bundle(file: string, minify = false): Promise<string> {
  const [script, ...others] = Object.entries(await bundleFiles(file, minify));
  if (typeof script?.[1] !== "string" || others.length > 0)
    throw new Error(`${file} bundles to more than a script: ${others.map(([name]) => name).join(", ")}`);
  return script[1];
}

/** Headers of a page that may share memory. */
export const isolated: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface Site {
  /** The files, such as `{ "page.js": await bundle(file) }`. The page runs the first one as a module. */
  readonly files: Files;
  /** Headers of the page and of each file, such as `isolated`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A page and its server; `await using` closes both. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
}

function typeOf(path: string, content: string | Uint8Array | undefined): string {
  if (content === undefined) return "text/html; charset=utf-8";
  if (typeof content === "string") return "text/javascript; charset=utf-8";
  return path.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
}

/** Serves a site from its own origin and opens it. Resolves after its script has run. */
async function open(browser: Browser, { files, headers = {} }: Site): Promise<OpenPage> {
  const html = `<!doctype html><title>test</title><script type="module" src="/${Object.keys(files)[0]}"></script>`;
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").slice(1);
    const content = files[path];
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader("Content-Type", typeOf(path, content));
    if (path !== "" && content === undefined) response.statusCode = 404;
    response.end(content ?? html);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const context = await browser.newContext();
  const close = async (): Promise<void> => {
    await context.close();
    server.closeAllConnections();
    server.close();
  };
  try {
    const page = await context.newPage();
    const errors: Error[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    // Module scripts run before `load`, which `goto` waits for.
    if (errors[0] !== undefined) throw errors[0];
    return { page, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A `describe` for tests with pages: `tests` receives a function that opens a page. Skipped without Chromium.
 * @example describeInChromium("pages", (open) => test("…", async () => { await using site = await open({ files }); }));
 */
export function describeInChromium(title: string, tests: (openPage: (site: Site) => Promise<OpenPage>) => void): void {
  const endpoint = inject("chromium");
  const skipped = endpoint === "";
  describe.skipIf(skipped)(`${title}${skipped ? " (skipped: there is no Chromium on the path)" : ""}`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.connect(endpoint);
    });
    afterAll(() => browser.close());
    tests((site) => open(browser, site));
  });
}
