/** Paths of tags: Viterbi and marginals against all paths that there are, constraints, and what is refused. */
import {
  bioConstraints,
  bioesConstraints,
  type CrfConstraints,
  crf,
  crfMarginals,
  float32,
  int32,
  type PathOptions,
  RandomStream,
  viterbi,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectMisuse, untyped } from "./expectMisuse.ts";

interface Case {
  readonly emissions: ReturnType<typeof float32>;
  readonly lengths: number[];
  readonly options: PathOptions;
  readonly tags: number;
}

function drawCase(seed: number): Case {
  const random = new RandomStream(seed, "paths");
  const [rows, time, tags] = [1 + random.below(3), 1 + random.below(4), 2 + random.below(3)];
  const numbers = (count: number): number[] => Array.from({ length: count }, () => 4 * random.uniform() - 2);
  const flags = (own: number): boolean[] =>
    Array.from({ length: tags }, (_, tag) => tag === own || random.uniform() < 0.5);
  const constraints: CrfConstraints = {
    transitions: Array.from({ length: tags }, (_, tag) => flags(tag)),
    start: flags(0),
    end: flags(0),
  };
  return {
    emissions: float32([rows, time, tags], numbers(rows * time * tags)),
    lengths: Array.from({ length: rows }, () => random.below(time + 1)),
    options: {
      transitions: float32([tags, tags], numbers(tags * tags)),
      ...(seed % 4 === 0 ? {} : { start: float32([tags], numbers(tags)), end: float32([tags], numbers(tags)) }),
      ...(seed % 2 === 0 ? { constraints } : {}),
    },
    tags,
  };
}

/** Every allowed path of a row with its score. */
function allPaths({ emissions, lengths, options, tags }: Case, row: number): { path: number[]; score: number }[] {
  const { transitions, start, end, constraints } = options;
  const [, time] = emissions.shape as [number, number];
  const length = lengths[row]!;
  const paths = Array.from({ length: tags ** length }, (_, k) =>
    Array.from({ length }, (_, t) => Math.floor(k / tags ** t) % tags),
  );
  const allowed = paths.filter(
    (path) =>
      !constraints ||
      (constraints.start[path[0]!] &&
        constraints.end[path.at(-1)!] &&
        path.slice(1).every((tag, t) => constraints.transitions[path[t]!]![tag])),
  );
  return allowed.map((path) => ({
    path,
    score: path.reduce(
      (sum, tag, t) =>
        sum +
        emissions.data[(row * time + t) * tags + tag]! +
        (t === 0 ? (start?.data[tag] ?? 0) : transitions.data[path[t - 1]! * tags + tag]!) +
        (t === length - 1 ? (end?.data[tag] ?? 0) : 0),
      0,
    ),
  }));
}

const cases = Array.from({ length: 60 }, (_, seed) => drawCase(seed + 1));

test("viterbi finds the best of all paths, with its score", () => {
  for (const one of cases) {
    const found = viterbi(one.emissions, { ...one.options, lengths: one.lengths });
    one.lengths.forEach((length, row) => {
      const [best] = length === 0 ? [{ path: [], score: 0 }] : allPaths(one, row).sort((a, b) => b.score - a.score);
      expect([...found.tags[row]!]).toEqual(best!.path);
      expect(found.scores[row]).toBeCloseTo(best!.score, 10);
    });
  }
});

test("marginals sum the probabilities of all paths, and are zero past a row's end", () => {
  for (const one of cases) {
    const { probabilities, logPartitions } = crfMarginals(one.emissions, { ...one.options, lengths: one.lengths });
    const [, time] = one.emissions.shape as [number, number];
    one.lengths.forEach((length, row) => {
      const paths = length === 0 ? [] : allPaths(one, row);
      const total = paths.reduce((sum, { score }) => sum + Math.exp(score), 0);
      expect(logPartitions[row]).toBeCloseTo(length === 0 ? 0 : Math.log(total), 10);
      for (let t = 0; t < time; t++) {
        for (let tag = 0; tag < one.tags; tag++) {
          const through = paths.filter(({ path }) => path[t] === tag);
          const expected = through.reduce((sum, { score }) => sum + Math.exp(score), 0) / (total || 1);
          expect(probabilities.data[(row * time + t) * one.tags + tag]).toBeCloseTo(t < length ? expected : 0, 6);
        }
      }
    });
  }
});

test("without lengths every row has all steps; a path of one step has a start and an end", () => {
  const transitions = float32([2, 2], [5, 0, 0, 5]);
  const emissions = float32([1, 3, 2], [1, 0, 0, 1, 1, 0]);
  expect(viterbi(emissions, { transitions }).tags.map((tags) => [...tags])).toEqual([[0, 0, 0]]);
  const [start, end] = [float32([2], [0, 1]), float32([2], [0, 2])];
  const single = viterbi(emissions, { transitions, start, end, lengths: [1] });
  expect([[...single.tags[0]!], single.scores[0]]).toEqual([[1], 3]);
});

test("10,000 steps of many tags", () => {
  const tags = 40;
  const random = new RandomStream(1, "long");
  const emissions = float32(
    [1, 10_000, tags],
    new Float32Array(10_000 * tags).map(() => 40 * random.uniform()),
  );
  const transitions = float32([tags, tags], new Float32Array(tags * tags));
  const { tags: paths, scores } = viterbi(emissions, { transitions });
  const largest = Array.from({ length: 10_000 }, (_, t) =>
    Math.max(...emissions.data.subarray(t * tags, (t + 1) * tags)),
  );
  expect(scores[0]).toBeCloseTo(
    largest.reduce((a, b) => a + b),
    6,
  );
  expect(paths[0]!.every((tag, t) => emissions.data[t * tags + tag] === largest[t])).toBe(true);
});

