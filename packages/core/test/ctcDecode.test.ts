/** Reading a CTC's predictions: greedy, and by a beam, against all alignments that there are. */
import { ctcBeamSearch, ctcGreedy, float32, RandomStream } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectMisuse, untyped } from "./expectMisuse.ts";

interface Case {
  readonly predictions: ReturnType<typeof float32>;
  readonly lengths: number[];
  readonly blank: number;
}

function drawCase(seed: number): Case {
  const random = new RandomStream(seed, "ctc");
  const [rows, time, classes] = [1 + random.below(2), 1 + random.below(5), 2 + random.below(2)];
  const numbers = Array.from({ length: rows * time * classes }, () => 4 * random.uniform() - 2);
  return {
    predictions: float32([rows, time, classes], numbers),
    lengths: Array.from({ length: rows }, () => random.below(time + 1)),
    blank: random.below(2) * (classes - 1),
  };
}

/** log p of each class at each step of a row. */
function logs({ predictions }: Case, row: number): number[][] {
  const [, time, classes] = predictions.shape as [number, number, number];
  return Array.from({ length: time }, (_, t) => {
    const units = [...predictions.data.subarray((row * time + t) * classes, (row * time + t + 1) * classes)];
    const total = Math.log(units.reduce((sum, unit) => sum + Math.exp(unit), 0));
    return units.map((unit) => unit - total);
  });
}

/** What an alignment says: repetitions are one, blanks are left out. */
const heard = (alignment: readonly number[], blank: number): number[] =>
  alignment.filter((label, t) => label !== blank && label !== alignment[t - 1]);

/** log p of everything that can be said in a row, the best first; `weigh` adds to what is said. */
function allSaid(one: Case, row: number, weigh = (_: readonly number[]) => 0): { labels: string; score: number }[] {
  const steps = logs(one, row).slice(0, one.lengths[row]);
  const classes = one.predictions.shape[2]!;
  const said = new Map<string, number>();
  for (let k = 0; k < classes ** steps.length; k++) {
    const alignment = steps.map((_, t) => Math.floor(k / classes ** t) % classes);
    const score = alignment.reduce((sum, label, t) => sum + steps[t]![label]!, 0);
    const labels = heard(alignment, one.blank);
    said.set(labels.join(), (said.get(labels.join()) ?? 0) + Math.exp(score + weigh(labels)));
  }
  return [...said].map(([labels, p]) => ({ labels, score: Math.log(p) })).sort((a, b) => b.score - a.score);
}

const cases = Array.from({ length: 40 }, (_, seed) => drawCase(seed + 1));

test("a beam wide enough finds everything that can be said, with its probability over all alignments, the best first", () => {
  for (const one of cases) {
    const { lengths, blank } = one;
    const found = ctcBeamSearch(one.predictions, { lengths, blank, beamWidth: 1000, topPaths: 1000 });
    found.forEach((paths, row) => {
      const expected = allSaid(one, row);
      expect(paths.map(({ labels }) => labels.join())).toEqual(expected.map(({ labels }) => labels));
      paths.forEach(({ score }, k) => void expect(score).toBeCloseTo(expected[k]!.score, 9));
      expect(paths.reduce((sum, { score }) => sum + Math.exp(score), 0)).toBeCloseTo(1, 9);
    });
  }
});

test("a scorer is asked once for each prefix and label, and weighs what is said", () => {
  const liking = (prefix: readonly number[], label: number): number =>
    (prefix.length === 0 ? 0.5 : -0.25) * (label + 1);
  for (const one of cases) {
    const asked: string[] = [];
    const score = (prefix: readonly number[], label: number): number => {
      asked.push([...prefix, label].join());
      return liking(prefix, label);
    };
    const { lengths, blank } = one;
    const found = ctcBeamSearch(one.predictions, { lengths, blank, beamWidth: 1000, topPaths: 3, score });
    found.forEach((paths, row) => {
      const weigh = (labels: readonly number[]): number =>
        labels.reduce((sum, label, k) => sum + liking(labels.slice(0, k), label), 0);
      const expected = allSaid(one, row, weigh).slice(0, 3);
      expect(paths.map(({ labels }) => labels.join())).toEqual(expected.map(({ labels }) => labels));
      paths.forEach(({ score: own }, k) => void expect(own).toBeCloseTo(expected[k]!.score, 9));
    });
    // A new tree for each row.
    if (lengths.length === 1) expect(new Set(asked).size).toBe(asked.length);
  }
});

test("a scorer may forbid", () => {
  const predictions = float32([1, 2, 3], [0, 3, 1, 0, 1, 3]);
  const score = (_: readonly number[], label: number) => (label === 1 ? Number.NEGATIVE_INFINITY : 0);
  const [paths] = ctcBeamSearch(predictions, { score });
  expect([...paths![0]!.labels]).toEqual([2]);
});

