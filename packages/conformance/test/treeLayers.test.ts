/** Layers of trees: a chain of nodes is a row of steps, and the options mean what Keras's words say. */
import { evaluate } from "@ostinato/conformance";
import {
  type AnyLayer,
  type BuildContext,
  defineTreeCell,
  feed,
  float64,
  forestOf,
  type Graph,
  gradients,
  gru,
  inferenceGraph,
  input,
  int32,
  lstm,
  type ModelSpec,
  meanSquaredError,
  model,
  nodesOf,
  parametersOf,
  RandomStream,
  recursive,
  type Symbolic,
  sgd,
  simpleRnn,
  sizeOf,
  type Tensor,
  type Tensors,
  type Tree,
  trainingGraph,
  treeGru,
  treeLstm,
  treeRnn,
  type Value,
} from "@ostinato/core";
import { add, concat, dot, mul, sigmoid, slice, tanh } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const [features, units] = [2, 3];

type Applied = (x: Symbolic, options?: object) => Symbolic;
const applied = (layer: AnyLayer): Applied => layer as unknown as Applied;

/** Numbers between -1 and 1, the same for the same name. */
function drawn(name: string, shape: readonly number[]): Tensor {
  const stream = new RandomStream(3, name);
  return float64(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * stream.uniform() - 1),
  );
}

/** A row of so many nodes, each the only child of the next. */
const chain = (nodes: number): Tree => {
  const parents = Array.from({ length: nodes }, (_, node) => (node === nodes - 1 ? -1 : node + 1));
  return { values: parents, parents };
};

/** The feeds of an input of trees beside its values. */
const fedTrees = (name: string, trees: readonly Tree[]): Tensors =>
  Object.fromEntries(Object.entries(forestOf(trees)).map(([part, tensor]) => [`${name}/${part}`, tensor]));

/** What a model gives, and the gradients of its float inputs and parameters, which are called after the last part of their names. */
function computed(spec: ModelSpec, feeds: Tensors, given: Tensors = {}): Record<string, Tensor> {
  const { fetches } = inferenceGraph(spec);
  const inputs = nodesOf(Object.values(fetches)).filter(({ op }) => op === "input");
  const values = inputs.map((node): Value => ({ node, output: 0, type: node.outputs[0] }));
  const wrt = values.filter(({ type }) => type.dtype === "float32");
  const nameOf = ({ node }: Value): string => (node.op === "input" ? (node.attrs.name.split("/").at(-1) ?? "") : "");
  const seeds = Object.entries(fetches).map(([name, value]) => ({
    value,
    cotangent: feed(`cotangent ${name}`, "float32", value.type.shape),
  }));
  const found = gradients(seeds, wrt);
  const graph: Graph = {
    fetches: { ...fetches, ...Object.fromEntries(wrt.map((value, i) => [`d ${nameOf(value)}`, found[i]])) },
    updates: [],
  };
  const state = Object.fromEntries(
    inputs.flatMap((node) => {
      if (node.op !== "input" || node.attrs.kind !== "state") return [];
      const own = node.attrs.name.split("/").at(-1) ?? "";
      return [[node.attrs.name, given[own] ?? drawn(own, node.attrs.shape as number[])]];
    }),
  );
  return evaluate(graph, feeds, state).fetches as Record<string, Tensor>;
}

function expectSame(actual: Record<string, Tensor>, expected: Record<string, Tensor>, names: readonly string[]): void {
  for (const name of names) {
    expect(actual[name].shape, name).toEqual(expected[name].shape);
    actual[name].data.forEach((value, i) => {
      expect(value, `${name}[${i}]`).toBeCloseTo(expected[name].data[i], 12);
    });
  }
}

/** Rows of unlike lengths, one of a single step. */
const lengths = [4, 1, 3];
const trees = lengths.map(chain);
const x = drawn("x", [3, 4, features]);

