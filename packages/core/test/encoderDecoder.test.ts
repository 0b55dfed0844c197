/** Models of an encoder and a decoder: what they are made of, their training data, and wrong use. */
import {
  attention,
  bidirectional,
  dense,
  type EncoderDecoderOptions,
  embedding,
  encoderDecoder,
  globalMaxPooling1d,
  gru,
  layerNormalization,
  lstm,
  parseModelSpec,
  reversibleEmbedding,
  simpleRnn,
  summary,
  teacherForcing,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const words = (outputDim = 4) => embedding({ inputDim: 10, outputDim, maskZero: true });
const options = (given: Partial<EncoderDecoderOptions> = {}): EncoderDecoderOptions => ({
  sourceEmbedding: words(),
  targetEmbedding: words(),
  encoder: [gru({ units: 6 })],
  decoder: [gru({ units: 6 })],
  ...given,
});
/** The layers of a model, as kinds and names, each once. */
const layersOf = (given: Partial<EncoderDecoderOptions>): string[] =>
  encoderDecoder(options(given)).spec.layers.map(({ kind, name }) => (kind === name ? kind : `${kind} ${name}`));

test("with attention it gives the next tokens and the weights", () => {
  const made = encoderDecoder(
    options({
      encoder: [bidirectional(lstm({ units: 6 }))],
      attention: attention({ scoreMode: "general" }),
      dropout: 0.1,
    }),
  );
  expect(summary(made)).toMatchInlineSnapshot(`
    "Layer (kind)                   Output shape         Parameters
    ──────────────────────────────────────────────────────────────
    embedding (embedding)          [batch, target, 4]           40
    dropout (dropout)              [batch, target, 4]            0
    embedding_1 (embedding)        [batch, source, 4]           40
    dropout (dropout)              [batch, source, 4]            0
    bidirectional (bidirectional)  [batch, source, 12]         528
    concatenate (concatenate)      [batch, 24]                   0
    bridge_0_h (dense)             [batch, 6]                  150
    decoder (attentionDecoder)     [batch, target, 6]          396
    dropout (dropout)              [batch, target, 6]            0
    output (dense)                 [batch, target, 10]          70
    ──────────────────────────────────────────────────────────────
    Total parameters: 1,224"
  `);
  expect(parseModelSpec(JSON.parse(JSON.stringify(made.spec)))).toEqual(made.spec);
});

describe("the bridge", () => {
  const bridge = (given: Partial<EncoderDecoderOptions>): string[] =>
    layersOf(given).filter((layer) => /bridge|concatenate/.test(layer));
  test("copies states that fit, both directions side by side", () => {
    expect(bridge({})).toEqual([]);
    expect(bridge({ encoder: [bidirectional(gru({ units: 3 }))] })).toEqual(["concatenate"]);
    expect(bridge({ encoder: [lstm({ units: 6 })], decoder: [gru({ units: 6 })] })).toEqual([]);
    expect(bridge({ encoder: [gru({ units: 5 }), gru({ units: 6 })] })).toEqual([]);
    expect(bridge({ decoder: [gru({ units: 6 }), simpleRnn({ units: 6 })] })).toEqual([]);
  });
  test("has a dense layer for each state where one of them does not fit", () => {
    expect(bridge({ decoder: [gru({ units: 5 })] })).toEqual(["dense bridge_0_h"]);
    expect(bridge({ decoder: [lstm({ units: 6 })] })).toEqual(["dense bridge_0_h", "dense bridge_0_c"]);
    expect(bridge({ encoder: [lstm({ units: 6 })], bridge: "dense" })).toEqual(["concatenate", "dense bridge_0_h"]);
    expect(bridge({ decoder: [gru({ units: 6 }), gru({ units: 5 })] })).toEqual([
      "dense bridge_0_h",
      "dense bridge_1_h",
    ]);
  });
  test("can be none", () => {
    expect(bridge({ bridge: "none", attention: attention() })).toEqual([]);
  });
});

test("what stands between recurrences of the encoder is applied, and layers are shared", () => {
  const shared = words();
  expect(
    layersOf({
      sourceEmbedding: shared,
      targetEmbedding: shared,
      encoder: [gru({ units: 5 }), layerNormalization(), gru({ units: 6, name: "reader" })],
    }),
  ).toEqual(
    ["embedding", "gru", "layerNormalization", "gru reader", "gru_1", "dense output"].map((name) =>
      name.replace(/^gru_1$/, "gru gru_1"),
    ),
  );
});

test("a tied output is the embedding's reverse with a softmax, and has a projection where sizes differ", () => {
  const tied = (outputDim: number, given: "linear" | "softmax" = "linear") =>
    layersOf({ targetEmbedding: reversibleEmbedding({ inputDim: 10, outputDim, activation: given }) });
  expect(tied(6).slice(-2)).toEqual(["gru gru_1", "activation"]);
  expect(tied(6, "softmax").slice(-1)).toEqual(["gru gru_1"]);
  expect(tied(5).slice(-2)).toEqual(["dense projection", "activation"]);
  const attended = encoderDecoder(
    options({ targetEmbedding: reversibleEmbedding({ inputDim: 10, outputDim: 5 }), attention: attention() }),
  );
  expect(attended.spec.layers.find(({ name }) => name === "decoder")?.config).toMatchObject({ attentionUnits: 5 });
});

const wrong: readonly Misuse[] = [
  [
    "no encoder",
    () => encoderDecoder(options({ encoder: [] })),
    "ConfigError",
    "encoder must be a list of at least one layer, got []",
  ],
  [
    "one layer",
    () => encoderDecoder(options({ encoder: untyped(gru({ units: 2 })) })),
    "ConfigError",
    "encoder must be a list",
  ],
  [
    "a number",
    () => encoderDecoder(options({ decoder: [untyped(3)] })),
    "ConfigError",
    "decoder 0 takes a layer, got 3",
  ],
  [
    "no recurrence",
    () => encoderDecoder(options({ encoder: [dense({ units: 2 })] })),
    "ConfigError",
    "encoder must have a recurrence",
  ],
  [
    "pooling",
    () => encoderDecoder(options({ encoder: [gru({ units: 2 }), globalMaxPooling1d()] })),
    "ConfigError",
    "encoder 1 must be a layer that makes one sequence of a sequence; got globalMaxPooling1d",
  ],
  [
    "two outputs",
    () => encoderDecoder(options({ encoder: [bidirectional(gru({ units: 2 }), { mergeMode: null })] })),
    "ConfigError",
    "encoder 0 must be a layer that makes one sequence",
  ],
  [
    "a decoder without states",
    () => encoderDecoder(options({ decoder: [dense({ units: 2 })] })),
    "ConfigError",
    "decoder 0 must be a recurrence",
  ],
  [
    "a decoder in both directions",
    () => encoderDecoder(options({ decoder: [bidirectional(gru({ units: 2 }))] })),
    "ConfigError",
    "decoder 0 must be a recurrence that reads from the first step on",
    "got bidirectional",
  ],
  [
    "a decoder that reads backward",
    () => encoderDecoder(options({ decoder: [gru({ units: 6, reverse: true })], attention: attention() })),
    "ConfigError",
    "decoder 0 must be a recurrence that reads from the first step on",
    "reverse",
  ],
  [
    "no embedding",
    () => encoderDecoder(options({ sourceEmbedding: untyped(dense({ units: 2 })) })),
    "ConfigError",
    "sourceEmbedding must be a layer that makes a sequence of ids",
    "got the layer",
  ],
  [
    "states that cannot be copied",
    () => encoderDecoder(options({ decoder: [gru({ units: 5 })], bridge: "copy" })),
    "ConfigError",
    'with bridge "copy" the state h of decoder 0, 5 numbers, begins with that of the encoder, 6 numbers',
    'bridge: "dense"',
  ],
  [
    "a state that the encoder has not",
    () => encoderDecoder(options({ decoder: [lstm({ units: 6 })], bridge: "copy" })),
    "ConfigError",
    "the state c of decoder 0",
    "none of this name",
  ],
  [
    "another bridge",
    () => encoderDecoder(options({ bridge: untyped("long") })),
    "ConfigError",
    "bridge must be one of copy, dense, none",
  ],
  [
    "input feeding of nothing",
    () => encoderDecoder(options({ inputFeeding: true })),
    "ConfigError",
    "inputFeeding belongs to attention",
  ],
  [
    "nothing that is read",
    () => encoderDecoder(options({ bridge: "none" })),
    "ConfigError",
    "nothing of the source reaches the decoder",
  ],
  [
    "an output that is none",
    () => encoderDecoder(options({ output: untyped("softmax") })),
    "ConfigError",
    "output must be a layer",
  ],
  [
    "sizes that dot products do not take",
    () => encoderDecoder(options({ decoder: [gru({ units: 5 })], attention: attention() })),
    "ShapeError",
    'attentionDecoder "decoder": attention: its query and its key must have the same number of features',
  ],
  [
    "no attention",
    () => encoderDecoder(options({ attention: dense({ units: 2 }) })),
    "ConfigError",
    "attention must be a layer of attention",
  ],
];
for (const misuse of wrong) test(`wrong use: ${misuse[0]}`, () => expectMisuse(misuse));

describe("teacherForcing", () => {
  const sources = [[3, 4], [5]];
  test("puts the start before what is read and the end behind what is said", () => {
    const { x, y } = teacherForcing(sources, [[7, 8, 9], []], { start: 1, end: 2 });
    expect(x.source).toBe(sources);
    expect(x.target.map((row) => [...row])).toEqual([[1, 7, 8, 9], [1]]);
    expect(y.map((row) => [...row])).toEqual([[7, 8, 9, 2], [2]]);
    expect(new Set([...x.target, ...y].map(({ buffer }) => buffer)).size).toBe(1);
  });
  const forcing =
    (targets: unknown, tokens: unknown = { start: 1, end: 2 }) =>
    () =>
      teacherForcing(sources, untyped(targets), untyped(tokens));
  const misuses: readonly Misuse[] = [
    [
      "one token for both",
      forcing([[3]], { start: 1, end: 1 }),
      "ConfigError",
      "start and end must be two tokens, both are 1",
    ],
    [
      "padding as the start",
      forcing([[3]], { start: 0, end: 1 }),
      "ConfigError",
      "start must be a whole number from 1 on",
    ],
    ["no end", forcing([[3]], { start: 1 }), "ConfigError", "end must be a whole number"],
    ["a text", forcing("abc"), "DataError", 'targets must be a list of rows, got "abc"'],
    ["rows that are numbers", forcing([3, 4]), "DataError", "targets, row 0: a list of ids is wanted, got 3"],
    ["halves", forcing([[3], [3, 0.5]]), "DataError", "targets, row 1: an id is wanted at place 1, got 0.5"],
    ["ends that are there already", forcing([[3, 2]]), "DataError", "targets, row 0 has the end, 2, at place 1"],
  ];
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
