/** One vitest project for each package, app and tool; workspace packages resolve to their sources. */
import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";
import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const conditions = ["@ostinato/source", ...defaultServerConditions];
const folders = globSync(["packages/*", "apps/*", "examples/*", "bench", "tools"], { cwd: import.meta.dirname });
/**
 * Packages whose test files leave nothing behind: the files run in one process for each worker, and modules are loaded and compiled once for all of them.
 * Files that replace modules, change globals or measure memory need a process each.
 */
const shared = ["conformance", "onnx", "text", "weights"];

/** Packages with tests in pages have one browser started for all of them. */
const setup = (folder: string): string[] =>
  existsSync(join(import.meta.dirname, folder, "test/browser"))
    ? [join(import.meta.dirname, "packages/conformance/src/pages/start.ts")]
    : [];

export default defineConfig({
  test: {
    // On two cores vitest would leave one of them idle.
    maxWorkers: "100%",
    projects: folders.map((folder) => ({
      root: folder,
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: {
        name: basename(folder),
        include: ["test/**/*.test.ts"],
        environment: "node",
        testTimeout: 60_000,
        isolate: !shared.includes(basename(folder)),
        globalSetup: setup(folder),
      },
    })),
  },
});
