/** Wrong models: each gets one typed error that names the layer, what is wrong, and the way out. */
import {
  activation,
  adam,
  dense,
  dropout,
  embedding,
  type Initializer,
  input,
  isName,
  lstm,
  model,
  NAME_RULE,
  sequential,
  sgd,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectMisuse, type Misuse, untyped } from "./expectMisuse.ts";

const options: readonly Misuse[] = [
  ...[0, -1, 1.5, "a", Number.NaN, undefined, null, 2 ** 53].map(
    (units): Misuse => [
      `lstm of ${String(units)} units`,
      () => lstm({ units: untyped(units) }),
      "ConfigError",
      "lstm: units must be a whole number from 1 on",
      String(units),
    ],
  ),
  ["dense of 0 units, named", () => dense({ units: 0, name: "head" }), "ConfigError", 'dense "head": units', "got 0"],
  ["an embedding of no words", () => embedding({ inputDim: 0, outputDim: 3 }), "ConfigError", "embedding: inputDim"],
  [
    "an embedding without outputDim",
    () => embedding(untyped({ inputDim: 3 })),
    "ConfigError",
    "outputDim",
    "undefined",
  ],
  [
    "maskZero that is no truth value",
    () => embedding({ inputDim: 3, outputDim: 1, maskZero: untyped(1) }),
    "ConfigError",
    "maskZero must be true or false, got 1",
  ],
  [
    "dropout of rate 1",
    () => dropout({ rate: 1 }),
    "ConfigError",
    "dropout: rate must be a number from 0 to below 1, got 1",
  ],
  ["dropout of rate -0.1", () => dropout({ rate: -0.1 }), "ConfigError", "dropout: rate"],
  ["dropout without a rate", () => dropout(untyped({})), "ConfigError", "dropout: rate", "undefined"],
  [
    "an unknown activation",
    () => dense({ units: 1, activation: untyped("sigmoide") }),
    "ConfigError",
    '"sigmoide"',
    "linear, relu, leakyRelu",
  ],
  [
    "an activation by an inherited name",
    () => activation({ activation: untyped("constructor") }),
    "ConfigError",
    "one of",
  ],
  [
    "an unknown initializer",
    () => dense({ units: 1, kernelInitializer: untyped("xavier") }),
    "ConfigError",
    "kernelInitializer must be one of zeros",
  ],
  [
    "bounds the wrong way round",
    () => dense({ units: 1, kernelInitializer: { kind: "uniform", minval: 1, maxval: 0 } }),
    "ConfigError",
    "kernelInitializer",
  ],
  [
    "an orthogonal bias",
    () => dense({ units: 2, biasInitializer: "orthogonal" }),
    "ConfigError",
    "biasInitializer",
    "matrices",
  ],
  [
    "an orthogonal bias of an lstm",
    () => lstm({ units: 2, biasInitializer: "orthogonal" }),
    "ConfigError",
    "lstm: biasInitializer",
  ],
  [
    "a mistyped option",
    () => lstm(untyped({ units: 1, returnSequence: true })),
    "ConfigError",
    'lstm has no option "returnSequence"',
    "returnSequences",
  ],
  [
    "Keras's spelling",
    () => embedding(untyped({ input_dim: 3, output_dim: 2 })),
    "ConfigError",
    '"input_dim"',
    "inputDim",
  ],
  ["no options at all", () => lstm(untyped(undefined)), "ConfigError", "lstm: units"],
  ["a number for options", () => lstm(untyped(128)), "ConfigError", "lstm takes an object of options, got 128"],
  ["a name with a slash", () => dense({ units: 1, name: "a/b" }), "ConfigError", "dense: name must be", '"a/b"'],
  ["the name constructor", () => dense({ units: 1, name: "constructor" }), "ConfigError", "dense: name"],
  ["the name __proto__", () => dense({ units: 1, name: "__proto__" }), "ConfigError", "dense: name"],
  ["a name of 201 letters", () => dense({ units: 1, name: "x".repeat(201) }), "ConfigError", "dense: name"],
  ["an input without a shape", () => input(untyped({})), "ShapeError", 'input "input"', '["time"]'],
  ["an input without options", () => input(untyped(undefined)), "ConfigError", "input takes an object"],
  ["an input of three axes", () => input({ shape: untyped(["time", 8, 8]) }), "ShapeError", '["time", 8, 8]'],
  ["an input of size 0", () => input({ shape: ["time", 0] }), "ShapeError", "from 1 on"],
  ["an input that names its batch", () => input({ shape: ["batch"] }), "ShapeError", 'other than "batch"'],
  ["lengths of ids", () => input({ shape: ["time"], lengths: true }), "ConfigError", "maskZero: true"],
  ["lengths of features", () => input({ shape: [3], lengths: true }), "ConfigError", "only sequences"],
  ["an input whose name no file can hold", () => input({ shape: [3], name: "my input" }), "ConfigError", '"my input"'],
  ["sgd with a negative rate", () => sgd({ learningRate: -1 }), "ConfigError", "sgd: learningRate", "-1"],
  [
    "sgd with beta1, which it does not have",
    () => sgd(untyped({ beta1: 0.9 })),
    "ConfigError",
    "beta1",
    "learningRate",
  ],
  ["adam with beta1 = 1", () => adam({ beta1: 1 }), "ConfigError", "adam: beta1", "below 1"],
  ["adam with a rate of NaN", () => adam({ learningRate: Number.NaN }), "ConfigError", "adam: learningRate"],
  [
    "adam with an infinite rate",
    () => adam({ learningRate: Number.POSITIVE_INFINITY }),
    "ConfigError",
    "adam: learningRate",
  ],
];

