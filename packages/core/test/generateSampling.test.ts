/** Sampling: how often sequences are drawn against their probabilities, by which numbers, and options that cannot work. */
import { type Generated, type GenerateOptions, generate, RandomStream, type SampleOptions } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectTyped, type Misuse, untyped } from "./expectMisuse.ts";
import { END, PADDING, randomTable, START, type Table, tableModel } from "./tableModel.ts";

const marks = { start: START, end: END };
const size = 7;

/** The probabilities that tokens are drawn with, from their logarithms, by the definitions. */
function drawnBy(logs: Float32Array, { temperature = 1, topK = size, topP = 1 }: SampleOptions): Map<number, number> {
  const ranked = Array.from(logs, (log, token) => ({ token, weight: Math.exp(log / temperature) }))
    .filter(({ token }) => token !== PADDING && token !== START)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, topK);
  const total = (list: typeof ranked): number => list.reduce((sum, { weight }) => sum + weight, 0);
  let kept = 1;
  while (kept < ranked.length && total(ranked.slice(0, kept)) < topP * total(ranked)) kept += 1;
  const nucleus = ranked.slice(0, kept);
  return new Map(nucleus.map(({ token, weight }) => [token, weight / total(nucleus)]));
}

/** The probability of each result of at most `maxLength` tokens. */
function allDrawn(table: Table, sample: SampleOptions, maxLength: number): Map<string, number> {
  const drawn = new Map<string, number>();
  const walk = (prefix: readonly number[], probability: number): void => {
    let cut = 0;
    for (const [token, own] of drawnBy(table(0, prefix), sample)) {
      if (token === END) drawn.set(`${prefix.join()} end`, probability * own);
      else if (prefix.length === maxLength) cut += probability * own;
      else walk([...prefix, token], probability * own);
    }
    if (cut > 0) drawn.set(prefix.join(), cut);
  };
  walk([], 1);
  return drawn;
}

const named = ({ tokens, finished }: Generated): string => `${tokens.join()}${finished ? " end" : ""}`;

/** The bound that a chi-square of so many degrees of freedom passes once in a million times (Wilson and Hilferty 1931). */
const bound = (freedom: number): number => freedom * (1 - 2 / (9 * freedom) + 4.75 * Math.sqrt(2 / (9 * freedom))) ** 3;

describe("results are drawn as often as they are likely", () => {
  const draws = 4000;
  test.each<SampleOptions>([
    {},
    { temperature: 0.5 },
    { temperature: 3 },
    { topK: 2 },
    { topP: 0.7 },
    { temperature: 2, topK: 4, topP: 0.8 },
    { topP: 1e-9 },
  ])("%o", async (sample) => {
    const table = randomTable(4, size, false);
    const expected = allDrawn(table, sample, 2);
    const model = tableModel(table, size, new Array(draws / 4).fill(1));
    const options = { ...marks, nBest: 4, maxLength: 2, sample: { ...sample, seed: 11 } };
    const counts = new Map<string, number>();
    for (const one of (await generate(model, [], options)).flat())
      counts.set(named(one), (counts.get(named(one)) ?? 0) + 1);
    // Nothing else is drawn: top-k and top-p keep what they say and no more.
    expect([...counts.keys()].filter((name) => !expected.has(name))).toEqual([]);
    // Rare results count together, so that each expected count is 10 at least.
    const groups = [...expected].map(([name, p]) => ({ expected: p * draws, found: counts.get(name) ?? 0 }));
    const common = groups.filter((group) => group.expected >= 10);
    const sum = (key: "expected" | "found"): number => groups.reduce((all, group) => all + group[key], 0);
    expect(sum("expected")).toBeCloseTo(draws, 6);
    expect(sum("found")).toBe(draws);
    const rest = groups.filter((group) => group.expected < 10);
    const cells = [
      ...common,
      ...(rest.length > 0
        ? [rest.reduce((a, b) => ({ expected: a.expected + b.expected, found: a.found + b.found }))]
        : []),
    ];
    const chiSquare = cells.reduce((all, cell) => all + (cell.found - cell.expected) ** 2 / cell.expected, 0);
    expect(chiSquare).toBeLessThan(bound(Math.max(1, cells.length - 1)));
  });
});