test("a narrow beam finds no more than is likely, and still sums alignments", () => {
  // Said by two alignments each, "1" is likelier than nothing, which one alignment alone says (Graves 2012).
  const predictions = float32([1, 2, 2], [0.6, 0.4, 0.6, 0.4].map(Math.log));
  expect([...ctcGreedy(predictions)[0]!.labels]).toEqual([]);
  const [paths] = ctcBeamSearch(predictions, { topPaths: 2 });
  expect(paths!.map(({ labels, score }) => [labels.join(), Math.exp(score).toFixed(2)])).toEqual([
    ["1", "0.64"],
    ["", "0.36"],
  ]);
  expect(ctcBeamSearch(predictions, { beamWidth: 1 })[0]!.length).toBe(1);
});

test("greedy reads the likeliest class of each step", () => {
  for (const one of cases) {
    const { lengths, blank } = one;
    ctcGreedy(one.predictions, { lengths, blank }).forEach(({ labels, score }, row) => {
      const steps = logs(one, row).slice(0, lengths[row]);
      const likeliest = steps.map((step) => step.indexOf(Math.max(...step)));
      expect([...labels]).toEqual(heard(likeliest, blank));
      expect(score).toBeCloseTo(
        likeliest.reduce((sum, label, t) => sum + steps[t]![label]!, 0),
        9,
      );
    });
  }
});

test("probabilities give what their logarithms give, and the last class may be the blank", () => {
  const logits = [0.3, -1, 2, 1, 1.5, -0.5, 0, 0.25, 0.75];
  const probabilities = [0, 3, 6].flatMap((at) => {
    const powers = logits.slice(at, at + 3).map(Math.exp);
    return powers.map((power) => power / powers.reduce((a, b) => a + b));
  });
  const [a, b] = [float32([1, 3, 3], logits), float32([1, 3, 3], probabilities)];
  const labels = (paths: { labels: Int32Array }[]): number[][] => paths.map((path) => [...path.labels]);
  const [wide] = ctcBeamSearch(a, { blank: "last", topPaths: 9 });
  const [same] = ctcBeamSearch(b, { blank: 2, topPaths: 9, fromLogits: false });
  expect(labels(same!)).toEqual(labels(wide!));
  expect(labels(ctcGreedy(b, { blank: "last", fromLogits: false }))).toEqual(labels(ctcGreedy(a, { blank: 2 })));
  // A class of probability 0 is never said.
  const zero = ctcBeamSearch(float32([1, 2, 2], [1, 0, 1, 0]), { fromLogits: false, topPaths: 5 });
  expect(labels(zero[0]!)).toEqual([[]]);
});

test("10,000 steps", () => {
  const random = new RandomStream(2, "long");
  const predictions = float32(
    [1, 10_000, 3],
    new Float32Array(30_000).map(() => 10 * random.uniform()),
  );
  const [paths] = ctcBeamSearch(predictions, { beamWidth: 4 });
  const best = paths![0]!;
  expect(best.score).toBeGreaterThanOrEqual(ctcGreedy(predictions)[0]!.score);
  expect(best.score).toBeLessThan(0);
});

describe("wrong use is one typed error that helps", () => {
  const predictions = float32([1, 2, 2], [0, 1, 1, 0]);
  test.each([
    ["predictions without time", () => ctcGreedy(float32([2, 2], [0, 0, 0, 0])), "ShapeError", "float32[rows, time, classes], got [2, 2]"],
    ["no predictions", () => ctcBeamSearch(untyped(null)), "ShapeError", "got null"],
    ["a blank that is no class", () => ctcGreedy(predictions, { blank: 2 }), "ShapeError", "the blank is 2", "0 … 1"],
    ["a blank that is no number", () => ctcGreedy(predictions, untyped({ blank: "first" })), "ConfigError", '"last"', '"first"'],
    ["lengths for other rows", () => ctcGreedy(predictions, { lengths: [1, 1] }), "ShapeError", "each of the 1 rows"],
    ["a length past the end", () => ctcBeamSearch(predictions, { lengths: [3] }), "DataError", "row 0 has the length 3"],
    ["logits as probabilities", () => ctcGreedy(float32([1, 1, 2], [-1, 2]), { fromLogits: false }), "DataError", "row 0 has -1 at step 0", "leave out fromLogits"],
    ["numbers that are none", () => ctcBeamSearch(float32([1, 1, 2], [0, Number.NaN])), "DataError", "NaN"],
    ["a beam of nothing", () => ctcBeamSearch(predictions, { beamWidth: 0 }), "ConfigError", "beamWidth must be a whole number from 1 on"],
    ["a scorer that is none", () => ctcBeamSearch(predictions, untyped({ score: 3 })), "ConfigError", "score must be a function"],
    ["a scorer without a score", () => ctcBeamSearch(predictions, { score: () => Number.NaN }), "DataError", "score must give a number for label 1"],
    ["an option that is none", () => ctcGreedy(predictions, untyped({ beamWidth: 3 })), "ConfigError", "beamWidth"],
  ] as const)("%s", (...misuse) => expectMisuse(misuse)); // biome-ignore format: a table
});
