/** Decoders with attention: their descriptions, types, and wrong use. */
import {
  add,
  attention,
  attentionDecoder,
  bidirectional,
  dense,
  gru,
  inferenceGraph,
  input,
  lstm,
  model,
  parseModelSpec,
  printGraph,
  sequential,
  summary,
} from "@ostinato/core";
import { expect, expectTypeOf, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const x = input({ shape: ["target", 2], name: "x", lengths: true });
const memory = input({ shape: ["source", 4], name: "memory", lengths: true });
const h = input({ shape: [4], name: "h" });
const options = { layers: [gru({ units: 4 })], attention: attention() };

test("a model with a decoder survives JSON, with the same graph", () => {
  for (const inputFeeding of [false, true]) {
    const { spec } = model([x, memory], attentionDecoder({ ...options, inputFeeding })([x, memory]));
    const read = parseModelSpec(JSON.parse(JSON.stringify(spec)));
    expect(read).toEqual(spec);
    expect(printGraph(inferenceGraph(read))).toBe(printGraph(inferenceGraph(spec)));
  }
});

test("its parameters are called after its parts", () => {
  const fed = attentionDecoder({
    layers: [lstm({ units: 4 }), gru({ units: 3 })],
    attention: attention({ scoreMode: "general" }),
    attentionUnits: 5,
    inputFeeding: true,
    name: "writer",
  });
  expect(summary(model([x, memory], fed([x, memory])))).toMatchInlineSnapshot(`
    "Layer (kind)               Output shape        Parameters
    ─────────────────────────────────────────────────────────
    writer (attentionDecoder)  [batch, target, 5]         320
    ─────────────────────────────────────────────────────────
    Total parameters: 320"
  `);
});

test("types: it gives a sequence, and the weights where they are asked for", () => {
  expectTypeOf(attentionDecoder(options)([x, memory]).kind).toEqualTypeOf<"sequence">();
  const [vectors, scores] = attentionDecoder({ ...options, returnAttentionScores: true })([x, memory], {
    initialState: [h],
  });
  expectTypeOf(vectors.kind).toEqualTypeOf<"sequence">();
  expectTypeOf(scores.kind).toEqualTypeOf<"scores">();
  // @ts-expect-error a memory of features
  expect(() => attentionDecoder(options)([x, h])).toThrow("a list of two sequences, [target, memory]");
  // @ts-expect-error a chain gives one input
  expect(() => sequential([x, attentionDecoder(options)])).toThrow("a chain has no place for it");
});

const wrong: readonly Misuse[] = [
  [
    "no layers",
    () => attentionDecoder({ ...options, layers: [] }),
    "ConfigError",
    "layers must be a list of at least one recurrence, got []",
  ],
  [
    "no recurrence",
    () => attentionDecoder({ ...options, layers: [dense({ units: 2 })] }),
    "ConfigError",
    "attentionDecoder: layer 0 must be a recurrence",
    "got dense",
  ],
  [
    "both directions",
    () => attentionDecoder({ ...options, layers: [gru({ units: 2 }), bidirectional(gru({ units: 2 }))] }),
    "ConfigError",
    "layer 1 must be a recurrence that reads from the first step on",
    "got bidirectional",
  ],
  [
    "backward",
    () => attentionDecoder({ ...options, layers: [gru({ units: 2, reverse: true })] }),
    "ConfigError",
    "got gru with reverse: true",
  ],
  [
    "stateful",
    () => attentionDecoder({ ...options, layers: [gru({ units: 2, stateful: true })] }),
    "ConfigError",
    "its gru is stateful",
    "leave out stateful",
  ],
  [
    "no attention",
    () => attentionDecoder({ ...options, attention: dense({ units: 2 }) }),
    "ConfigError",
    "attention must be a layer of attention",
    "got dense",
  ],
  ["a merging layer", () => attentionDecoder({ ...options, attention: untyped(add()) }), "ConfigError", "got add"],
  [
    "nothing",
    () => attentionDecoder(untyped({ layers: options.layers })),
    "ConfigError",
    "attention takes a layer, got undefined",
  ],
  [
    "causal attention",
    () => attentionDecoder({ ...options, attention: attention({ useCausalMask: true }) }),
    "ConfigError",
    "useCausalMask is for attention of a sequence to itself",
  ],
  [
    "an order",
    () => attentionDecoder({ ...options, attentionOrder: untyped("first") }),
    "ConfigError",
    "one of after, before",
  ],
  [
    "too few states",
    () =>
      attentionDecoder({ ...options, layers: [lstm({ units: 4 }), gru({ units: 4 })] })([x, memory], {
        initialState: [h, h],
      }),
    "ConfigError",
    "initialState must be [0 h, 0 c, 1 h]",
  ],
  [
    "states of another size",
    () =>
      model(
        [x, memory, h],
        attentionDecoder({
          layers: [gru({ units: 3 })],
          attention: attention({ scoreMode: "general" }),
          inputFeeding: true,
        })([x, memory], { initialState: [h] }),
      ),
    "ShapeError",
    'attentionDecoder "attentionDecoder": layer0: initialState h must be [batch, 3]',
  ],
  [
    "features that do not fit",
    () =>
      model(
        [x, memory],
        attentionDecoder({ ...options, layers: [gru({ units: 3 })], inputFeeding: true })([x, memory]),
      ),
    "ShapeError",
    'attentionDecoder "attentionDecoder": attention: its query and its key must have the same number of features',
  ],
];
for (const misuse of wrong) test(`wrong use: ${misuse[0]}`, () => expectMisuse(misuse));
