/** The recurrent layers with their states and their dropout, against Keras's equations written out naively. */
import { evaluate } from "@ostinato/conformance";
import {
  dense,
  fillDropoutMask,
  float64,
  type Graph,
  gru,
  inferenceGraph,
  input,
  int32,
  lstm,
  type ModelSpec,
  meanSquaredError,
  model,
  nodesOf,
  RandomStream,
  rootsOf,
  type Symbolic,
  sgd,
  simpleRnn,
  siteOf,
  sizeOf,
  type Tensor,
  type Tensors,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import {
  formulas,
  kerasRecurrence,
  type RecurrentKind,
  type Result,
  recurrentKinds,
  type Start,
} from "./keras/recurrence.ts";

type Options = Readonly<Record<string, unknown>>;
/** A recurrent layer of a kind that is not known by name, for which types say nothing of what it gives. */
type Applied = (
  x: Symbolic,
  options?: { readonly initialState: readonly Symbolic[] },
) => Symbolic & readonly Symbolic[];

const makers = { lstm, gru, simpleRnn } as unknown as Readonly<Record<RecurrentKind, (options: Options) => Applied>>;

/** What sets the cells of a kind apart: each is proved by itself. */
const cells: readonly (readonly [title: string, kind: RecurrentKind, options: Options])[] = [
  ["lstm", "lstm", {}],
  ["lstm without bias", "lstm", { useBias: false }],
  ["gru", "gru", {}],
  ["gru without bias", "gru", { useBias: false }],
  ["gru, reset before", "gru", { resetAfter: false }],
  ["gru, reset before, without bias", "gru", { resetAfter: false, useBias: false }],
  ["simpleRnn", "simpleRnn", {}],
  ["simpleRnn of relu without bias", "simpleRnn", { activation: "relu", useBias: false }],
];

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

const configOf = ({ layers }: ModelSpec, name: string): Options =>
  layers.find((layer) => layer.name === name)?.config as Options;

describe.each(cells)("states of %s", (_, kind, own) => {
  test.each(variants)("go in and come out: %o", ({ ragged, reverse, returnSequences }) => {
    const x = input({ shape: ["time", features], name: "x", lengths: ragged });
    const begin = Array.from({ length: formulas[kind].states }, (_, i) =>
      input({ shape: [units], name: `initial${i}` }),
    );
    const layer = makers[kind]({ units, reverse, returnSequences, returnState: true, name: "cell", ...own });
    const results = layer(x, { initialState: begin });
    const named = Object.fromEntries(results.map((result, i) => [i === 0 ? "y" : `last${i - 1}`, result]));
    const { spec } = model([x, ...begin], named);
    const graph = inferenceGraph(spec);
    const draw = random("states");
    const weights = weightsOf(graph, "weights");
    const initial = begin.map(() => draw(batch, units));
    const feeds = {
      ...feedsFor(draw(batch, time, features), ragged),
      ...Object.fromEntries(initial.map((state, i) => [`initial${i}`, state])),
    };
    const { fetches } = evaluate(graph, feeds, weights);
    const expected = rowsOf(feeds.x, ragged).map((row, i) =>
      kerasRecurrence(kind, row, configOf(spec, "cell"), suffixes(weights, "cell"), {
        states: initial.map((state) => vector(state, i)),
      }),
    );
    expectRows(
      fetches.y,
      expected.map((row) => (returnSequences ? row.steps.flat() : row.states[0])),
    );
    begin.forEach((_, i) => {
      expectRows(
        fetches[`last${i}`],
        expected.map((row) => row.states[i]),
      );
    });
  });

  test("of one layer begin another, and one layer applied twice has one set of weights", () => {
    const x = input({ shape: ["time", features], name: "x", lengths: true });
    const reader = makers[kind]({ units, returnSequences: true, returnState: true, name: "reader", ...own });
    const [, ...read] = reader(x);
    const [y] = reader(x, { initialState: read });
    const [h, ...others] = read;
    const begin = [...others, dense({ units })(h as Symbolic<"features">)];
    const { spec } = model(x, makers[kind]({ units, name: "writer", ...own })(y, { initialState: begin }));
    const graph = inferenceGraph(spec);
    const weights = weightsOf(graph, "weights");
    const suffixesOf = (name: string) => Object.keys(weights).filter((weight) => weight.startsWith(`${name}/`));
    expect(suffixesOf("reader").map((weight) => weight.replace("reader", "writer"))).toEqual(suffixesOf("writer"));
    expect(Object.keys(weights)).toHaveLength(2 * suffixesOf("reader").length + 2);
    const feeds = feedsFor(random("x")(batch, time, features), true);
    const { output } = evaluate(graph, feeds, weights).fetches;
    const expected = rowsOf(feeds.x, true).map((row) => {
      const run = (name: string, steps: Result["steps"], start?: Start) =>
        kerasRecurrence(kind, { ...row, steps }, configOf(spec, name), suffixes(weights, name), start);
      const first = run("reader", row.steps);
      const again = run("reader", row.steps, first);
      const kernel = weights["dense/kernel"].data;
      const [state, ...rest] = first.states;
      const made = Array.from(weights["dense/bias"].data, (bias, u) =>
        state.reduce((sum, value, k) => sum + value * kernel[k * units + u], bias),
      );
      return run("writer", again.steps, { states: [...rest, made] }).states[0];
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
  const cases = cells.flatMap(([title, kind, own]) =>
    rates.flatMap((rate) => [true, false].map((reverse) => ({ title, kind, own, options: { ...rate, reverse } }))),
  );

  test.each(cases)(
    "of $title has one mask a batch for all steps, the state's one for each gate: $options",
    ({ kind, own, options }) => {
      const { gates } = formulas[kind];
      const x = input({ shape: ["time", features], name: "x", lengths: true });
      const { spec } = model(x, makers[kind]({ units, returnSequences: true, name: "cell", ...own, ...options })(x));
      const graph = trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), seed);
      const draw = random("dropout");
      const weights = weightsOf(inferenceGraph(spec), "weights");
      const feeds = { ...feedsFor(draw(batch, time, features), true), "output/target": draw(batch, time, units) };
      const { fetches } = evaluate({ fetches: { loss: graph.fetches.loss }, updates: [] }, feeds, {
        ...weights,
        "training/step": int32([], [step]),
      });

      const ofInput = maskOf("cell/dropout", options.dropout, batch, features);
      const ofState = maskOf("cell/recurrentDropout", options.recurrentDropout, gates.length, batch, units);
      if (options.recurrentDropout > 0) {
        const perGate = gates.map((_, k) => ofState.data.slice(k * batch * units, (k + 1) * batch * units).join());
        expect(new Set(perGate).size, "the gates have masks of their own").toBe(gates.length);
      }
      let total = 0;
      rowsOf(feeds.x, true).forEach((row, r) => {
        const start: Start = {
          inputMask: vector(ofInput, r),
          recurrentMask: Object.fromEntries(
            gates.map((gate, k) => [gate, vector({ ...ofState, shape: [gates.length * batch, units] }, k * batch + r)]),
          ),
        };
        const { steps } = kerasRecurrence(kind, row, configOf(spec, "cell"), suffixes(weights, "cell"), start);
        for (let t = 0; t < row.length; t++) {
          const target = vector(feeds["output/target"], r, t);
          total += steps[t].reduce((sum, value, u) => sum + (value - target[u]) ** 2, 0) / units;
        }
      });
      expect(fetches.loss.data[0]).toBeCloseTo(total / (4 + 0 + 2), 12);
    },
  );

  test.each(recurrentKinds)("of %s is not in the graphs of inference, nor where the rates are 0", (kind) => {
    const x = input({ shape: ["time", features], name: "x" });
    const training = (rate: number) => {
      const { spec } = model(x, makers[kind]({ units, dropout: rate, recurrentDropout: rate })(x));
      return { spec, graph: trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), seed) };
    };
    expect(dropouts(training(0.5).graph)).toHaveLength(2);
    expect(dropouts(inferenceGraph(training(0.5).spec))).toEqual([]);
    expect(dropouts(training(0).graph)).toEqual([]);
  });

  test.each(recurrentKinds)("each use of a shared %s has masks of its own, as each step has", (kind) => {
    const x = input({ shape: ["time", features], name: "x" });
    const shared = makers[kind]({ units: features, recurrentDropout: 0.5, returnSequences: true, name: "shared" });
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
