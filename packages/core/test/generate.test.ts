/** Writing sequences: greedily and by a beam, against all sequences that there are and against a beam written plainly. */
import { type Generated, type GenerateOptions, generate, RandomStream } from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { attentionAt, END, PADDING, randomTable, START, type Table, tableModel } from "./tableModel.ts";

const marks = { start: START, end: END };

interface Written {
  readonly tokens: readonly number[];
  readonly logProbability: number;
  readonly score: number;
  readonly finished: boolean;
}

/** The formulas of the papers, over the tokens with `end`. */
function penalty({ lengthPenalty = "average", alpha }: Partial<GenerateOptions>, length: number): number {
  if (lengthPenalty === "none") return 1;
  if (lengthPenalty === "wu") return ((5 + length) / 6) ** (alpha ?? 0.6);
  return length ** (alpha ?? 1);
}

/** Whether a token may follow, by options. */
function mayFollow(
  options: Partial<GenerateOptions>,
  source: number,
  prefix: readonly number[],
  token: number,
): boolean {
  const { minLength = 0, noRepeatNgramSize: size = 0, constraint, exclude = [PADDING, START] } = options;
  if (exclude.includes(token) || (token === END && prefix.length < minLength)) return false;
  const following = constraint?.(prefix, source);
  if (following !== undefined && !following.includes(token)) return false;
  if (size === 0) return true;
  const written = [...prefix, token];
  const grams = written.slice(size - 1).map((_, at) => written.slice(at, at + size).join());
  return new Set(grams).size === grams.length;
}

const byRank = (a: Written, b: Written): number => Number(b.finished) - Number(a.finished) || b.score - a.score;

/** A beam of lists, written as plainly as can be. */
function plainBeam(
  table: Table,
  size: number,
  source: number,
  options: Partial<GenerateOptions> & { maxLength: number },
): Written[] {
  const { beamSize = 1, nBest = 1, maxLength, earlyStopping = false } = options;
  const ended: Written[] = [];
  const endedAt = (tokens: readonly number[], logProbability: number, finished: boolean): void => {
    const score = logProbability / penalty(options, Math.max(1, tokens.length + (finished ? 1 : 0)));
    ended.push({ tokens, logProbability, score, finished });
  };
  let going: { tokens: readonly number[]; sum: number }[] = [{ tokens: [], sum: 0 }];
  for (let step = 0; step <= maxLength; step++) {
    const following = going.map(({ tokens, sum }) => {
      const logs = table(source, tokens);
      return Array.from({ length: size }, (_, token) => ({ from: tokens, token, sum: sum + logs[token]! })).filter(
        ({ token }) => mayFollow(options, source, tokens, token),
      );
    });
    const ranked = following.flat().sort((a, b) => b.sum - a.sum);
    const ends = ranked.filter(({ token }, place) => token === END && place < beamSize);
    for (const { from, sum } of ends) endedAt(from, sum, true);
    going.forEach(({ tokens, sum }, row) => {
      const cut = step === maxLength ? !ends.some(({ from }) => from === tokens) : following[row]!.length === 0;
      if (cut) endedAt(tokens, sum, false);
    });
    if (beamSize === 1 && ends.length > 0) break;
    going = ranked
      .filter(({ token }) => token !== END)
      .slice(0, beamSize)
      .map(({ from, token, sum }) => ({ tokens: [...from, token], sum }));
    const finished = ended.filter((one) => one.finished).sort(byRank);
    if (earlyStopping === true && finished.length >= beamSize) break;
    if (earlyStopping === false && finished.length >= nBest) {
      const best = Math.max(...going.map(({ sum }) => sum)) / penalty(options, step + 2);
      if (best <= finished[nBest - 1]!.score) break;
    }
  }
  return ended.sort(byRank).slice(0, nBest);
}

const plain = (results: readonly Generated[]): Written[] =>
  results.map(({ tokens, logProbability, score, finished }) => ({
    tokens: [...tokens],
    logProbability,
    score,
    finished,
  }));

