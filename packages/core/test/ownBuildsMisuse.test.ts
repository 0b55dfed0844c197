/** Mistakes in what layers and cells of one's own build: one typed error that names the layer and what it must be. */
import {
  type BuildContext,
  bidirectional,
  defineLayer,
  dense,
  type Flow,
  feed,
  input,
  meanSquaredError,
  model,
  type Symbolic,
  sequential,
  sgd,
  state,
  trainingGraph,
} from "@ostinato/core";
import { full, max, mul } from "@ostinato/core/graph";
import { describe, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";
import { decay, residual, scale } from "./ownKinds.ts";

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

  ...([true, false] as const).map(
    (training): Misuse => [
      `a parameter in ${training ? "training" : "inference"} alone`,
      () => {
        const { spec } = built(
          build(({ parameter, mask }, _config, [flow]) => {
            if ((mask !== undefined) === training) parameter("w", [2], "zeros");
            return [{ ...flow, values: mul(flow.values, parameter("v", [3], "ones")) }];
          }),
        )();
        return trainingGraph(spec, { loss: meanSquaredError() }, sgd(), 1);
      },
      "ConfigError",
      `the parameter "broken/w" is asked for in ${training ? "training" : "inference"} alone; build must ask`,
    ],
  ),

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
    "misspelt lengths",
    built(build((_context, _config, [{ lengths, ...flow }]) => [{ ...flow, lenghts: lengths }])),
    "ConfigError",
    'broken "broken": unknown key "lenghts" in its result; known are kind, values, lengths',
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
  [
    "what makes layers to wrap",
    () => residual({ layer: untyped(scale) }),
    "ConfigError",
    "residual: layer takes a layer, got what makes layers, which is to be called: scale({ … })",
  ],
  [
    "what makes layers in a chain",
    () => sequential([x(), untyped(dense)]),
    "ConfigError",
    "sequential takes layers, got a function; what makes layers and cells is to be called with their options",
  ],
  [
    "a mistake inside of layers",
    () => sequential([x(), residual({ layer: residual({ layer: broken(() => 3)() as never }) })]),
    "ConfigError",
    'residual "residual": layer: layer: build must return a list of flows',
  ],
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
];

describe("wrong use", () => {
  for (const misuse of misuses) test(misuse[0], () => expectMisuse(misuse));
});
