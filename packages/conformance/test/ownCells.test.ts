/** Cells of a user's own: the library's recurrences written as cells equal them; stacks, directions, states, lengths, outputs that are no state. */
import { minGru, peepholeLstm } from "@ostinato/cells";
import { evaluate, gruCell, ownKinds, readout } from "@ostinato/conformance";
import {
  bidirectional,
  countParameters,
  defineCell,
  float64,
  type Graph,
  gradients,
  gru,
  inferenceGraph,
  input,
  int32,
  type Model,
  meanSquaredError,
  model,
  nodesOf,
  OptionReader,
  parseModelSpec,
  RandomStream,
  rnn,
  rootsOf,
  type Symbolic,
  sgd,
  sizeOf,
  state,
  summaryRows,
  type Tensor,
  type Tensors,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import { add, broadcastTo, full, mul } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const [batch, time, features, units] = [4, 5, 2, 3];
/** Rows without a step, with one, with all. */
const lengths = [5, 0, 1, 3];

const stream = new RandomStream(1, "own cells");
const draw = (...shape: readonly number[]): Tensor =>
  float64(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
  );

function weightsOf(graph: Graph): Record<string, Tensor> {
  const states = nodesOf(rootsOf(graph)).flatMap((node) =>
    node.op === "input" && node.attrs.kind === "state" ? [node.attrs] : [],
  );
  return Object.fromEntries(states.map(({ name, shape }) => [name, draw(...(shape as number[]))]));
}

function expectSame(actual: Tensors, expected: Tensors): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name].shape, name).toEqual(shape);
    data.forEach((value, i) => {
      expect(actual[name].data[i], `${name} ${i}`).toBeCloseTo(value, 12);
    });
  }
}

const feeds = (ragged: boolean) => ({
  x: draw(batch, time, features),
  ...(ragged ? { "x/lengths": int32([batch], lengths) } : {}),
});
const sequence = (ragged = true) => input({ shape: ["time", features], name: "x", lengths: ragged });

const forms = [true, false].flatMap((ragged) =>
  [true, false].flatMap((reverse) => [true, false].map((returnSequences) => ({ ragged, reverse, returnSequences }))),
);