const words = () => input({ shape: ["time"], name: "words" });
const embed = () => embedding({ inputDim: 9, outputDim: 4 });

const models: readonly Misuse[] = [
  ["a chain of nothing", () => sequential([]), "ConfigError", "at least one layer"],
  ["a layer in the place of a chain", () => sequential(untyped(dense({ units: 1 }))), "ConfigError", "list"],
  ["something else in a chain", () => sequential(untyped([embed(), "lstm"])), "ConfigError", "takes layers", '"lstm"'],
  ["nothing in a chain", () => sequential(untyped([undefined])), "ConfigError"],
  ["null in a chain", () => sequential(untyped([null, embed()])), "ConfigError"],
  ["an input in the middle", () => sequential(untyped([embed(), input({ shape: [3] })])), "ConfigError", "first"],
  [
    "dense on ids",
    () => sequential(untyped([dense({ units: 1, name: "head" })])),
    "ShapeError",
    'dense "head" takes',
    "embedding",
    "ids [batch, time]",
  ],
  [
    "lstm on ids",
    () => sequential(untyped([lstm({ units: 1 })])),
    "ShapeError",
    "lstm takes a sequence [batch, time, features]",
    "ids",
  ],
  ["dropout on ids", () => sequential(untyped([dropout({ rate: 0.1 })])), "ShapeError", "dropout", "ids"],
  [
    "activation on ids",
    () => sequential(untyped([activation({ activation: "tanh" })])),
    "ShapeError",
    "activation",
    "ids",
  ],
  [
    "lstm after an lstm that gives its last state",
    () => sequential(untyped([embed(), lstm({ units: 1 }), lstm({ units: 1, name: "second" })])),
    "ShapeError",
    'lstm "second"',
    "returnSequences: true",
    "features [batch, features]",
  ],
  [
    "an embedding of vectors",
    () => sequential(untyped([input({ shape: ["time", 3] }), embed()])),
    "ShapeError",
    "embedding takes ids [batch, time]",
    "sequence",
  ],
  [
    "two layers of one name",
    () => sequential([embed(), lstm({ units: 1, name: "a" }), dense({ units: 1, name: "a" })]),
    "ConfigError",
    'two layers are called "a"',
  ],
  [
    "a layer applied to nothing",
    () => dense({ units: 1 })(untyped(undefined)),
    "ConfigError",
    "dense is applied to",
    "undefined",
  ],
  [
    "a layer applied to a layer",
    () => dense({ units: 1 })(untyped(embed())),
    "ConfigError",
    "dense is applied to an input(…)",
  ],
  ["a layer applied to data", () => embed()(untyped([[1, 2]])), "ConfigError", "embedding"],
  [
    "an input that is read but not given",
    () => model(words(), embed()(input({ shape: ["time"], name: "others" }))),
    "ConfigError",
  ],
  [
    "the other input of that model",
    () => {
      const x = words();
      return model(x, embed()(input({ shape: ["time"], name: "others" })));
    },
    "ConfigError",
    "words",
  ],
  [
    "an input that nothing reads",
    () => {
      const x = words();
      return model([x, input({ shape: [3], name: "idle" })], embed()(x));
    },
    "ConfigError",
    'input "idle"',
    "leave it out",
  ],
  [
    "two inputs of one name",
    () => {
      const [x, z] = [words(), words()];
      return model([x, z], { a: embed()(x), b: embed()(z) });
    },
    "ConfigError",
    'two inputs are called "words"',
  ],
  ["a layer among the inputs", () => model(untyped(embed()), embed()(words())), "ConfigError", "input(…)"],
  ["nothing among the inputs", () => model(untyped(undefined), embed()(words())), "ConfigError", "input(…)"],
  ["no outputs", () => model(words(), {}), "ConfigError", "by name, got an empty record"],
  ["an output that is nothing", () => model(words(), untyped(undefined)), "ConfigError", "by name, got undefined"],
  [
    "outputs in a list",
    () => {
      const x = words();
      return model(x, untyped([embed()(x), embed()(x)]));
    },
    "ConfigError",
    "got a list; name each: { output0, output1 }",
  ],
  ["a layer among the outputs", () => model(words(), { y: untyped(embed()) }), "ConfigError", 'output "y"'],
  [
    "an output whose name no file can hold",
    () => {
      const x = words();
      return model(x, { "a b": embed()(x) });
    },
    "ConfigError",
    '"a b"',
  ],
  [
    "ids as output",
    () => {
      const x = words();
      return model(x, x);
    },
    "ShapeError",
    'output "output"',
    "apply a layer",
  ],
  [
    "one layer on inputs of two widths",
    () => {
      const [x, z] = [input({ shape: [3], name: "x" }), input({ shape: [4], name: "z" })];
      const shared = dense({ units: 2, name: "shared" });
      return model([x, z], { a: shared(x), b: shared(z) });
    },
    "ShapeError",
    'dense "shared"',
    "3",
    "4",
  ],
];

