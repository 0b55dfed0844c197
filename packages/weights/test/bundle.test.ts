/** The bundle size of each reader with the parts of core that it needs. A page that reads state dicts contains no zip code. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

const index = join(import.meta.dirname, "..", "src", "index.ts");

/** The script of a page that uses one export of the package. */
async function bundled(name: string): Promise<string> {
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
        load: (id) => (id === page ? `export { ${name} } from ${JSON.stringify(index)};` : undefined),
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
  const { code, imports } = first.output[0];
  expect(imports).toEqual([]);
  return code;
}

// What builds a model knows of ops over trees, about 1 kB, and of faster gradients of scans, 1.2 kB, which come with the layers; what reads Keras's models, or a description of ours, knows every layer, 6 kB for those of trees.
test.each([
  ["loadPytorch", 20_000, false],
  ["toPytorch", 16_500, false],
  ["fromNpz", 7_000, true],
  ["importKeras", 62_000, true],
  ["loadKeras", 25_000, true],
  ["exportKeras", 61_500, true],
] as const)("%s takes at most %i bytes minified and gzipped", async (name, most, unpacks) => {
  const code = await bundled(name);
  expect(gzipSync(code).length).toBeLessThanOrEqual(most);
  // A message of fflate's.
  expect(code.includes("invalid block type")).toBe(unpacks);
});
