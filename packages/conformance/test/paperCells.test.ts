/** The cells of papers: what PyTorch gives, what the library's lstm gives where its op has the same, and what is their own. */
import * as cells from "@ostinato/cells";
import { coupledLstm, layerNormLstm, minGru, peepholeLstm, projectionLstm, sLstm } from "@ostinato/cells";
import { evaluate, expectClose, ownKinds, reference } from "@ostinato/conformance";
import {
  type AnyNode,
  adam,
  type Cell,
  type CellMaker,
  type Checkpoint,
  ConfigError,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  dense,
  feed,
  float64,
  fromBytes,
  type Graph,
  gradients,
  inferenceGraph,
  input,
  int32,
  meanSquaredError,
  model,
  nodesOf,
  predictor,
  RandomStream,
  recurrence,
  rnn,
  rootsOf,
  type StatefulLayer,
  type Symbolic,
  sequential,
  sizeOf,
  state,
  type Tensor,
  type Tensors,
  toBytes,
  transpose,
  type Value,
} from "@ostinato/core";
import { expect, test } from "vitest";
import golden from "../src/golden/pytorch-cells.json" with { type: "json" };

type Golden = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;

const makers = cells as unknown as Readonly<Record<string, CellMaker<object, readonly string[]>>>;

const tensors = (from: Golden): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(from).map(([name, { shape, data }]) => [name, float64(shape, data)]));

/** [time, batch, …] as [batch, time, …]: users hold data batch first. */
function batchFirst({ shape, data }: Tensor): Tensor {
  const [time, batch, width] = shape as readonly [number, number, number];
  const at = (i: number): number => {
    const [row, t] = [Math.floor(i / (time * width)), Math.floor(i / width) % time];
    return (t * batch + row) * width + (i % width);
  };
  return float64(
    [batch, time, width],
    Array.from(data, (_, i) => data[at(i)]),
  );
}

/** The layer over x [batch, time, features], with its outputs by name. */
function graphOf(cell: Cell, x: Tensor, initial: Tensors, reverse = false): Graph {
  const from = input({ shape: ["time", x.shape[2]], name: "x", lengths: true });
  const layer = rnn(cell, { returnSequences: true, returnState: true, reverse, name: "cell" });
  const begin = Object.entries(initial).map(([name, { shape }]) => input({ shape: [shape[1]], name }));
  const results = (layer as unknown as StatefulLayer<"sequence", readonly ["h"]>)(
    from,
    begin.length > 0 ? { initialState: begin as unknown as readonly [Symbolic<"features">] } : undefined,
  ) as readonly Symbolic[];
  const named = Object.fromEntries(results.map((result, i) => [i === 0 ? "y" : `state${i}`, result]));
  return inferenceGraph(model([from, ...begin], named as never).spec);
}

