/** Objectives that do not fit a model are refused before the backend is reached. */
import {
  accuracy,
  adam,
  auc,
  type Backend,
  binaryCrossentropy,
  type CompileOptions,
  categoricalCrossentropy,
  compile,
  dense,
  embedding,
  float32,
  input,
  lstm,
  type Model,
  meanSquaredError,
  model,
  predictor,
  sequential,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectTyped, untyped } from "./expectMisuse.ts";

const embed = () => embedding({ inputDim: 9, outputDim: 4 });

describe("compile", () => {
  /** A backend that must not be reached. */
  const backend: Backend = { name: "none", runs: () => true, open: () => expect.fail("something ran") };
  const binary = () =>
    sequential([embed(), lstm({ units: 2 }), dense({ units: 1, activation: "sigmoid", name: "head" })]);
  const classes = (units: number) =>
    sequential([input({ shape: [3] }), dense({ units, activation: "softmax", name: "head" })]);
  const right: CompileOptions = { backend, loss: binaryCrossentropy(), optimizer: adam() };
  type Wrong = readonly [
    what: string,
    network: Model,
    given: Record<string, unknown>,
    error: string,
    ...words: string[],
  ];

  const wrong: readonly Wrong[] = [
    ["the name of a loss", binary(), { loss: "binaryCrossentropy" }, "ConfigError", "loss", "binaryCrossentropy()"],
    ["the name of an optimizer", binary(), { optimizer: "adam" }, "ConfigError", "optimizer", "adam()"],
    ["the name of a metric", binary(), { metrics: ["accuracy"] }, "ConfigError", "metrics", "accuracy()"],
    ["a metric that is no list", binary(), { metrics: accuracy() }, "ConfigError", "metrics must be a list"],
    ["a function that was not called", binary(), { loss: binaryCrossentropy }, "ConfigError", "loss"],
    ["no backend", binary(), { backend: undefined }, "ConfigError", "backend"],
    ["a mistyped option", binary(), { metric: [accuracy()] }, "ConfigError", 'no option "metric"', "metrics"],
    ["a seed that is no whole number", binary(), { seed: 0.5 }, "ConfigError", "seed"],
    [
      "one class with a softmax",
      classes(1),
      { loss: categoricalCrossentropy() },
      "ShapeError",
      '"output" has 1 unit',
      "binaryCrossentropy",
    ],
    [
      "one class with labels",
      classes(1),
      { loss: sparseCategoricalCrossentropy() },
      "ShapeError",
      '"output" has 1 unit',
    ],
    [
      "auc of many outputs",
      classes(3),
      { loss: binaryCrossentropy(), metrics: [auc()] },
      "ConfigError",
      "auc is for one output",
      "3",
    ],
    [
      "auc of labels",
      classes(3),
      { loss: sparseCategoricalCrossentropy(), metrics: [auc()] },
      "ConfigError",
      "auc is for one output",
    ],
    [
      "weights of no layer",
      binary(),
      { weights: { other: float32([], [1]) } },
      "ConfigError",
      '"other"',
      "embedding/embeddings",
    ],
    ["no model", untyped(undefined), {}, "ConfigError", "sequential(…)"],
    [
      "a backend that is still to come",
      binary(),
      { backend: untyped(Promise.resolve(right.backend)) },
      "ConfigError",
      "backend must be what a function such as await cpu() made, got a promise: await it",
    ],
    ["the name of a backend", binary(), { backend: untyped("wasm") }, "ConfigError", "await cpu()", '"wasm"'],
  ];
  for (const [what, network, given, error, ...expected] of wrong) {
    test(what, async () => {
      const thrown = await compile(network, { ...right, ...given }).catch((caught: unknown) => caught);
      expectTyped(thrown, error, expected);
    });
  }

  test("predictor says the same of models and backends", async () => {
    const spec = { spec: {}, weights: {} };
    const calls: [given: unknown, options: unknown, ...expected: string[]][] = [
      [undefined, { backend }, "predictor: the model must be what await trainer.snapshot() or", "undefined"],
      ["model.safetensors", { backend }, "await loadModel(…)", '"model.safetensors"'],
      [Promise.resolve(spec), { backend }, "await loadModel(…)", "got a promise: await it"],
      [spec, undefined, "predictor takes an object of options, got undefined"],
      [spec, {}, "predictor: backend must be", "await cpu()", "undefined"],
      [spec, { backend: "wasm" }, "await cpu()", '"wasm"'],
      [spec, { backend: Promise.resolve(backend) }, "got a promise: await it"],
      [spec, { backend, threads: 2 }, 'predictor has no option "threads"'],
    ];
    for (const [given, options, ...expected] of calls) {
      const thrown = await predictor(untyped(given), untyped(options)).catch((caught: unknown) => caught);
      expectTyped(thrown, "ConfigError", expected);
    }
  });

  const outputs = () => {
    const x = input({ shape: [3] });
    return model(x, {
      tone: dense({ units: 1, activation: "sigmoid", name: "verdict" })(x),
      topic: dense({ units: 3 })(x),
    });
  };
  const both = { tone: binaryCrossentropy(), topic: meanSquaredError() };
  const wrongOutputs: [what: string, given: Partial<CompileOptions>, ...expected: string[]][] = [
    [
      "an output without a loss",
      { loss: { topic: both.topic } },
      '"tone" of dense "verdict" has no loss',
      "tone: null",
    ],
    ["no losses", { loss: {} }, '"tone" of dense "verdict" has no loss'],
    ["a loss of no output", { loss: { ...both, tome: both.tone } }, 'loss has "tome"', "tone, topic"],
    ["the name of a loss", { loss: untyped({ ...both, tone: "mse" }) }, 'loss of "tone" must be', '"mse"'],
    ["losses in a list", { loss: untyped([both.tone, both.topic]) }, "loss must be by output", "{ tone: …, topic: … }"],
    ["no loss but null", { loss: { tone: null, topic: null } }, "nothing to train"],
    ["a weight of no output", { loss: both, lossWeights: { tome: 1 } }, 'lossWeights has "tome"', "tone, topic"],
    ["a weight that is no number", { loss: both, lossWeights: { tone: Number.NaN } }, 'lossWeights of "tone"', "NaN"],
    [
      "weights in a list",
      { loss: both, lossWeights: untyped([1, 2]) },
      "lossWeights must be by output",
      "{ tone: …, topic: … }",
    ],
    [
      "a weight without a loss",
      { loss: { ...both, tone: null }, lossWeights: { tone: 1 } },
      'lossWeights has "tone"',
      "null",
    ],
    [
      "metrics without outputs",
      { loss: both, metrics: [accuracy()] },
      "give metrics by output",
      "{ tone: [accuracy()] }",
    ],
    ["metrics of no output", { loss: both, metrics: { tome: accuracy() } }, 'metrics has "tome"', "tone, topic"],
    ["the name of a metric", { loss: both, metrics: untyped({ tone: ["accuracy"] }) }, "each of metrics", '"accuracy"'],
    [
      "metrics without a loss",
      { loss: { ...both, tone: null }, metrics: { tone: accuracy() } },
      "lossWeights: { tone: 0 }",
    ],
    [
      "one metric twice",
      { loss: both, metrics: { tone: [accuracy(), accuracy()] } },
      '"toneAccuracy" would be in the logs twice',
    ],
    [
      "a metric called as the loss of an output",
      { loss: both, metrics: { tone: accuracy({ name: "loss" }) } },
      '"toneLoss" would be in the logs twice',
    ],
  ];
  test.each(wrongOutputs)("of two outputs, %s", async (_, given, ...expected) => {
    const thrown = await compile(outputs(), { ...right, ...given }).catch((caught: unknown) => caught);
    expectTyped(thrown, "ConfigError", expected);
  });

  test("an output whose figures would have names of validation's", async () => {
    const x = input({ shape: [3] });
    const network = model(x, { val: dense({ units: 1 })(x), topic: dense({ units: 3 })(x) });
    const thrown = await compile(network, { ...right, loss: meanSquaredError() }).catch((caught: unknown) => caught);
    expectTyped(thrown, "ConfigError", ['"valLoss" is what validation calls its figures', "or the output"]);
  });
});
