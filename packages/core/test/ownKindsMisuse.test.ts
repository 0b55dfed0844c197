/** Wrong definitions of layers and cells, wrong options of them, and wrong lists of them for files: one typed error that names what is wrong. */
import {
  bidirectional,
  type CellStep,
  defineCell,
  defineLayer,
  dense,
  type Flow,
  fromBytes,
  input,
  model,
  parseModelSpec,
  rnn,
  sequential,
} from "@ostinato/core";
import { describe, test } from "vitest";
import { definitionOf } from "../src/nn/layer.ts";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { largest, residual, scale } from "./ownKinds.ts";

const x = () => input({ shape: ["time", 3], name: "x", lengths: true });

const definition = {
  kind: "own",
  parse: () => ({}),
  takes: "x",
  outputs: { sequence: "sequence" },
  build: () => [],
} as const;
const cellDefinition = {
  kind: "own",
  parse: () => ({}),
  states: ["h"],
  sizes: () => ({ h: 1 }),
  build: () => ({}),
} as const;

const pass = {
  ...definition,
  kind: "same",
  build: (_context: unknown, _config: object, [flow]: readonly Flow[]) => [flow as Flow],
};
const [same, other] = [defineLayer(pass), defineLayer(pass)];
const keep = {
  ...cellDefinition,
  kind: "same",
  build: () => ({ step: ({ states }: CellStep<"h">) => ({ states }) }),
} as const;
const [sameCell, otherCell] = [defineCell(keep), defineCell(keep)];
const twoOfSame = ['the model has two definitions of the kind "same"; define it once'];

