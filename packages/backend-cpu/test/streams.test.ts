/** Streams: rows that are read as their steps come, pause, begin anew, and share nothing but weights. */
import { blend, readout, residual, scale } from "@ostinato/conformance";
import {
  adam,
  compile,
  concatenate,
  defineCell,
  defineLayer,
  dense,
  embedding,
  float32,
  gru,
  input,
  int32,
  type LayerMaker,
  layerNormalization,
  lstm,
  type Model,
  masking,
  meanSquaredError,
  model,
  OptionReader,
  type Predictor,
  predictor,
  type RecurrentLayer,
  recurrence,
  rnn,
  type Stream,
  sequential,
  type Tensor,
  timeDistributed,
} from "@ostinato/core";
import { add, mul, tanh } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { cpu } from "../src/index.ts";

const WORDS = 8;

async function predictorOf({ spec }: Model): Promise<Predictor> {
  await using trainer = await compile(
    { spec },
    { backend: await cpu(), loss: meanSquaredError(), optimizer: adam(), seed: 4 },
  );
  return predictor(await trainer.snapshot(), { backend: await cpu() });
}

const numbers = ({ data }: Tensor): number[] => [...data];

const characters = () =>
  sequential([
    embedding({ inputDim: WORDS, outputDim: 3 }),
    lstm({ units: 4, returnSequences: true }),
    dense({ units: 2 }),
  ]);
const readings = () => sequential([input({ shape: ["time", 2] }), gru({ units: 3 }), dense({ units: 1 })]);

describe("what a step may be given", () => {
  const ids = [3, 1, 4, 1, 5, 2] as const;

  test("ids, one for each row: as a list, a typed array, a tensor, by name, and of more than one row", async () => {
    await using reader = await predictorOf(characters());
    const whole = numbers(await reader.predict([[...ids]]));
    await using stream = reader.stream();
    const forms = [[3], Int32Array.of(1), int32([1], [4]), { input: [1] }, [5n], new Uint8Array([2])];
    const steps: number[] = [];
    for (const form of forms) {
      const output = await stream.step(form as number[]);
      expect(output.shape).toEqual([1, 2]);
      steps.push(...numbers(output));
    }
    expect(steps).toEqual(whole);
    await using rows = reader.stream({ batchSize: 2 });
    expect(rows.batchSize).toBe(2);
    const output = await rows.step([3, 1]);
    expect(output.shape).toEqual([2, 2]);
    expect(numbers(output).slice(0, 2)).toEqual(whole.slice(0, 2));
  });

  test("several steps at once, in any form; what is behind a row's end is zero", async () => {
    await using reader = await predictorOf(characters());
    const whole = numbers(await reader.predict([[...ids]]));
    const given = [[[3, 1, 4], [3]], { values: int32([2, 3], [3, 1, 4, 3, 7, 7]), lengths: [3, 1] }];
    for (const x of given) {
      await using stream = reader.stream({ batchSize: 2 });
      const output = await stream.step(x as number[][]);
      expect(output.shape).toEqual([2, 3, 2]);
      expect(numbers(output)).toEqual([...whole.slice(0, 6), ...whole.slice(0, 2), 0, 0, 0, 0]);
      const more = await stream.step(int32([2, 2], [1, 5, 1, 4]));
      expect(numbers(more)).toEqual([...whole.slice(6, 10), ...whole.slice(2, 6)]);
    }
  });

  test("vectors, one for each row or several, as lists and tensors", async () => {
    await using reader = await predictorOf(readings());
    const steps = [
      [0.5, -1],
      [2, 0.25],
      [-0.5, 1],
    ];
    const whole = numbers(await reader.predict([steps]));
    const ways: (readonly [unknown, ...unknown[]])[] = [
      [[steps[0]], [steps[1]], [steps[2]]],
      [float32([1, 2], [0.5, -1]), [Float32Array.of(2, 0.25)], float32([1, 1, 2], [-0.5, 1])],
      [[steps]],
      [float32([1, 2, 2], [0.5, -1, 2, 0.25]), [[steps[2]]]],
    ];
    for (const way of ways) {
      await using stream = reader.stream();
      let last: number[] = [];
      for (const x of way) last = numbers(await stream.step(x as number[][]));
      expect(last).toEqual(whole);
    }
  });

  test("single features may stand alone", async () => {
    await using reader = await predictorOf(sequential([input({ shape: ["time", 1] }), gru({ units: 3 })]));
    const whole = numbers(
      await reader.predict([
        [[0.5], [2]],
        [[1], [-1]],
      ]),
    );
    const ways = [
      [
        [0.5, 1],
        [2, -1],
      ],
      [
        [[0.5], [1]],
        [[2], [-1]],
      ],
      [
        [
          [0.5, 2],
          [1, -1],
        ],
      ],
      [float32([2], [0.5, 1]), float32([2, 1], [2, -1])],
    ];
    for (const way of ways) {
      await using stream = reader.stream({ batchSize: 2 });
      let last: number[] = [];
      for (const x of way) last = numbers(await stream.step(x as number[]));
      expect(last).toEqual(whole);
    }
  });

  test("inputs without time, each time, and several outputs by name", async () => {
    const [x, place] = [input({ shape: ["time", 2], name: "x" }), input({ shape: [2], name: "place" })];
    const [steps, h] = gru({ units: 3, returnSequences: true, returnState: true })(x);
    const two = model([x, place], {
      last: dense({ units: 2 })(concatenate()([h, place])),
      steps: dense({ units: 1 })(steps),
    });
    await using reader = await predictorOf(two);
    const row = [
      [0.5, -1],
      [2, 0.25],
    ];
    const whole = await reader.predictAll({ x: [row], place: [[3, 4]] });
    await using stream = reader.stream();
    const first = await stream.stepAll({ x: [row[0] as number[]], place: [[3, 4]] });
    const second = await stream.stepAll({ x: [row[1] as number[]], place: [[3, 4]] });
    expect(second.last?.shape).toEqual([1, 2]);
    expect(second.last).toEqual(whole.last);
    expect([first.steps, second.steps].flatMap((steps) => numbers(steps as Tensor))).toEqual(
      numbers(whole.steps as Tensor),
    );
  });
});

