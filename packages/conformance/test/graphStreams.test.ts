/** Graphs as models that are read step by step: their recurrences go on, and give what whole rows give. */
import { minGru } from "@ostinato/cells";
import { reference } from "@ostinato/conformance";
import {
  ConfigError,
  compile,
  dense,
  embedding,
  fromBytes,
  generate,
  globalMaxPooling1d,
  graphTrained,
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

/** A model of layers as a graph that came from a file. */
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

/** What a stream gives for pieces of two rows, the second of which pauses now and then. */
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
