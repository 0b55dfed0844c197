/** Sequences written on a backend, step by step: what its session holds between the steps gives what the whole model gives of all tokens at once. */
import {
  attention,
  attentionDecoder,
  type Backend,
  bidirectional,
  concatenate,
  type DecodingRun,
  dense,
  embedding,
  float32,
  gru,
  inferenceGraph,
  input,
  lstm,
  type Model,
  model,
  nodesOf,
  predictor,
  rootsOf,
  type SequenceModel,
  StateError,
  sequenceModel,
  sizeOf,
  type Tensor,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { expect } from "vitest";
import type { SuiteTest } from "../suiteTest.ts";

/** How many tokens the models write with. */
export const WORDS = 7;

/** Numbers between -1 and 1, the same ones for the same seed. */
const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(12.9 * seed + 78.2 * (i + 1) + (i * i) / 7));

function trained({ spec }: Model): Trained {
  const weights: Record<string, Tensor> = {};
  for (const { op, attrs } of nodesOf(rootsOf(inferenceGraph(spec)))) {
    if (op !== "input" || attrs.kind !== "state") continue;
    const shape = attrs.shape as number[];
    weights[attrs.name] = float32(shape, numbers(sizeOf(shape), Object.keys(weights).length + 1));
  }
  return { spec, weights };
}

const ids = (name: string) => input({ shape: [name], name });
const words = (inputDim: number, name: string) => embedding({ inputDim, outputDim: 4, maskZero: true, name });

/** A bidirectional encoder, and a decoder with attention that is fed its vector of the step before. */
export function translating(): Trained {
  const [source, target] = [ids("source"), ids("target")];
  const encoder = bidirectional(gru({ units: 3, returnSequences: true, returnState: true }));
  const [encoded, forward, backward] = encoder(words(9, "sourceWords")(source));
  const decoder = attentionDecoder({
    layers: [gru({ units: 6 }), lstm({ units: 5 })],
    attention: attention({ scoreMode: "general" }),
    attentionUnits: 5,
    inputFeeding: true,
    returnAttentionScores: true,
  });
  const begun = concatenate()([forward, backward]);
  const initialState = [begun, dense({ units: 5 })(begun), dense({ units: 5, activation: "tanh" })(begun)];
  const [vectors, weights] = decoder([words(WORDS, "targetWords")(target), encoded], { initialState });
  return trained(
    model([source, target], { next: dense({ units: WORDS, activation: "softmax" })(vectors), attention: weights }),
  );
}

/** Neither sources nor attention. */
function language(): Trained {
  const tokens = ids("target");
  const y = lstm({ units: 6, returnSequences: true })(words(WORDS, "words")(tokens));
  return trained(model([tokens], dense({ units: WORDS, activation: "softmax" })(y)));
}

type Tokens = readonly number[];

/** The outputs of the whole model for rows of so many tokens. */
type Whole = (sources: readonly number[], tokens: readonly Tokens[]) => Promise<Tensors>;

/** Rows as they are written, beside what the whole model says of them. */
class Written {
  readonly #run: DecodingRun;
  readonly #whole: Whole;
  #rows: { readonly source: number; readonly tokens: Tokens }[];

  constructor(run: DecodingRun, count: number, whole: Whole) {
    this.#run = run;
    this.#whole = whole;
    this.#rows = Array.from({ length: count }, (_, source) => ({ source, tokens: [] }));
  }

  /** One step, held against the whole model. */
  async step(tokens: Tokens, from: readonly number[]): Promise<void> {
    const given = await this.#run.step({
      tokens: Int32Array.from(tokens),
      from: Int32Array.from(from),
      top: WORDS,
      attention: true,
    });
    this.#rows = from.map((row, at) => ({
      source: this.#rows[row].source,
      tokens: [...this.#rows[row].tokens, tokens[at]],
    }));
    const wanted = await this.#whole(
      this.#rows.map(({ source }) => source),
      this.#rows.map((row) => row.tokens),
    );
    const [, steps] = wanted.next.shape;
    const { sourceSteps } = this.#run;
    for (let row = 0; row < from.length; row++) {
      const last = row * steps + steps - 1;
      const told = new Set<number>();
      for (let place = row * WORDS; place < (row + 1) * WORDS; place++) {
        const token = given.tokens[place];
        told.add(token);
        const probability = wanted.next.data[last * WORDS + token];
        expect(Math.exp(given.logProbabilities[place])).toBeCloseTo(probability, 5);
        if (place > row * WORDS) expect(given.logProbabilities[place - 1] >= given.logProbabilities[place]).toBe(true);
      }
      expect(told.size).toBe(WORDS);
      if (!wanted.attention) continue;
      expect(given.attention?.length).toBe(from.length * sourceSteps);
      for (let s = 0; s < wanted.attention.shape[2]; s++)
        expect(given.attention?.[row * sourceSteps + s]).toBeCloseTo(
          wanted.attention.data[last * wanted.attention.shape[2] + s],
          5,
        );
    }
  }
}