/** All sequences of at most `maxLength` tokens, and those that are cut there or that nothing may follow. */
function allWritten(
  table: Table,
  source: number,
  options: Partial<GenerateOptions> & { maxLength: number },
): Written[] {
  const written: Written[] = [];
  const walk = (tokens: readonly number[], sum: number): void => {
    const logs = table(source, tokens);
    const following = Array.from(logs.keys()).filter((token) => mayFollow(options, source, tokens, token));
    if (following.includes(END)) {
      const logProbability = sum + logs[END]!;
      written.push({
        tokens,
        logProbability,
        score: logProbability / penalty(options, tokens.length + 1),
        finished: true,
      });
    } else if (following.length === 0 || tokens.length === options.maxLength) {
      const score = sum / penalty(options, Math.max(1, tokens.length));
      written.push({ tokens, logProbability: sum, score, finished: false });
    }
    if (tokens.length === options.maxLength) return;
    for (const token of following) if (token !== END) walk([...tokens, token], sum + logs[token]!);
  };
  walk([], 0);
  return written.sort(byRank);
}

const size = 6;

/** Tokens in pairs: 3 is followed by 4 alone, and nothing follows 5. */
const pairs = (prefix: readonly number[]): readonly number[] | undefined =>
  prefix.at(-1) === 3 ? [4] : prefix.at(-1) === 5 ? [] : undefined;

describe("a beam as wide as there are sequences finds the best of all", () => {
  test.each<Partial<GenerateOptions>>([
    {},
    { lengthPenalty: "none" },
    { lengthPenalty: "wu" },
    { lengthPenalty: "wu", alpha: 2 },
    { alpha: 0.5 },
    { alpha: 3 },
    { noRepeatNgramSize: 1 },
    { noRepeatNgramSize: 2, alpha: 2 },
    { minLength: 2, lengthPenalty: "none" },
    { exclude: [PADDING, START, 4] },
    { constraint: pairs },
    { constraint: pairs, noRepeatNgramSize: 2, minLength: 1 },
  ])("%o", async (options) => {
    for (const nBest of [1, 3, 40]) {
      for (let seed = 1; seed <= 4; seed++) {
        const table = randomTable(seed, size);
        const given = { ...options, maxLength: 3, nBest, beamSize: 256, earlyStopping: "never" as const };
        const model = tableModel(table, size, [2, 5]);
        const results = await generate(model, [[0], [1]], { ...marks, ...given });
        results.forEach((found, source) => {
          const expected = allWritten(table, source, given).slice(0, nBest);
          expect(plain(found)).toEqual(expected);
          expect(new Set(expected.map(({ tokens }) => tokens.join())).size).toBe(expected.length);
        });
      }
    }
  });
});

function drawOptions(random: RandomStream): Partial<GenerateOptions> & { maxLength: number } {
  const beamSize = 1 + random.below(6);
  const maxLength = 1 + random.below(8);
  const forms = ["average", "wu", "none"] as const;
  const lengthPenalty = forms[random.below(3)]!;
  return {
    beamSize,
    nBest: 1 + random.below(beamSize),
    maxLength,
    lengthPenalty,
    ...(lengthPenalty !== "none" && { alpha: 2 * random.uniform() }),
    ...[{}, { earlyStopping: true }, { earlyStopping: false }, { earlyStopping: "never" as const }][random.below(4)],
    ...(random.below(3) === 0 && { noRepeatNgramSize: 1 + random.below(3) }),
    ...(random.below(3) === 0 && { minLength: random.below(maxLength + 1) }),
    ...(random.below(3) === 0 && { constraint: pairs }),
    ...(random.below(4) === 0 && { exclude: [PADDING, START, 3] }),
  };
}

test("a beam finds what a plain one does, with any options, whatever is decoded beside", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new RandomStream(seed, "options");
    const options = drawOptions(random);
    const words = 6 + random.below(4);
    const table = randomTable(seed, words);
    const lengths = Array.from({ length: 1 + random.below(7) }, () => 1 + random.below(4));
    const model = tableModel(table, words, lengths);
    const results = await generate(model, [], { ...marks, ...options, batchSize: 1 + random.below(4) });
    expect(results.map(plain), JSON.stringify(options)).toEqual(
      lengths.map((_, source) => plainBeam(table, words, source, options)),
    );
    expect(model.running).toBe(0);
  }
});

