/** Runs the tagger app for tests, and makes small files for it that a model learns in seconds. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { appRunner } from "@ostinato/app/testing";
import { RandomStream } from "@ostinato/core";
import { run } from "../src/cli.ts";

export const tag = appRunner("tag", join(import.meta.dirname, "..", "src", "main.ts"), run);
export const { lastingFolder, runInside, runProcess, spawnCli, temporaryFolder } = tag;

const people = ["anna", "bruno", "carla", "dario"];
const places = ["rome", "paris", "vienna", "new york", "the hague"];
const verbs = ["visits", "leaves", "likes", "describes"];

/** Sentences of people who visit places, with BIO tags, each with a number so that no two are the same. */
export function drawnSentences(count: number, seed = 1): string[] {
  const random = new RandomStream(seed, "sentences");
  const draw = (from: readonly string[]): string => from[random.below(from.length)] as string;
  const capital = (word: string) => word[0]?.toUpperCase() + word.slice(1);
  return Array.from({ length: count }, (_, i) => {
    const place = draw(places)
      .split(" ")
      .map((word, j) => `${capital(word)}\t${j === 0 ? "B" : "I"}-place`);
    const lines = [`${capital(draw(people))}\tB-person`, `${draw(verbs)}\tO`, ...place, "on\tO", `${i}\tO`, ".\tO"];
    return `${lines.join("\n")}\n`;
  });
}

/** Writes sentences as a CoNLL file. */
export function writeConll(folder: string, sentences: readonly string[], name = "names.conll"): string {
  const file = join(folder, name);
  writeFileSync(file, sentences.join("\n"));
  return file;
}

/** Options of a network that trains in a moment. */
export const small = ["--units", "6", "--embedding", "8", "--affix", "4", "--batch-size", "16", "--threads", "1"];
