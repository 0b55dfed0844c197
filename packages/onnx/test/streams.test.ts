/** Exports with their states among inputs and outputs: onnxruntime streams them, and goes on with stateful layers. */

import { cpu } from "@ostinato/backend-cpu";
import { minGru } from "@ostinato/cells";
import {
  adam,
  bidirectional,
  ConfigError,
  compile,
  dense,
  embedding,
  gru,
  input,
  lstm,
  type Model,
  ModelFileError,
  meanSquaredError,
  model,
  predictor,
  rnn,
  sequential,
  simpleRnn,
  statefulLayer,
  streamGraph,
  type Trained,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { decodeOnnx, exportOnnx, graphToOnnx } from "../src/index.ts";
import { onnxPredictor } from "../src/node/index.ts";

const trainedOf = async (model: Model): Promise<Trained> => {
  await using trainer = await compile(model, {
    backend: await cpu(),
    loss: meanSquaredError(),
    optimizer: adam(),
    seed: 3,
  });
  return trainer.snapshot();
};

const stack = (stateful = false): Model =>
  sequential([
    embedding({ inputDim: 9, outputDim: 3 }),
    lstm({ units: 4, returnSequences: true, stateful }),
    gru({ units: 3, returnSequences: true, stateful }),
    rnn(minGru({ units: 3 }), { returnSequences: true, stateful }),
    simpleRnn({ units: 2, stateful }),
    dense({ units: 2 }),
  ]);

const layers = [minGru];
const rows = [
  [3, 1, 4, 1],
  [5, 2, 6, 7],
];

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i] as number, 5);
};

describe("a file with states", () => {
  test("has them among its inputs and outputs, beside the lengths of rows", async () => {
    const bytes = exportOnnx(await trainedOf(stack()), { states: true });
    const names = (list: readonly { name?: string }[] | undefined) => (list ?? []).map(({ name }) => name);
    const { graph } = decodeOnnx(bytes);
    const states = ["states/lstm/h", "states/lstm/c", "states/gru/h", "states/rnn/h", "states/simpleRnn/h"];
    expect(names(graph?.inputs)).toEqual(["input", "input/lengths", ...states]);
    expect(names(graph?.outputs)).toEqual(["output", ...states.map((state) => `${state}/next`)]);
  });

  test("is streamed by onnxruntime: rows go on, pause, and begin anew", async () => {
    const trained = await trainedOf(stack());
    await using whole = await predictor(trained, { backend: await cpu() });
    await using exported = await onnxPredictor(exportOnnx(trained, { states: true }), { layers });
    close((await exported.predict(rows)).data, (await whole.predict(rows)).data);
    await using stream = exported.stream({ batchSize: 2 });
    await using expected = whole.stream({ batchSize: 2 });
    const steps = [
      [3, 5],
      [[1], []],
      [
        [4, 1],
        [2, 6],
      ],
      [2, 2],
    ];
    for (const x of steps) close((await stream.step(x as number[])).data, (await expected.step(x as number[])).data);
    for (const each of [stream, expected]) await each.reset([0]);
    close((await stream.step([3, 7])).data, (await expected.step([3, 7])).data);
    // A prediction begins anew, whatever was before.
    close((await exported.predict(rows)).data, (await whole.predict(rows)).data);
  });

  test("begins with what a layer begins with", async () => {
    const [x, place] = [input({ shape: ["time", 2], name: "x" }), input({ shape: [2], name: "place" })];
    const started = model([x, place], gru({ units: 2 })(x, { initialState: [place] }));
    const trained = await trainedOf(started);
    await using whole = await predictor(trained, { backend: await cpu() });
    await using exported = await onnxPredictor(exportOnnx(trained, { states: true }));
    const row = [
      [0.5, -1],
      [2, 0.25],
    ];
    await using stream = exported.stream();
    await stream.step({ x: [row[0] as number[]], place: [[1, 2]] });
    const { data } = await stream.step({ x: [row[1] as number[]], place: [[9, 9]] });
    close(data, (await whole.predict({ x: [row], place: [[1, 2]] })).data);
  });

  test("goes on from batch to batch where all recurrences are stateful", async () => {
    const trained = await trainedOf(stack(true));
    await using whole = await predictor(trained, { backend: await cpu() });
    await using exported = await onnxPredictor(exportOnnx(trained, { states: true }), { layers });
    const halves = [rows.map((row) => row.slice(0, 3)), rows.map((row) => row.slice(3))];
    for (const half of halves) close((await exported.predict(half)).data, (await whole.predict(half)).data);
    for (const each of [exported, whole]) await each.resetStates([1]);
    close((await exported.predict(rows)).data, (await whole.predict(rows)).data);
  });
});

describe("a file without states", () => {
  test("begins anew with every run, and says how it could be streamed", async () => {
    const trained = await trainedOf(stack(true));
    expect(statefulLayer(trained.spec)).toBe('lstm "lstm"');
    expect(statefulLayer(stack().spec)).toBeUndefined();
    await using exported = await onnxPredictor(exportOnnx(trained, { states: false }), { layers });
    const first = await exported.predict(rows);
    expect((await exported.predict(rows)).data).toEqual(first.data);
    await expect(exported.stream().step([1])).rejects.toThrow(
      "stream: this model was exported without its states; export it with them: exportOnnx(trained, { states: true })",
    );
    await expect(exported.resetStates()).rejects.toThrow(ConfigError);
  });

  test("has to be asked for, where layers are stateful", async () => {
    const trained = await trainedOf(stack(true));
    expect(() => exportOnnx(trained)).toThrow(
      'exportOnnx: lstm "lstm" is stateful, and an ONNX file keeps nothing from run to run; give { states: true }, with which states are inputs and outputs, or { states: false }, with which each run begins anew',
    );
  });
});

describe("what cannot be exported with states, or read", () => {
  test("a model that needs whole rows", async () => {
    const both = sequential([input({ shape: ["time", 2] }), bidirectional(lstm({ units: 2 }))]);
    const trained = await trainedOf(both);
    expect(() => exportOnnx(trained, { states: true })).toThrow(
      'the bidirectional "bidirectional" cannot take steps as they come',
    );
    expect(() => exportOnnx(trained, { states: 1 } as never)).toThrow(
      "exportOnnx: states must be true or false, got 1",
    );
  });

  test("a file that says it has states, and has none", async () => {
    const trained = await trainedOf(stack());
    const metadata = { "ostinato.states": "true" };
    await expect(onnxPredictor(exportOnnx(trained, { metadata }), { layers })).rejects.toThrow(ModelFileError);
  });

  test("predictions of a model some of whose recurrences are stateful", async () => {
    const mixed = sequential([
      input({ shape: ["time", 2] }),
      gru({ units: 2, returnSequences: true, stateful: true }),
      gru({ units: 2 }),
    ]);
    await using exported = await onnxPredictor(exportOnnx(await trainedOf(mixed), { states: true }));
    await expect(exported.predict([[[1, 2]]])).rejects.toThrow(
      'predict: gru "gru" is stateful, and other recurrences of the model are not; this file has the states of all, so that it takes streams alone',
    );
    expect((await exported.stream().step([[1, 2]])).shape).toEqual([1, 2]);
  });

  test("the graph of a model's streams goes to ONNX like any other", async () => {
    const { spec, weights } = await trainedOf(sequential([input({ shape: ["time", 2] }), gru({ units: 2 })]));
    expect(graphToOnnx(streamGraph(spec), weights).length).toBeGreaterThan(100);
  });
});
