/** vitest's global setup for packages with browser tests: starts one Chromium for all test files of a package, if there is one on the path. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The endpoint of the Chromium of the test run; empty without Chromium. */
    readonly chromium: string;
  }
}

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default async function start(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const executablePath = (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
    .find((path) => existsSync(path));
  if (executablePath === undefined) {
    console.info("skips the tests in a browser: there is no chromium and no google-chrome on the path");
    project.provide("chromium", "");
    return undefined;
  }
  const server = await chromium.launchServer({ executablePath, args: FLAGS });
  project.provide("chromium", server.wsEndpoint());
  return () => server.close();
}