test("the fewest tokens that reach topP are kept, and of equally likely ones the first", async () => {
  const alike: Table = () => new Float32Array(size).fill(-2);
  const model = tableModel(alike, size, new Array(100).fill(1));
  const results = await generate(model, [], { ...marks, maxLength: 1, sample: { topP: 0.6 } });
  expect(new Set(results.flat().map(named))).toEqual(new Set([" end", "3 end", "4 end", "3", "4"]));
});

test("what is drawn depends on the seed, the source, the sample and the step alone", async () => {
  const table = randomTable(5, size);
  const lengths = Array.from({ length: 12 }, (_, source) => 1 + ((source * 5) % 7));
  const draw = async (options: Partial<GenerateOptions>): Promise<string[][]> =>
    (
      await generate(tableModel(table, size, lengths), [], {
        ...marks,
        sample: { seed: 1, temperature: 2 },
        maxLength: 9,
        ...options,
      })
    ).map((results) => results.map(named));
  const whole = await draw({ nBest: 3 });
  expect(await draw({ nBest: 3, batchSize: 5 })).toEqual(whole);
  expect(await draw({})).toEqual(whole.map(([first]) => [first]));
  expect(await draw({ nBest: 3, sample: { seed: 2, temperature: 2 } })).not.toEqual(whole);
  expect(await draw({ sample: {} })).toEqual(await draw({ sample: { seed: 0, temperature: 1, topP: 1 } }));
  // Sources of one table, and samples of one source, are drawn apart.
  const same = await generate(tableModel(randomTable(5, size, false), size, lengths), [], {
    ...marks,
    nBest: 3,
    sample: { temperature: 4 },
  });
  expect(new Set(same.map((results) => results.map(named).join("; "))).size).toBeGreaterThan(6);
});

test("a sample has the model's own log-probability, and heeds the limits", async () => {
  const table = randomTable(6, size);
  const results = await generate(tableModel(table, size, [1, 1, 1, 1]), [], {
    ...marks,
    nBest: 50,
    sample: { temperature: 4 },
    minLength: 2,
    maxLength: 5,
    noRepeatNgramSize: 1,
    lengthPenalty: "wu",
    constraint: (prefix) => (prefix.length === 0 ? [3, 4, END] : undefined),
    returnAttention: true,
  });
  results.forEach((samples, source) => {
    expect(samples.length).toBe(50);
    for (const { tokens, logProbability, score, finished, attention } of samples) {
      const all = [...tokens, ...(finished ? [END] : [])];
      const sum = all.reduce((total, token, at) => total + table(source, all.slice(0, at))[token]!, 0);
      expect(logProbability).toBe(sum);
      expect(score).toBe(sum / ((5 + all.length) / 6) ** 0.6);
      expect(tokens.length).toBeGreaterThanOrEqual(2);
      expect([3, 4]).toContain(tokens[0]);
      expect(new Set(tokens).size).toBe(tokens.length);
      expect(attention!.length).toBe(tokens.length);
    }
  });
});