test("the likeliest token is taken at each step unless a beam is asked for", async () => {
  const table = randomTable(3, 8);
  const [[greedy]] = (await generate(tableModel(table, 8, [1]), [], { ...marks, alpha: 5 })) as [[Generated]];
  const tokens: number[] = [];
  let sum = 0;
  for (;;) {
    const logs = table(0, tokens);
    const best = [2, 3, 4, 5, 6, 7].reduce((a, b) => (logs[b]! > logs[a]! ? b : a));
    sum += logs[best]!;
    if (best === END) break;
    tokens.push(best);
  }
  expect(plain([greedy])).toEqual([
    { tokens, logProbability: sum, score: sum / (tokens.length + 1) ** 5, finished: true },
  ]);
});

test("rows of a finished source leave the batch, and no step is run that nobody needs", async () => {
  // Source s ends after s tokens for certain, but for what lies below exp(-20).
  const table: Table = (source, prefix) => {
    const next = prefix.length === source ? END : 3;
    return Float32Array.from({ length: 5 }, (_, token) => (token === next ? -1e-6 : -20 - token));
  };
  const model = tableModel(table, 5, [9, 9, 9, 9]);
  const results = await generate(model, [], { ...marks, beamSize: 2, lengthPenalty: "none" });
  expect(results.map(([best]) => best?.tokens.length)).toEqual([0, 1, 2, 3]);
  expect(model.rows).toEqual([[4, 6, 4, 2]]);
});

test("a beam ends as early as it is asked to: a sequence that only becomes the best in the long run is found by an exact end alone", async () => {
  // At first the end is likelier than a 3. After one it is nearly certain that there are 20 of them, and then the end.
  const table: Table = (_, { length }) => {
    const [end, three] = length === 0 ? [-0.5, -1.1] : length < 20 ? [-9, -0.01] : [-0.01, -9];
    return Float32Array.from([-99, -99, end, three, -99]);
  };
  const steps = async (options: Partial<GenerateOptions>) => {
    const model = tableModel(table, 5, [1]);
    const [[best]] = (await generate(model, [], { ...marks, beamSize: 2, maxLength: 40, ...options })) as [[Generated]];
    return { steps: model.rows[0]!.length, tokens: best.tokens.length };
  };
  expect(await steps({})).toEqual({ steps: 1, tokens: 0 });
  expect(await steps({ earlyStopping: true })).toEqual({ steps: 2, tokens: 0 });
  expect(await steps({ earlyStopping: "never" })).toEqual({ steps: 21, tokens: 20 });
  expect(await steps({ earlyStopping: "never", lengthPenalty: "none" })).toEqual({ steps: 1, tokens: 0 });
});

test("a sequence has up to maxLength tokens, and is unfinished where more would come", async () => {
  const table: Table = (_, prefix) =>
    Float32Array.from([-9, -9, prefix.length < 4 ? -2 : -0.1, prefix.length < 4 ? -0.1 : -2].map((log) => log * 2));
  const write = async (maxLength: GenerateOptions["maxLength"] & {}) =>
    plain((await generate(tableModel(table, 4, [7]), [], { ...marks, maxLength }))[0]!);
  expect(await write(4)).toMatchObject([{ tokens: [3, 3, 3, 3], finished: true }]);
  expect(await write(3)).toMatchObject([{ tokens: [3, 3, 3], finished: false }]);
  expect(await write((length) => length - 5)).toMatchObject([{ tokens: [3, 3], finished: false }]);
  const never: Table = () => Float32Array.from([-9, -9, -9, -0.001]);
  const [[cut]] = (await generate(tableModel(never, 4, [1]), [], marks)) as [[Generated]];
  expect(cut.tokens.length).toBe(200);
});

test("a hypothesis that nothing may follow stops, unfinished", async () => {
  const table = randomTable(5, size);
  const write = (constraint: NonNullable<GenerateOptions["constraint"]>, beamSize = 1) =>
    generate(tableModel(table, size, [1, 1]), [], { ...marks, constraint, beamSize, nBest: beamSize });
  expect((await write(() => [])).map(plain)).toEqual(
    [0, 1].map(() => [{ tokens: [], logProbability: 0, score: 0, finished: false }]),
  );
  // START is excluded, whatever a constraint says.
  const [some] = await write((prefix) => (prefix.length === 0 ? [3, 4, END] : prefix[0] === 3 ? [START] : [END]), 3);
  expect(some!.map(({ tokens, finished }) => [[...tokens].join(), finished])).toContainEqual(["3", false]);
  expect(some!.at(-1)!.finished).toBe(false);
});

