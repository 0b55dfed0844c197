/** The bundle sizes of `exportOnnx` and `onnxPredictor`. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, bundleFiles } from "@ostinato/conformance/pages";
import { expect, test } from "vitest";

const inBrowser = (file: string): string => join(import.meta.dirname, "browser", file);
const sizeOf = (content: string | Uint8Array): number => gzipSync(content).length;

test("exportOnnx with what it needs of core is at most 33 kB minified and gzipped, and imports nothing", async () => {
  const code = await bundle(inBrowser("exporting.ts"), true);
  expect(code).toMatch(/export\{\w+ as exportOnnx\}/);
  // 30.6 kB: 1.5 kB for smaller weights and int64 ids, and about 4 kB for graph models.
  expect(sizeOf(code)).toBeLessThanOrEqual(33_000);
  // No code that reads files.
  expect(code).not.toContain("enforce_sorted");
});

test("onnxPredictor in a page is at most 59 kB minified and gzipped; onnxruntime-web and what reads models of other programs come later", async () => {
  const files = await bundleFiles(inBrowser("predicting.ts"), true);
  const [page, ...later] = Object.keys(files).map((name) => name.replace(/^assets\//, ""));
  const first = [page as string];
  // Static imports are loaded with the page's script.
  for (const file of first)
    first.push(
      ...later.filter((name) => `${files[`assets/${file}`]}`.includes(`from"./${name}"`) && !first.includes(name)),
    );
  const code = first.map((name) => files[`assets/${name}`]).join("\n");
  // 54.8 kB, including 3.3 kB shared with the code that is loaded later.
  expect(sizeOf(code)).toBeLessThanOrEqual(59_000);
});