describe("constraints", () => {
  /** What may follow a tag, begin and end, as text. */
  const shown = ({ transitions, start, end }: CrfConstraints, tags: readonly string[]) => {
    const of = (flags: readonly boolean[]) => tags.filter((_, tag) => flags[tag]).join(" ");
    return { ...Object.fromEntries(tags.map((tag, i) => [tag, of(transitions[i]!)])), start: of(start), end: of(end) };
  };

  test("of BIO", () => {
    const tags = ["O", "B-x", "I-x", "B-y", "I-y"];
    expect(shown(bioConstraints(tags), tags)).toEqual({
      O: "O B-x B-y",
      "B-x": "O B-x I-x B-y",
      "I-x": "O B-x I-x B-y",
      "B-y": "O B-x B-y I-y",
      "I-y": "O B-x B-y I-y",
      start: "O B-x B-y",
      end: "O B-x I-x B-y I-y",
    });
  });

  test("of BIOES, and of BILOU by other letters", () => {
    const tags = ["B-x", "I-x", "E-x", "S-x", "O", "B-y", "E-y"];
    const constraints = bioesConstraints(tags);
    expect(shown(constraints, tags)).toEqual({
      "B-x": "I-x E-x",
      "I-x": "I-x E-x",
      "E-x": "B-x S-x O B-y",
      "S-x": "B-x S-x O B-y",
      O: "B-x S-x O B-y",
      "B-y": "E-y",
      "E-y": "B-x S-x O B-y",
      start: "B-x S-x O B-y",
      end: "E-x S-x O E-y",
    });
    expect(bioesConstraints(tags.map((tag) => tag.replace("E-", "L-").replace("S-", "U-")))).toEqual(constraints);
  });

  test("survive JSON, and make the same loss again", () => {
    const constraints = bioConstraints(["O", "B-x", "I-x"]);
    expect(JSON.parse(JSON.stringify(constraints))).toEqual(constraints);
    expect(crf({ constraints }).options).toEqual({ constraints, constrainTraining: false });
    expect(crf().options).toEqual({ constraints: null, constrainTraining: false });
  });
});

describe("wrong use is one typed error that helps", () => {
  const transitions = float32([2, 2], [0, 0, 0, 0]);
  const emissions = float32([1, 2, 2], [0, 1, 1, 0]);
  const constraints = { transitions: [[true, false], [false, false]], start: [true, true], end: [false, true] }; // biome-ignore format: a table
  test.each([
    ["emissions without time", () => viterbi(float32([2, 2], [0, 0, 0, 0]), { transitions }), "ShapeError", "emissions must be float32[rows, time, tags], got float32[2, 2]"],
    ["no emissions", () => viterbi(untyped(undefined), { transitions }), "ShapeError", "got undefined"],
    ["transitions of others", () => viterbi(emissions, { transitions: float32([3, 3], Array(9).fill(0)) }), "ShapeError", "transitions must be float32[2, 2], got float32[3, 3]"],
    ["a start of others", () => viterbi(emissions, { transitions, start: float32([3], [0, 0, 0]) }), "ShapeError", "start must be float32[2]"],
    ["lengths for other rows", () => viterbi(emissions, { transitions, lengths: [1, 2] }), "ShapeError", "each of the 1 rows"],
    ["a length past the end", () => viterbi(emissions, { transitions, lengths: [3] }), "DataError", "row 0 has the length 3", "from 0 to 2"],
    ["an option that is none", () => viterbi(emissions, untyped({ transitions, beam: 2 })), "ConfigError", "no option", "beam"],
    ["emissions that are no numbers", () => viterbi(float32([1, 2, 2], [0, Number.NaN, Number.NaN, Number.NaN]), { transitions }), "DataError", "NaN"],
    ["no path that is allowed", () => viterbi(emissions, { transitions, constraints }), "DataError", "row 0", "no path of 2 steps"],
    ["the same for marginals", () => crfMarginals(emissions, { transitions, constraints }), "DataError", "no path of 2 steps"],
    ["constraints of other tags", () => viterbi(emissions, { transitions, constraints: bioConstraints(["O", "B-x", "I-x"]) }), "ConfigError", "for 3 tags", "have 2"],
    ["constraints that are none", () => crf(untyped({ constraints: ["O"] })), "ConfigError", "crf: constraints must be", "bioConstraints"],
    ["constraints that are not square", () => crf({ constraints: { transitions: [[true]], start: [true, false], end: [true] } }), "ConfigError", "each of the 1 tags"],
    ["constraints without a beginning", () => crf({ constraints: { transitions: [[true]], start: [false], end: [true] } }), "ConfigError", "no tag to begin with"],
    ["constrained training without constraints", () => crf({ constrainTraining: true }), "ConfigError", "needs constraints"],
    ["a tag of another form", () => bioConstraints(["O", "person"]), "ConfigError", '"person"', '"B-…"'],
    ["a tag of BIOES for BIO", () => bioConstraints(["O", "S-x"]), "ConfigError", '"S-x"'],
    ["no tags", () => bioConstraints(untyped(int32([0], []))), "ConfigError", "list of tags"],
  ] as const)("%s", (...misuse) => expectMisuse(misuse)); // biome-ignore format: a table
});
