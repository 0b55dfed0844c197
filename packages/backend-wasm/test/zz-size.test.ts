import { gzipSync } from "node:zlib";
import { writeFileSync } from "node:fs";
import { test } from "vitest";
import { bundle } from "./browser/pages.ts";
test("size", async () => {
  const code = await bundle("example.ts", true);
  writeFileSync("/tmp/bundle.js", code);
  console.log("SIZE", gzipSync(code).length);
});