const misuses: readonly Misuse[] = [
  // Definitions.
  ["no definition", () => defineLayer(untyped(3)), "ConfigError", "defineLayer takes a definition, got 3"],
  [
    "a kind of the library",
    () => defineLayer({ ...definition, kind: "lstm" }),
    "ConfigError",
    'defineLayer: "lstm" is a layer of the library; call yours by another kind',
  ],
  [
    "a cell of a kind of the library",
    () => defineCell(untyped({ ...cellDefinition, kind: "rnn" })),
    "ConfigError",
    '"rnn"',
  ],
  ["a kind that is no name", () => defineLayer({ ...definition, kind: "a b" }), "ConfigError", "kind must be", '"a b"'],
  [
    "a kind that records have",
    () => defineLayer({ ...definition, kind: "constructor" }),
    "ConfigError",
    "kind must be",
  ],
  ["no kind", () => defineLayer(untyped({ ...definition, kind: undefined })), "ConfigError", "got undefined"],
  [
    "no parse",
    () => defineLayer(untyped({ ...definition, parse: 1 })),
    "ConfigError",
    'parse of "own" must be a function',
  ],
  ["no build", () => defineLayer(untyped({ ...definition, build: {} })), "ConfigError", 'build of "own"', "an object"],
  [
    "no words for what it takes",
    () => defineLayer(untyped({ ...definition, takes: 2 })),
    "ConfigError",
    'takes of "own"',
  ],
  [
    "no outputs",
    () => defineLayer(untyped({ ...definition, outputs: undefined })),
    "ConfigError",
    "outputs of",
    "undefined",
  ],
  [
    "outputs of no kind",
    () => defineLayer(untyped({ ...definition, outputs: { sequence: "vector" } })),
    "ConfigError",
    '{ sequence: "features" }',
  ],
  [
    "a kind for outputs of one input",
    () => defineLayer(untyped({ ...definition, outputs: "features" })),
    "ConfigError",
    "by kinds",
  ],
  [
    "merges of no kind",
    () => defineLayer(untyped({ ...definition, merges: ["words"] })),
    "ConfigError",
    'merges of "own"',
  ],
  [
    "states that stand twice",
    () => defineCell(untyped({ ...cellDefinition, states: ["h", "h"] })),
    "ConfigError",
    "states of",
  ],
  ["no states", () => defineCell(untyped({ ...cellDefinition, states: [] })), "ConfigError", "must be a list of names"],
  ...["ouputs", "merge", "recurence"].map(
    (key): Misuse => [
      `${key} in a definition`,
      () => defineLayer(untyped({ ...definition, [key]: true })),
      "ConfigError",
      `unknown key "${key}" in the definition of "own" for defineLayer; known are kind, parse, takes, merges, outputs, states, recurrence, ids, trees, arity, build`,
    ],
  ),
  [
    "size in the definition of a cell",
    () => defineCell(untyped({ ...cellDefinition, size: 1 })),
    "ConfigError",
    'unknown key "size" in the definition of "own" for defineCell; known are kind, parse, states, sizes, build',
  ],
  [
    "states that are no function",
    () => defineLayer(untyped({ ...definition, states: ["h"] })),
    "ConfigError",
    'defineLayer: states of "own" must be a function, got ["h"]',
  ],
  [
    "ids that are no function",
    () => defineLayer(untyped({ ...definition, ids: { inputDim: 3, maskZero: true } })),
    "ConfigError",
    'defineLayer: ids of "own" must be a function, got an object',
  ],
  [
    "a recurrence that is not true",
    () => defineLayer(untyped({ ...definition, recurrence: 1 })),
    "ConfigError",
    'recurrence of "own" must be true or left out, got 1',
  ],
  ...[["h", "h"], "h", [1]].map(
    (states): Misuse => [
      `states that give ${JSON.stringify(states)}`,
      () => defineLayer({ ...definition, states: () => untyped(states) })()(x()),
      "ConfigError",
      "own: states must give a list of names, each once, got ",
    ],
  ),
  ...(
    [
      [3, "own: ids must give { inputDim, maskZero }, got 3"],
      [{ inputDim: 0, maskZero: true }, "own: ids: inputDim must be a whole number from 1 on, got 0"],
      [{ inputDim: 3, maskZero: 1 }, "own: ids: maskZero must be true or false, got 1"],
    ] as const
  ).map(
    ([rules, words]): Misuse => [
      `ids that give ${JSON.stringify(rules)}`,
      () => {
        const { spec } = defineLayer({ ...definition, ids: () => untyped(rules) })();
        const data = {
          rows: 0,
          data: [],
          starts: [],
          lengths: [],
          spec: { label: "x", dtype: "int32", width: 1 },
        } as const;
        return definitionOf(spec).reads?.(spec.config, data, "own", 0);
      },
      "ConfigError",
      words,
    ],
  ),
  ["no sizes", () => defineCell(untyped({ ...cellDefinition, sizes: 2 })), "ConfigError", "sizes of"],

  // What parse makes of options.
  ["options that are none", () => scale(untyped(2)), "ConfigError", "scale takes an object of options, got 2"],
  ["a wrong option, by the layer's name", () => scale({ initial: -1, name: "s" }), "ConfigError", 'scale "s": initial'],
  ...(
    [
      ["not a number", { a: { b: [0, Number.NaN] } }, "a.b[1] is NaN"],
      ["infinity", { a: Number.POSITIVE_INFINITY }, "a is Infinity"],
      ["a function", { a: () => 1 }, "a is a function"],
      ["an instance of a class", { a: new Map() }, "a is an instance of a class"],
      ["a typed array", { a: new Float32Array(2) }, "a is an instance of a class"],
      ["a symbol", { a: Symbol("s") }, "a is Symbol(s)"],
      ["a bigint", { a: 1n }, "a is 1"],
      ["a list", [], "parse must give an object of options, got []"],
      ["nothing", null, "parse must give an object of options, got null"],
    ] as const
  ).map(
    ([what, config, words]): Misuse => [
      `options that become ${what}`,
      () => defineLayer({ ...definition, parse: () => config as object })({ name: "one" }),
      "ConfigError",
      'own "one": ',
      words,
    ],
  ),
  [
    "options that hold themselves",
    () => {
      const config: Record<string, unknown> = {};
      config.again = config;
      return defineLayer({ ...definition, parse: () => config })();
    },
    "ConfigError",
    "nests deeper than 64 levels",
  ],
  [
    "options that it cannot read again",
    () => {
      const parse = (options: { readonly size?: number }) => {
        if (options.size === undefined) throw new TypeError("where is size?");
        return { units: options.size };
      };
      return defineLayer({ ...definition, parse })({ size: 2 });
    },
    "ConfigError",
    "own: parse must read what it gave, for files hold it; it throws: where is size?",
  ],
  [
    "options that change each time",
    () =>
      defineCell(untyped({ ...cellDefinition, parse: (options: { n?: number }) => ({ n: (options.n ?? 0) + 1 }) }))(),
    "ConfigError",
    'own: parse must make the same of what it gave, for files hold it; it made {"n":2} of {"n":1}',
  ],
  [
    "a recurrence without its options",
    () => defineLayer({ ...definition, recurrence: true, parse: () => ({ returnSequences: true }) })(),
    "ConfigError",
    "a recurrence has the option returnState, true or false; got undefined",
  ],

  // Where they are applied.
  [
    "what it cannot take",
    () => largest()(untyped(input({ shape: [3] }))),
    "ShapeError",
    "largest takes a sequence",
    "it was given features",
  ],
  [
    "outputs that give no kind",
    () =>
      (defineLayer({ ...definition, outputs: () => untyped(["vector"]) })() as unknown as (of: unknown) => unknown)(
        x(),
      ),
    "ConfigError",
    "own: outputs must give a list of ids, sequence, features, scores, or undefined, got",
  ],

  // Two of one kind in a model.
  ["two layers of one kind", () => sequential([x(), same(), other()]), "ConfigError", ...twoOfSame],
  [
    "two layers of one kind, one inside of another",
    () => sequential([x(), same(), residual({ layer: residual({ layer: other() }) })]),
    "ConfigError",
    ...twoOfSame,
  ],
  [
    "two cells of one kind",
    () => {
      const words = x();
      const [a, b] = [sameCell({}), otherCell({})];
      return model(words, { a: rnn(a)(words), b: bidirectional(rnn([a, b]))(words) });
    },
    "ConfigError",
    ...twoOfSame,
  ],
  ["a layer and a cell of one kind", () => sequential([x(), same(), rnn(sameCell({}))]), "ConfigError", ...twoOfSame],

  // What files are read with.
  [
    "layers that are no list",
    () => parseModelSpec({}, { layers: untyped(scale) }),
    "ConfigError",
    "layers must be a list",
  ],
  [
    "what is no layer",
    () => parseModelSpec({}, { layers: [untyped({ kind: "scale" })] }),
    "ConfigError",
    "layers must be what defineLayer",
  ],
  [
    "a layer of the library",
    () => fromBytes(new Uint8Array(), { layers: [untyped(dense)] }),
    "ConfigError",
    "a function",
  ],
  [
    "a layer in place of what makes it",
    () => parseModelSpec({}, { layers: [untyped(scale())] }),
    "ConfigError",
    "a function",
  ],
  ["two of one kind", () => parseModelSpec({}, { layers: [scale, scale] }), "ConfigError", 'two of the kind "scale"'],
  [
    "a layer and a cell of one kind",
    () => parseModelSpec({}, { layers: [scale, defineCell(untyped({ ...cellDefinition, kind: "scale" }))] }),
    "ConfigError",
    'two of the kind "scale"',
  ],
  [
    "an option that there is not",
    () => parseModelSpec({}, untyped({ layer: [scale] })),
    "ConfigError",
    '"layer"',
    "layers",
  ],
];

describe("wrong use", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