describe("a gru written as a cell is the library's gru", () => {
  /** Both layers under one name, so that weights and masks are the same. */
  const pair = (options: object, more: object): readonly [never, never] => [
    gru({ units, name: "cell", ...options, ...more } as never) as never,
    rnn(gruCell({ units, ...options }), { name: "cell", ...more } as never) as never,
  ];
  type Applied = (x: Symbolic, options?: object) => readonly Symbolic[];

  test.each(forms)("its outputs and states, from zeros and from states that are given: %o", (form) => {
    const { ragged, reverse, returnSequences } = form;
    for (const begun of [false, true]) {
      const [own, cell] = pair({}, { reverse, returnSequences, returnState: true }).map((layer): Model => {
        const [x, h0] = [sequence(ragged), input({ shape: [units], name: "h0" })];
        const [y, h] = (layer as Applied)(x, begun ? { initialState: [h0] } : undefined);
        return model(begun ? [x, h0] : x, { y, h });
      });
      const weights = weightsOf(inferenceGraph(own.spec));
      const given = { ...feeds(ragged), h0: draw(batch, units) };
      expectSame(
        evaluate(inferenceGraph(cell.spec), given, weights).fetches,
        evaluate(inferenceGraph(own.spec), given, weights).fetches,
      );
    }
  });

  test.each([
    { dropout: 0, recurrentDropout: 0, reverse: false },
    { dropout: 0.4, recurrentDropout: 0, reverse: true },
    { dropout: 0.3, recurrentDropout: 0.5, reverse: false },
  ])("its loss and its gradients in training, with the same masks: %o", ({ reverse, ...rates }) => {
    const [own, cell] = pair(rates, { reverse, returnSequences: true }).map((layer): Graph => {
      const x = sequence();
      const { spec } = model(x, (layer as unknown as (given: Symbolic) => Symbolic)(x));
      const graph = trainingGraph(spec, { loss: meanSquaredError(), metrics: [] }, sgd(), 7);
      // An update is the weight less the learning rate times the gradient.
      const updates = graph.updates.map(({ name, value }) => [`after ${name}`, value] as const);
      return { fetches: { loss: graph.fetches.loss, ...Object.fromEntries(updates) }, updates: [] };
    });
    const given = {
      ...feeds(true),
      "output/target": draw(batch, time, units),
      "training/learningRate": float64([], [1]),
    };
    const weights = { ...weightsOf(own), "training/step": int32([], [3]) };
    const [wanted, got] = [own, cell].map((graph) => evaluate(graph, given, weights).fetches);
    const sorted = (fetches: Tensors): Tensors =>
      Object.fromEntries(Object.entries(fetches).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    expect(Object.keys(wanted).length).toBeGreaterThan(4);
    expectSame(sorted(got), sorted(wanted));
  });
});

/** What a model gives for the feeds, with weights that were drawn for it or another. */
const run = ({ spec }: Model, given: Tensors, weights: Tensors): Tensors =>
  evaluate(inferenceGraph(spec), given, weights).fetches;

const renamed = (weights: Tensors, names: Readonly<Record<string, string>>): Tensors =>
  Object.fromEntries(
    Object.entries(weights).flatMap(([name, tensor]) =>
      Object.entries(names).flatMap(([from, to]) =>
        name.startsWith(`${from}/`) ? [[name.replace(from, to), tensor] as const] : [],
      ),
    ),
  );

test("both directions of a cell are two layers, merged", () => {
  const from = sequence();
  const cell = minGru({ units });
  const both = bidirectional(rnn(cell, { returnSequences: true, returnState: true }), {
    mergeMode: null,
    name: "both",
  });
  const [y, z, h, g] = both(from);
  const whole = model(from, { y, z, h, g });
  const weights = weightsOf(inferenceGraph(whole.spec));
  expect(Object.keys(weights).sort()).toEqual(
    ["backward", "forward"].flatMap((way) => ["bias", "kernel"].map((name) => `both/${way}/${name}`)),
  );
  const given = feeds(true);
  const one = (reverse: boolean): Tensors => {
    const x = sequence();
    const [y, h] = rnn(cell, { returnSequences: true, returnState: true, reverse, name: "one" })(x);
    return run(model(x, { y, h }), given, renamed(weights, { [`both/${reverse ? "backward" : "forward"}`]: "one" }));
  };
  const [forward, backward] = [one(false), one(true)];
  expectSame(run(whole, given, weights), { y: forward.y, z: backward.y, h: forward.h, g: backward.h });
});

test("the backward layer may be another recurrence", () => {
  const x = sequence();
  const layer = bidirectional(rnn(minGru({ units })), {
    backwardLayer: rnn(readout({ units: 2, outputs: 4 }), { reverse: true }) as never,
  });
  const { spec } = model(x, layer(x));
  expect(inferenceGraph(spec).fetches.output.type.shape).toEqual(["batch", units + 4]);
});

test("a list of cells is one layer upon the other", () => {
  const x = sequence();
  const cells = [minGru({ units }), peepholeLstm({ units: 2 })] as const;
  const [y, a, h, c] = rnn(cells, { returnSequences: true, returnState: true, name: "both" })(x);
  const whole = model(x, { y, a, h, c });
  const weights = weightsOf(inferenceGraph(whole.spec));
  const from = sequence();
  const [below, state] = rnn(cells[0], { returnSequences: true, returnState: true, name: "lower" })(from);
  const [top, ...states] = rnn(cells[1], { returnSequences: true, returnState: true, name: "upper" })(below);
  const stack = model(from, { y: top, a: state, h: states[0], c: states[1] });
  const given = feeds(true);
  const own = renamed(weights, { "both/0": "lower", "both/1": "upper" });
  expectSame(run(whole, given, weights), run(stack, given, own));
  expect(parseModelSpec(JSON.parse(JSON.stringify(whole.spec)), { layers: ownKinds })).toEqual(whole.spec);
});

test("an output that is no state ends with each row, and is zero for rows without steps; the learned state begins rows that are given none", () => {
  const cell = readout({ units, outputs: 2 });
  const x = sequence();
  const [all, s] = rnn(cell, { returnSequences: true, returnState: true, name: "cell" })(x);
  const last = rnn(cell, { name: "last" })(x);
  const whole = model(x, { all, s, last });
  const weights = weightsOf(inferenceGraph(whole.spec));
  const given = feeds(true);
  const same = renamed(weights, { cell: "last" });
  const fetches = run(whole, given, { ...weights, ...same });
  lengths.forEach((length, row) => {
    const step = (t: number): number[] =>
      Array.from(fetches.all.data.slice((row * time + t) * 2, (row * time + t + 1) * 2));
    const ended = Array.from(fetches.last.data.slice(row * 2, row * 2 + 2));
    expect(ended).toEqual(length === 0 ? [0, 0] : step(length - 1));
    for (let t = length; t < time; t++) expect(step(t)).toEqual([0, 0]);
  });
  expect(Array.from(fetches.s.data.slice(units, 2 * units))).toEqual(Array.from(weights["cell/initial"].data));
});

test("what a step reads from outside is handed in: parameters, what follows from them, masks, what prepare saw; constants stay inside", () => {
  const tangle = defineCell({
    kind: "tangle",
    parse: (options: { readonly units: number }, owner) => ({
      units: new OptionReader(owner, options, ["units"]).integer("units", 1),
    }),
    states: ["h"],
    sizes: (config) => ({ h: config.units }),
    build({ parameter }, config) {
      const gain = parameter("gain", [config.units], "ones");
      const doubled = mul(gain, 2);
      let first: Value | undefined;
      return {
        prepare(x) {
          first = x;
          return x;
        },
        step({ x, states: { h } }) {
          const late = parameter("late", [config.units], "zeros");
          const whole = broadcastTo(mul(full(1, [config.units]), 3), h.type.shape);
          expect(first?.type.shape).toEqual(["time", "batch", features]);
          expect(x.type.shape).toEqual(["batch", features]);
          return { states: { h: add(add(mul(h, doubled), mul(gain, late)), whole) } };
        },
      };
    },
  });
  const x = sequence(false);
  const { spec } = model(x, rnn(tangle({ units }))(x));
  const graph = inferenceGraph(spec);
  const scan = nodesOf(rootsOf(graph)).find((node) => node.op === "scan");
  // The state, the input, then the two products of parameters, over the batch as the step reads them; 3 is made inside.
  expect(scan?.op === "scan" && scan.attrs.body.parameters.map(({ type }) => type.shape)).toEqual([
    ["batch", units],
    ["batch", features],
    ["batch", units],
    ["batch", units],
  ]);
  const weights = { "rnn/gain": float64([units], [0.5, 1, 1]), "rnn/late": float64([units], [0, 2, 0]) };
  const { output } = evaluate(graph, feeds(false), weights).fetches;
  // h = 2 · gain · h + gain · late + 3, five times from 0: 15; 2h + 5: 5 · 31; 2h + 3: 3 · 31.
  expect(Array.from(output.data.slice(0, units))).toEqual([15, 155, 93]);
  const [dGain] = gradients(
    [{ value: graph.fetches.output, cotangent: full(1, ["batch", units]) }],
    [state("rnn/gain", "float32", [units])],
  );
  expect(dGain.type.shape).toEqual([units]);
});

test("a summary counts the parameters of a cell, once for each direction", () => {
  const x = sequence();
  const network = model(x, bidirectional(rnn(minGru({ units })))(x));
  expect(summaryRows(network)).toEqual([
    { name: "bidirectional", kind: "bidirectional", shape: ["batch", 2 * units], parameters: 2 * (2 * 2 * 3 + 2 * 3) },
  ]);
  expect(countParameters(network)).toBe(36);
});
