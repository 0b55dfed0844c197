/** The likeliest tokens of a row: the largest first, of equals that of the lower number, whatever number of them is asked for. */
import { RandomStream } from "@ostinato/core";
import { expect, test } from "vitest";
import { Likeliest } from "../src/runtime/likeliest.ts";

/** The same by a stable sort; NaN last. */
function sorted(scores: readonly number[], top: number): number[] {
  const rank = (x: number): number => (Number.isNaN(x) ? Number.NEGATIVE_INFINITY : Math.max(x, -1e30));
  return scores
    .map((_, token) => token)
    .sort((a, b) => rank(scores[b] as number) - rank(scores[a] as number) || a - b)
    .slice(0, top);
}

test("are those of a sort, with equals, infinities and NaN", () => {
  const random = new RandomStream(3, "scores");
  const size = 150;
  const likeliest = new Likeliest(size);
  for (const top of [1, 2, 7, 64, 65, 150, 3]) {
    const rows = Array.from({ length: 4 }, (_, row) =>
      Array.from({ length: size }, (_, token) => {
        if (row === 1) return -0;
        if (row === 2 && token % 3 === 0) return Number.NEGATIVE_INFINITY;
        if (row === 3 && token % 2 === 0) return Number.NaN;
        return Math.round(8 * random.normal());
      }),
    );
    const scores = Float32Array.from(rows.flat());
    const { tokens, logProbabilities } = likeliest.choose(scores, 4, top);
    rows.forEach((row, i) => {
      expect([...tokens.subarray(i * top, (i + 1) * top)]).toEqual(sorted(row, top));
    });
    expect([...logProbabilities]).toEqual([...tokens].map((token, i) => rows[Math.floor(i / top)]?.[token]));
    expect(tokens.length).toBe(4 * top);
  }
});

test("leave out what is not allowed: it comes last, with a log-probability of -Infinity", () => {
  const allowed = Uint8Array.of(0, 1, 0, 1, 1, 1, 1, 1);
  const { tokens, logProbabilities } = new Likeliest(4).choose(
    Float32Array.of(-1, -2, -3, -4, -1, -1, -5, -1),
    2,
    3,
    allowed,
  );
  expect([...tokens]).toEqual([1, 3, 0, 0, 1, 3]);
  expect([...logProbabilities]).toEqual([-2, -4, Number.NEGATIVE_INFINITY, -1, -1, -1]);
  const none = new Likeliest(4).choose(new Float32Array(4).fill(Number.NaN), 1, 2, Uint8Array.of(0, 0, 1, 1));
  expect([...none.logProbabilities]).toEqual([Number.NaN, Number.NaN]);
});