describe("rows of a stream", () => {
  test("pause: they keep their state, and what was known of them at the end", async () => {
    await using reader = await predictorOf(readings());
    await using stream = reader.stream({ batchSize: 2 });
    const [a, b] = [
      [0.5, -1],
      [2, 0.25],
    ];
    const first = numbers(await stream.step([a, a]));
    const second = numbers(await stream.step([b, []]));
    expect(second[0]).not.toBe(first[0]);
    expect(second[1]).toBe(first[1]);
    const third = numbers(await stream.step([[], b]));
    expect(third).toEqual([second[0], second[0]]);
    expect(numbers(await stream.step([[], []]))).toEqual(third);
  });

  test("keep an output that is no state, too", async () => {
    await using reader = await predictorOf(
      sequential([input({ shape: ["time", 2] }), rnn(readout({ units: 3, outputs: 2 })), dense({ units: 1 })]),
    );
    await using stream = reader.stream();
    const steps = [[[0.5, -1]], [[2, 0.25]]];
    for (const x of steps) await stream.step(x);
    const [whole] = numbers(await reader.predict([steps.flat()]));
    expect(numbers(await stream.step([[]]))).toEqual([whole]);
  });

  test("pause by id 0, where that is padding", async () => {
    await using reader = await predictorOf(
      sequential([
        embedding({ inputDim: WORDS, outputDim: 3, maskZero: true }),
        lstm({ units: 4 }),
        dense({ units: 1 }),
      ]),
    );
    const [whole = 0] = numbers(await reader.predict([[3, 1, 4]]));
    await using stream = reader.stream();
    for (const id of [3, 0, 1, 0, 0]) await stream.step([id]);
    expect(numbers(await stream.step([4]))).toEqual([whole]);
  });

  test("begin anew one by one, or all", async () => {
    await using reader = await predictorOf(readings());
    await using stream = reader.stream({ batchSize: 3 });
    const step = [
      [0.5, -1],
      [2, 0.25],
      [1, 1],
    ];
    const first = numbers(await stream.step(step));
    const second = numbers(await stream.step(step));
    await stream.reset([1]);
    const third = numbers(await stream.step(step));
    expect(third[1]).toBe(first[1]);
    expect([third[0], third[2]]).not.toEqual([first[0], first[2]]);
    await stream.reset();
    expect(numbers(await stream.step(step))).toEqual(first);
    expect(numbers(await stream.step(step))).toEqual(second);
  });

  test("begin with what a layer begins with, also after a pause", async () => {
    const bent = defineCell({
      kind: "bent",
      parse: (options: { units: number }, owner) => ({
        units: new OptionReader(owner, options, ["units"]).integer("units", 1),
      }),
      states: ["h"],
      sizes: ({ units }) => ({ h: units }),
      build: ({ parameter }, { units }) => ({
        initial: { h: parameter("initial", [units], { kind: "constant", value: 0.7 }) },
        step: ({ x, states: { h } }) => ({ states: { h: tanh(add(x, mul(0.5, h))) } }),
      }),
    });
    const [x, place] = [input({ shape: ["time", 2], name: "x" }), input({ shape: [2], name: "place" })];
    const started = model(
      [x, place],
      gru({ units: 2 })(rnn(bent({ units: 2 }), { returnSequences: true })(x), { initialState: [place] }),
    );
    await using reader = await predictorOf(started);
    const row = [
      [0.5, -1],
      [2, 0.25],
    ] as const;
    const whole = (place: number[]) => reader.predict({ x: [[...row.map((step) => [...step])]], place: [place] });
    await using stream = reader.stream();
    const step = (x: readonly number[], place: number[]) => stream.step({ x: [[...x]], place: [place] });
    await step(row[0], [1, 2]);
    // A state that goes on does not begin with anything.
    expect(await step(row[1], [7, 8])).toEqual(await whole([1, 2]));
    await stream.reset([0]);
    await step([], [9, 9]);
    await step(row[0], [3, 4]);
    expect(await step(row[1], [9, 9])).toEqual(await whole([3, 4]));
  });
});

