/** `pnpm soak`: the tests that take minutes, in files named `*.soak.ts` beside the others. */
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import config from "./vitest.config.ts";

const projects = (config.test?.projects ?? []) as TestProjectInlineConfiguration[];

export default defineConfig({
  test: {
    projects: projects.map((project) => ({
      ...project,
      test: { ...project.test, include: ["test/**/*.soak.ts"], testTimeout: 3_600_000 },
    })),
  },
});