describe("a chain of nodes is a row of steps", () => {
  const options = { units, returnSequences: true, activation: "softsign", recurrentActivation: "hardSigmoid" } as const;
  const unary = { type: "nary", arity: 1 } as const;
  const cases: readonly (readonly [title: string, ofTrees: AnyLayer, ofSteps: AnyLayer])[] = [
    ["treeLstm of sums and lstm", treeLstm(options), lstm(options)],
    ["treeLstm of one place and lstm", treeLstm({ ...options, ...unary }), lstm(options)],
    ["treeLstm without bias and lstm", treeLstm({ ...options, useBias: false }), lstm({ ...options, useBias: false })],
    ["treeGru of sums and gru, reset before", treeGru(options), gru({ ...options, resetAfter: false })],
    [
      "treeGru of one place and gru, reset before",
      treeGru({ ...options, ...unary, recurrentActivation: "sigmoid" }),
      gru({ ...options, resetAfter: false, recurrentActivation: "sigmoid" }),
    ],
  ];
  for (const [title, ofTrees, ofSteps] of cases) {
    test(`${title}: values and gradients`, () => {
      const rows = input({ shape: ["time", features], name: "x", lengths: true });
      const nodes = input({ shape: ["time", features], name: "x", tree: true });
      const cotangent = { "cotangent y": drawn("cotangent", [3, 4, units]) };
      const { lengths: counted, ...forest } = fedTrees("x", trees) as Record<string, Tensor>;
      const fed = { x, ...forest, ...(counted ? { lengths: counted } : {}), ...cotangent };
      const asTrees = computed(model(nodes, { y: applied(ofTrees)(nodes) }).spec, fed);
      const asRows = computed(model(rows, { y: applied(ofSteps)(rows) }).spec, fed);
      expectSame(asTrees, asRows, Object.keys(asRows));
    });
  }

  test("recursive of one place and simpleRnn that begins with the first node", () => {
    const [tree, time] = [chain(4), 4];
    const values = drawn("x", [1, time, units]);
    const nodes = input({ shape: ["time", units], name: "x", tree: true });
    const rest = input({ shape: ["time", units], name: "x" });
    const first = input({ shape: [units], name: "first" });
    const identity = float64(
      [units, units],
      Array.from({ length: units * units }, (_, i) => (i % (units + 1) === 0 ? 1 : 0)),
    );
    const dy = drawn("cotangent", [1, units]);
    const asTree = computed(model(nodes, { y: applied(recursive({ units, arity: 1 }))(nodes) }).spec, {
      x: values,
      ...fedTrees("x", [tree]),
      "cotangent y": dy,
    });
    const asRow = computed(
      model([rest, first], { y: applied(simpleRnn({ units }))(rest, { initialState: [first] }) }).spec,
      {
        x: float64([1, time - 1, units], [...values.data.slice(units)]),
        first: float64([1, units], [...values.data.slice(0, units)]),
        "cotangent y": dy,
      },
      { W: identity },
    );
    expectSame(asTree, asRow, ["y", "d R", "d B"]);
    const ofInputs = float64([1, time, units], [...asRow["d first"].data, ...asRow["d x"].data]);
    expectSame(asTree, { "d x": ofInputs }, ["d x"]);
  });
});

describe("dropout takes features of inputs and states of children away, the same at all nodes of a tree", () => {
  const tree: Tree = { values: [0, 0, 0, 0, 0], parents: [2, 2, 4, 4, -1] };
  const dropping = { dropout: 0.5, recurrentDropout: 0.5, returnSequences: true } as const;
  const makers = {
    "treeLstm of sums": (options: object) => treeLstm({ units, ...options }),
    "treeLstm of places": (options: object) => treeLstm({ units, type: "nary", arity: 2, ...options }),
    "treeGru of sums": (options: object) => treeGru({ units, ...options }),
    "treeGru of places": (options: object) => treeGru({ units, type: "nary", arity: 2, ...options }),
  };
  for (const [title, make] of Object.entries(makers)) {
    test(title, () => {
      const nodes = input({ shape: ["time", features], name: "x", tree: true });
      const specOf = (options: object): ModelSpec =>
        model(nodes, { y: applied(make({ name: "layer", returnSequences: true, ...options }))(nodes) }).spec;
      const feeds = { x: drawn("x", [1, 5, features]), ...fedTrees("x", [tree]) };
      const y = drawn("target", [1, 5, units]);
      const { fetches } = trainingGraph(specOf(dropping), { loss: meanSquaredError() }, sgd(), 5);
      const masks = nodesOf(Object.values(fetches)).flatMap((node) =>
        node.op === "dropoutMask" ? [{ node, output: 0, type: node.outputs[0] }] : [],
      );
      const sizes = masks.map(({ type }) => type.shape.at(-1));
      expect(sizes.sort()).toEqual([features, units]);
      const shapes = Object.fromEntries(parametersOf({ spec: specOf({}) }).map(({ name, shape }) => [name, shape]));
      const state = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, drawn(name, shape)]));
      // A seed at which both masks drop something and leave something.
      for (let step = 0; ; step++) {
        const found = evaluate(
          {
            fetches: { ...fetches, ...Object.fromEntries(masks.map((mask) => [`${mask.type.shape[1]}`, mask])) },
            updates: [],
          },
          { ...feeds, "y/target": y, "training/learningRate": float64([], [0.1]) },
          { ...state, "training/step": int32([], [step]) },
        ).fetches;
        const [mask, recurrentMask] = [found[features].data, found[units].data];
        if (![mask, recurrentMask].every((own) => own.includes(0) && own.some((value) => value > 0))) continue;
        const scaled = (name: string, by: ArrayLike<number>): Tensor => {
          const { shape, data } = state[name];
          return float64(
            shape,
            Array.from(data, (value, i) => value * by[(i % (shape[1] as number)) % by.length]),
          );
        };
        const { y: expected } = evaluate(inferenceGraph(specOf({})), feeds, {
          ...state,
          "layer/W": scaled("layer/W", mask),
          "layer/R": scaled("layer/R", recurrentMask),
        }).fetches;
        const loss = Array.from(expected.data).reduce((sum, value, i) => sum + (value - y.data[i]) ** 2, 0);
        expect(found.loss.data[0]).toBeCloseTo(loss / expected.data.length, 12);
        break;
      }
    });
  }
});

