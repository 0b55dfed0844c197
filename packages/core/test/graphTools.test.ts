/** The tools for building, showing and changing graphs by hand. */
import {
  actualShape,
  broadcastShape,
  broadcastTo,
  byRecurrence,
  byRecurrenceGrad,
  constant,
  constantOptions,
  decomposeRecurrence,
  expandDims,
  factsOf,
  feed,
  float32,
  fromOnnxGates,
  gradOf,
  initialize,
  initializerNames,
  initialOf,
  mul,
  neg,
  opNames,
  ops,
  optionsOf,
  parameter,
  predictorOn,
  printBody,
  RandomStream,
  type Runner,
  recurrence,
  recurrenceInputs,
  recurrenceInputsOf,
  recurrenceNames,
  recurrences,
  rewrite,
  ShapeError,
  sameShape,
  scan,
  showShape,
  showType,
  sign,
  squeeze,
  toOnnxGates,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { features } from "./data.ts";

const x = feed("x", "float32", ["batch", 3]);

describe("shapes", () => {
  test("sameShape, showShape and showType", () => {
    expect([
      sameShape(["batch", 3], ["batch", 3]),
      sameShape(["batch", 3], ["time", 3]),
      sameShape([3], [3, 1]),
    ]).toEqual([true, false, false]);
    expect(showShape(["batch", 3])).toBe("[batch, 3]");
    expect(showType(x.type)).toBe("float32[batch, 3]");
  });

  test("broadcastShape follows NumPy's rule", () => {
    expect(broadcastShape(["batch", 1, 3], [4, 1])).toEqual(["batch", 4, 3]);
    expect(broadcastShape([], ["batch"])).toEqual(["batch"]);
    expect(() => broadcastShape([2, 3], [2])).toThrow(ShapeError);
    expect(() => broadcastShape(["batch"], ["time"])).toThrow("shapes [batch] and [time] do not broadcast");
  });

  test("broadcastTo, expandDims and squeeze", () => {
    expect(broadcastTo(feed("row", "float32", [1, 3]), ["batch", 3]).type.shape).toEqual(["batch", 3]);
    expect(() => broadcastTo(x, [3])).toThrow("float32[batch, 3] does not broadcast to [3]");
    const wider = expandDims(x, 1);
    expect(wider.type.shape).toEqual(["batch", 1, 3]);
    expect(squeeze(wider, 1).type.shape).toEqual(["batch", 3]);
    expect(() => squeeze(x, 1)).toThrow(ShapeError);
  });

  test("actualShape puts sizes for names", () => {
    expect(actualShape(["batch", 3, "time"], { batch: 2, time: 7 })).toEqual([2, 3, 7]);
  });
});

describe("graphs", () => {
  test("ops is the list of all ops", () => {
    expect(Object.keys(ops)).toEqual([...opNames]);
    expect(opNames).toContain("select");
  });

  test("parameter and sign make values of their types", () => {
    expect(showType(sign(x).type)).toBe("float32[batch, 3]");
    const { node, type } = parameter("carry", "int32", ["batch"]);
    expect(node.attrs).toMatchObject({ kind: "parameter", name: "carry" });
    expect(showType(type)).toBe("int32[batch]");
  });

  test("rewrite replaces nodes, and rebuilds what stands above them", () => {
    const root = mul(add(x, 1), 2);
    const [changed] = rewrite([root], (node, inputs) =>
      node.op === "add" ? [neg(inputs[0] as Value)] : undefined,
    ) as [Value];
    expect(changed.node.op).toBe("mul");
    expect(changed.node.inputs[0]?.node.op).toBe("neg");
    expect(changed.node.inputs[0]?.node.inputs[0]).toBe(x);
    expect(rewrite([root], () => undefined)).toEqual([root]);
  });

  test("printBody lists what runs in each step of a scan", () => {
    const sequence = feed("steps", "float32", ["time", "batch", 3]);
    const { carries } = scan({
      initial: [broadcastTo(constant(0), ["batch", 3])],
      sequences: [sequence],
      body: ([sum], [step]) => ({ carries: [add(sum as Value, step as Value)], outputs: [] }),
    });
    const { node } = carries[0] as Value;
    if (node.op !== "scan") throw new Error(`a scan makes ${node.op}`);
    const lines = printBody(node.attrs.body).split("\n");
    expect(lines.at(-1)).toBe("return %2");
    expect(lines[2]).toBe("%2: float32[batch, 3] = add(%0, %1)");
  });

  test("recurrenceInputsOf names the inputs of an lstm, and decomposeRecurrence says what it means", () => {
    const matrix = (name: string, ...shape: (number | string)[]) => feed(name, "float32", shape);
    const given = {
      X: matrix("X", "time", "batch", 2),
      W: matrix("W", 12, 2),
      R: matrix("R", 12, 3),
      B: matrix("B", 12),
      lengths: feed("lengths", "int32", ["batch"]),
    };
    const { node } = recurrence("lstm", given).y;
    if (node.op !== "lstm") throw new Error(`an lstm makes ${node.op}`);
    expect(recurrenceInputsOf(node.inputs, node.attrs)).toEqual(given);
    // y, h and c, then the gates and cells that are kept: of the types that the op has.
    const meaning = decomposeRecurrence("lstm")(node.inputs, node.attrs);
    expect(meaning.map(({ type }) => type)).toEqual(node.outputs);
    expect(meaning[0]?.node.op).toBe("scan");
  });
});

test("gate orders are those of ONNX, Keras and PyTorch, and toOnnxGates brings them to ours, fromOnnxGates back", () => {
  expect(recurrences.lstm.foreign.keras).toEqual(["i", "f", "c", "o"]);
  expect(recurrences.gru.foreign.pytorch).toEqual(["r", "z", "h"]);
  for (const name of recurrenceNames) {
    const { gates, foreign } = factsOf(name);
    for (const from of ["onnx", "keras", "pytorch"] as const) {
      const order = (from === "onnx" ? undefined : foreign?.[from]) ?? gates;
      const stored = order.map((gate) => gates.indexOf(gate));
      expect([...toOnnxGates(name, stored, 1, 1, from)], `${name}, ${from}`).toEqual([...gates.keys()]);
      expect([...fromOnnxGates(name, [...gates.keys()], 1, 1, from)], `${name}, ${from}`).toEqual(stored);
    }
  }
});

test("facts of a recurrence name its options, initial states and gradient", () => {
  expect(optionsOf("lstm")).toEqual(["lengths", "initialH", "initialC", "P", "recurrentBias", "recurrentMask"]);
  expect(optionsOf("gru")).toEqual(["lengths", "initialH", "recurrentBias", "recurrentMask"]);
  expect(recurrenceInputs).toEqual(["X", "W", "R", "B"]);
  expect(constantOptions).toEqual(["lengths", "recurrentMask"]);
  expect([initialOf("c"), gradOf("gru")]).toEqual(["initialC", "gruGrad"]);
  expect(byRecurrence((name) => name.length)).toMatchObject({ lstm: 4, gru: 3, rnn: 3 });
  expect(Object.keys(byRecurrenceGrad(() => 0))).toEqual(recurrenceNames.map((name) => `${name}Grad`));
});

test("every initializer of initializerNames draws numbers of the shape that is asked for", () => {
  for (const name of initializerNames) {
    const drawn = initialize(name, [4, 6], new RandomStream(1, "weights"));
    expect(drawn, name).toHaveLength(24);
    expect(drawn.every(Number.isFinite), name).toBe(true);
  }
});

test("predictorOn runs any runtime that has the model, checks data for it, and owns it", async () => {
  const calls: (readonly number[])[] = [];
  let disposed = 0;
  const runner: Runner = {
    run: async ({ x: fed }) => {
      const shape = fed?.shape ?? [];
      calls.push([...shape]);
      const rows = shape[0] as number;
      return {
        output: float32(
          [rows, 1],
          Array.from({ length: rows }, (_, row) => fed?.data[row * 2] as number),
        ),
      };
    },
    dispose: async () => void disposed++,
  };
  const predictor = predictorOn(features.spec, runner);
  const rows = [
    [1, 0],
    [2, 0],
    [3, 0],
  ];
  expect([...(await predictor.predict(rows, { batchSize: 2 })).data]).toEqual([1, 2, 3]);
  expect(calls).toEqual([
    [2, 2],
    [1, 2],
  ]);
  await expect(predictor.predict([[1]])).rejects.toThrow(ShapeError);
  await predictor.dispose();
  expect(disposed).toBe(1);
});