/** The inputs of a graph by name, those of the layer without its name. */
const inputsOf = (graph: Graph): Readonly<Record<string, Value>> =>
  Object.fromEntries(
    nodesOf(rootsOf(graph)).flatMap((node: AnyNode) =>
      node.op === "input" ? [[node.attrs.name.replace(/^cell\//, ""), { node, output: 0, type: node.outputs[0] }]] : [],
    ),
  );

const tolerance = { absolute: 1e-10, relative: 1e-10 };

test.each(golden.cases.map((one, i) => ({ ...one, title: `${one.kind} ${JSON.stringify(one.options)}, case ${i}` })))(
  "PyTorch: $title",
  ({ kind, options, lengths, initialStates, given, cotangents, outputs, gradients: wanted }) => {
    const { x, ...others } = tensors(given as unknown as Golden);
    const begun = Object.fromEntries(
      Object.entries(others).filter(([name]) => initialStates && /^[hcnm]0$/.test(name)),
    );
    const graph = graphOf(makers[kind](options), batchFirst(x), begun);
    const { y: dy, ...last } = tensors(cotangents as unknown as Golden);
    const seeds = Object.values(graph.fetches).map((value, i) => ({
      value,
      cotangent: feed(`d${i}`, "float32", value.type.shape),
    }));
    const inputs = inputsOf(graph);
    const names = Object.keys(given).filter((name) => name !== "x/lengths");
    const found = gradients(
      seeds,
      names.map((name) => inputs[name]),
    );
    const fetches = { ...graph.fetches, ...Object.fromEntries(names.map((name, i) => [`d ${name}`, found[i]])) };
    const state = Object.fromEntries(Object.entries(others).map(([name, tensor]) => [`cell/${name}`, tensor]));
    const feeds = {
      x: batchFirst(x),
      "x/lengths": int32([lengths.length], lengths),
      ...begun,
      ...Object.fromEntries([batchFirst(dy), ...Object.values(last)].map((tensor, i) => [`d${i}`, tensor])),
    };
    const got = evaluate({ fetches, updates: [] }, feeds, state).fetches;
    const { y, ...states } = tensors(outputs as unknown as Golden);
    [batchFirst(y), ...Object.values(states)].forEach((tensor, i) => {
      expectClose(got[i === 0 ? "y" : `state${i}`], tensor, i === 0 ? "y" : `state ${i}`, tolerance);
    });
    for (const [name, tensor] of Object.entries(tensors(wanted as unknown as Golden)))
      expectClose(got[`d ${name}`], name === "x" ? batchFirst(tensor) : tensor, `d ${name}`, tolerance);
  },
);

const stream = new RandomStream(3, "cells of papers");
const draw = (...shape: readonly number[]): Tensor =>
  float64(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
  );

/** The rows of gates that a matrix has none of are zeros. */
function withRows({ shape, data }: Tensor, gates: readonly (number | undefined)[], units: number): Tensor {
  const [, columns = 1] = shape;
  const size = units * columns;
  return float64(
    [gates.length * units, ...shape.slice(1)],
    gates.flatMap((gate) => Array.from({ length: size }, (_, i) => (gate === undefined ? 0 : data[gate * size + i]))),
  );
}

const forms = [false, true].flatMap((reverse) => [false, true].map((ragged) => ({ reverse, ragged })));

/** A variant that ONNX's LSTM knows: what its op has beside W, R and B, and the places of its gates in the cell's weights. */
const variants = [
  { title: "peepholes", cell: peepholeLstm({ units: 3 }), gates: [0, 1, 2, 3], P: draw(9), settings: {} },
  {
    title: "input_forget",
    cell: coupledLstm({ units: 3 }),
    gates: [0, 1, undefined, 2],
    P: undefined,
    settings: { inputForget: true },
  },
] as const;

test.each(variants.flatMap((variant) => forms.map((form) => ({ ...variant, ...form }))))(
  "the op with $title is the cell, reverse: $reverse, ragged: $ragged",
  ({ cell, gates, P, settings, reverse, ragged }) => {
    const rows = 3 * gates.filter((gate) => gate !== undefined).length;
    const own = { W: draw(rows, 2), R: draw(rows, 3), B: draw(rows), ...(P ? { P } : {}) };
    const begun = { h0: draw(4, 3), c0: draw(4, 3) };
    const x = draw(4, 5, 2);
    const graph = graphOf(cell, x, begun, reverse);
    const feeds = { x, ...begun, "x/lengths": int32([4], ragged ? [5, 0, 1, 3] : [5, 5, 5, 5]) };
    const weight = (name: string, ...shape: number[]): Value => state(`cell/${name}`, "float32", shape);
    const { y, h, c } = recurrence(
      "lstm",
      {
        X: transpose(feed("x", "float32", ["batch", "time", 2]), [1, 0, 2]),
        W: weight("W", 12, 2),
        R: weight("R", 12, 3),
        B: weight("B", 12),
        initialH: feed("h0", "float32", ["batch", 3]),
        initialC: feed("c0", "float32", ["batch", 3]),
        lengths: feed("x/lengths", "int32", ["batch"]),
        ...(P ? { P: weight("P", 9) } : {}),
      },
      { direction: reverse ? "reverse" : "forward", ...settings },
    );
    const op: Graph = { fetches: { y: transpose(y, [1, 0, 2]), state1: h, state2: c }, updates: [] };
    const named = (of: Tensors): Tensors =>
      Object.fromEntries(Object.entries(of).map(([name, tensor]) => [`cell/${name}`, tensor]));
    const whole = Object.fromEntries(
      Object.entries(own).map(([name, tensor]) => [name, name === "P" ? tensor : withRows(tensor, gates, 3)]),
    );
    const wanted = evaluate(op, feeds, named(whole)).fetches;
    const got = evaluate(graph, feeds, named(own)).fetches;
    for (const [name, tensor] of Object.entries(wanted)) expectClose(got[name], tensor, name, tolerance);
  },
);

/** A small training on rows of several lengths. */
const trainerOf = (cell: Cell | readonly [Cell, ...Cell[]]) =>
  compile(
    sequential([input({ shape: ["time", 2], lengths: true }), rnn(cell, { name: "cell" }), dense({ units: 1 })]),
    {
      backend: reference(),
      loss: meanSquaredError(),
      optimizer: adam({ learningRate: 0.01 }),
      seed: 4,
    },
  );

async function biasOf(cell: Cell): Promise<readonly number[]> {
  await using trainer = await trainerOf(cell);
  return Array.from((await trainer.snapshot()).weights["cell/B"].data);
}

test("forget gates begin open, or as they are told", async () => {
  for (const make of [peepholeLstm, layerNormLstm]) {
    expect(await biasOf(make({ units: 2 }))).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
    expect(await biasOf(make({ units: 2, unitForgetBias: false }))).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  }
  expect(await biasOf(projectionLstm({ units: 2, projection: 1 }))).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
  const forgetBiases = async (options: { units: number; heads?: number; depth?: number }) =>
    (await biasOf(sLstm(options))).slice(2 * options.units, 3 * options.units);
  // 5 - 12 (j / (d - 1))^(0.3 + 1.3 depth), once in each head.
  const between = (depth: number) => Math.fround(5 - 12 * 0.5 ** (0.3 + 1.3 * depth));
  expect(await forgetBiases({ units: 6, heads: 2 })).toEqual([5, between(0), -7, 5, between(0), -7]);
  expect(await forgetBiases({ units: 3, depth: 1 })).toEqual([5, between(1), -7]);
  expect(await forgetBiases({ units: 2, heads: 2 })).toEqual([5, 5]);
});

test("sLSTM stays finite where its exponentials would not, and zeros begin it", () => {
  const x = draw(4, 5, 2);
  for (const gate of [-800, 800]) {
    const graph = graphOf(sLstm({ units: 3 }), x, {});
    const bias = Array.from({ length: 12 }, (_, row) => (row < 3 ? gate : row < 6 ? 0 : row < 9 ? -gate : 0.5));
    const weights = { "cell/W": draw(12, 2), "cell/R": draw(12, 3), "cell/B": float64([12], bias) };
    const feeds = { x, "x/lengths": int32([4], [5, 1, 0, 3]) };
    const { fetches } = evaluate(graph, feeds, weights);
    for (const { data } of Object.values(fetches)) expect(Array.from(data).every(Number.isFinite)).toBe(true);
    // c / n is a mean of tanh(z): h is below σ(õ) in size, and not 0.
    expect(Math.abs(fetches.y.data[0])).toBeGreaterThan(0.01);
    const zeros = Object.fromEntries(
      ["h0", "c0", "n0", "m0"].map((name) => [name, float64([4, 3], Array(12).fill(0))]),
    );
    const begun = graphOf(sLstm({ units: 3 }), x, zeros);
    expect(evaluate(begun, { ...feeds, ...zeros }, weights).fetches).toEqual(fetches);
  }
});

test("minGRU is the mean of its candidates, which are positive", () => {
  const x = draw(4, 5, 2);
  const weights = { "cell/kernel": draw(2, 6), "cell/bias": draw(6) };
  const { y } = evaluate(
    graphOf(minGru({ units: 3 }), x, {}),
    { x, "x/lengths": int32([4], [5, 5, 5, 5]) },
    weights,
  ).fetches;
  expect(Math.min(...y.data)).toBeGreaterThan(0);
  // A first state of row 0: z · g(h).
  const sum = (k: number): number =>
    x.data[0] * weights["cell/kernel"].data[k] +
    x.data[1] * weights["cell/kernel"].data[6 + k] +
    weights["cell/bias"].data[k];
  const sigma = (v: number): number => 1 / (1 + Math.exp(-v));
  const candidate = sum(3) >= 0 ? sum(3) + 0.5 : sigma(sum(3));
  expect(y.data[0]).toBeCloseTo(sigma(sum(0)) * candidate, 12);
});

const rows = [
  [
    [0.5, -1],
    [0.25, 1],
    [1, 1],
  ],
  [[1, 0]],
  [
    [-1, 0.5],
    [0.5, 0.5],
  ],
  [[0.25, 0.25]],
];
const data = { x: rows, y: [1, -1, 0, 0.5] };
const stack = [sLstm({ units: 4, heads: 2, dropout: 0.2, recurrentDropout: 0.2 }), minGru({ units: 3 })] as const;

test.each([
  ["peepholeLstm", peepholeLstm({ units: 3 })],
  ["coupledLstm", coupledLstm({ units: 3 })],
  ["layerNormLstm", layerNormLstm({ units: 3, epsilon: 1e-3 })],
  ["projectionLstm", projectionLstm({ units: 3, projection: 2 })],
  ["sLstm upon minGru", stack],
] as const)("%s is trained, saved and read again", async (_, cell) => {
  await using trainer = await trainerOf(cell);
  const { epochs } = await trainer.fit(data, { epochs: 3, batchSize: 2 });
  expect(epochs.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  const snapshot = await trainer.snapshot();
  const bytes = toBytes(snapshot);
  const trained = fromBytes(bytes, { layers: ownKinds });
  expect(toBytes(trained)).toEqual(bytes);
  const [given, read] = [snapshot, trained].map(async (one) => {
    await using predicting = await predictor(one, { backend: reference() });
    return predicting.predict(rows);
  });
  expect(await read).toEqual(await given);
  expect(() => fromBytes(bytes)).toThrow("pass what defineCell made for it");
});

test("a training of cells goes on from any checkpoint to the same bytes", async () => {
  const options = { epochs: 3, batchSize: 2 };
  await using whole = await trainerOf(stack);
  const saved: Uint8Array[] = [];
  const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
  await whole.fit(data, { ...options, callbacks: [checkpoints({ save, everySteps: 1 })] });
  expect(saved.length).toBeGreaterThan(4);
  for (const bytes of saved) {
    await using resumed = await trainerOf(stack);
    const callbacks = [checkpoints({ save: () => {}, everySteps: 1 })];
    await resumed.fit(data, { ...options, resume: checkpointFromBytes(bytes), callbacks });
    expect(toBytes(await resumed.snapshot())).toEqual(toBytes(await whole.snapshot()));
  }
});

test.each<[string, () => unknown, string]>([
  [
    "units that heads do not share",
    () => sLstm({ units: 6, heads: 4 }),
    "sLstm: units must be a multiple of heads, got 6 units and 4 heads",
  ],
  [
    "a depth above the top",
    () => sLstm({ units: 4, depth: 1.5 }),
    "sLstm: depth must be a number from 0 to 1, got 1.5",
  ],
  [
    "no projection",
    () => projectionLstm({ units: 4 } as never),
    "projectionLstm: projection must be a whole number from 1 on, got undefined",
  ],
  [
    "a recurrent dropout of what has no recurrent product",
    () => minGru({ units: 4, recurrentDropout: 0.1 } as never),
    'minGru has no option "recurrentDropout"; it takes units, dropout',
  ],
  [
    "a forget bias of what has no forget gate",
    () => coupledLstm({ units: 4, unitForgetBias: true } as never),
    'coupledLstm has no option "unitForgetBias"',
  ],
  [
    "an epsilon below 0",
    () => layerNormLstm({ units: 4, epsilon: -1 }),
    "layerNormLstm: epsilon must be a number from 0 on, got -1",
  ],
])("%s is an error", (_, make, message) => {
  expect(make).toThrow(ConfigError);
  expect(make).toThrow(message);
});
