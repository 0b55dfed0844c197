/** Layers of several inputs: their descriptions, types, wrong use. */
import {
  add,
  average,
  concatenate,
  dense,
  embedding,
  feed,
  inferenceGraph,
  input,
  lstm,
  ModelFileError,
  maximum,
  minimum,
  model,
  multiply,
  parseModelSpec,
  printGraph,
  sequential,
  subtract,
  summary,
} from "@ostinato/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const sequence = (name: string, features = 2, time = "time") => input({ shape: [time, features], name, lengths: true });
const features = (name: string, size = 2) => input({ shape: [size], name });

const everyLayer = { concatenate, add, subtract, multiply, average, maximum, minimum };

/** A model with every layer: a sum of two sequences, and what is left of it beside features. */
function everything() {
  const [a, b, c] = [sequence("a"), sequence("b"), features("c", 3)];
  const over = add({ name: "over" })([a, b, maximum()([a, b]), multiply()([a, b, a])]);
  const state = lstm({ units: 3 })(average()([over, minimum()([a, b])]));
  return model([a, b, c], concatenate()([subtract()([state, c]), c, state]));
}

test("a model with layers of several inputs survives JSON, with the same graph", () => {
  const { spec } = everything();
  const read = parseModelSpec(JSON.parse(JSON.stringify(spec)));
  expect(read).toEqual(spec);
  expect(spec.calls[2]).toEqual({ layer: 2, sources: [{ input: 0 }, { input: 1 }, { call: 0 }, { call: 1 }] });
  expect(printGraph(inferenceGraph(read))).toBe(printGraph(inferenceGraph(spec)));
});

test("the summary shows them with the shapes that they give", () => {
  expect(summary(everything())).toMatchInlineSnapshot(`
    "Layer (kind)               Output shape      Parameters
    ───────────────────────────────────────────────────────
    maximum (maximum)          [batch, time, 2]           0
    multiply (multiply)        [batch, time, 2]           0
    over (add)                 [batch, time, 2]           0
    minimum (minimum)          [batch, time, 2]           0
    average (average)          [batch, time, 2]           0
    lstm (lstm)                [batch, 3]                72
    subtract (subtract)        [batch, 3]                 0
    concatenate (concatenate)  [batch, 9]                 0
    ───────────────────────────────────────────────────────
    Total parameters: 72"
  `);
});

test("lengths found in the same ids are one, however many embeddings read them", () => {
  const ids = input({ shape: ["time"] });
  const read = (outputDim: number) => embedding({ inputDim: 9, outputDim, maskZero: true })(ids);
  const graphOf = (layer: typeof add) => printGraph(inferenceGraph(model(ids, layer()([read(2), read(2)])).spec));
  for (const layer of Object.values(everyLayer)) expect(graphOf(layer)).not.toContain("select");
});

test("types: they give what they take", () => {
  for (const layer of Object.values(everyLayer)) {
    const merge = layer();
    expectTypeOf(merge([sequence("a"), sequence("b")]).kind).toEqualTypeOf<"sequence">();
    expectTypeOf(merge([features("a"), features("b")]).kind).toEqualTypeOf<"features">();
    // @ts-expect-error inputs of different kinds
    expect(() => merge([sequence("a"), features("b")])).toThrow("of one kind");
    // @ts-expect-error ids
    expect(() => merge([input({ shape: ["time"] }), input({ shape: ["time"] })])).toThrow("of one kind");
    // @ts-expect-error one input that is no list
    expect(() => merge(features("a"))).toThrow("a list of");
    // @ts-expect-error a chain gives one input
    expect(() => sequential([features("a"), merge])).toThrow("a chain has no place for it");
  }
});

describe("wrong use is a typed error with the layer and the shapes", () => {
  const wrong: readonly Misuse[] = [
    [
      "one input",
      () => add()([features("a")]),
      "ShapeError",
      "add takes a list of two or more inputs",
      "features [batch, features]",
    ],
    ["none", () => concatenate({ name: "side" })([]), "ShapeError", 'concatenate "side" takes a list', "given none"],
    ["one input that is no list", () => add()(untyped(features("a"))), "ConfigError", "add is applied to a list"],
    ["data", () => add()(untyped([[1, 2], [3]])), "ConfigError", "add is applied to a list", "got [a list, a list]"],
    [
      "three inputs of subtract",
      () => subtract()([features("a"), features("b"), features("c")]),
      "ShapeError",
      "subtract takes a list of two inputs",
    ],
    [
      "different kinds",
      () => add({ name: "sum" })(untyped([sequence("a"), features("b")])),
      "ShapeError",
      'add "sum" takes a list of two or more inputs of one kind',
      "it was given sequence [batch, time, features], features [batch, features]",
    ],
    [
      "a value of a graph",
      () => add(untyped(feed("x", "float32", [2]))),
      "ConfigError",
      "add is a layer",
      "@ostinato/core/graph",
    ],
    [
      "a number in place of options",
      () => maximum(untyped(1)),
      "ConfigError",
      "maximum takes an object of options, got 1",
    ],
    ["an option", () => add(untyped({ axis: 1 })), "ConfigError", 'add has no option "axis"'],
    [
      "a list for a layer that takes one input",
      () => dense({ units: 1 })(untyped([features("a"), features("b")])),
      "ConfigError",
      "dense is applied to an input",
      "concatenate",
    ],
  ];
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));

  test("different numbers of features, by element", () => {
    for (const [name, layer] of Object.entries(everyLayer)) {
      const [a, b] = [sequence("a", 2), sequence("b", 3)];
      const close = () => model([a, b], layer({ name: "both" })([a, b]));
      if (layer === concatenate) expect(summary(close())).toContain("[batch, time, 5]");
      else
        expectMisuse([
          name,
          close,
          "ShapeError",
          `${name} "both": its inputs must have the same number of features, it was given [batch, time, 2], [batch, time, 3]`,
          "dense",
        ]);
    }
  });

  test("different time axes", () => {
    for (const [name, layer] of Object.entries(everyLayer)) {
      const [a, b] = [sequence("a", 2, "asked"), sequence("b", 2, "said")];
      expectMisuse([
        name,
        () => model([a, b], layer()([a, b])),
        "ShapeError",
        `${name} "${name}": its inputs must be over the same time axis, it was given [batch, asked, 2], [batch, said, 2]`,
        "one name",
      ]);
    }
  });

  test("a file whose layer reads one input, or inputs of different kinds", () => {
    const spec = JSON.parse(JSON.stringify(everything().spec));
    const withSources = (sources: unknown) => ({
      ...spec,
      calls: spec.calls.map((call: object, i: number) => (i === 2 ? { ...call, sources } : call)),
    });
    for (const sources of [[{ input: 0 }], [], [{ input: 0 }, { input: 2 }]]) {
      const read = () => parseModelSpec(withSources(sources));
      expect(read).toThrow(ModelFileError);
      expect(read).toThrow('the model\'s add "over" takes a list of two or more inputs of one kind');
    }
  });
});
