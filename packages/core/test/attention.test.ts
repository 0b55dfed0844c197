/** Layers of attention: their descriptions, types, wrong use, and where their weights may go. */
import {
  adam,
  add,
  additiveAttention,
  attention,
  type Backend,
  compile,
  concatenate,
  defineLayer,
  dense,
  dotScores,
  embedding,
  inferenceGraph,
  input,
  lstm,
  ModelFileError,
  meanSquaredError,
  model,
  parseModelSpec,
  printGraph,
  rnn,
  sequential,
  summary,
} from "@ostinato/core";
import { broadcast, cast, expandDims, max, sum, transpose, type Value } from "@ostinato/core/graph";
import { describe, expect, expectTypeOf, test } from "vitest";
import { expectMisuse, expectTyped, type Misuse, untyped } from "./expectMisuse.ts";
import { decay } from "./ownKinds.ts";

const sequence = (name: string, features = 2, time = "time") => input({ shape: [time, features], name, lengths: true });
const features = (name: string, size = 2) => input({ shape: [size], name });

/** A model with both layers, and their weights among its outputs. */
function everything() {
  const [query, value, key, state] = [
    sequence("query", 2, "said"),
    sequence("value", 4, "asked"),
    sequence("key", 3, "asked"),
    features("state", 5),
  ];
  const [context, scores] = attention({ scoreMode: "general", returnAttentionScores: true })([query, value, key]);
  const [seen, overview] = additiveAttention({ units: 6, returnAttentionScores: true, name: "read" })([state, key]);
  const itself = attention({ scoreMode: "scaled", useScale: true, useCausalMask: true })([context, context]);
  return model([query, value, key, state], { itself, seen, scores, overview });
}

test("a model with attention survives JSON, with the same graph", () => {
  const { spec } = everything();
  const read = parseModelSpec(JSON.parse(JSON.stringify(spec)));
  expect(read).toEqual(spec);
  expect(printGraph(inferenceGraph(read))).toBe(printGraph(inferenceGraph(spec)));
  expect(spec.layers[0]?.config).toEqual({
    scoreMode: "general",
    useScale: false,
    useCausalMask: false,
    dropout: 0,
    returnAttentionScores: true,
    kernelInitializer: "glorotUniform",
    kernelRegularizer: null,
    trainable: true,
  });
});

test("the summary shows them with what they learn", () => {
  expect(summary(everything())).toMatchInlineSnapshot(`
    "Layer (kind)              Output shape      Parameters
    ──────────────────────────────────────────────────────
    attention (attention)     [batch, said, 4]           6
    attention_1 (attention)   [batch, said, 4]           1
    read (additiveAttention)  [batch, 3]                54
    ──────────────────────────────────────────────────────
    Total parameters: 61"
  `);
});

test("the weights of self-attention have one name for two axes", () => {
  const x = sequence("x");
  const [context, scores] = attention({ returnAttentionScores: true })([x, x]);
  const { fetches } = inferenceGraph(model(x, { context, scores }).spec);
  expect(fetches.scores?.type.shape).toEqual(["batch", "time", "time"]);
});

test("where lengths are not known, nothing is masked", () => {
  const [a, b] = [input({ shape: ["time", 2], name: "a" }), input({ shape: ["other", 2], name: "b" })];
  expect(printGraph(inferenceGraph(model([a, b], attention()([a, b])).spec))).not.toContain("select");
});

test("types: they give what their query is, and the weights where they are asked to", () => {
  const [many, one] = [sequence("many"), features("one")];
  for (const layer of [attention, additiveAttention]) {
    expectTypeOf(layer()([many, many]).kind).toEqualTypeOf<"sequence">();
    expectTypeOf(layer()([one, many, many]).kind).toEqualTypeOf<"features">();
    const [context, scores] = layer({ returnAttentionScores: true })([one, many]);
    expectTypeOf(context.kind).toEqualTypeOf<"features">();
    expectTypeOf(scores.kind).toEqualTypeOf<"scores">();
    // @ts-expect-error a value of features
    expect(() => layer()([many, one])).toThrow("a list of two or three inputs");
    // @ts-expect-error ids
    expect(() => layer()([input({ shape: ["time"] }), many])).toThrow("a list of two or three inputs");
    // @ts-expect-error a chain gives one input
    expect(() => sequential([many, layer()])).toThrow("a chain has no place for it");
    // @ts-expect-error weights as a sequence
    expect(() => lstm({ units: 2 })(scores)).toThrow("scores [batch, queryTime, valueTime]");
    // @ts-expect-error weights as features
    expect(() => dense({ units: 2 })(scores)).toThrow("scores [batch, queryTime, valueTime]");
  }
});

