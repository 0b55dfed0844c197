/** One vitest project for each package, app and tool; workspace packages resolve to their sources. */
import { globSync } from "node:fs";
import { basename } from "node:path";
import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const conditions = ["@ostinato/source", ...defaultServerConditions];
const folders = globSync(["packages/*", "apps/*", "tools"], { cwd: import.meta.dirname });

export default defineConfig({
  test: {
    projects: folders.map((folder) => ({
      root: folder,
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: { name: basename(folder), include: ["test/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
    })),
  },
});
