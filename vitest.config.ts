/** One vitest project for each package, app and tool; workspace packages resolve to their sources. */
import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";
import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const conditions = ["@ostinato/source", ...defaultServerConditions];
const folders = globSync(["packages/*", "apps/*", "examples/*", "bench", "tools"], { cwd: import.meta.dirname });
/**
 * Packages whose test files leave nothing behind: the files of a worker run in one process, and modules are loaded and compiled once for all of them.
 * A file that replaces a module resets the loaded ones before and after, as `core/test/faults.test.ts`. A helper with hooks at its top level would
 * have them for the first file alone. Files that measure memory need a process each.
 */
const shared = ["conformance", "core", "onnx", "text", "weights"];

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
        hookTimeout: 60_000,
        isolate: !shared.includes(basename(folder)),
        globalSetup: setup(folder),
      },
    })),
  },
});
