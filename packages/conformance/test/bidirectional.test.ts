/** The layer bidirectional: two recurrences in opposite directions, with every way of merging them, states, lengths, files and wrong use. */
import { evaluate, reference } from "@ostinato/conformance";
import {
  bidirectional,
  ConfigError,
  compile,
  countParameters,
  dense,
  embedding,
  float64,
  fromBytes,
  gru,
  inferenceGraph,
  input,
  int32,
  lstm,
  type Model,
  meanSquaredError,
  mergeModes,
  model,
  nodesOf,
  parseModelSpec,
  predictor,
  RandomStream,
  rootsOf,
  ShapeError,
  type Symbolic,
  sequential,
  sgd,
  simpleRnn,
  sizeOf,
  summaryRows,
  type Tensor,
  type Tensors,
  toBytes,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

const [batch, time, features, units] = [3, 4, 2, 3];
const lengths = [4, 0, 2];

const stream = new RandomStream(1, "bidirectional");
const draw = (...shape: number[]): Tensor =>
  float64(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
  );

/** Random weights for every parameter. */
function weightsOf({ spec }: Model): Record<string, Tensor> {
  const graph = inferenceGraph(spec);
  const states = nodesOf(rootsOf(graph)).flatMap((node) =>
    node.op === "input" && node.attrs.kind === "state" ? [node.attrs] : [],
  );
  return Object.fromEntries(states.map(({ name, shape }) => [name, draw(...(shape as number[]))]));
}

const feeds = { x: draw(batch, time, features), "x/lengths": int32([batch], lengths) };
const x = () => input({ shape: ["time", features], name: "x", lengths: true });

/** What a layer alone makes of the feeds, with the weights of one direction. */
function alone(layer: (x: Symbolic<"sequence">) => unknown, weights: Tensors, direction: string): Tensors {
  const from = x();
  const made = layer(from);
  const outputs = Array.isArray(made) ? made : [made];
  const { spec } = model(from, Object.fromEntries(outputs.map((output, i) => [`out${i}`, output as Symbolic])));
  const own = Object.entries(weights).map(([name, tensor]) => [name.replace(`both/${direction}`, "one"), tensor]);
  return evaluate(inferenceGraph(spec), feeds, Object.fromEntries(own)).fetches;
}

/** Untyped, for options that are known when the test runs. */
const cells: Readonly<Record<"lstm" | "gru" | "simpleRnn", (options: object) => never>> = {
  lstm: lstm as never,
  gru: gru as never,
  simpleRnn: simpleRnn as never,
};
const cases = (["lstm", "gru", "simpleRnn"] as const).flatMap((cell) =>
  [false, true].flatMap((returnSequences) =>
    [...mergeModes, null].map((mergeMode) => ({ cell, returnSequences, mergeMode })),
  ),
);

/** Both outputs, [rows, width], by a merge mode. */
function merged(forward: Tensor, backward: Tensor, mode: (typeof mergeModes)[number]): number[] {
  const width = forward.shape.at(-1) as number;
  const rows = forward.data.length / width;
  const of = ({ data }: Tensor, row: number): number[] => Array.from(data.subarray(row * width, (row + 1) * width));
  return Array.from({ length: rows }, (_, row) => {
    const [f, b] = [of(forward, row), of(backward, row)];
    if (mode === "concat") return [...f, ...b];
    return f.map((value, k) => (mode === "mul" ? value * b[k] : (value + b[k]) / (mode === "ave" ? 2 : 1)));
  }).flat();
}

describe("outputs are those of two layers", () => {
  test.each(cases)("%o", ({ cell, returnSequences, mergeMode }) => {
    const options = { units, returnSequences: returnSequences as true, returnState: true as const };
    const from = x();
    const layer = bidirectional(cells[cell](options), {
      mergeMode: mergeMode as "concat",
      name: "both",
    }) as unknown as (given: Symbolic) => readonly Symbolic[];
    const made = layer(from);
    const both = model(from, Object.fromEntries(made.map((output, i) => [`out${i}`, output])));
    const weights = weightsOf(both);
    const { fetches } = evaluate(inferenceGraph(both.spec), feeds, weights);
    const forward = alone(cells[cell]({ ...options, name: "one" }), weights, "forward");
    const backward = alone(cells[cell]({ ...options, reverse: true, name: "one" }), weights, "backward");
    const states = Object.keys(forward).slice(1);
    const results = Object.values(fetches).map(({ data }) => Array.from(data));
    const outputs =
      mergeMode === null
        ? [Array.from(forward.out0.data), Array.from(backward.out0.data)]
        : [merged(forward.out0, backward.out0, mergeMode)];
    const ends = [forward, backward].flatMap((one) => states.map((name) => Array.from(one[name].data)));
    expect(results).toHaveLength(outputs.length + ends.length);
    [...outputs, ...ends].forEach((expected, i) => {
      expected.forEach((value, k) => {
        expect(results[i][k]).toBeCloseTo(value, 12);
      });
    });
  });
});

test("initial states are those of the forward layer, then those of the backward one", () => {
  const [from, ...initial] = [x(), ...["a", "b", "c", "d"].map((name) => input({ shape: [units], name }))];
  const [a, b, c, d] = initial;
  const layer = bidirectional(lstm({ units, returnSequences: true, returnState: true }), { name: "both" });
  const [y, fh, fc, bh, bc] = layer(from, { initialState: [a, b, c, d] });
  const both = model([from, ...initial], { y, fh, fc, bh, bc });
  const weights = weightsOf(both);
  const given = { ...feeds, ...Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, draw(batch, units)])) };
  const { fetches } = evaluate(inferenceGraph(both.spec), given, weights);
  // The second row has no steps: its states are those that it began with.
  const row = ({ data }: Tensor): number[] => Array.from(data.subarray(units, 2 * units));
  expect([fetches.fh, fetches.fc, fetches.bh, fetches.bc].map(row)).toEqual(
    ["a", "b", "c", "d"].map((name) => row((given as Tensors)[name])),
  );
});

