/** The Brown corpus as it is installed: all sentences, their universal tags, and their split. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DatasetFormatError,
  DatasetOptionError,
  readBrown,
  sentenceHash,
  universalTag,
  universalTags,
} from "@ostinato/datasets";
import { beforeAll, describe, expect, test } from "vitest";

let universal: Awaited<ReturnType<typeof readBrown>>;
beforeAll(async () => {
  universal = await readBrown();
}, 60_000);

test("57,340 sentences of 1,161,192 tokens, split by their hash", () => {
  const { train, validation, test } = universal;
  expect([train.length, validation.length, test.length]).toEqual([51_605, 2_836, 2_899]);
  const tokens = [train, validation, test].map((part) => part.reduce((sum, each) => sum + each.tokens.length, 0));
  expect(tokens).toEqual([1_044_892, 57_298, 59_002]);
  for (const { tokens } of test) if (sentenceHash(tokens) % 20 !== 0) throw new Error(tokens.join(" "));
  const first = train[0];
  expect(first?.tokens.slice(0, 4)).toEqual(["The", "jury", "further", "said"]);
  expect(first?.tags.slice(0, 4)).toEqual(["DET", "NOUN", "ADV", "VERB"]);
});

test("every token has one of the twelve universal tags, in the numbers that the published table gives", () => {
  const counts = Object.fromEntries(universalTags.map((tag) => [tag, 0]));
  for (const part of Object.values({ ...universal })) {
    for (const { tags } of part) for (const tag of tags) counts[tag] = (counts[tag] ?? 0) + 1;
  }
  // As NLTK tells them of its corpus and table.
  expect(counts).toEqual({
    NOUN: 275_558,
    VERB: 182_750,
    ADJ: 83_721,
    ADV: 56_239,
    PRON: 49_334,
    DET: 137_019,
    ADP: 144_766,
    NUM: 14_874,
    CONJ: 38_151,
    PRT: 29_829,
    ".": 147_565,
    X: 1_386,
  });
});

test("the corpus's own tags", async () => {
  const { train } = await readBrown({ tags: "brown" });
  expect(train[0]?.tags.slice(0, 4)).toEqual(["at", "nn", "rbr", "vbd"]);
});

describe("universalTag", () => {
  test.each([
    ["NN", "NOUN"],
    ["nn-tl-hl", "NOUN"],
    ["md*", "VERB"],
    ["*", "ADV"],
    ["PPS+BEZ", "PRT"],
    ["ppss+bez*", "PRT"],
    ["vbg+to", "VERB"],
    ["do+ppss", "X"],
    ["fw-in+at-t", "X"],
    ["jj$-tl", "PRT"],
    ["cd$", "NOUN"],
    ["--", "."],
    ["---hl", "."],
  ])("%s is %s", (tag, expected) => expect(universalTag(tag)).toBe(expected));

  test("what is no tag is an error", () => {
    expect(() => universalTag("frob")).toThrow(DatasetOptionError);
  });
});

test("other files are refused with what is wrong", async () => {
  const folder = mkdtempSync(join(tmpdir(), "brown-test-"));
  try {
    await expect(readBrown({ folder })).rejects.toThrow("expected the corpus's 500 texts, found 0");
    for (let i = 0; i < 500; i++) {
      const name = `c${"abcdefghijklmnopqr"[Math.floor(i / 99)]}${String((i % 99) + 1).padStart(2, "0")}`;
      writeFileSync(join(folder, name), i === 499 ? "\n\tfine/nn\n\tno tag/here\n" : "\tfine/nn\n");
    }
    await expect(readBrown({ folder })).rejects.toThrow(DatasetFormatError);
    await expect(readBrown({ folder })).rejects.toThrow(/line 3: "no" is no token with its tag/);
    await expect(readBrown({ tags: "penn" as "brown" })).rejects.toThrow('tags must be "universal" or "brown"');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
