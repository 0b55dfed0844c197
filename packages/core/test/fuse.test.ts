/** What is fused, what is not, and what is written where the state lies. */
import {
  adam,
  bind,
  type Capacities,
  dense,
  describe as describeProgram,
  embedding,
  type Graph,
  lower,
  lstm,
  type OpName,
  type Program,
  sequential,
  sparseCategoricalCrossentropy,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import {
  add,
  broadcast,
  dot,
  exp,
  feed,
  mul,
  neg,
  reshape,
  softmax,
  state,
  sub,
  sum,
  tanh,
  transpose,
} from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

type Lowering = Parameters<typeof lower>[1];

const all: Lowering = { name: "all", runs: () => true };
const capacities: Capacities = { batch: 8, time: 5 };
const programOf = (fetches: Graph["fetches"], rest: Partial<Graph> = {}, backend = all): Program =>
  bind(lower({ fetches, updates: [], ...rest }, backend), capacities);
const opsOf = ({ steps }: Program): OpName[] => steps.filter(({ alias }) => !alias).map(({ op }) => op);
const x = (name = "x"): Value => feed(name, "float32", ["batch", 4]);

describe("fused are", () => {
  test("elementwise ops on one shape that read each other, with broadcasts into it and sums of it", () => {
    const y = mul(tanh(add(x(), feed("row", "float32", [4]))), feed("scale", "float32", []));
    expect(opsOf(programOf({ y, total: sum(y) }))).toEqual(["fused"]);
  });

  test("not one op alone, nor one number for all and one op", () => {
    expect(opsOf(programOf({ y: exp(x()) }))).toEqual(["exp"]);
    expect(opsOf(programOf({ y: mul(x(), feed("scale", "float32", [])) }))).toEqual(["mul"]);
  });

  test("not what another op in between needs whole: both sides of it by themselves", () => {
    const before = tanh(neg(x()));
    expect(opsOf(programOf({ y: add(exp(neg(softmax(before))), before) }))).toEqual(["fused", "softmax", "fused"]);
  });

  test("late readers with what only they read", () => {
    // `early` could be computed before the softmax, but only what comes after it reads it.
    const early = neg(x("early"));
    expect(opsOf(programOf({ y: mul(tanh(softmax(x())), early) }))).toEqual(["softmax", "fused"]);
  });

  test("not ops on other shapes, nor broadcasts of axes that do not follow one another", () => {
    const cube = feed("cube", "float32", ["time", "batch", 4]);
    const spread = broadcast(feed("ends", "float32", ["time", 4]), ["time", "batch", 4], [0, 2]);
    expect(opsOf(programOf({ y: exp(mul(cube, spread)), z: neg(neg(x())) }))).toEqual(["broadcast", "fused", "fused"]);
  });

  test("none where the backend runs none, and only ops that it can", () => {
    const y = exp(neg(tanh(neg(x()))));
    const plain: Lowering = { name: "plain", runs: ({ op }) => op !== "fused" };
    expect(opsOf(programOf({ y }, {}, plain))).toEqual(["neg", "tanh", "neg", "exp"]);
    const withoutTanh: Lowering = {
      name: "without tanh",
      runs: (node) => node.op !== "fused" || node.attrs.operations.every(({ op }) => op !== "tanh"),
    };
    expect(opsOf(programOf({ y }, {}, withoutTanh))).toEqual(["neg", "tanh", "fused"]);
  });
});

test("a bias is added by the product, where nothing else reads the product", () => {
  const [weights, bias] = [state("weights", "float32", [4, 3]), state("bias", "float32", [3])];
  const product = dot(x(), weights, { contract: [[1], [0]] });
  expect(opsOf(programOf({ y: add(product, bias) }))).toEqual(["biasedDot"]);
  expect(opsOf(programOf({ y: add(product, bias), product }))).toEqual(["dot", "fused"]);
  // Not a bias of the columns.
  const rows = broadcast(feed("rows", "float32", ["batch"]), ["batch", 3], [0]);
  expect(opsOf(programOf({ y: add(product, rows) }))).toEqual(["dot", "fused"]);
  // Of the first operand's axes the transposed result has the last.
  expect(opsOf(programOf({ y: add(transpose(product, [1, 0]), feed("b", "float32", ["batch"])) }))).toContain("dot");
});

describe("new state", () => {
  const [w, v] = [state("w", "float32", [6]), state("v", "float32", [6])];
  const g = feed("g", "float32", [6]);

  test("is written where the old lies, after what the run reads of it", () => {
    const next = sub(w, mul(g, 0.1));
    const program = programOf({ norm: sum(mul(next, next)) }, { updates: [{ name: "w", value: next }] });
    expect(opsOf(program).filter((op) => op !== "constant")).toEqual(["fused"]);
    expect(program.updates).toEqual([]);
    expect(program.commits.map(({ op, outputs }) => [op, program.values[outputs[0] as number]?.storage])).toEqual([
      ["fused", { kind: "state", name: "w" }],
    ]);
  });

  test("is copied where the run reads it, or where another op reads the old", () => {
    const next = tanh(sub(w, g));
    const fetched = programOf({ next }, { updates: [{ name: "w", value: next }] });
    expect([fetched.commits.length, fetched.updates.length]).toEqual([0, 1]);
    // Each is made of both: neither can be written before the other is computed.
    const crossed = programOf(
      {},
      {
        updates: [
          { name: "w", value: neg(sub(w, v)) },
          { name: "v", value: softmax(tanh(neg(w))) },
        ],
      },
    );
    expect(crossed.updates.map(({ name }) => name)).toEqual(["v"]);
    const swapped = programOf(
      {},
      {
        updates: [
          { name: "w", value: neg(tanh(v)) },
          { name: "v", value: exp(tanh(w)) },
        ],
      },
    );
    expect(swapped.updates.map(({ name }) => name)).toEqual(["w", "v"]);
    // The old under another shape is the old.
    const table = state("table", "float32", [2, 3]);
    const reshaped = programOf(
      {},
      {
        updates: [
          { name: "table", value: neg(tanh(table)) },
          { name: "w", value: neg(exp(reshape(table, [6]))) },
        ],
      },
    );
    expect(reshaped.updates.map(({ name }) => name)).toEqual(["table"]);
  });
});

test("a step of a language model: no array of its words twice, and a pass over each parameter for the guard, one for its update", () => {
  const units = 8;
  const words = 1000;
  const model = sequential([
    embedding({ inputDim: words, outputDim: units }),
    lstm({ units, returnSequences: true }),
    dense({ units: words, activation: "softmax" }),
  ]);
  const graph = trainingGraph(model.spec, { loss: sparseCategoricalCrossentropy() }, adam(), 1);
  const program = bind(lower(graph, all), { batch: 20, time: 70 });
  const logits = 20 * 70 * words * 4;
  expect(program.arenaBytes).toBeLessThan(1.2 * logits);
  // The parameters, W, R and B among them.
  expect(program.commits).toHaveLength(1 + 6);
  expect(program.updates).toEqual([]);
  const spread = program.steps.filter(({ op, alias }) => op === "broadcast" && !alias);
  for (const { outputs } of spread) expect(program.values[outputs[0] as number]?.capacity).toBeLessThanOrEqual(20 * 70);
  expect(describeProgram(program)).toContain("\ncommit ");
});
