/** Which recurrences of a graph become one ONNX node of both directions, and which stay two; either way they compute what the reference computes. */
import {
  apply,
  concat,
  feed,
  int32,
  recurrence,
  recurrenceNames,
  rewrite,
  scan,
  slice,
  sum,
  type Tensors,
  tanh,
  transpose,
  type Value,
  type ValueType,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import { graphToOnnx, printOnnx } from "@ostinato/onnx";
import { describe, expect, test } from "vitest";
import {
  bothPrefixes,
  type Model,
  type Place,
  type RecurrentOptions,
  randomFloats,
  recurrentAt,
  recurrentBothWays,
  sequence,
  Weights,
} from "./models.ts";
import { graphOf } from "./run.ts";
import { directionsIn, directionsOf, weightsIn } from "./written.ts";

const prefixes = ["a/", "b/", "c/", "d/", "e/", ...bothPrefixes];

/** All that is fed below: 3 rows of 4 steps, one of them empty. */
const feeds: Tensors = {
  x: randomFloats([3, 4, 3], 1),
  other: randomFloats([3, 4, 3], 2),
  lengths: int32([3], [4, 0, 2]),
  others: int32([3], [1, 3, 0]),
  ...Object.fromEntries(
    prefixes.flatMap((prefix, i) =>
      ["initialH", "initialC"].map((role, k) => [`${prefix}${role}`, randomFloats([3, 5], 10 + 2 * i + k)]),
    ),
  ),
};

type Outputs = ReturnType<typeof recurrentAt>;
type Options = RecurrentOptions<"lstm">;

/** A model of recurrences: lstms over x, the weights and states of each under a prefix of its own. */
function modelOf(
  fetches: (
    of: (prefix: string, options: Options, place?: Partial<Place>) => Outputs,
    weights: Weights,
  ) => Record<string, Value>,
): Model {
  const weights = new Weights(1);
  const of = (prefix: string, options: Options, place: Partial<Place> = {}): Outputs =>
    recurrentAt("lstm", options, { weights, X: sequence("x"), prefix, ...place });
  return { graph: graphOf(fetches(of, weights)), state: weights.state };
}

const fileOf = ({ graph, state }: Model): Uint8Array => graphToOnnx(graph, state);
const written = (made: Model): Promise<string[]> => directionsOf(made, feeds);

const begun = { initialH: true, initialC: true, lengths: true } as const;
const forward = { ...begun, direction: "forward" } as const;
const reverse = { ...begun, direction: "reverse" } as const;

test("an lstm with everything, its activations different in the two directions", () => {
  const own = { P: true, clip: 0.5, inputForget: true } as const;
  const both = modelOf((of) => {
    const a = of("a/", { ...forward, ...own, activations: ["Sigmoid", "Relu", "Tanh"] });
    const b = of("b/", { ...reverse, ...own });
    return { y: concat([a.y, b.y], 2), h: a.h, c: b.c as Value };
  });
  expect(printOnnx(fileOf(both))).toMatchInlineSnapshot(`
    "onnx ir 8, opset 17, by ostinato
    input x: float32[batch, time, 3]
    input lengths: int32[batch]
    input a/initialH: float32[batch, 5]
    input a/initialC: float32[batch, 5]
    input b/initialH: float32[batch, 5]
    input b/initialC: float32[batch, 5]
    weight a+b/W: float32[2, 20, 3]
    weight a+b/R: float32[2, 20, 5]
    weight a+b/B: float32[2, 40]
    weight a+b/P: float32[2, 15]
    transpose = Transpose(x, perm=[1, 0, 2])
    unsqueeze = Unsqueeze(a/initialH, [0])
    unsqueeze_1 = Unsqueeze(b/initialH, [0])
    concat = Concat(unsqueeze, unsqueeze_1, axis=0)
    unsqueeze_2 = Unsqueeze(a/initialC, [0])
    unsqueeze_3 = Unsqueeze(b/initialC, [0])
    concat_1 = Concat(unsqueeze_2, unsqueeze_3, axis=0)
    lstm, lstm_1, lstm_2 = LSTM(transpose, a+b/W, a+b/R, a+b/B, lengths, concat, concat_1, a+b/P, hidden_size=5, direction=bidirectional, activations=[Sigmoid, Relu, Tanh, Sigmoid, Tanh, Tanh], clip=0.5, input_forget=1)
    less = Less(0, lengths)
    unsqueeze_4 = Unsqueeze(less, [1])
    where = Where(unsqueeze_4, lstm_1, concat)
    where_1 = Where(unsqueeze_4, lstm_2, concat_1)
    transpose_1 = Transpose(lstm, perm=[0, 2, 1, 3])
    y = Reshape(transpose_1, [0, 0, 10])
    h = Gather(where, 0, axis=0)
    c = Gather(where_1, 1, axis=0)
    output y: float32[time, batch, 10]
    output h: float32[batch, 5]
    output c: float32[batch, 5]"
  `);
});

describe("recurrences of no layer", () => {
  test("two over one input; one of them alone", async () => {
    expect(await written(modelOf((of) => ({ a: of("a/", reverse).y, h: of("b/", forward).h })))).toEqual([
      "bidirectional",
    ]);
    expect(await written(modelOf((of) => ({ a: of("a/", reverse).y })))).toEqual(["reverse"]);
    const biased = { ...reverse, recurrentBias: true };
    expect(await written(modelOf((of) => ({ a: of("a/", forward).y, b: of("b/", biased).y })))).toEqual([
      "bidirectional",
    ]);
  });

  test("as many pairs as there can be, in the order of the graph", async () => {
    const many = modelOf((of) => ({
      a: of("a/", forward).y,
      b: of("b/", forward).y,
      c: of("c/", reverse).y,
      d: of("d/", reverse).y,
      e: of("e/", forward).y,
    }));
    expect(await written(many)).toEqual(["bidirectional", "bidirectional", "forward"]);
    expect(Object.keys(weightsIn(fileOf(many)))).toEqual(expect.arrayContaining(["a+c/W", "b+d/W", "e/W"]));
  });

  test("a state of the second that comes after the first in the order of the graph", async () => {
    const late = modelOf((of, weights) => {
      const a = of("a/", forward);
      const state = recurrentAt("gru", {}, { weights, X: sequence("other"), prefix: "c/" }).h;
      const b = of("b/", reverse, { states: { initialH: tanh(state) } });
      return { a: a.y, b: b.y, h: b.h };
    });
    expect(await written(late)).toEqual(["forward", "bidirectional"]);
  });

  test("a state of the second at the end of a chain longer than the stack", () => {
    const deep = modelOf((of, weights) => {
      const a = of("a/", forward);
      let state = recurrentAt("gru", {}, { weights, X: sequence("other"), prefix: "c/" }).h;
      for (let i = 0; i < 5000; i++) state = tanh(state);
      return { a: a.y, b: of("b/", reverse, { states: { initialH: state } }).y };
    });
    expect(directionsIn(fileOf(deep))).toEqual(["forward", "bidirectional"]);
  });

  test("outputs side by side in other ways than one after the other along the features", async () => {
    const ways: readonly ((a: Value, b: Value) => Value)[] = [
      (a, b) => concat([b, a], 2),
      (a, b) => concat([a, b, a], 2),
      (a) => concat([a, a], 2),
      (a) => apply("concat", [a], { axis: 2 })[0] as Value,
      (_, b) => concat([b, slice(b, 2, 0, 1)], 2),
    ];
    for (const way of ways) {
      const made = modelOf((of) => {
        const [a, b] = [of("a/", forward), of("b/", reverse)];
        return { y: way(a.y, b.y), h: add(a.h, b.h) };
      });
      expect(await written(made)).toEqual(["bidirectional"]);
    }
  });

  test("outputs behind each other in time, and along rows of a known number", async () => {
    const X = transpose(feed("x", "float32", [3, 4, 3]), [1, 0, 2]);
    const known = modelOf((of) => {
      const own = { direction: "forward" } as const;
      const [a, b] = [of("a/", own, { X }), of("b/", { direction: "reverse" }, { X })];
      return { time: concat([a.y, b.y], 0), rows: concat([a.y, b.y], 1), states: concat([a.h, b.h], 0) };
    });
    expect(await written(known)).toEqual(["bidirectional"]);
  });

  test.each(recurrenceNames)("%s: weights that are computed, all or those of one direction", async (name) => {
    const options = { lengths: true, initialH: true, recurrentBias: true } as RecurrentOptions;
    const { graph, state } = recurrentBothWays(name, options);
    for (const part of ["", "forward/", "reverse/B", "forward/recurrentBias"]) {
      const values = rewrite(Object.values(graph.fetches), (node) =>
        node.op === "input" && node.attrs.kind === "state" && node.attrs.name.startsWith(part)
          ? [tanh({ node, output: 0, type: node.outputs[0] as ValueType })]
          : undefined,
      );
      const computed = graphOf(
        Object.fromEntries(Object.keys(graph.fetches).map((key, i) => [key, values[i] as Value])),
      );
      expect(await written({ graph: computed, state }), part).toEqual(["bidirectional"]);
    }
  });

  test("in the body of a scan, where the weights are handed in", async () => {
    const nested = modelOf((_, weights) => {
      const shapes = { W: [5, 3], R: [5, 5], B: [5] };
      const of = (prefix: string) => Object.entries(shapes).map(([role, shape]) => weights.add(prefix + role, shape));
      const { outputs } = scan({
        initial: [],
        sequences: [feed("x", "float32", [3, 4, 3])],
        constants: [sequence("other"), ...of("a/"), ...of("b/")],
        body: (_, [row], given) => {
          const [X, ...own] = given as [Value, ...Value[]];
          const ways = (["forward", "reverse"] as const).map((direction, i) => {
            const [W, R, B] = own.slice(3 * i) as [Value, Value, Value];
            return recurrence("rnn", { X, W, R, B }, { direction }).h;
          });
          return { carries: [], outputs: [add(concat(ways, 1), sum(row as Value))] };
        },
      });
      return { y: outputs[0] as Value };
    });
    expect(await written(nested)).toEqual(["bidirectional"]);
  });
});

describe("two nodes stay two", () => {
  /** What the second direction has of its own, where the first is `forward`. */
  const different: Readonly<Record<string, readonly [options: Options, place?: Partial<Place>]>> = {
    "another input": [reverse, { X: sequence("other") }],
    "other lengths": [reverse, { lengths: "others" }],
    "no lengths": [{ ...reverse, lengths: false }],
    "no initial states": [{ direction: "reverse", lengths: true }],
    "one initial state of two": [{ ...reverse, initialC: false }],
    "another size": [{ direction: "reverse", lengths: true }, { units: 4 }],
    "a bound on the sums": [{ ...reverse, clip: 0.5 }],
    "a flag": [{ ...reverse, inputForget: true }],
    peepholes: [{ ...reverse, P: true }],
  };
  test.each(Object.entries(different))("%s", async (_, [options, place]) => {
    const two = modelOf((of) => ({ a: of("a/", forward).y, b: of("b/", options, place).y }));
    expect(await written(two)).toEqual(["forward", "reverse"]);
  });

  test("one direction twice", async () => {
    for (const options of [forward, reverse]) {
      const two = modelOf((of) => ({ a: of("a/", options).y, b: of("b/", options).y }));
      expect(await written(two)).toEqual([options.direction, options.direction]);
    }
  });

  test("two operators", async () => {
    const two = modelOf((of, weights) => {
      const X = sequence("x");
      const [a, b] = [
        of("a/", { direction: "forward" }),
        recurrentAt("gru", { direction: "reverse" }, { weights, X, prefix: "b/" }),
      ];
      return { y: concat([a.y, b.y], 2) };
    });
    expect(await written(two)).toEqual(["forward", "reverse"]);
  });

  test("an initial state of one that depends on the other, though their outputs meet", async () => {
    for (const [first, second] of [
      [forward, reverse],
      [reverse, forward],
    ] as const) {
      const two = modelOf((of) => {
        const a = of("a/", first);
        const b = of("b/", second, { states: { initialC: tanh(a.h) } });
        return { y: concat([a.y, b.y], 2) };
      });
      expect(await written(two)).toEqual([first.direction, second.direction]);
    }
  });

  test("a pair that would need a pair that needs it", async () => {
    const four = modelOf((of) => {
      const [a, b] = [of("a/", forward), of("b/", forward)];
      const c = of("c/", reverse, { states: { initialH: b.h } });
      const d = of("d/", reverse, { states: { initialH: a.h } });
      return { c: c.y, d: d.y, a: a.y, b: b.y };
    });
    expect((await written(four)).toSorted()).toEqual(["bidirectional", "forward", "reverse"]);
  });
});

test("what is kept for the gradient of one direction is refused", () => {
  const { graph, state } = modelOf((of) => {
    const [a, b] = [of("a/", forward).y, of("b/", reverse).y];
    const { node } = b;
    return { a, b, gates: { node, output: 3, type: node.outputs[3] as ValueType } };
  });
  expect(() => graphToOnnx(graph, state)).toThrow(/^lstm: gates and cells are kept for its gradient/);
});