test("a stack of them trains, is saved, loaded and predicts the same", async () => {
  const network = sequential([
    embedding({ inputDim: 9, outputDim: 3, maskZero: true }),
    bidirectional(gru({ units: 3, returnSequences: true, dropout: 0.2, recurrentDropout: 0.2 })),
    bidirectional(lstm({ units: 2 }), { mergeMode: "ave" }),
    dense({ units: 1 }),
  ]);
  expect(summaryRows(network, { time: 5 }).map(({ name, shape }) => [name, shape])).toEqual([
    ["embedding", ["batch", 5, 3]],
    ["bidirectional", ["batch", 5, 6]],
    ["bidirectional_1", ["batch", 2]],
    ["dense", ["batch", 1]],
  ]);
  // As Keras counts: 2 · 3(3 · 3 + 3 · 3 + 2 · 3) and 2 · 4(6 · 2 + 2 · 2 + 2).
  expect(countParameters(network)).toBe(27 + 2 * 3 * (9 + 9 + 6) + 2 * 4 * (12 + 4 + 2) + 3);
  const objective = { backend: reference(), loss: meanSquaredError(), optimizer: sgd({ learningRate: 0.1 }), seed: 2 };
  await using trainer = await compile(network, objective);
  const data = { x: [[1, 2, 3], [4], [5, 6]], y: [0, 1, 2] };
  const { epochs } = await trainer.fit(data, { epochs: 30 });
  expect(epochs.at(-1)?.loss).toBeLessThan(0.5 * (epochs[0]?.loss as number));
  const trained = await trainer.snapshot();
  const bytes = toBytes(trained);
  expect(toBytes(fromBytes(bytes))).toEqual(bytes);
  await using loaded = await predictor(fromBytes(bytes), { backend: reference() });
  const [before, after] = [await trainer.predict(data.x), await loaded.predict(data.x)];
  before.data.forEach((value, i) => {
    expect(after.data[i]).toBeCloseTo(value, 6);
  });
});