test("a constraint knows its source, and may give what results begin with", async () => {
  const table = randomTable(6, size);
  const prompts = [[3, 3], [], [5]];
  const results = await generate(tableModel(table, size, [1, 2, 3]), [], {
    ...marks,
    beamSize: 2,
    maxLength: 6,
    constraint: (prefix, source) => {
      const token = prompts[source]![prefix.length];
      return token === undefined ? undefined : [token];
    },
  });
  prompts.forEach((prompt, source) => {
    expect([...results[source]![0]!.tokens.subarray(0, prompt.length)]).toEqual(prompt);
  });
});

test("weights of attention follow their hypotheses, and are as long as the source", async () => {
  const table = randomTable(7, 7);
  const lengths = [3, 1, 4];
  const results = await generate(tableModel(table, 7, lengths), [], {
    ...marks,
    beamSize: 4,
    nBest: 4,
    maxLength: 6,
    minLength: 2,
    returnAttention: true,
  });
  results.forEach((found, source) => {
    for (const { tokens, attention } of found)
      expect(attention!.map((weights) => [...weights])).toEqual(
        Array.from(tokens, (_, at) => attentionAt(source, [...tokens.subarray(0, at)], 4).slice(0, lengths[source])),
      );
  });
  const [[without]] = (await generate(tableModel(table, 7, [2]), [], marks)) as [[Generated]];
  expect(without).not.toHaveProperty("attention");
});

test("start and end may be one token, and tokens that are as likely come in their order", async () => {
  const table: Table = (_, prefix) =>
    Float32Array.from(prefix.length === 0 ? [-1, -5, -2, -2] : [-1, -0.5, -3, -3]).map((log) => log);
  const [found] = await generate(tableModel(table, 4, [1]), [], {
    start: 1,
    end: 1,
    beamSize: 2,
    nBest: 2,
    lengthPenalty: "none",
  });
  expect(plain(found!)).toEqual([
    { tokens: [2], logProbability: -2.5, score: -2.5, finished: true },
    { tokens: [3], logProbability: -2.5, score: -2.5, finished: true },
  ]);
  const alike: Table = () => Float32Array.from([-9, -9, -9, -1, -1, -1]);
  const [cut] = await generate(tableModel(alike, 6, [1]), [], { ...marks, beamSize: 3, nBest: 3, maxLength: 1 });
  expect(plain(cut!)).toMatchObject([{ tokens: [3] }, { tokens: [4] }, { tokens: [5] }]);
});

test("nothing to write", async () => {
  expect(await generate(tableModel(randomTable(1, 4), 4, []), [], marks)).toEqual([]);
});

test("batches of long sources have fewer of them, unless batchSize is given", async () => {
  const model = tableModel(randomTable(8, size), size, [1, 4096, 9000, 4096, 2, 1]);
  const donesWith = async (more: Partial<GenerateOptions>) => {
    const dones: number[] = [];
    await generate(model, [], { ...marks, maxLength: 2, ...more, onProgress: ({ done }) => void dones.push(done) });
    return dones;
  };
  expect(await donesWith({})).toEqual([1, 3, 6]);
  expect(await donesWith({ batchSize: 6 })).toEqual([6]);
});

test("progress is told after each batch, when another run may begin, and a signal stops before the next step", async () => {
  const model = tableModel(randomTable(8, size), size, [1, 1, 1]);
  const told: unknown[] = [];
  await generate(model, [], {
    ...marks,
    batchSize: 2,
    async onProgress(progress) {
      told.push(progress);
      await generate(model, [], marks);
    },
  });
  expect(told).toEqual([
    { done: 2, count: 3 },
    { done: 3, count: 3 },
  ]);
  const abort = new AbortController();
  const constraint = (prefix: readonly number[]) => {
    if (prefix.length === 3) abort.abort(new Error("enough"));
    return [3];
  };
  model.rows.length = 0;
  await expect(generate(model, [], { ...marks, constraint, signal: abort.signal })).rejects.toThrow("enough");
  expect(model.rows).toEqual([[3, 3, 3, 3]]);
  expect(model.running).toBe(0);
});
