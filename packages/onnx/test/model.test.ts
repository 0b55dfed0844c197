/** Names, versions and weights: what is checked before a file is written. */
import {
  apply,
  broadcast,
  ConfigError,
  constant,
  feed,
  float32,
  full,
  int32,
  mul,
  ShapeError,
  scan,
  state,
  type Tensor,
  tanh,
  UnsupportedOpError,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { decodeOnnx, graphToOnnx, printOnnx } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import { Weights } from "./models.ts";
import { expectParity, graphOf, runOnnx } from "./run.ts";

const x = feed("x", "float32", ["batch", 2]);
const feeds = { x: float32([3, 2], [1, 2, 3, 4, 5, 6]) };

describe("outputs", () => {
  test("an input, a weight, a constant, one value under two names", async () => {
    const w = state("w", "float32", [2]);
    const twice = tanh(x);
    const graph = graphOf({ same: x, weight: w, seven: constant(7, "int32"), a: twice, b: twice });
    await expectParity(graph, feeds, { w: float32([2], [8, 9]) });
  });

  test("an output keeps its name when a body reads it", async () => {
    const scale = tanh(full(0.5, [2]));
    const { outputs } = scan({
      initial: [full(0, [2])],
      sequences: [x],
      constants: [scale],
      body: ([carry], [slice], [c]) => {
        const next = add(mul(carry as typeof x, c as typeof x), slice as typeof x);
        return { carries: [next], outputs: [next] };
      },
    });
    await expectParity(graphOf({ scale, sums: outputs[0] as typeof x }), feeds);
  });

  test("a scan within a scan", async () => {
    const sequence = feed("s", "float32", ["time", "inner", 2]);
    const { carries } = scan({
      initial: [full(0, [2])],
      sequences: [sequence],
      constants: [x],
      body: ([outer], [row], [whole]) => {
        const inside = scan({
          initial: [outer as typeof x],
          sequences: [row as typeof x],
          body: ([sum], [step]) => ({ carries: [add(tanh(sum as typeof x), step as typeof x)], outputs: [] }),
        });
        const again = scan({
          initial: [inside.carries[0] as typeof x],
          sequences: [whole as typeof x],
          body: ([sum], [step]) => ({ carries: [mul(sum as typeof x, tanh(step as typeof x))], outputs: [] }),
        });
        return { carries: again.carries, outputs: [] };
      },
    });
    const s = float32(
      [4, 3, 2],
      Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    );
    await expectParity(graphOf({ last: carries[0] as typeof x }), { ...feeds, s });
  });

  test("a name for an input and an output is refused", () => {
    expect(() => graphToOnnx(graphOf({ x: tanh(x) }), {})).toThrow(ConfigError);
    expect(() => graphToOnnx(graphOf({ x: tanh(x) }), {})).toThrow(/"x" names an input and an output/);
  });
});

describe("weights", () => {
  const graph = graphOf({ y: add(x, full(0, ["batch", 2])), z: mul(x, add(x, 1)) });

  test("float64 data is stored in single precision", async () => {
    const w = state("w", "float32", [1]);
    const data: Tensor = { dtype: "float64", shape: [1], data: Float64Array.of(0.1) };
    const { y } = await runOnnx(graphOf({ y: tanh(w) }), {}, { w: data });
    expect(y?.data[0]).toBeCloseTo(Math.tanh(0.1), 6);
  });

  test("one that is missing or of another shape is named", () => {
    const wrong = graphOf({ y: tanh(state("dense/kernel", "float32", [2, 3])) });
    expect(() => graphToOnnx(wrong, {})).toThrow(ShapeError);
    expect(() => graphToOnnx(wrong, {})).toThrow(/"dense\/kernel" must be float32\[2, 3\], got nothing/);
    expect(() => graphToOnnx(wrong, { "dense/kernel": float32([3, 2], new Float32Array(6)) })).toThrow(
      /got float32\[3, 2\]/,
    );
    expect(() => graphToOnnx(wrong, { "dense/kernel": int32([2, 3], new Int32Array(6)) })).toThrow(/got int32\[2, 3\]/);
  });

  test("a weight whose name an input or an output has gets another one", async () => {
    const weights = new Weights(1);
    const y = mul(add(x, weights.add("x", [2])), weights.add("y", [2]));
    await expectParity(graphOf({ y }), feeds, weights.state);
  });

  test("a size that no input tells is refused", () => {
    expect(() => graphToOnnx(graphOf({ y: full(1, ["elsewhere"]) }), {})).toThrow(/"elsewhere" stands in no input/);
  });

  test("where every operand is spread out, one of them shows the shape", async () => {
    const both = mul(full(2, ["batch", 3]), full(3, ["batch", 3]));
    const column = broadcast(feed("column", "float32", ["batch"]), ["batch", 3], [0]);
    const crossed = add(column, broadcast(feed("row", "float32", [3]), ["batch", 3], [1]));
    const same = add(column, broadcast(feed("again", "float32", ["batch"]), ["batch", 3], [0]));
    await expectParity(graphOf({ both, crossed, same }), {
      column: float32([2], [1, 2]),
      row: float32([3], [3, 4, 5]),
      again: float32([2], [6, 7]),
    });
  });

  test("one number takes part without being spread out", () => {
    expect(printOnnx(graphToOnnx(graph, {}))).toMatchInlineSnapshot(`
      "onnx ir 8, opset 17, by ostinato
      input x: float32[batch, 2]
      y = Add(x, 0)
      add_1 = Add(x, 1)
      z = Mul(x, add_1)
      output y: float32[batch, 2]
      output z: float32[batch, 2]"
    `);
  });
});

describe("versions", () => {
  const graph = graphOf({ y: tanh(x) });
  const versionsOf = (options: Parameters<typeof graphToOnnx>[2]) => {
    const { irVersion, opsets } = decodeOnnx(graphToOnnx(graph, {}, options));
    return [irVersion, opsets?.[0]?.version];
  };

  test("IR 8 and opset 17, or what is asked for", () => {
    expect(versionsOf({})).toEqual([8, 17]);
    expect(versionsOf({ opset: 22 })).toEqual([10, 22]);
    expect(versionsOf({ opset: 18, irVersion: 9 })).toEqual([9, 18]);
  });

  test.each([17, 18, 19, 20, 21, 22])("onnxruntime takes opset %i", async (opset) => {
    expect((await runOnnx(graph, feeds, {}, { opset })).y?.shape).toEqual([3, 2]);
  });

  test("others are refused, and so are options that are none", () => {
    expect(() => versionsOf({ opsets: 17 } as never)).toThrow(
      /graphToOnnx has no option "opsets"; it takes inputs, opset,/,
    );
    expect(() => versionsOf({ opset: 16 })).toThrow(ConfigError);
    expect(() => versionsOf({ opset: 22, irVersion: 8 })).toThrow(/irVersion must be 10 to 13/);
    expect(() => versionsOf({ irVersion: 14 })).toThrow(ConfigError);
  });
});

test("facts travel with the model", async () => {
  const bytes = graphToOnnx(
    graphOf({ y: tanh(x) }),
    {},
    {
      name: "sentiment",
      documentation: "Is it praise?",
      metadata: { labels: '["no","ja"]' },
    },
  );
  const model = decodeOnnx(bytes);
  expect(model.graph?.name).toBe("sentiment");
  expect(model.documentation).toBe("Is it praise?");
  expect(model.metadata).toEqual([{ key: "labels", value: '["no","ja"]' }]);
});

test("a graph that updates its state is no model", () => {
  const counter = state("counter", "float32", []);
  const graph = { fetches: { y: tanh(x) }, updates: [{ name: "counter", value: add(counter, 1) }] };
  expect(() => graphToOnnx(graph, { counter: float32([], [0]) })).toThrow(/updates its state \(counter\)/);
});

test("the gates of an lstm are not an output", () => {
  const w = new Weights(1);
  const X = feed("X", "float32", ["time", "batch", 1]);
  const outputs = apply("lstm", [X, w.add("W", [4, 1]), w.add("R", [4, 1]), w.add("B", [4])], {
    hiddenSize: 1,
    direction: "forward",
    activations: ["Sigmoid", "Tanh", "Tanh"],
    inputForget: false,
    options: [],
  });
  expect(() => graphToOnnx(graphOf({ gates: outputs[3] as typeof x }), w.state)).toThrow(UnsupportedOpError);
});
