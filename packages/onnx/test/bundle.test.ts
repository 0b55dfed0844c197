/** How much of a page `exportOnnx` takes. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

const index = join(import.meta.dirname, "..", "src", "index.ts");

test("exportOnnx with what it needs of core is at most 30 kB minified and gzipped, and imports nothing", async () => {
  const page = "virtual:page";
  const result = await build({
    configFile: false,
    root: import.meta.dirname,
    logLevel: "error",
    resolve: { conditions: ["@ostinato/source", "browser", "import", "default"] },
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === page ? id : undefined),
        load: (id) => (id === page ? `export { exportOnnx } from ${JSON.stringify(index)};` : undefined),
      },
    ],
    build: {
      write: false,
      minify: true,
      target: "esnext",
      modulePreload: false,
      rolldownOptions: { input: page, preserveEntrySignatures: "strict" },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (first === undefined || !("output" in first)) throw new Error("vite watches instead of building");
  const { code, exports, imports, dynamicImports } = first.output[0];
  expect(exports).toEqual(["exportOnnx"]);
  expect([...imports, ...dynamicImports]).toEqual([]);
  // 15.4 kB with recurrences of both directions in one node; 14.4 before them.
  expect(gzipSync(code).length).toBeLessThanOrEqual(30_000);
});