describe("wrong options are typed errors before anything runs", () => {
  const model = tableModel(randomTable(1, size), size, [1]);
  const act =
    (options: object): (() => unknown) =>
    () =>
      generate(model, [], untyped({ ...marks, ...options }));
  const wrong: readonly Misuse[] = [
    ["no options", () => generate(model, [], untyped(undefined)), "ConfigError", "generate takes an object"],
    [
      "no model",
      () => generate(untyped(undefined), [], marks),
      "ConfigError",
      "await sequenceModel(trained, { backend })",
    ],
    [
      "a model as it was trained",
      () => generate(untyped({ spec: {}, weights: {} }), [], marks),
      "ConfigError",
      "a model that is not opened for writing",
    ],
    ["a promise", () => generate(untyped(Promise.resolve(model)), [], marks), "ConfigError", "a promise: await it"],
    ["another option", act({ beam: 5 }), "ConfigError", 'no option "beam"', "beamSize"],
    ["no start", act({ start: undefined }), "ConfigError", "start must be a token, from 0 to 6"],
    ["an end past the vocabulary", act({ end: 7 }), "ConfigError", "end must be a token", "got 7"],
    ["no beam", act({ beamSize: 0 }), "ConfigError", "beamSize"],
    ["more results than the beam", act({ beamSize: 2, nBest: 3 }), "ConfigError", "nBest is 3 and beamSize 2"],
    ["an unknown penalty", act({ lengthPenalty: "avg" }), "ConfigError", "one of average, wu, none"],
    ["a negative alpha", act({ alpha: -1 }), "ConfigError", "alpha must be a number from 0 on"],
    ["a wrong end of a beam", act({ earlyStopping: "always" as never }), "ConfigError", 'true, false or "never"'],
    ["an end of no beam", act({ earlyStopping: true, sample: {} }), "ConfigError", "leave it out, or sample"],
    ["an alpha of nothing", act({ alpha: 1, lengthPenalty: "none" }), "ConfigError", "alpha", "leave it out"],
    ["n-grams of nothing", act({ noRepeatNgramSize: 0 }), "ConfigError", "noRepeatNgramSize", "from 1 on"],
    ["no tokens", act({ maxLength: 0 }), "ConfigError", "maxLength", "from 1 on"],
    ["less than the least", act({ minLength: 5, maxLength: 4 }), "ConfigError", "from 5, which is minLength, on"],
    ["a length of no number", act({ maxLength: () => Number.NaN }), "ConfigError", "NaN for a source of length 1"],
    ["half a token", act({ minLength: 0.5 }), "ConfigError", "minLength"],
    ["a beam of samples", act({ beamSize: 3, sample: {} }), "ConfigError", "drawn or searched for"],
    ["a temperature of 0", act({ sample: { temperature: 0 } }), "ConfigError", "temperature must be above 0"],
    ["a probability above 1", act({ sample: { topP: 1.5 } }), "ConfigError", "topP"],
    ["a probability of 0", act({ sample: { topP: 0 } }), "ConfigError", "topP"],
    ["no token to draw", act({ sample: { topK: 0 } }), "ConfigError", "sample: topK"],
    ["an unknown sampling", act({ sample: { top: 5 } }), "ConfigError", 'no option "top"'],
    ["samples of nothing", act({ sample: true }), "ConfigError", "generate: sample takes an object"],
    ["an excluded end", act({ exclude: [0, END] }), "ConfigError", "exclude has 2, which is end"],
    ["an excluded stranger", act({ exclude: [9] }), "ConfigError", "each of exclude", "got 9"],
    ["a number to exclude", act({ exclude: 3 }), "ConfigError", "exclude must be a list"],
    ["a text as constraint", act({ constraint: "abc" }), "ConfigError", "constraint must be a function"],
    ["a constraint of strangers", act({ constraint: () => [-1] }), "ConfigError", "constraint gives", "got -1"],
    ["a constraint of a number", act({ constraint: () => 3 }), "ConfigError", "list of tokens, or undefined, got 3"],
    ["a controller", act({ signal: new AbortController() }), "ConfigError", "signal must be an AbortSignal"],
    ["a batch of none", act({ batchSize: 0 }), "ConfigError", "batchSize"],
    [
      "attention of a model without",
      () => generate({ ...model, hasAttention: false }, [], { ...marks, returnAttention: true }),
      "ConfigError",
      "gives no weights of attention",
    ],
    [
      "a model that gives no numbers",
      () =>
        generate(
          tableModel(() => new Float32Array(size).fill(Number.NaN), size, [1]),
          [],
          marks,
        ),
      "NonFiniteError",
      "token 0 of source 0",
    ],
  ];
  for (const [what, use, error, ...words] of wrong)
    test(what, async () => {
      const thrown = await (use() as Promise<unknown>).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expectTyped(thrown, error, words);
      expect(model.running).toBe(0);
    });
});

test("long results take memory for their tokens alone, and n-grams are found in them", async () => {
  const random = new RandomStream(9, "long");
  const order = Array.from({ length: 500 }, () => 3 + random.below(4));
  const table: Table = (_, prefix) =>
    Float32Array.from({ length: size }, (__, token) => (token === order[prefix.length] ? -0.1 : -3 - token));
  const [[one]] = (await generate(tableModel(table, size, [1]), [], {
    ...marks,
    maxLength: 500,
    minLength: 200,
    noRepeatNgramSize: 4,
  })) as [[Generated]];
  const grams = Array.from(one.tokens.subarray(3), (_, at) => one.tokens.subarray(at, at + 4).join());
  expect(new Set(grams).size).toBe(grams.length);
  expect(grams.length).toBeGreaterThan(150);
});
