import { test } from "vitest";
import { build } from "vite";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { minifySync as minify } from "vite";
test("mods", async () => {
  const out: any = await build({ configFile: false, logLevel: "silent", root: join(import.meta.dirname, "browser"), resolve: { conditions: ["@ostinato/source"] }, build: { write: false, minify: false, lib: { entry: join(import.meta.dirname, "browser/example.ts"), formats: ["es"] }, rollupOptions: {} } });
  const chunk = (Array.isArray(out) ? out[0] : out).output[0];
  const list = Object.entries(chunk.modules as any).map(([id, m]: any) => ({ id: id.replace(/.*packages\//, ""), n: m.renderedLength, code: m.code as string }));
  list.sort((a, b) => b.n - a.n);
  for (const { id, n, code } of list.slice(0, 200)) { let g = 0; try { g = gzipSync((await minify("x.js", code, { mangle: {toplevel: true} as any })).code).length; } catch (e) { g = gzipSync(code).length; } console.log("MOD", String(n).padStart(7), String(g).padStart(6), id); }
}, 60000);
