/** The bundle sizes of `exportOnnx` and `onnxPredictor`. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, bundleFiles } from "@ostinato/conformance/pages";
import { expect, test } from "vitest";

const inBrowser = (file: string): string => join(import.meta.dirname, "browser", file);
const sizeOf = (content: string | Uint8Array): number => gzipSync(content).length;

test("exportOnnx with what it needs of core is at most 35 kB minified and gzipped, and imports nothing", async () => {
  const code = await bundle(inBrowser("exporting.ts"), true);
  expect(code).toMatch(/export\{\w+ as exportOnnx\}/);
  // 33.6 kB: 1.5 kB for smaller weights and int64 ids, about 4 kB for graph models, and 0.6 kB for trees.
  expect(sizeOf(code)).toBeLessThanOrEqual(35_000);
  // No code that reads files.
  expect(code).not.toContain("enforce_sorted");
});

test("onnxPredictor in a page is at most 69 kB minified and gzipped; onnxruntime-web and what reads models of other programs come later", async () => {
  const files = await bundleFiles(inBrowser("predicting.ts"), true);
  const [page, ...later] = Object.keys(files).map((name) => name.replace(/^assets\//, ""));
  const first = [page as string];
  // Static imports are loaded with the page's script.
  for (const file of first)
    first.push(
      ...later.filter((name) => `${files[`assets/${file}`]}`.includes(`from"./${name}"`) && !first.includes(name)),
    );
  const code = first.map((name) => files[`assets/${name}`]).join("\n");
  // 68.0 kB, including 3.3 kB shared with the code that is loaded later, and 1.2 kB that make gradients of scans faster, which come with the layers. A file may contain any layer: those over trees, and what reads and checks trees, are 8 kB.
  expect(sizeOf(code)).toBeLessThanOrEqual(69_000);
});