describe("options", () => {
  for (const misuse of options) test(misuse[0], () => expectMisuse(misuse));
});

describe("models", () => {
  for (const misuse of models) test(misuse[0], () => expectMisuse(misuse));
});

test("names are letters, digits and a few signs, and none that records have already", () => {
  for (const name of ["a", "words.l0", "x_1-y", "a".repeat(200)]) expect(isName(name)).toBe(true);
  for (const name of ["", "a b", "a/b", "constructor", "a".repeat(201), 7]) expect(isName(name)).toBe(false);
  expectMisuse(["", () => dense({ units: 1, name: "a b" }), "ConfigError", NAME_RULE]);
});

test("an initializer is one of the list, or uniform within bounds", () => {
  const wrong = [
    "Zeros",
    "",
    null,
    5,
    {},
    { kind: "normal", minval: 0, maxval: 1 },
    { kind: "uniform", minval: 0 },
    { kind: "uniform", minval: "0", maxval: 1 },
    { kind: "uniform", minval: 0, maxval: Number.NaN },
  ];
  for (const kernelInitializer of wrong.filter((given) => given !== null)) {
    expectMisuse([
      "",
      () => dense({ units: 1, kernelInitializer: kernelInitializer as Initializer }),
      "ConfigError",
      "dense: kernelInitializer",
    ]);
  }
});