describe("wrong use is a typed error with the layer and the shapes", () => {
  const [many, one] = [sequence("many"), features("one")];
  const [, scores] = attention({ returnAttentionScores: true })([many, many]);
  const wrong: readonly Misuse[] = [
    ["one input", () => attention()(untyped([many])), "ShapeError", "attention takes a list of two or three inputs"],
    [
      "four inputs",
      () => additiveAttention({ name: "read" })(untyped([many, many, many, many])),
      "ShapeError",
      'additiveAttention "read" takes a list of two or three inputs',
    ],
    [
      "no list",
      () => attention()(untyped(many)),
      "ConfigError",
      "attention is applied to a list of two or three inputs, [query, value]",
    ],
    [
      "weights as a value",
      () => attention()(untyped([many, scores])),
      "ShapeError",
      "it was given sequence [batch, time, features], scores [batch, queryTime, valueTime]",
    ],
    ["weights that are added", () => add()(untyped([scores, scores])), "ShapeError", "scores", "sequences"],
    ["weights side by side", () => concatenate()(untyped([scores, scores])), "ShapeError", "scores"],
    ["weights through a cell", () => rnn(decay({ units: 2 }))(untyped(scores)), "ShapeError", "scores"],
    ["weights as ids", () => embedding({ inputDim: 2, outputDim: 2 })(untyped(scores)), "ShapeError", "scores"],
    [
      "weights as a state",
      () => lstm({ units: 2 })(many, { initialState: untyped([scores, scores]) }),
      "ShapeError",
      "initialState h must be features",
    ],
    [
      "an unknown score",
      () => attention({ scoreMode: untyped("cosine") }),
      "ConfigError",
      'attention: scoreMode must be one of dot, scaled, general, concat, got "cosine"',
    ],
    ["units of attention", () => attention(untyped({ units: 3 })), "ConfigError", 'attention has no option "units"'],
    ["half a unit", () => additiveAttention({ units: 0.5 }), "ConfigError", "units must be a whole number from 1 on"],
    [
      "dropout of everything",
      () => attention({ dropout: 1 }),
      "ConfigError",
      "dropout must be a number from 0 to below 1",
    ],
  ];
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));

  test("different numbers of features", () => {
    const state = features("state", 3);
    const close = (layer: ReturnType<typeof attention>) => () => model([state, many], layer([state, many]));
    expectMisuse([
      "dot",
      close(attention({ name: "read" })),
      "ShapeError",
      'attention "read": its query and its key must have the same number of features, they are [batch, 3] and [batch, time, 2]',
      'scoreMode: "general"',
      "dense",
    ]);
    expectMisuse([
      "additive",
      close(additiveAttention()),
      "ShapeError",
      "[batch, 3] and [batch, time, 2]",
      "units: 32",
    ]);
    expect(close(attention({ scoreMode: "general" }))).not.toThrow();
    expect(close(additiveAttention({ units: 4 }))).not.toThrow();
  });

  test("time axes that do not belong together", () => {
    const other = sequence("other", 2, "otherTime");
    expectMisuse([
      "value and key",
      () => model([many, other], attention()([many, many, other])),
      "ShapeError",
      "its value and its key must be over the same time axis, they are [batch, time, 2] and [batch, otherTime, 2]",
    ]);
    expectMisuse([
      "causal",
      () => model([many, other], attention({ useCausalMask: true })([many, other])),
      "ShapeError",
      "with useCausalMask its query and its value must be sequences over the same time axis, they are [batch, time, 2] and [batch, otherTime, 2]",
    ]);
    expectMisuse([
      "one step",
      () => model([many, one], attention({ useCausalMask: true })([one, many])),
      "ShapeError",
      "they are [batch, 2] and [batch, time, 2]",
    ]);
  });

  test("a loss for weights", async () => {
    const [context, weights] = attention({ returnAttentionScores: true })([many, many]);
    const backend: Backend = { name: "none", runs: () => true, open: () => expect.fail("something ran") };
    const thrown = await compile(model(many, { context, weights }), {
      backend,
      loss: { context: meanSquaredError(), weights: meanSquaredError() },
      optimizer: adam(),
    }).catch((error: unknown) => error);
    expectTyped(thrown, "ConfigError", [
      'the output "weights" of attention "attention" has no targets; its loss must be null',
    ]);
  });

  test("a file whose attention reads one input, and one that is fed weights", () => {
    const spec = JSON.parse(JSON.stringify(everything().spec));
    const calls = spec.calls.map((call: object, i: number) => (i === 0 ? { ...call, sources: [{ input: 0 }] } : call));
    const inputs = [{ name: "query", kind: "scores", shape: ["said", "asked"], lengths: false }];
    for (const [broken, words] of [
      [{ ...spec, calls }, "takes a list of two or three inputs"],
      [{ ...spec, inputs }, "an input of the model has no kind"],
    ]) {
      const read = () => parseModelSpec(broken);
      expect(read).toThrow(ModelFileError);
      expect(read).toThrow(words);
    }
  });
});

