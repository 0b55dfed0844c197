/** Spans of tags and their scores, beside figures by conlleval's rules. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { areSpanTags, type SpanReport, spanReport, TextOptionError, tagSpans } from "@ostinato/text";
import { describe, expect, test } from "vitest";

interface Case {
  readonly tags: readonly (readonly string[])[];
  readonly said: readonly (readonly string[])[];
  readonly report: SpanReport;
}
const cases: readonly Case[] = JSON.parse(readFileSync(join(import.meta.dirname, "golden", "spans.json"), "utf8"));

test.each(cases.map((each, i) => [i, each] as const))(
  "case %i has the figures of conlleval",
  (_, { tags, said, report }) => {
    expect(report.correct).toBeGreaterThan(0);
    const ours = spanReport(tags, said);
    expect(Object.keys(ours.types)).toEqual(Object.keys(report.types));
    const close = ({ types: _, ...each }: Partial<SpanReport>) =>
      Object.fromEntries(Object.entries(each).map(([name, figure]) => [name, expect.closeTo(figure as number, 12)]));
    expect(ours).toMatchObject(close(report));
    for (const [type, each] of Object.entries(report.types)) expect(ours.types[type]).toMatchObject(close(each));
  },
);

test("figures that seqeval publishes of its default mode", () => {
  const split = (...sentences: readonly string[]): string[][] => sentences.map((tags) => tags.split(" "));
  const person = "B-PER I-PER O";
  const early = spanReport(
    split("O O O B-MISC I-MISC I-MISC O", person),
    split("O O B-MISC I-MISC I-MISC I-MISC O", person),
  );
  expect([early.precision, early.recall, early.f1, early.support]).toEqual([0.5, 0.5, 0.5, 2]);
  expect([early.types.MISC?.f1, early.types.PER?.f1]).toEqual([0, 1]);
  const longer = spanReport(
    split("O O B-MISC I-MISC B-MISC O O", person),
    split("O O B-MISC I-MISC B-MISC I-MISC O", person),
  );
  expect([longer.types.MISC?.f1, longer.types.PER?.f1]).toEqual([0.5, 1]);
});

describe("tagSpans", () => {
  test.each([
    ["B-a I-a O B-a", "a 0 2, a 3 4"],
    ["I-a I-a B-a I-b", "a 0 2, a 2 3, b 3 4"],
    ["S-a B-a I-a E-a E-a", "a 0 1, a 1 4, a 4 5"],
    ["U-a B-a L-a", "a 0 1, a 1 3"],
    ["O NOUN", ""],
    ["B-work-of-art I-work-of-art", "work-of-art 0 2"],
    ["", ""],
  ])("%s", (tags, expected) => {
    const spans = tagSpans(tags === "" ? [] : tags.split(" "));
    expect(spans.map(({ type, start, end }) => `${type} ${start} ${end}`).join(", ")).toBe(expected);
  });
});

test("tags of spans are told from others", () => {
  expect([["O", "B-a", "I-a"], ["S-a"], ["O"], ["NOUN", "B-a"], []].map(areSpanTags)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("nothing there and nothing found: zeros, no division by zero; other sentences are an error", () => {
  expect(spanReport([["O"]], [["O"]])).toEqual({
    precision: 0,
    recall: 0,
    f1: 0,
    correct: 0,
    found: 0,
    support: 0,
    types: {},
  });
  expect(() => spanReport([["O"]], [])).toThrow(TextOptionError);
  expect(() => spanReport([["O"], ["O", "O"]], [["O"], ["O"]])).toThrow(
    "said[1] must have 2 tags, as its sentence has tokens, got 1",
  );
});