/** Begins to write for some sources, and hands what is written to `use`. */
async function writing(
  backend: Backend,
  writer: SequenceModel,
  from: Trained,
  sources: readonly Tokens[],
  use: (written: Written) => Promise<void>,
): Promise<void> {
  await using whole = await predictor(from, { backend });
  using run = await writer.open({ source: sources }).read(Int32Array.from(sources.keys()));
  const all = async (rows: readonly number[], target: readonly Tokens[]) =>
    whole.predictAll({ source: rows.map((row) => sources[row]), target });
  await use(new Written(run, sources.length, all));
}

/** Sources of unlike lengths. */
export const ragged: readonly Tokens[] = [[3, 1, 4, 1, 5], [2], [6, 5, 3], [5, 8]];

export const decodingTests: readonly SuiteTest[] = [
  {
    name: "decoding > rows that are continued, more than once or not at all, are what the whole model says of them",
    run: async (backend) => {
      const from = translating();
      await using writer = await sequenceModel(from, { backend });
      expect([writer.vocabularySize, writer.hasAttention]).toEqual([WORDS, true]);
      await writing(backend, writer, from, ragged, async (written) => {
        await written.step([1, 1, 1, 1], [0, 1, 2, 3]);
        await written.step([4, 2, 6, 3, 5, 2], [3, 0, 0, 1, 0, 2]);
        await written.step([4, 2, 6, 3, 5, 2], [5, 4, 4, 1, 2, 3]);
        await written.step([2, 3], [4, 1]);
        await written.step([3], [0]);
        await written.step([1, 2, 6, 3, 5, 4, 4, 4, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0]);
      });
      // Other sources after them: one of one step, and longer ones than there were.
      await writing(backend, writer, from, [[7]], async (written) => {
        await written.step([1], [0]);
        await written.step([5, 2], [0, 0]);
      });
      await writing(backend, writer, from, [[1, 2, 3, 4, 5, 6, 7, 8, 1, 2], [4]], async (written) => {
        await written.step([1, 1, 1], [1, 0, 1]);
        await written.step([5, 2], [2, 1]);
      });
    },
  },
  {
    name: "decoding > only tokens that may come are given, as many as are asked for",
    run: async (backend) => {
      await using writer = await sequenceModel(translating(), { backend });
      using run = await writer.open({ source: ragged }).read(Int32Array.of(2, 0));
      const first = { tokens: Int32Array.of(1, 1), from: Int32Array.of(0, 1) };
      const { tokens, logProbabilities } = await run.step({ ...first, top: WORDS });
      const [all, scores] = [Array.from(tokens), Array.from(logProbabilities)];
      run.end();
      using again = await writer.open({ source: ragged }).read(Int32Array.of(2, 0));
      const allowed = Uint8Array.from({ length: 2 * WORDS }, (_, i) => (i % 3 === 0 ? 0 : 1));
      const limited = await again.step({ ...first, top: 6, allowed });
      expect(limited.attention).toBeUndefined();
      for (const row of [0, 1]) {
        const may = (token: number): boolean => allowed[row * WORDS + token] === 1;
        const own = all.slice(row * WORDS, (row + 1) * WORDS);
        const right = [...own.filter(may), ...own.filter((token) => !may(token)).sort((a, b) => a - b)].slice(0, 6);
        expect(Array.from(limited.tokens.slice(row * 6, row * 6 + 6))).toEqual(right);
        right.forEach((token, place) => {
          const score = may(token) ? scores[row * WORDS + own.indexOf(token)] : Number.NEGATIVE_INFINITY;
          expect(limited.logProbabilities[row * 6 + place]).toBe(score);
        });
      }
      again.end();
    },
  },
  {
    name: "decoding > where the model gives no numbers there are none, whichever tokens may come",
    run: async (backend) => {
      const { spec, weights } = translating();
      const broken = Object.fromEntries(
        Object.entries(weights).map(([name, { shape }]) => [
          name,
          float32(shape, new Float32Array(sizeOf(shape)).fill(Number.NaN)),
        ]),
      );
      await using writer = await sequenceModel({ spec, weights: broken }, { backend });
      using run = await writer.open({ source: ragged }).read(Int32Array.of(1));
      const allowed = Uint8Array.from({ length: WORDS }, (_, token) => (token < 4 ? 0 : 1));
      const step = await run.step({ tokens: Int32Array.of(1), from: Int32Array.of(0), top: 2, allowed });
      expect(Array.from(step.logProbabilities)).toEqual([Number.NaN, Number.NaN]);
      run.end();
    },
  },
  {
    name: "decoding > a model without sources begins as many rows as are wanted",
    run: async (backend) => {
      const from = language();
      await using writer = await sequenceModel(from, { backend });
      expect(writer.hasAttention).toBe(false);
      await using whole = await predictor(from, { backend });
      using run = await writer.open(3).read(Int32Array.of(0, 1, 2));
      const all = async (_: readonly number[], target: readonly Tokens[]) => ({ next: await whole.predict(target) });
      const written = new Written(run, 3, all);
      await written.step([1, 2, 3], [0, 1, 2]);
      await written.step([1, 2, 3, 6], [1, 1, 2, 0]);
      await written.step([4], [3]);
      run.end();
    },
  },
  {
    name: "decoding > what the encoder gave, and the states, stay with the backend",
    run: async (backend) => {
      const from = translating();
      const travelled: string[][] = [];
      const spied: Backend = {
        name: backend.name,
        runs: (node) => backend.runs(node),
        ...(backend.prepare ? { prepare: (graph, more) => backend.prepare?.(graph, more) as Promise<void> } : {}),
        async open(state) {
          const session = await backend.open(state);
          return {
            compile: async (program) => {
              const executable = await session.compile(program);
              return {
                async run(feeds, into) {
                  const results = await executable.run(feeds, into);
                  const told = (tensors: Tensors): string[] =>
                    Object.entries(tensors).map(([name, { shape }]) => `${name} ${shape}`);
                  travelled.push([...told(feeds), ...told(results)].sort());
                  return results;
                },
              };
            },
            readState: (names) => session.readState(names),
            writeState: (written) => session.writeState(written),
            [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
          };
        },
      };
      await using writer = await sequenceModel(from, { backend: spied });
      using run = await writer.open({ source: ragged }).read(Int32Array.of(0, 2));
      const step = (tokens: Tokens, rows: Tokens, attention = false) =>
        run.step({ tokens: Int32Array.from(tokens), from: Int32Array.from(rows), top: 2, attention });
      await step([1, 1], [0, 1]);
      await step([2, 3, 4], [0, 0, 1]);
      await step([2, 3, 4], [1, 0, 2], true);
      await step([5], [2]);
      run.end();
      expect(travelled).toEqual([
        ["from 2", "source 2,5"],
        ["from 2"],
        ["from 2", "logProbabilities 2,2", "sources 2", "tokens 2", "tokens 2,2"],
        ["from 3"],
        ["from 3", "logProbabilities 3,2", "sources 3", "tokens 3", "tokens 3,2"],
        // These rows read the same sources as those before.
        ["attention 3,5", "from 3", "logProbabilities 3,2", "sources 3", "tokens 3", "tokens 3,2"],
        ["from 1"],
        ["from 1", "logProbabilities 1,2", "sources 1", "tokens 1", "tokens 1,2"],
      ]);
    },
  },
  {
    name: "decoding > a step that is refused leaves the run as it was, and nothing runs after dispose",
    run: async (backend) => {
      const from = translating();
      const writer = await sequenceModel(from, { backend });
      await writing(backend, writer, from, ragged, async (written) => {
        await written.step([1, 1], [2, 0]);
        await expect(written.step([1], [2])).rejects.toThrow(/from/);
        await expect(written.step([WORDS], [0])).rejects.toThrow(/tokens/);
        await written.step([5, 4, 3], [1, 0, 0]);
      });
      await writer.dispose();
      expect(() => writer.open({ source: ragged })).toThrow(StateError);
    },
  },
];

/** Holds a backend to it that a row has the same bits whatever stands beside it. */
export async function expectSameDecodingBits(backend: Backend): Promise<void> {
  await using writer = await sequenceModel(translating(), { backend });
  const sources = writer.open({ source: ragged });
  const top = WORDS;
  using run = await sources.read(Int32Array.of(0, 1, 2, 3));
  await run.step({ tokens: Int32Array.of(1, 1, 1, 1), from: Int32Array.of(0, 1, 2, 3), top });
  const { tokens, logProbabilities } = await run.step({
    tokens: Int32Array.of(2, 3, 4, 5, 6, 2, 3),
    from: Int32Array.of(3, 2, 2, 2, 0, 1, 1),
    top,
  });
  const beside = [tokens.slice(3 * top, 4 * top), logProbabilities.slice(3 * top, 4 * top)];
  run.end();
  using alone = await sources.read(Int32Array.of(2));
  await alone.step({ tokens: Int32Array.of(1), from: Int32Array.of(0), top });
  const given = await alone.step({ tokens: Int32Array.of(5), from: Int32Array.of(0), top });
  expect([given.tokens, given.logProbabilities]).toEqual(beside);
  alone.end();
}
