/** The layer lstm with its states and its dropout, against Keras's equations written out naively. */
import { evaluate } from "@ostinato/conformance";
import {
  dense,
  fillDropoutMask,
  float64,
  type Graph,
  inferenceGraph,
  input,
  int32,
  lstm,
  meanSquaredError,
  model,
  nodesOf,
  RandomStream,
  rootsOf,
  sgd,
  siteOf,
  sizeOf,
  type Tensor,
  type Tensors,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { type Gate, gates, kerasLstm, type LstmStart } from "./keras/recurrence.ts";

const [batch, time, features, units] = [3, 4, 2, 3];
const lengths = [4, 0, 2];
const [seed, step] = [77, 5];

function random(site: string) {
  const stream = new RandomStream(1, site);
  return (...shape: number[]): Tensor =>
    float64(
      shape,
      Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
    );
}

function weightsOf(graph: Graph, site: string): Record<string, Tensor> {
  const draw = random(site);
  const states = nodesOf(rootsOf(graph)).flatMap((node) =>
    node.op === "input" && node.attrs.kind === "state" ? [node.attrs] : [],
  );
  return Object.fromEntries(states.map(({ name, shape }) => [name, draw(...(shape as number[]))]));
}

/** Row `row` of [batch, width], or step `t` of it of [batch, time, width]. */
function vector({ shape, data }: Tensor, row: number, t = 0): number[] {
  const width = shape[shape.length - 1];
  const at = shape.length === 3 ? row * shape[1] + t : row;
  return Array.from(data.subarray(at * width, (at + 1) * width));
}

function rowsOf(x: Tensor, ragged: boolean) {
  return Array.from({ length: batch }, (_, row) => ({
    steps: Array.from({ length: time }, (_, t) => vector(x, row, t)),
    length: ragged ? lengths[row] : time,
  }));
}

function expectRows(actual: Tensor, expected: readonly (readonly number[])[]): void {
  const flat = expected.flat();
  expect(actual.data.length).toBe(flat.length);
  flat.forEach((value, i) => {
    expect(actual.data[i], `element ${i}`).toBeCloseTo(value, 12);
  });
}

const feedsFor = (x: Tensor, ragged: boolean) => ({
  x,
  ...(ragged ? { "x/lengths": int32([batch], lengths) } : {}),
});
const suffixes = (weights: Tensors, layer: string) => (suffix: string) => weights[`${layer}/${suffix}`].data;

const variants = [true, false].flatMap((ragged) =>
  [true, false].flatMap((reverse) => [true, false].map((returnSequences) => ({ ragged, reverse, returnSequences }))),
);

describe("states", () => {
  test.each(variants)("go in and come out: %o", ({ ragged, reverse, returnSequences }) => {
    const x = input({ shape: ["time", features], name: "x", lengths: ragged });
    const [h0, c0] = [input({ shape: [units], name: "h0" }), input({ shape: [units], name: "c0" })];
    const layer = lstm({ units, reverse, returnSequences: returnSequences as true, returnState: true });
    const [y, h, c] = layer(x, { initialState: [h0, c0] });
    const { spec } = model([x, h0, c0], { y, h, c });
    const graph = inferenceGraph(spec);
    const draw = random("states");
    const weights = weightsOf(graph, "weights");
    const feeds = { ...feedsFor(draw(batch, time, features), ragged), h0: draw(batch, units), c0: draw(batch, units) };
    const { fetches } = evaluate(graph, feeds, weights);
    const expected = rowsOf(feeds.x, ragged).map((row, i) =>
      kerasLstm(row, spec.layers[0].config as Record<string, unknown>, suffixes(weights, "lstm"), {
        h: vector(feeds.h0, i),
        c: vector(feeds.c0, i),
      }),
    );
    expectRows(
      fetches.y,
      expected.map((row) => (returnSequences ? row.steps.flat() : row.h)),
    );
    expectRows(
      fetches.h,
      expected.map((row) => row.h),
    );
    expectRows(
      fetches.c,
      expected.map((row) => row.c),
    );
  });

  test("the states of one layer begin another, and one layer applied twice has one set of weights", () => {
    const x = input({ shape: ["time", features], name: "x", lengths: true });
    const reader = lstm({ units, returnSequences: true, returnState: true, name: "reader" });
    const [, h, c] = reader(x);
    const [y] = reader(x, { initialState: [h, c] });
    const { spec } = model(x, lstm({ units, name: "writer" })(y, { initialState: [c, dense({ units })(h)] }));
    const graph = inferenceGraph(spec);
    const weights = weightsOf(graph, "weights");
    expect(Object.keys(weights).sort()).toEqual(
      [
        "dense/bias",
        "dense/kernel",
        ...["reader", "writer"].flatMap((name) => ["B", "R", "W"].map((w) => `${name}/${w}`)),
      ].sort(),
    );
    const feeds = feedsFor(random("x")(batch, time, features), true);
    const { output } = evaluate(graph, feeds, weights).fetches;
    const config = (name: string) =>
      spec.layers.find((layer) => layer.name === name)?.config as Record<string, unknown>;
    const expected = rowsOf(feeds.x, true).map((row) => {
      const first = kerasLstm(row, config("reader"), suffixes(weights, "reader"));
      const again = kerasLstm(row, config("reader"), suffixes(weights, "reader"), first);
      const kernel = weights["dense/kernel"].data;
      const begin = Array.from(weights["dense/bias"].data, (bias, u) =>
        first.h.reduce((sum, value, k) => sum + value * kernel[k * units + u], bias),
      );
      const start = { h: first.c, c: begin };
      return kerasLstm({ ...row, steps: again.steps }, config("writer"), suffixes(weights, "writer"), start).h;
    });
    expectRows(output, expected);
  });
});

function maskOf(site: string, rate: number, ...shape: number[]): Tensor {
  const data = new Float64Array(sizeOf(shape));
  fillDropoutMask(data, 0, data.length, rate, seed, siteOf(site), step, new Uint32Array(2));
  return float64(shape, data);
}

const dropouts = (graph: Graph): Value["node"][] => nodesOf(rootsOf(graph)).filter((node) => node.op === "dropoutMask");

describe("dropout", () => {
  const rates = [
    { dropout: 0.5, recurrentDropout: 0 },
    { dropout: 0, recurrentDropout: 0.5 },
    { dropout: 0.3, recurrentDropout: 0.6 },
  ];
  const cases = rates.flatMap((rate) => [true, false].flatMap((reverse) => [{ ...rate, reverse }]));

  test.each(cases)("has one mask a batch, the same at every step; the state's is one for each gate: %o", (options) => {
    const x = input({ shape: ["time", features], name: "x", lengths: true });
    const { spec } = model(x, lstm({ units, returnSequences: true, name: "cell", ...options })(x));
    const graph = trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), seed);
    const draw = random("dropout");
    const weights = weightsOf(inferenceGraph(spec), "weights");
    const feeds = { ...feedsFor(draw(batch, time, features), true), "output/target": draw(batch, time, units) };
    const { fetches } = evaluate({ fetches: { loss: graph.fetches.loss }, updates: [] }, feeds, {
      ...weights,
      "training/step": int32([], [step]),
    });

    const ofInput = maskOf("cell/dropout", options.dropout, batch, features);
    const ofState = maskOf("cell/recurrentDropout", options.recurrentDropout, 4, batch, units);
    if (options.recurrentDropout > 0) {
      const perGate = gates.map((_, k) => ofState.data.slice(k * batch * units, (k + 1) * batch * units).join());
      expect(new Set(perGate).size, "the gates have masks of their own").toBe(4);
    }
    let total = 0;
    rowsOf(feeds.x, true).forEach((row, r) => {
      const start: LstmStart = {
        inputMask: vector(ofInput, r),
        recurrentMask: Object.fromEntries(
          gates.map((gate, k) => [gate, vector({ ...ofState, shape: [4 * batch, units] }, k * batch + r)]),
        ) as Record<Gate, number[]>,
      };
      const { steps } = kerasLstm(
        row,
        spec.layers[0].config as Record<string, unknown>,
        suffixes(weights, "cell"),
        start,
      );
      for (let t = 0; t < row.length; t++) {
        const target = vector(feeds["output/target"], r, t);
        total += steps[t].reduce((sum, value, u) => sum + (value - target[u]) ** 2, 0) / units;
      }
    });
    expect(fetches.loss.data[0]).toBeCloseTo(total / (4 + 0 + 2), 12);
  });

  test("is not in the graphs of inference, nor where the rates are 0", () => {
    const x = input({ shape: ["time", features], name: "x" });
    const training = (rate: number) => {
      const { spec } = model(x, lstm({ units, dropout: rate, recurrentDropout: rate })(x));
      return { spec, graph: trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), seed) };
    };
    expect(dropouts(training(0.5).graph)).toHaveLength(2);
    expect(dropouts(inferenceGraph(training(0.5).spec))).toEqual([]);
    expect(dropouts(training(0).graph)).toEqual([]);
  });

  test("each use of a shared layer has masks of its own, as each step has", () => {
    const x = input({ shape: ["time", features], name: "x" });
    const shared = lstm({ units: features, recurrentDropout: 0.5, returnSequences: true, name: "shared" });
    const { spec } = model(x, shared(shared(x)));
    const graph = trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), seed);
    const sites = dropouts(graph).map((node) => (node.op === "dropoutMask" ? node.attrs.site : undefined));
    expect(sites).toEqual([siteOf("shared/recurrentDropout"), siteOf("shared/recurrentDropout:1")]);
    for (const { inputs } of dropouts(graph)) {
      const [{ node }] = inputs;
      expect(node.op === "input" && node.attrs.name).toBe("training/step");
    }
  });
});