test("a layer of its own reads backward", () => {
  const from = x();
  const layer = bidirectional(lstm({ units: 2 }), {
    backwardLayer: lstm({ units: 5, reverse: true, activation: "relu" }),
  });
  const { spec } = model(from, layer(from));
  expect(inferenceGraph(spec).fetches.output?.type.shape).toEqual(["batch", 7]);
});

describe("wrong use is refused by name", () => {
  const untyped = (value: unknown): never => value as never;
  const wrong: readonly (readonly [string, () => unknown, typeof ConfigError | typeof ShapeError, string])[] = [
    [
      "a misspelt merge mode",
      () => bidirectional(lstm({ units: 2 }), { mergeMode: untyped("concatenate") }),
      ConfigError,
      'mergeMode must be one of concat, sum, mul, ave, or null for both outputs apart, got "concatenate"',
    ],
    ...(["forward", "backward"] as const).map((direction): (typeof wrong)[number] => [
      `a ${direction} state of another size`,
      () => {
        const [from, two, three] = [x(), input({ shape: [2], name: "two" }), input({ shape: [3], name: "three" })];
        const [h, c] = direction === "forward" ? [three, two] : [two, three];
        return model([from, two, three], bidirectional(gru({ units: 2 }))(from, { initialState: [h, c] }));
      },
      ShapeError,
      `bidirectional "bidirectional": ${direction}: initialState h must be [batch, 2] for 2 units, it was given [batch, 3]`,
    ]),
    [
      "the states of both directions in a list",
      () => {
        const from = x();
        return model(from, untyped(bidirectional(lstm({ units: 2, returnState: true }))(from)));
      },
      ConfigError,
      "name each: { output, forwardH, forwardC, backwardH, backwardC }",
    ],
    [
      "no recurrence",
      () => bidirectional(untyped(dense({ units: 2 }))),
      ConfigError,
      "layer must be a recurrence, such as lstm, gru, simpleRnn or rnn; got dense",
    ],
    ["no layer", () => bidirectional(untyped(3)), ConfigError, "bidirectional: layer takes a layer, got 3"],
    [
      "two layers in one direction",
      () => bidirectional(lstm({ units: 2 }), { backwardLayer: lstm({ units: 2 }) }),
      ConfigError,
      "read in one direction; give one of them reverse: true",
    ],
    [
      "layers that return other things",
      () =>
        bidirectional(lstm({ units: 2 }), {
          backwardLayer: untyped(lstm({ units: 2, reverse: true, returnSequences: true })),
        }),
      ConfigError,
      "both must return the same",
    ],
    [
      "a sum of unlike sizes",
      () => bidirectional(gru({ units: 2 }), { mergeMode: "sum", backwardLayer: gru({ units: 3, reverse: true }) }),
      ShapeError,
      "layer has 2 units, backwardLayer 3",
    ],
    [
      "states of one direction alone",
      () => {
        const [from, a] = [x(), input({ shape: [2], name: "a" })];
        return bidirectional(gru({ units: 2 }), { name: "both" })(from, { initialState: untyped([a]) });
      },
      ConfigError,
      'bidirectional "both": initialState must be [forward h, backward h]',
    ],
    [
      "features",
      () => bidirectional(gru({ units: 2 }))(untyped(input({ shape: [2] }))),
      ShapeError,
      "takes a sequence",
    ],
  ];
  test.each(wrong)("%s", (_, act, error, message) => {
    expect(act).toThrow(error);
    expect(act).toThrow(message);
  });

  test("a file with another layer inside", () => {
    const from = x();
    const { spec } = model(from, bidirectional(lstm({ units: 2 }), { name: "both" })(from));
    const changed: unknown = JSON.parse(JSON.stringify(spec).replaceAll('"kind":"lstm"', '"kind":"mystery"'));
    expect(parseModelSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    expect(() => parseModelSpec(changed)).toThrow('bidirectional "both": layer is of an unknown kind, "mystery"');
  });
});
