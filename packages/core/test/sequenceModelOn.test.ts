/** A sequence model over an engine: how sources are read, what a step may ask for, and that runs follow one another. */
import {
  attention,
  DataError,
  type DecodingEngine,
  type DecodingRequest,
  decodingOf,
  dense,
  embedding,
  gru,
  input,
  type Model,
  model,
  StateError,
  sequenceModelOn,
  type Tensors,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

function translating(): Model {
  const [from, to] = [input({ shape: ["source"], name: "source" }), input({ shape: ["target"], name: "target" })];
  const place = input({ shape: [2], name: "place" });
  const x = embedding({ inputDim: 9, outputDim: 3, maskZero: true })(from);
  const [encoded, h] = gru({ units: 3, returnSequences: true, returnState: true })(x);
  const y = embedding({ inputDim: 6, outputDim: 3, name: "words" })(to);
  const decoded = gru({ units: 3, returnSequences: true })(y, { initialState: [h] });
  const [context, weights] = attention({ returnAttentionScores: true })([decoded, encoded]);
  const start = gru({ units: 2, returnSequences: true })(context, { initialState: [place] });
  return model([from, place, to], { next: dense({ units: 5 })(start), weights });
}

/** Notes what it is asked for, and answers with zeros. */
function engine() {
  const asked: unknown[] = [];
  const run: DecodingEngine = {
    async encode(feeds: Tensors, rows) {
      const { source, place } = feeds;
      if (source?.data[0] === 8) throw new Error("no room");
      asked.push({ rows, source: source && [...source.shape], place: place && [...place.data.slice(0, rows * 2)] });
    },
    async step({ tokens, from }) {
      asked.push({ tokens: [...tokens], from: [...from] });
      return { tokens: new Int32Array(tokens.length), logProbabilities: new Float32Array(tokens.length) };
    },
    async dispose() {
      asked.push("disposed");
    },
  };
  return { asked, run };
}

const request = (tokens: number[], from: number[], others: Partial<DecodingRequest> = {}): DecodingRequest => ({
  tokens: Int32Array.from(tokens),
  from: Int32Array.from(from),
  top: 1,
  ...others,
});

const place = [
  [1, 2],
  [3, 4],
  [5, 6],
];

describe("a sequence model over an engine", () => {
  test("reads the sources of the numbers that it is given, as long as the longest of them", async () => {
    const { asked, run } = engine();
    await using made = sequenceModelOn(decodingOf(translating().spec), run);
    expect([made.vocabularySize, made.hasAttention]).toEqual([5, true]);
    const sources = made.open({ source: [[3], [1, 2, 3, 4], [5, 6]], place });
    expect([sources.count, [...sources.lengths]]).toEqual([3, [1, 4, 2]]);
    const some = await sources.read(Int32Array.of(2, 0));
    expect(some.sourceSteps).toBe(2);
    await some.step(request([1, 1, 4], [0, 1, 1]));
    await some.step(request([2], [2], { top: 5, allowed: new Uint8Array(5) }));
    some.end();
    some.end();
    const all = await sources.read(Int32Array.of(0, 1, 2, 1));
    expect(all.sourceSteps).toBe(4);
    all.end();
    expect(asked).toEqual([
      { rows: 2, source: [2, 2], place: [5, 6, 1, 2] },
      { tokens: [1, 1, 4], from: [0, 1, 1] },
      { tokens: [2], from: [2] },
      { rows: 4, source: [4, 4], place: [1, 2, 3, 4, 5, 6, 3, 4] },
    ]);
  });

  test("begins a run where the one before has ended, or could not begin; disposal waits for it", async () => {
    const { asked, run } = engine();
    const made = sequenceModelOn(decodingOf(translating().spec), run);
    const first = await made.open({ source: [[3]], place: [[1, 2]] }).read(Int32Array.of(0));
    const failed = made.open({ source: [[8]], place: [[1, 2]] }).read(Int32Array.of(0));
    const second = made.open({ source: [[3, 3]], place: [[1, 2]] }).read(Int32Array.of(0));
    const disposed = made.dispose();
    await first.step(request([1], [0]));
    expect(asked.length).toBe(2);
    first.end();
    await expect(first.step(request([1], [0]))).rejects.toThrow(StateError);
    await expect(failed).rejects.toThrow("no room");
    (await second).end();
    await disposed;
    expect(asked.at(-1)).toBe("disposed");
    expect(() => made.open({ source: [[3]], place: [[1, 2]] })).toThrow(StateError);
    expect(made.dispose()).toBe(disposed);
  });

  test("takes one step after another, and lets the next run begin when the last step has ended", async () => {
    const { asked, run } = engine();
    await using made = sequenceModelOn(decodingOf(translating().spec), run);
    const sources = made.open({
      source: [[3], [4]],
      place: [
        [1, 2],
        [3, 4],
      ],
    });
    const first = await sources.read(Int32Array.of(0));
    const step = first.step(request([1], [0]));
    await expect(first.step(request([1], [0]))).rejects.toThrow("another step of this run is under way");
    first.end();
    const second = sources.read(Int32Array.of(1));
    expect(asked.length).toBe(2);
    await step;
    {
      using again = await second;
      await again.step(request([1], [0]));
    }
    using _third = await sources.read(Int32Array.of(0));
    expect(asked.length).toBe(5);
  });

  test("says what is wrong with sources and requests, before anything runs", async () => {
    const { asked, run } = engine();
    await using made = sequenceModelOn(decodingOf(translating().spec), run);
    expect(() => made.open({ source: [[9]], place: [[1, 2]] })).toThrow(/row 0 has the id 9 at step 0/);
    expect(() => made.open({ source: [[3]] })).toThrow(/no data for the input "place"/);
    expect(() => made.open({ source: [[3]], place: [[1, 2]], target: [[1]] })).toThrow(/no input "target"/);
    expect(() => made.open(3)).toThrow(/reads sources, got the number 3/);
    const sources = made.open({ source: [[3], [4]], place: place.slice(1) });
    await expect(sources.read(Int32Array.of(2))).rejects.toThrow(/must be from 0 to 1, got 2/);
    await expect(sources.read(Int32Array.of())).rejects.toThrow(DataError);
    const started = await sources.read(Int32Array.of(1));
    for (const [wrong, message] of [
      [request([], []), /there are no rows/],
      [request([1, 1], [0]), /tokens are of 2 rows, and from of 1/],
      [request([5], [0]), /each of tokens must be from 0 to 4, got 5/],
      [request([1], [1]), /each of from must be from 0 to 0, got 1/],
      [request([1], [0], { top: 6 }), /top must be a whole number from 1 to 5, got 6/],
      [request([1], [0], { allowed: new Uint8Array(4) }), /allowed must be \[1, 5\], it has 4 elements/],
    ] as const) {
      await expect(started.step(wrong)).rejects.toThrow(message);
      await expect(started.step(wrong)).rejects.toThrow(DataError);
    }
    started.end();
    expect(asked.length).toBe(1);
  });

  test("takes how many sequences to write where the model has no sources", async () => {
    const { asked, run } = engine();
    const words = input({ shape: ["time"] });
    const x = gru({ units: 4, returnSequences: true })(embedding({ inputDim: 4, outputDim: 2 })(words));
    await using made = sequenceModelOn(decodingOf(model(words, x).spec), run);
    const sources = made.open(3);
    expect([sources.count, [...sources.lengths]]).toEqual([3, [0, 0, 0]]);
    const some = await sources.read(Int32Array.of(0, 2));
    expect(some.sourceSteps).toBe(0);
    some.end();
    expect(asked).toEqual([{ rows: 2 }]);
    for (const wrong of [0, 1.5, [[1]]]) expect(() => made.open(wrong)).toThrow(/takes how many sequences to write/);
  });
});
