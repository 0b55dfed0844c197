/** Graph models in streams: states are carried over, and the results are those of whole rows. */
import { minGru } from "@ostinato/cells";
import { reference } from "@ostinato/conformance";
import {
  additiveAttention,
  attention,
  bidirectional,
  ConfigError,
  compile,
  concatenate,
  dense,
  embedding,
  encoderDecoder,
  fromBytes,
  generate,
  globalMaxPooling1d,
  graphTrained,
  gru,
  inferenceGraph,
  input,
  lstm,
  type Model,
  meanSquaredError,
  model,
  predictor,
  rnn,
  type Symbolic,
  sequenceModel,
  sequential,
  sgd,
  simpleRnn,
  type Trained,
  toBytes,
} from "@ostinato/core";
import { expect, test } from "vitest";

const WORDS = 7;

/** A model of layers as a graph, through a file. */
async function asGraph(of: Model): Promise<readonly [layers: Trained, graph: Trained]> {
  await using trainer = await compile(of, {
    backend: reference(),
    loss: meanSquaredError(),
    optimizer: sgd(),
    seed: 2,
  });
  const layers = await trainer.snapshot();
  return [layers, fromBytes(toBytes(graphTrained(inferenceGraph(of.spec), layers.weights)))];
}

/** The results of a stream for pieces of two rows; the second row pauses sometimes. */
async function streamed(trained: Trained): Promise<readonly number[][]> {
  await using running = await predictor(trained, { backend: reference() });
  await using stream = running.stream({ batchSize: 2 });
  const pieces = [
    [[1, 2], [3]],
    [[4], []],
    [
      [5, 6, 1],
      [2, 4],
    ],
    [[2], [6]],
  ];
  const outputs: number[][] = [];
  for (const piece of pieces) outputs.push([...(await stream.step(piece)).data]);
  await stream.reset([1]);
  outputs.push([...(await stream.step([[3], [1, 5]])).data]);
  return outputs;
}

type Steps = Symbolic<"sequence">;

test.each<readonly [string, (x: Steps) => unknown]>([
  ["recurrences", (x) => simpleRnn({ units: 3, returnSequences: true })(lstm({ units: 4, returnSequences: true })(x))],
  ["a cell of a user's own", (x) => rnn(minGru({ units: 3 }), { returnSequences: true })(x)],
  ["the last state", (x) => lstm({ units: 4 })(x)],
])("%s of a graph go on from step to step", async (_, make) => {
  const ids = input({ shape: ["time"] });
  const hidden = make(embedding({ inputDim: WORDS, outputDim: 3 })(ids)) as never;
  const [layers, graph] = await asGraph(model(ids, dense({ units: 2 })(hidden)));
  expect(await streamed(graph)).toEqual(await streamed(layers));
});

test("a graph that begins with features goes on from them", async () => {
  const [x, begun] = [input({ shape: ["time", 2], name: "x" }), input({ shape: [3], name: "begun" })];
  const y = simpleRnn({ units: 3, returnSequences: true })(x, { initialState: [begun] });
  const [layers, graph] = await asGraph(model([x, begun], y));
  const run = async (trained: Trained) => {
    await using running = await predictor(trained, { backend: reference() });
    await using stream = running.stream();
    const first = await stream.step({ x: [[[1, 2]]], begun: [[0.5, -1, 2]] });
    const second = await stream.step({
      x: [
        [
          [0.5, 1],
          [1, 1],
        ],
      ],
      begun: [[9, 9, 9]],
    });
    return [...first.data, ...second.data];
  };
  expect(await run(graph)).toEqual(await run(layers));
});

