/** Graphs as trained models: the same graph after saving, clear errors for invalid graphs, and damaged descriptions. */
import {
  ConfigError,
  countParameters,
  dense,
  embedding,
  float32,
  fromBytes,
  type Graph,
  graphForm,
  graphLayer,
  graphTrained,
  inferenceGraph,
  input,
  lstm,
  model,
  parseModelSpec,
  printGraph,
  RandomStream,
  repeatVector,
  type Symbolic,
  scan,
  sequential,
  streamGraph,
  summary,
  type Tensors,
  type Trained,
  toBytes,
  treeLstm,
  treeRecur,
  type Value,
} from "@ostinato/core";
import {
  add,
  broadcast,
  cast,
  constant,
  div,
  dropoutMask,
  feed,
  gather,
  iota,
  matmul,
  mul,
  reshape,
  sequenceMask,
  size,
  state,
  sum,
  transpose,
} from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { damageGraphs } from "./damagedGraphs.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { smallModel } from "./models.ts";

const of = (fetches: Graph["fetches"]): Graph => ({ fetches, updates: [] });
const ones = (...shape: number[]) => float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1));
const x = () => feed("x", "float32", ["batch", 2]);
const kernel = () => state("kernel", "float32", [2, 3]);

/** A text model, a scan, trees whose form is known, and numbers that JSON cannot represent. */
function oddGraph(): Graph {
  const words = feed("words", "int32", ["batch", "time"]);
  const facts = feed("facts", "float32", ["batch", 2]);
  const steps = transpose(gather(state("table/rows", "float32", [5, 2]), words), [1, 0, 2]);
  const { carries, outputs } = scan({
    initial: [mul(facts, constant(-0))],
    sequences: [steps],
    constants: [constant([1, Number.NEGATIVE_INFINITY], "float32", [2])],
    body: ([h], [step], [limit]) => {
      const next = add(add(h as Value, step as Value), mul(limit as Value, 0.1));
      return { carries: [next], outputs: [next] };
    },
  });
  const count = cast(size("time"), "float32");
  const [nodes] = treeRecur({
    tree: {
      nodes: constant([0, 0, 0, 1], "int32", [2, 2]),
      edges: constant([0, 1, 1, -1, -1, -1], "int32", [2, 3]),
      levels: constant([1, 0, 2, 1], "int32", [2, 2]),
    },
    sequences: [steps],
    states: [[2]],
    arity: 2,
    body: ({ children: [places], slices: [own] }) => [add(own as Value, places?.[1] as Value)],
  });
  return of({
    nodes: transpose(nodes as Value, [1, 0, 2]),
    sums: mul(carries[0] as Value, count),
    steps: transpose(outputs[0] as Value, [1, 0, 2]),
  });
}

