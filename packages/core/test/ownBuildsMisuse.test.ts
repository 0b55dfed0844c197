/** Mistakes in what layers and cells of one's own build: one typed error that names the layer and what it must be. */
import {
  type BuildContext,
  bidirectional,
  defineCell,
  defineLayer,
  dense,
  type Flow,
  feed,
  input,
  lstm,
  model,
  rnn,
  type Symbolic,
  state,
} from "@ostinato/core";
import { full, max, mul } from "@ostinato/core/graph";
import { describe, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { decay, readUnits, residual, scale } from "./ownKinds.ts";

const x = () => input({ shape: ["time", 3], name: "x", lengths: true });

/** A layer of features whose `build` is given, for what goes wrong in it. */
const broken = (build: unknown, more: object = {}) =>
  untyped(
    defineLayer({
      kind: "broken",
      parse: () => ({}),
      takes: "a sequence or features",
      outputs: { sequence: "sequence", features: "features" },
      build: untyped(build),
      ...more,
    }),
  ) as () => (given: Symbolic) => Symbolic;

/** A model of one such layer, over a sequence. */
const built = (build: unknown, more?: object) => {
  const words = x();
  return () => model(words, broken(build, more)()(words));
};

/** A cell whose parts are given. */
const brokenCell = (build: unknown, more: object = {}) =>
  defineCell({
    kind: "broken",
    parse: readUnits,
    states: ["h"],
    sizes: ({ units }) => ({ h: units }),
    build: untyped(build),
    ...more,
  });
const run = (build: unknown, more?: object, options?: object) => {
  const words = x();
  return () => model(words, rnn(brokenCell(build, more)({ units: 2 }), options as { reverse: boolean })(words));
};
const stepOf = (step: unknown) => () => ({ step });

type Build = (context: BuildContext, config: object, flows: [Flow]) => unknown;
const build = (given: Build): Build => given;

const misuses: readonly Misuse[] = [
  // What build asks for.
  [
    "a parameter of two shapes",
    built(
      build(({ parameter }, _config, [flow]) => {
        parameter("w", [2], "zeros");
        return [{ ...flow, values: mul(flow.values, parameter("w", [3], "zeros")) }];
      }),
    ),
    "ShapeError",
    'broken "broken": the parameter "broken/w" is [2], and was asked for as [3]',
  ],
  [
    "a shared layer over inputs of two sizes",
    () => {
      const [a, b] = [input({ shape: [2], name: "a" }), input({ shape: [3], name: "b" })];
      const shared = dense({ units: 1, name: "shared" });
      return model([a, b], { a: shared(a), b: shared(b) });
    },
    "ShapeError",
    'dense "shared": the parameter "shared/kernel" is [2, 1], and was asked for as [3, 1]',
  ],
  [
    "a parameter of no shape",
    built(build(({ parameter }) => [parameter("w", untyped(3), "zeros")])),
    "ShapeError",
    '"broken/w"',
    "got 3",
  ],
  [
    "a parameter of a named size",
    built(build(({ parameter }) => [parameter("w", untyped(["time"]), "zeros")])),
    "ShapeError",
    '["time"]',
  ],
  [
    "a parameter without a name",
    built(build(({ parameter }) => [parameter(untyped(undefined), [1], "zeros")])),
    "ConfigError",
    "the name of a parameter",
  ],
  [
    "an initializer that there is not",
    built(build(({ parameter }) => [parameter("w", [1], untyped("noise"))])),
    "ConfigError",
    'broken "broken": the parameter "broken/w": initializer must be one of zeros, ones',
    'got "noise"',
  ],
  [
    "no initializer",
    built(build(({ parameter }) => [parameter("w", [1], untyped(undefined))])),
    "ConfigError",
    'the parameter "broken/w": initializer must be one of zeros, ones',
    "got undefined",
  ],
  ...[[3], [2, 2, 2]].map(
    (shape): Misuse => [
      `orthogonal for ${shape.length} axes`,
      built(build(({ parameter }) => [parameter("w", shape, "orthogonal")])),
      "ConfigError",
      'broken "broken": the parameter "broken/w": initializer must be another initializer; only matrices are orthogonal, got "orthogonal"',
    ],
  ),
  ...(
    [
      [{ trainble: false }, 'has no option "trainble"; it takes trainable, regularizer'],
      [{ trainable: "false" }, ': trainable must be true or false, got "false"'],
      [{ regularizer: "l2" }, ': regularizer must be { l1, l2 }, got "l2"'],
      [{ regularizer: { l3: 1 } }, ': regularizer has no option "l3"; it takes l1, l2'],
      [{ regularizer: { l2: -1 } }, ": regularizer: l2 must be a number from 0 on, got -1"],
      [false, "takes an object of options, got false"],
    ] as const
  ).flatMap(([traits, words]): Misuse[] => [
    [
      `the traits ${JSON.stringify(traits)}`,
      built(build(({ parameter }) => [parameter("w", [1], "zeros", untyped(traits))])),
      "ConfigError",
      'broken "broken": the parameter "broken/w"',
      words,
    ],
    [
      `the traits ${JSON.stringify(traits)}, in a cell`,
      run(({ parameter }: BuildContext) => ({ step: parameter("w", [1], "zeros", untyped(traits)) })),
      "ConfigError",
      'rnn "rnn": its cell broken: the parameter "rnn/w"',
      words,
    ],
  ]),
  [
    "a parameter of two initializers",
    built(build(({ parameter }) => [parameter("w", [2], "zeros"), parameter("w", [2], "ones")])),
    "ConfigError",
    'broken "broken": the parameter "broken/w" is "zeros", and was asked for as "ones"',
  ],
  [
    "a parameter of two initializers with options",
    built(
      build(({ parameter }) => {
        parameter("w", [2], { kind: "constant", value: 1 });
        return [parameter("w", [2], { value: 2, kind: "constant" })];
      }),
    ),
    "ConfigError",
    'is {"kind":"constant","value":1}, and was asked for as {"kind":"constant","value":2}',
  ],
  [
    "a parameter that is frozen once",
    built(
      build(({ parameter }) => [
        parameter("w", [2], "zeros", { trainable: false, regularizer: { l2: 1 } }),
        parameter("w", [2], "zeros", { regularizer: { l2: 1 } }),
      ]),
    ),
    "ConfigError",
    '"broken/w" is {"trainable":false,"regularizer":{"l1":0,"l2":1}}, and was asked for as {"trainable":true,',
  ],

  // What build gives.
  [
    "no list",
    built(build((_context, _config, [flow]) => flow)),
    "ConfigError",
    "build must return a list of flows",
    "an object",
  ],
  ["nothing", built(() => undefined), "ConfigError", "build must return a list of flows", "undefined"],
  [
    "two results for one",
    built(build((_context, _config, [flow]) => [flow, flow])),
    "ConfigError",
    "build returned 2 results; by outputs there are 1: sequence",
  ],
  [
    "a value for a flow",
    built(build((_context, _config, [flow]) => [flow.values])),
    "ConfigError",
    'its result must be { kind: "sequence", values }',
  ],
  [
    "another kind",
    built(build((_context, _config, [flow]) => [{ ...flow, kind: "features" }])),
    "ConfigError",
    'must be of the kind "sequence", got "features"',
  ],
  [
    "batch first",
    built(build((_context, _config, [flow]) => [{ ...flow, values: full(0, ["batch", "time", 3]) }])),
    "ShapeError",
    'broken "broken": its result is float32[batch, time, 3]; sequence [batch, time, features] is float32 [time, batch, features] inside of a graph',
  ],
  [
    "an axis too few",
    built(build((_context, _config, [flow]) => [{ ...flow, values: max(flow.values, [2]) }])),
    "ShapeError",
    "float32[time, batch]",
    "of 3 axes",
  ],
  [
    "another time axis",
    built(build((_context, _config, [flow]) => [{ ...flow, values: full(0, ["steps", "batch", 3]) }])),
    "ShapeError",
    "where time is that of an input: [batch, time, 3]",
  ],
  [
    "whole numbers for a sequence",
    built(build((_context, _config, [flow]) => [{ ...flow, values: full(0, ["time", "batch", 3], "int32") }])),
    "DTypeError",
    "its result must be float32, it is int32[time, batch, 3]",
  ],
  [
    "lengths that were lost",
    built(build((_context, _config, [flow]) => [{ kind: "sequence", values: flow.values }])),
    "ConfigError",
    "its result has no lengths",
    "{ ...x, values }",
  ],
  [
    "lengths that are none",
    built(build((_context, _config, [flow]) => [{ ...flow, lengths: flow.values }])),
    "ShapeError",
    "the lengths of its result must be int32[batch], got float32[time, batch, 3]",
  ],
  [
    "a feed of nobody's",
    built(build((_context, _config, [flow]) => [{ ...flow, values: mul(flow.values, feed("gain", "float32", [3])) }])),
    "ConfigError",
    'build reads the feed "gain", which is not its own',
  ],
  [
    "a state of nobody's",
    built(build((_context, _config, [flow]) => [{ ...flow, values: mul(flow.values, state("gain", "float32", [3])) }])),
    "ConfigError",
    'build reads the state "gain"',
  ],

  // Layers inside of layers.
  ["no layer to wrap", () => residual({ layer: untyped(3) }), "ConfigError", "residual: layer takes a layer, got 3"],
  [
    "plain data to wrap",
    () => residual({ layer: untyped({ kind: "dense", config: {} }) }),
    "ConfigError",
    "plain data of the kind",
    '"dense"',
  ],
  ["a cell to wrap", () => residual({ layer: untyped(decay({ units: 2 })) }), "ConfigError", 'got the cell "decay"'],
  [
    "a layer for both directions that is no recurrence",
    () => bidirectional(untyped(scale())),
    "ConfigError",
    "must be a recurrence",
    "got scale",
  ],
  [
    "a cell for both directions",
    () => bidirectional(untyped(decay({ units: 1 }))),
    "ConfigError",
    "layer takes a layer, got the cell",
  ],

  // Cells.
  ["no cell", () => rnn(untyped(undefined)), "ConfigError", "rnn: cell takes a cell", "undefined"],
  ["no cell in the list", () => rnn(untyped([])), "ConfigError", "rnn: cell"],
  [
    "a layer for a cell",
    () => rnn([decay({ units: 1 }), untyped(lstm({ units: 2 }))]),
    "ConfigError",
    "rnn: cell 1 takes a cell",
    "a function",
  ],
  [
    "options of rnn that are none",
    () => rnn(decay({ units: 1 }), untyped(true)),
    "ConfigError",
    "rnn takes a cell and an object of options",
  ],
  [
    "a size that is none",
    run(
      stepOf(() => ({})),
      { sizes: () => ({ h: 0 }) },
    ),
    "ConfigError",
    "sizes must give a whole number from 1 on for the state h, got 0",
  ],
  ["no step", run(() => ({})), "ConfigError", 'rnn "rnn": its cell broken: build must give { step }'],
  [
    "a step that gives nothing",
    run(stepOf(() => undefined)),
    "ConfigError",
    "step must give { states: { h } }, got undefined",
  ],
  [
    "a state that is left out",
    run(stepOf(() => ({ states: {} }))),
    "ConfigError",
    "the state h that step gives must be a value of a graph, got undefined",
  ],
  [
    "a state that there is not",
    run(stepOf(({ states }: { states: { h: never } }) => ({ states: { h: states.h, c: states.h } }))),
    "ConfigError",
    'step gives the state "c"; the cell has h',
  ],
  [
    "a state of another size",
    run(stepOf(({ x }: { x: never }) => ({ states: { h: x } }))),
    "ShapeError",
    'rnn "rnn": its cell broken: the state h that step gives must be float32[batch, 2], it is float32[batch, 3]',
  ],
  [
    "an output over time",
    run(stepOf(({ states }: { states: { h: never } }) => ({ states, output: full(0, ["time", "batch", 2]) }))),
    "ShapeError",
    "the output that step gives must be [batch, features]",
  ],
  [
    "steps that prepare put elsewhere",
    run(() => ({ prepare: () => full(0, ["batch", "time", 2]), step: () => ({}) })),
    "ShapeError",
    "what prepare gives must begin with [time, batch]",
  ],
  [
    "a step that reads a feed",
    run(
      stepOf(({ states: { h } }: { states: { h: never } }) => ({
        states: { h: mul(h, feed("gain", "float32", [2])) },
      })),
    ),
    "ConfigError",
    'build reads the feed "gain"',
  ],
  [
    "a state to begin with of another size",
    () => {
      const [words, h] = [x(), input({ shape: [4], name: "h" })];
      return model([words, h], rnn(decay({ units: 2 }))(words, { initialState: [h, h] }));
    },
    "ShapeError",
    "initialState h must be [batch, 2], it was given [batch, 4]",
  ],
  [
    "a learned state of another size",
    run(() => ({ initial: { h: full(0, [3]) }, step: () => ({}) })),
    "ShapeError",
    "float32[3] does not broadcast to [batch, 2]",
  ],
];

describe("wrong use", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