describe("weights in layers of one's own", () => {
  /** How much each step of the value was attended to in all. */
  const coverage = defineLayer({
    kind: "coverage",
    parse: () => ({}),
    takes: "a list of weights and the value that they are of",
    merges: ["scores", "sequence"],
    outputs: "sequence",
    build: (_context, _config, [scores, value]) => [
      { ...value, values: expandDims(transpose(sum(scores.values, [1]), [1, 0]), 2) },
    ],
  });

  /** Scores that `give` makes of a query and a value. */
  const scoring = (give: (query: Value, value: Value) => Value) =>
    defineLayer({
      kind: "scoring",
      parse: () => ({}),
      takes: "a list of two sequences",
      merges: ["sequence", "sequence"],
      outputs: "scores",
      build: (_context, _config, [query, value]) => [{ kind: "scores", values: give(query.values, value.values) }],
    })();

  const [query, value] = [sequence("query", 2, "said"), sequence("value", 2, "asked")];

  test("a layer may take them, and another give them", () => {
    const [, scores] = attention({ returnAttentionScores: true })([query, value]);
    const made = model([query, value], { seen: coverage()([scores, value]), own: scoring(dotScores)([query, value]) });
    const { fetches } = inferenceGraph(made.spec);
    expect(fetches.seen?.type.shape).toEqual(["batch", "asked", 1]);
    expect(fetches.own?.type.shape).toEqual(["batch", "said", "asked"]);
  });

  const given = (give: (query: Value, value: Value) => Value) => () =>
    model([query, value], scoring(give)([query, value]));
  const wrong: readonly Misuse[] = [
    [
      "one number a row",
      given((q) => max(q, [0, 2])),
      "ShapeError",
      "its result is float32[batch]",
      "scores [batch, queryTime, valueTime] is float32 [batch, queryTime, valueTime] inside of a graph, of 3 or 2 axes",
    ],
    ["time first", given((q) => q), "ShapeError", "float32[said, batch, 2]", "where batch is batch"],
    [
      "whole numbers",
      given((q, v) => cast(dotScores(q, v), "int32")),
      "DTypeError",
      "its result must be float32, it is int32[batch, said, asked]",
    ],
    [
      "over a time of nobody",
      given((q) => broadcast(max(q, [0, 2]), ["batch", "elsewhere", "said"], [0])),
      "ShapeError",
      "where time is that of an input: [batch, said, 2], [batch, asked, 2]",
    ],
  ];
  for (const misuse of wrong) test(misuse[0], () => expectMisuse(misuse));
});
