/** Runs the IMDB app for tests. */
import { join } from "node:path";
import { appRunner } from "@ostinato/app/testing";
import { run } from "../src/cli.ts";

export const main = join(import.meta.dirname, "..", "src", "main.ts");
export const imdb = appRunner("imdb", main, run);
export const { lastingFolder, runInside, runProcess, spawnCli, temporaryFolder } = imdb;

/** Training small enough for a test: a second, most of which is reading the reviews. */
export const smallTraining = ["train", "--limit", "200", "--units", "8", "--max-length", "40", "--max-words", "500"];