describe("a cell of one's own, written as the paper has it, is the layer", () => {
  const forest: readonly Tree[] = [
    { values: [0, 0, 0, 0, 0], parents: [2, 2, 4, 4, -1] },
    { values: [0], parents: [-1] },
  ];
  const parts = {
    parse: (options: { units: number }) => options,
    states: ["h", "c"],
    sizes: (config: { units: number }) => ({ h: config.units, c: config.units }),
  } as const;
  const gate = (sums: Value, index: number): Value => slice(sums, 1, index * units, units);
  const times = (x: Value, w: Value): Value => dot(x, w, { contract: [[x.type.shape.length - 1], [1]] });
  const asked = ({ parameter }: BuildContext, blocks: number, arity: number) => ({
    W: parameter("W", [4 * units, features], "glorotUniform"),
    R: parameter("R", [blocks * units, arity * units], "orthogonal"),
    B: parameter("B", [4 * units], "zeros"),
  });
  /** The bias is added to all nodes at once, or to those of each level, and for the forget gate to their children. */
  const childSum = (kind: string, biasAtOnce: boolean) =>
    defineTreeCell({
      ...parts,
      kind,
      build(context) {
        const { W, R, B } = asked(context, 4, 1);
        const biased = (of: Value, k: number) => (biasAtOnce ? of : add(of, slice(B, 0, k * units, units)));
        return {
          prepare: (x) => (biasAtOnce ? add(times(x, W), B) : times(x, W)),
          node({ x, children: [all], sum, ofParent }) {
            const [i, o, , u] = [0, 1, 2, 3].map((k) => biased(add(gate(x, k), gate(times(sum(all.h), R), k)), k));
            const forget = sigmoid(add(ofParent(gate(x, 2)), biased(gate(times(all.h, R), 2), 2)));
            const c = add(mul(sigmoid(i), tanh(u)), sum(mul(forget, all.c)));
            return { states: { h: mul(sigmoid(o), tanh(c)), c } };
          },
        };
      },
    });
  const binary = defineTreeCell({
    ...parts,
    kind: "binary",
    arity: () => 2,
    build(context) {
      const { W, R, B } = asked(context, 5, 2);
      return {
        prepare: (x) => add(times(x, W), B),
        node({ x, children: [left, right] }) {
          const sums = times(concat([left.h, right.h], 1), R);
          const of = (k: number, block: number): Value => add(gate(x, k), gate(sums, block));
          const kept = add(mul(sigmoid(of(2, 2)), left.c), mul(sigmoid(of(2, 3)), right.c));
          const c = add(mul(sigmoid(of(0, 0)), tanh(of(3, 4))), kept);
          return { states: { h: mul(sigmoid(of(1, 1)), tanh(c)), c } };
        },
      };
    },
  });
  const every = treeLstm({ units, returnSequences: true });
  test.each([
    ["of sums", every, treeRnn(childSum("childSum", true)({ units }), { returnSequences: true })],
    ["of sums, bias by level", every, treeRnn(childSum("byLevel", false)({ units }), { returnSequences: true })],
    ["of places", treeLstm({ units, type: "nary", arity: 2 }), treeRnn(binary({ units }))],
  ] as readonly (readonly [string, AnyLayer, AnyLayer])[])("treeLstm %s: values and gradients", (_, layer, own) => {
    const nodes = input({ shape: ["time", features], name: "x", tree: true });
    const ofNodes = (layer.spec.config as { readonly returnSequences: boolean }).returnSequences;
    const feeds = {
      x: drawn("x", [2, 5, features]),
      ...fedTrees("x", forest),
      "cotangent y": drawn("cotangent", ofNodes ? [2, 5, units] : [2, units]),
    };
    const expected = computed(model(nodes, { y: applied(layer)(nodes) }).spec, feeds);
    expectSame(computed(model(nodes, { y: applied(own)(nodes) }).spec, feeds), expected, Object.keys(expected));
  });
});