describe("streams beside others", () => {
  test("share weights and no states, whatever their sizes, and calls of one are in order", async () => {
    await using reader = await predictorOf(characters());
    const whole = numbers(await reader.predict([[3, 1, 4, 5]]));
    await using a = reader.stream();
    await using b = reader.stream({ batchSize: 3 });
    const steps = await Promise.all([
      a.step([3]),
      b.step([7, 7, 7]),
      a.step([1]),
      reader.predict([[2]]),
      a.step([[4, 5]]),
    ]);
    expect([0, 2, 4].flatMap((i) => numbers(steps[i] as Tensor))).toEqual(whole);
    expect(numbers(await b.step([6, 6, 6])).slice(0, 2)).toEqual(numbers(await reader.predict([[7, 6]])).slice(2));
  });

  test("of a trainer go by its present weights", async () => {
    await using trainer = await compile(readings(), {
      backend: await cpu(),
      loss: meanSquaredError(),
      optimizer: adam({ learningRate: 0.1 }),
    });
    await using stream = trainer.stream();
    const before = numbers(await stream.step([[1, 1]]));
    await trainer.fit({ x: [[[1, 1]]], y: [[5]] }, { epochs: 3 });
    await stream.reset();
    const after = await stream.step([[1, 1]]);
    expect(numbers(after)).not.toEqual(before);
    expect(after).toEqual(await trainer.predict([[[1, 1]]]));
  });

  test("end by themselves, and with what they stream", async () => {
    const reader = await predictorOf(characters());
    const [a, b] = [reader.stream(), reader.stream()];
    await a.dispose();
    await a.dispose();
    await expect(a.step([1])).rejects.toThrow("this stream was disposed; open another");
    await expect(a.reset()).rejects.toThrow("this stream was disposed; open another");
    await b.step([1]);
    await reader.dispose();
    await expect(b.step([1])).rejects.toThrow("this predictor was disposed; make another");
    expect(() => reader.stream()).toThrow("this predictor was disposed; make another");
  });
});

describe("layers that work on each step", () => {
  test("are streamed, and those that find the ends of rows tell which rows pause", async () => {
    const x = input({ shape: ["time", 2] });
    const chain = sequential([
      x,
      masking({ maskValue: 0 }),
      timeDistributed(dense({ units: 3, activation: "tanh" })),
      layerNormalization(),
      gru({ units: 3 }),
    ]);
    await using reader = await predictorOf(chain);
    const row = [
      [0.5, -1],
      [2, 0.25],
      [1, 0],
    ];
    const whole = numbers(await reader.predict([row]));
    await using stream = reader.stream();
    const pause = [0, 0];
    for (const step of [row[0], pause, row[1], row[2]]) await stream.step([step as number[]]);
    expect(numbers(await stream.step([pause]))).toEqual(whole);
  });
});

describe("layers of one's own", () => {
  const same = async (of: Model, stream: Stream, reader: Predictor): Promise<void> => {
    const row = [
      [0.5, -1],
      [2, 0.25],
      [1, 0],
    ];
    const steps: number[] = [];
    for (const step of row) steps.push(...numbers(await stream.step([step])));
    expect(steps).toEqual(numbers(await reader.predict([row])));
    expect(of.spec.layers.length).toBeGreaterThan(0);
  };

  test("are streamed where they work on each step, around others and with several inputs too", async () => {
    const x = input({ shape: ["time", 2] });
    const y = scale({ initial: 2 })(x);
    const own = model(
      x,
      residual({ layer: dense({ units: 2 }) })(
        residual({ layer: lstm({ units: 2, returnSequences: true }) as never })(blend()([x, y])),
      ),
    );
    await using reader = await predictorOf(own);
    await using stream = reader.stream();
    await same(own, stream, reader);
  });

  test("go on with states of their own, told to the context", async () => {
    const summing: LayerMaker<{ units: number }, RecurrentLayer<"sequence", ["h"]>> = defineLayer({
      kind: "summing",
      parse: (options: { units: number }, owner) => ({
        units: new OptionReader(owner, options, ["units"]).integer("units", 1),
      }),
      takes: "a sequence",
      outputs: (_config, kinds) => (kinds.join() === "sequence" ? ["sequence"] : undefined),
      build({ parameter, carry }, { units }, [{ values, lengths }]) {
        const [W, R, B] = [
          parameter("W", [units, 2], "ones"),
          parameter("R", [units, units], "orthogonal"),
          parameter("B", [units], "zeros"),
        ];
        const initialH = carry?.begin("h", units);
        const { y, h } = recurrence("rnn", {
          X: values,
          W,
          R,
          B,
          ...(lengths ? { lengths } : {}),
          ...(initialH ? { initialH } : {}),
        });
        carry?.end("h", h);
        return [{ kind: "sequence", values: y, ...(lengths ? { lengths } : {}) }];
      },
    });
    const own = sequential([input({ shape: ["time", 2] }), summing({ units: 3 })]);
    await using reader = await predictorOf(own);
    await using stream = reader.stream();
    await same(own, stream, reader);
  });
});
