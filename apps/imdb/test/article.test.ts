/** The article's set-up to the letter, and the default beside it. */

import { eventsOf } from "@ostinato/app/testing";
import { encodeForClassifier } from "@ostinato/classifier";
import { vocabularyFromTexts } from "@ostinato/text";
import { describe, expect, test } from "vitest";
import { presets, rowSettings } from "../src/presets.ts";
import { runInside, temporaryFolder } from "./runCli.ts";

const texts = ["the film the the film was", "was", ""];

describe("preset article", () => {
  const vocabulary = vocabularyFromTexts(texts, { maxTokens: 3, unknown: presets.article.unknown });

  test("words by frequency from 1, zeros in front, unknown words 0 in their places, the end of a long review kept", () => {
    const ids = encodeForClassifier(rowSettings("article", 4), vocabulary, [...texts, "film dull the"]);
    expect(ids).toMatchObject({ dtype: "int32", shape: [4, 4] });
    // biome-ignore format: a row a review
    expect([...(ids as { data: Int32Array }).data]).toEqual([
      1, 1, 2, 0,
      0, 0, 0, 0,
      0, 0, 0, 0,
      0, 2, 0, 1,
    ]);
  });

  test("121,297 parameters: 50,000 + 71,168 + 129, and a first loss of about 0.69", async () => {
    const out = temporaryFolder();
    const args = ["train", "--preset", "article", "--limit", "40", "--epochs", "1"];
    const plain = await runInside([...args, "--out", out]);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    expect(plain.stdout).toMatch(/^embedding .*\[batch, 300, 10\] +50,000$/m);
    expect(plain.stdout).toMatch(/^lstm .*\[batch, 128\] +71,168$/m);
    expect(plain.stdout).toMatch(/^dense .*\[batch, 1\] +129$/m);
    expect(plain.stdout).toMatch(/^Total parameters: 121,297$/m);
    const first = plain.stdout.match(/^epoch 1\/1 {2}step 1\/2 .* loss (\S+)/m)?.[1];
    expect(Math.abs(Number(first) - Math.LN2)).toBeLessThan(0.01);
  }, 60_000);
});

describe("preset default", () => {
  const vocabulary = vocabularyFromTexts(texts, { maxTokens: 4, unknown: presets.default.unknown });

  test("rows of their own length, 0 for padding only, 1 for unknown words, words from 2", () => {
    expect(encodeForClassifier(rowSettings("default", 4), vocabulary, [...texts, "film dull the"])).toEqual([
      [2, 2, 3, 1],
      [1],
      [],
      [3, 1, 2],
    ]);
  });

  test("the same network of the same size", async () => {
    const args = [
      "train",
      "--limit",
      "20",
      "--max-length",
      "10",
      "--epochs",
      "1",
      "--json",
      "--out",
      temporaryFolder(),
    ];
    const { code, stdout } = await runInside(args);
    expect(code).toBe(0);
    expect(eventsOf(stdout)[0]).toMatchObject({
      parameters: 121_297,
      layers: [{ parameters: 50_000 }, { parameters: 71_168 }, { parameters: 129 }],
    });
  }, 60_000);
});