const oddState = { "table/rows": float32([5, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) };

describe("a graph as a trained model", () => {
  test("is exactly what it was, after a file, too", () => {
    const graph = oddGraph();
    const trained = graphTrained(graph, oddState, { name: "sums", vocabulary: ["a"], metadata: { made: 1 } });
    expect(Object.keys(trained.weights)).toEqual(["sums/table/rows"]);
    const read = fromBytes(toBytes(trained));
    expect(read.vocabulary).toEqual(["a"]);
    expect(read.metadata).toEqual({ made: 1 });
    for (const one of [trained, read]) {
      const form = graphForm(one);
      expect(form && printGraph(form.graph)).toBe(printGraph(graph));
      expect(form?.state).toEqual(oddState);
    }
    expect(toBytes(read)).toEqual(toBytes(trained));
  });

  test("has inputs and outputs by kind, and a line of a summary", () => {
    const { spec, weights } = graphTrained(oddGraph(), oddState, { inputs: ["words", "facts"] });
    expect(spec.inputs).toEqual([
      { name: "words", kind: "ids", shape: ["time"], lengths: false },
      { name: "facts", kind: "features", shape: [2], lengths: false },
    ]);
    expect(spec.outputs.map(({ name }) => name)).toEqual(["nodes", "sums", "steps"]);
    expect(countParameters({ spec })).toBe(10);
    expect(summary({ spec })).toContain("model (graph)");
    expect(graphForm({ spec, weights })).toBeDefined();
    expect(() => streamGraph(spec)).toThrow(/stream: the graph "model" cannot take steps as they come, because it/);
  });

  test("has no form where it is made of layers, or stands among them", () => {
    const layered = smallModel();
    expect(graphForm(layered)).toBeUndefined();
    expect(() => graphLayer(layered)).toThrow(ConfigError);
    const base = graphTrained(of({ y: matmul(x(), kernel()) }), { kernel: ones(2, 3) });
    const tuned = sequential([input({ shape: [2] }), graphLayer(base), dense({ units: 1, name: "head" })]);
    expect(graphForm({ ...tuned, weights: base.weights })).toBeUndefined();
    expect(tuned.spec.layers.map(({ name }) => name)).toEqual(["model", "head"]);
  });

  test("is applied to any sizes, its weights shared by each use; two of one name need two names", () => {
    const table = embedding({ inputDim: 5, outputDim: 2, maskZero: true });
    const layered = sequential([table, lstm({ units: 2, returnSequences: true })]);
    const weights: Tensors = {
      "embedding/embeddings": ones(5, 2),
      "lstm/W": ones(8, 2),
      "lstm/R": ones(8, 2),
      "lstm/B": ones(8),
    };
    const base = graphTrained(inferenceGraph(layered.spec), weights);
    const read = graphLayer(base);
    const [a, b] = [input({ shape: ["questionTime"], name: "a" }), input({ shape: ["answerTime"], name: "b" })];
    const both = model([a, b], { a: read([a])[0] as Symbolic, b: read(b) });
    expect(Object.values(inferenceGraph(both.spec).fetches).map(({ type }) => type.shape)).toEqual([
      ["batch", "questionTime", 2],
      ["batch", "answerTime", 2],
    ]);
    expect(countParameters(both)).toBe(50);
    expect(() => model([a, b], { a: read(a), b: graphLayer(base)(b) })).toThrow('two layers are called "model"');
    const text = JSON.parse(JSON.stringify(both.spec));
    expect(parseModelSpec(text)).toEqual(both.spec);
  });
});

test("named sizes may be known where a graph is applied, and lengths may be missing: every row then has all steps", () => {
  const x = feed("x", "float32", ["batch", "time", 2]);
  const steps = transpose(x, [1, 0, 2]);
  const mask = sequenceMask(feed("x/lengths", "int32", ["batch"]), "time");
  const counted = mul(steps, cast(broadcast(mask, steps.type.shape, [0, 1]), "float32"));
  const mean = div(sum(counted, [0]), cast(size("time"), "float32"));
  const base = graphTrained(of({ mean, steps: transpose(counted, [1, 0, 2]) }), {});
  expect(base.spec.inputs).toEqual([{ name: "x", kind: "sequence", shape: ["time", 2], lengths: true }]);
  const repeated = input({ shape: [2] });
  const known = model(repeated, { mean: graphLayer(base)([repeatVector({ n: 3 })(repeated)])[0] as Symbolic });
  const text = printGraph(inferenceGraph(known.spec));
  expect(text).toContain("sequenceMask(%3, time=3)");
  expect(text).not.toContain(`"time"`);
  const unread = input({ shape: ["steps", 2] });
  const whole = printGraph(inferenceGraph(model(unread, { mean: graphLayer(base)([unread])[0] as Symbolic }).spec));
  expect(whole).toContain("size(dim=steps)");
  expect(whole).not.toContain("lengths");
});

const misuses: readonly Misuse[] = [
  [
    "updates",
    () => graphTrained({ fetches: { y: x() }, updates: [{ name: "kernel", value: kernel() }] }, {}),
    "ConfigError",
    "must be an inference graph",
  ],
  [
    "trees as inputs",
    () => {
      const { spec } = sequential([input({ shape: ["time", 2], name: "x", tree: true }), treeLstm({ units: 2 })]);
      return graphTrained(inferenceGraph(spec), {});
    },
    "ConfigError",
    'the size "x/nodes" is that of trees, which a graph as a model cannot read; keep the model of layers',
  ],
  ["no graph", () => graphTrained(untyped({}), {}), "ConfigError", "graphTrained: the graph must be"],
  [
    "a graph without updates",
    () => graphTrained(untyped({ fetches: { y: x() } }), {}),
    "ConfigError",
    "the graph must be { fetches, updates }",
  ],
  [
    "a fetch that is no value",
    () => graphTrained(of({ y: untyped({}) }), {}),
    "ConfigError",
    'the fetch "y" must be a value of a graph, got an object',
  ],
  [
    "no state",
    () => graphTrained(of({ y: matmul(x(), kernel()) }), untyped(undefined)),
    "ConfigError",
    "the state must be tensors by name, got undefined",
  ],
  ["the form of nothing", () => graphForm(untyped(undefined)), "ConfigError", "graphForm: the model must be"],
  [
    "an op of training",
    () =>
      graphTrained(
        of({ y: mul(x(), dropoutMask(constant(1, "int32"), { rate: 0.5, seed: 1, site: 1, shape: ["batch", 2] })) }),
        {},
      ),
    "ConfigError",
    "dropoutMask",
    "only used in training",
  ],
  [
    "ids of a known time",
    () => graphTrained(of({ y: cast(feed("x", "int32", ["batch", 7]), "float32") }), {}),
    "ConfigError",
    'the feed "x" is int32[batch, 7]',
  ],
  [
    "time first",
    () => graphTrained(of({ y: transpose(feed("x", "float32", ["time", "batch", 2]), [1, 0, 2]) }), {}),
    "ConfigError",
    'the feed "x" is float32[time, batch, 2]',
  ],
  [
    "a feed without a plain name",
    () => graphTrained(of({ y: feed("x:0", "float32", ["batch", 2]) }), {}),
    "ConfigError",
    "the name of a feed",
  ],
  [
    "a fetch of whole numbers",
    () => graphTrained(of({ y: cast(x(), "int32") }), {}),
    "ConfigError",
    'the fetch "y" is int32[batch, 2]',
  ],
  ["a scalar", () => graphTrained(of({ y: sum(x()) }), {}), "ConfigError", 'the fetch "y" is float32[]'],
  ["no feed", () => graphTrained(of({ y: reshape(iota("batch"), ["batch"]) }), {}), "ConfigError", "batch"],
  [
    "a size of no feed",
    () => graphTrained(of({ y: mul(x(), cast(size("steps"), "float32")) }), {}),
    "ConfigError",
    'no feed has the size "steps"',
  ],
  [
    "a state of whole numbers",
    () => graphTrained(of({ y: mul(x(), cast(state("n", "int32", []), "float32")) }), {}),
    "ConfigError",
    'the state "n"',
  ],
  [
    "a state that is missing",
    () => graphTrained(of({ y: matmul(x(), kernel()) }), {}),
    "ModelFileError",
    '"model/kernel" are missing',
  ],
  [
    "a state of another shape",
    () => graphTrained(of({ y: matmul(x(), kernel()) }), { kernel: ones(3, 2) }),
    "ModelFileError",
    "[2, 3]",
  ],
  [
    "a state that is left over",
    () => graphTrained(of({ y: x() }), { kernel: ones(3, 2) }),
    "ModelFileError",
    '"model/kernel"',
  ],
  [
    "a state that nothing reads",
    () => {
      const spec = JSON.parse(JSON.stringify(twoOutputs().spec));
      spec.layers[0].config.fetches.shift();
      parseModelSpec(spec);
    },
    "ConfigError",
    'graph "model": its graph: the state "kernel" is not used by any fetch',
  ],
  [
    "a large constant",
    () => graphTrained(of({ y: add(x(), sum(constant(new Array(70_000).fill(1), "float32", [70_000]))) }), {}),
    "ConfigError",
    "a list of at most 65536 numbers; use a parameter for more",
  ],
  [
    "inputs that there are not",
    () => graphTrained(of({ y: x() }), {}, { inputs: ["y"] }),
    "ConfigError",
    "inputs must be x",
  ],
  ["a name that is none", () => graphTrained(of({ y: x() }), {}, { name: "a b" }), "ConfigError", "name must be"],
  [
    "an option that there is not",
    () => graphTrained(of({ y: x() }), {}, untyped({ layer: "a" })),
    "ConfigError",
    "layer",
  ],
  [
    "features for a sequence",
    () => graphLayer(odd())([input({ shape: [2] }), input({ shape: [2], name: "b" })]),
    "ShapeError",
    'graph "model" takes',
  ],
  [
    "other features",
    () => model(input({ shape: [3] }), graphLayer(plain())(input({ shape: [3] }))),
    "ConfigError",
    "input",
  ],
  [
    "another number of features",
    () => {
      const three = input({ shape: [3] });
      return model(three, graphLayer(plain())(three));
    },
    "ShapeError",
    'graph "model": its input "x" must be [batch, 2], got [batch, 3]',
  ],
  ["one of several outputs", () => graphLayer(twoOutputs())(input({ shape: [2] })), "ConfigError", "2 outputs"],
];

const plain = (): Trained => graphTrained(of({ y: matmul(x(), kernel()) }), { kernel: ones(2, 3) });
const twoOutputs = (): Trained => graphTrained(of({ y: matmul(x(), kernel()), z: x() }), { kernel: ones(2, 3) });
const odd = (): Trained => graphTrained(oddGraph(), oddState);

for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));

test("2,000 damaged descriptions: refused in the right way, or a model that can be built and written again", () => {
  const { spec, weights } = smallModel();
  const models = [odd(), graphTrained(inferenceGraph(spec), weights)];
  const { read, slowest } = damageGraphs(2000, models, new RandomStream(3, "damaged graphs"));
  expect(read).toBeGreaterThan(50);
  expect(slowest).toBeLessThan(1000);
});