test("a graph that scores next words writes as its layers do", async () => {
  const writer = sequential([
    embedding({ inputDim: WORDS, outputDim: 3 }),
    lstm({ units: 4, returnSequences: true }),
    dense({ units: WORDS, activation: "softmax" }),
  ]);
  const both = await asGraph(writer);
  const [layers, graph] = await Promise.all(
    both.map(async (trained) => {
      await using running = await sequenceModel(trained, { backend: reference() });
      return generate(running, 2, { start: 1, end: 2, maxLength: 6, beamSize: 2, nBest: 2 });
    }),
  );
  expect(graph).toEqual(layers);
});

/** Translators of several kinds: with and without attention, with a bridge, with shared embeddings, with two inputs in addition to the tokens. */
const translators: Readonly<Record<string, () => Model>> = {
  "attention to an encoder of both directions": () =>
    encoderDecoder({
      sourceEmbedding: table(),
      targetEmbedding: table(),
      encoder: [bidirectional(gru({ units: 2, returnSequences: true }))],
      decoder: [gru({ units: 4, returnSequences: true })],
      attention: additiveAttention({ units: 3 }),
      output: dense({ units: WORDS, activation: "softmax" }),
    }),
  "no attention, a shared embedding": () => {
    const shared = table();
    return encoderDecoder({
      sourceEmbedding: shared,
      targetEmbedding: shared,
      encoder: [lstm({ units: 3, returnSequences: true })],
      decoder: [lstm({ units: 3, returnSequences: true }), rnn(minGru({ units: 2 }), { returnSequences: true })],
      bridge: "dense",
      output: dense({ units: WORDS }),
    });
  },
  "features beside the source, and the weights of attention": () => {
    const [source, target] = [
      input({ shape: ["sourceTime"], name: "source" }),
      input({ shape: ["time"], name: "target" }),
    ];
    const facts = input({ shape: [2], name: "facts" });
    const memory = gru({ units: 3, returnSequences: true })(table()(source));
    const read = gru({ units: 3, returnSequences: true })(table()(target), {
      initialState: [dense({ units: 3 })(facts)],
    });
    const [context, scores] = attention({ returnAttentionScores: true })([read, memory]);
    return model([source, facts, target], {
      next: dense({ units: WORDS, activation: "softmax" })(concatenate()([read, context])),
      attention: scores,
    });
  },
};

const table = () => embedding({ inputDim: WORDS, outputDim: 3, maskZero: true });

test.each(Object.entries(translators))("a translator as a graph writes as its layers do: %s", async (name, make) => {
  const both = await asGraph(make());
  const source = [[3, 4, 5], [6], [2, 6, 5, 1]];
  const sources = name.startsWith("features")
    ? {
        source,
        facts: [
          [1, 2],
          [0, 1],
          [-1, 0],
        ],
      }
    : source;
  const [layers, graph] = await Promise.all(
    both.map(async (trained) => {
      await using running = await sequenceModel(trained, { backend: reference() });
      return generate(running, sources, { start: 1, end: 2, maxLength: 6, beamSize: 2, nBest: 2 });
    }),
  );
  const rounded = (results: typeof layers) =>
    results?.map((all) => all.map(({ tokens, score }) => [[...tokens], Math.fround(score)]));
  expect(rounded(graph)).toEqual(rounded(layers));
});

test("a graph that needs whole rows is refused with the reason", async () => {
  const pooled = (layer: (x: Steps) => unknown) => {
    const ids = input({ shape: ["time"] });
    return asGraph(model(ids, layer(embedding({ inputDim: WORDS, outputDim: 3 })(ids)) as never));
  };
  for (const [layer, why] of [
    [(x: Steps) => globalMaxPooling1d()(x), "takes the largest of the steps of a row"],
    [(x: Steps) => lstm({ units: 2, reverse: true })(x), "reads each row from its end"],
  ] as const) {
    const [, graph] = await pooled(layer);
    await using running = await predictor(graph, { backend: reference() });
    expect(() => running.stream()).toThrow(ConfigError);
    expect(() => running.stream()).toThrow(`the graph "model" cannot take steps as they come, because it ${why}`);
  }
});
