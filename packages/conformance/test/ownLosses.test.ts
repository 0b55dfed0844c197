/** Losses of a user's own by `defineLoss`: parameters, lengths, targets of their own length, files, and what is refused. */
import { reference } from "@ostinato/conformance";
import {
  type CompileOptions,
  compile,
  crf,
  crfDecoder,
  decodeSafetensors,
  defineLayer,
  defineLoss,
  dense,
  encodeSafetensors,
  featuresOf,
  float32,
  fromBytes,
  input,
  type Loss,
  lossMetric,
  type Model,
  ModelFileError,
  mean,
  meanSquaredError,
  OptionReader,
  predictor,
  sequential,
  sgd,
  sum,
  summary,
  toBytes,
  trainedLoss,
} from "@ostinato/core";
import { add, cast, exp, feed, mul, neg, select, sequenceMask, square, sub } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const untyped = (value: unknown): never => value as never;

/** Kendall and Gal 2017: errors weighed by a precision that is learned. */
const gaussian = defineLoss({
  kind: "gaussian",
  parse(options: { readonly initial?: number; readonly l2?: number }, owner) {
    const read = new OptionReader(owner, options, ["initial", "l2"]);
    return { initial: read.number("initial", 0), l2: read.number("l2", 0, 0) };
  },
  target: () => ({ dtype: "float32" }),
  build({ parameter }, { initial, l2 }, { prediction, target }) {
    const s = parameter(
      "logVariance",
      [featuresOf(prediction)],
      { kind: "constant", value: initial },
      { regularizer: { l2 } },
    );
    const errors = add(mul(square(sub(prediction.values, target.values)), exp(neg(s))), s);
    return mean(errors, [errors.type.shape.length - 1]);
  },
});

/** How far the sum of a row's first unit is from the sum of its labels: whole rows, targets of any length. */
const sums = defineLoss({
  kind: "sums",
  parse: () => ({}),
  target: () => ({
    dtype: "int32",
    over: "own",
    classes: 10,
    check: (row, steps) => (row.length > steps ? `${row.length} labels for ${steps} steps` : undefined),
  }),
  build(_context, _config, { prediction, target }) {
    const within = (x: typeof target.values, lengths = prediction.lengths) =>
      lengths ? select(sequenceMask(lengths, x.type.shape[0]!), x, 0) : x;
    const units = within(sum(prediction.values, [2]));
    return square(sub(sum(units, [0]), sum(within(cast(target.values, "float32"), target.lengths), [0])));
  },
});

const trainerOf = (model: Model, loss: Loss, options: Partial<CompileOptions> = {}) =>
  compile(model, { backend: reference(), loss, optimizer: sgd({ learningRate: 0.05 }), ...options });

const features = sequential([input({ shape: [2] }), dense({ units: 2 })]);
const data = {
  x: Array.from({ length: 12 }, (_, i) => [i % 3, i % 4]),
  y: Array.from({ length: 12 }, (_, i) => [(i % 3) + (i % 2 ? 1 : -1), (i % 4) + (i % 2 ? 0.3 : -0.3)]),
};

test("a parameter of a loss is trained with the model, kept with it and found again", async () => {
  await using trainer = await trainerOf(features, gaussian({ initial: 0.5 }));
  await trainer.fit(data, { epochs: 100 });
  const trained = fromBytes(toBytes(await trainer.snapshot()));
  const found = trainedLoss(trained, gaussian);
  expect([found.output, found.options]).toEqual(["output", { initial: 0.5, l2: 0 }]);
  // Of the second unit more can be told.
  const [first, second] = found.weights.logVariance!.data;
  expect(first).toBeGreaterThan(second! + 0.5);
  expect(trained.weights["output/gaussian/logVariance"]).toEqual(found.weights.logVariance);
  expect(summary(trained)).toContain("output/gaussian (gaussian)  [batch, 2]");
  await using plain = await predictor(trained, { backend: reference() });
  expect((await plain.predict(data.x)).shape).toEqual([12, 2]);
});

test("its regularizer is part of the loss", async () => {
  const lossOf = async (loss: Loss) => {
    await using trainer = await trainerOf(features, loss);
    return (await trainer.evaluate(data)).loss!;
  };
  const [without, penalized] = [
    await lossOf(gaussian({ initial: 2 })),
    await lossOf(gaussian({ initial: 2, l2: 0.1 })),
  ];
  expect(penalized - without).toBeCloseTo(2 * 4 * 0.1, 6);
});

test("targets may have a length of their own, and rows are weighed as a whole", async () => {
  const ragged = sequential([
    input({ shape: ["time", 1], lengths: true }),
    dense({ units: 1, kernelInitializer: "ones" }),
  ]);
  await using trainer = await trainerOf(ragged, sums());
  const x = [[[1], [2], [3]], [[4], [5]], []]; // biome-ignore format: a table
  const y = [[4, 2], [3], []]; // biome-ignore format: a table
  expect((await trainer.evaluate({ x, y })).loss).toBeCloseTo((0 + 36 + 0) / 3, 10);
  expect((await trainer.evaluate({ x, y, sampleWeights: [1, 0.5, 1] })).loss).toBeCloseTo(18 / 3, 10);
  // Batches of one, and rows in another order, change nothing.
  expect((await trainer.evaluate({ x, y }, { batchSize: 1 })).loss).toBeCloseTo(12, 10);
  const { epochs } = await trainer.fit({ x, y }, { epochs: 1, batchSize: 2, groupByLength: true });
  expect(epochs[0]!.loss).toBeGreaterThan(0);
  await expect(trainer.fit({ x, y: [[4, 2], [3, 3, 3], []] })).rejects.toThrow('y of "output", row 1: 3 labels for 2 steps'); // biome-ignore format: a table
  await expect(trainer.fit({ x, y: [[4, 10], [3], []] })).rejects.toThrow("the label 10 is outside the 10 classes"); // biome-ignore format: a table
  await expect(trainer.fit({ x, y: [4, 2, 1] })).rejects.toThrow("a flat list of numbers has one number a row");
});

describe("a plain object", () => {
  const scaled = (kind: string): Loss => ({
    ...meanSquaredError(),
    kind,
    perRow: (p, y, { parameter }) => mean(square(sub(mul(p, parameter("scale", [2], "ones")), y)), [1]),
  });

  test("may ask for parameters, too, and is kept where it does", async () => {
    await using trainer = await trainerOf(features, scaled("scaled"));
    await trainer.fit(data);
    const trained = fromBytes(toBytes(await trainer.snapshot()));
    expect(trained.losses).toEqual({ output: { kind: "scaled", options: {}, parameters: { scale: [2] } } });
    expect(trained.weights["output/scaled/scale"].data).not.toEqual(float32([2], [1, 1]).data);
    await using without = await trainerOf(features, meanSquaredError());
    expect((await without.snapshot()).losses).toBeUndefined();
  });

  test("must have a kind that a file can hold, and parameters that no layer has", async () => {
    await expect(trainerOf(features, scaled("my loss"))).rejects.toThrow(
      'the loss my loss of "output" has a parameter "output/my loss/scale", whose parts must be',
    );
    const other = defineLayer({
      kind: "other",
      parse: () => ({}),
      takes: "features",
      outputs: { sequence: "sequence", features: "features" },
      build: ({ parameter }, _config, [x]) => [{ ...x, values: mul(x.values, parameter("scaled/scale", [2], "ones")) }],
    });
    const twice = sequential([input({ shape: [2] }), other({ name: "output" })]);
    await expect(trainerOf(twice, scaled("scaled"))).rejects.toThrow(
      '"output/scaled/scale", and so has a layer; give the output another name',
    );
  });
});

describe("what is refused", () => {
  const definition = { kind: "own", parse: () => ({}), target: () => ({ dtype: "float32" }), build: () => undefined };
  test.each([
    ["a kind of the library", { ...definition, kind: "crf" }, '"crf" is a loss of the library'],
    ["a kind that is no name", { ...definition, kind: "a b" }, "kind must be"],
    ["no target", { ...definition, target: undefined }, 'target of "own" must be a function'],
    ["another part", { ...definition, perRow: () => 1 }, 'unknown key "perRow"'],
    ["nothing", undefined, "takes a definition"],
  ] as const)("a definition: %s", (_what, own, words) => {
    expect(() => defineLoss(untyped(own))).toThrow(words);
  });

  const compiled = (more: object): Promise<unknown> =>
    trainerOf(features, defineLoss<object, object>({ ...definition, ...more } as never)());
  const wrong: readonly (readonly [what: string, more: object, words: string])[] = [
    ["options that no file holds", { parse: () => ({ f: () => 1 }) }, "f is a function"],
    ["options that change when read again", { parse: (o: { n?: number }) => ({ n: (o.n ?? 0) + 1 }) }, "must make the same"],
    ["a target of another form", { target: () => 3 }, 'the loss own of "output": target must give'],
    ["a dtype that is none", { target: () => ({ dtype: "bool" }) }, '"int32" or "float32"'],
    ["an unknown part of the target", { target: () => ({ dtype: "int32", time: 3 }) }, 'unknown key "time"'],
    ["no value", {}, "must give one number a row, float32[batch], and gives undefined"],
    ["another shape", { build: (_: never, __: never, { prediction }: { prediction: { values: never } }) => prediction.values }, "float32[batch], and gives float32[batch, 2]"],
    ["what is not its own", { build: () => feed("x", "float32", ["batch"]) }, 'the feed "x", which is not its own'],
    ["a parameter without a shape", { build: ({ parameter }: never) => (parameter as (...a: unknown[]) => never)("p", [0], "zeros") }, "whole numbers from 1 on"],
  ]; // biome-ignore format: a table
  test.each(wrong)("a loss: %s", async (_what, more, words) => {
    await expect((async () => compiled(more))()).rejects.toThrow(words);
  });

  test("a metric of a loss that looks at whole rows", async () => {
    const loss = gaussian();
    await expect(trainerOf(features, loss, { metrics: [lossMetric(loss)] })).rejects.toThrow(
      "lossMetric takes losses of single rows",
    );
  });

  test("a trained model without such a loss", async () => {
    await using trainer = await trainerOf(features, gaussian());
    const trained = await trainer.snapshot();
    expect(() => crfDecoder(trained)).toThrow("crf: no output was trained with it; those that were: none");
    expect(() => trainedLoss(trained, gaussian, "verdict")).toThrow(
      'the output "verdict" was not trained with it; those that were: output',
    );
    expect(() => trainedLoss(untyped(undefined), gaussian)).toThrow("a trained model is wanted");
  });
});

describe("files of others", () => {
  const changed = async (
    change: (parts: { losses: Record<string, never>; tensors: Record<string, never> }) => void,
  ) => {
    const tagger = sequential([input({ shape: ["time", 2] }), dense({ units: 2 })]);
    await using trainer = await trainerOf(tagger, crf());
    const { tensors, metadata } = decodeSafetensors(toBytes(await trainer.snapshot()));
    const { checksum, losses, ...rest } = metadata;
    const parts = { losses: JSON.parse(losses!), tensors: { ...tensors } };
    change(parts as never);
    const text = parts.losses === undefined ? {} : { losses: JSON.stringify(parts.losses) };
    return encodeSafetensors({ tensors: parts.tensors, metadata: { ...rest, ...text } });
  };

  test.each([
    ["losses that are none", (p) => (p.losses = [] as never), "losses are not an object"],
    ["a loss of no output", (p) => (p.losses = { other: p.losses.output } as never), "is of no output of the model"],
    ["a loss without a kind", (p) => (p.losses = { output: {} } as never), "has no kind"],
    ["a loss without options", (p) => (p.losses = { output: { kind: "crf" } } as never), "has no options"],
    ["a shape that is none", (p) => ((p.losses.output as never as { parameters: object }).parameters = { start: [-1] }), "without a name or a shape"],
    ["a name that is none", (p) => ((p.losses.output as never as { parameters: object }).parameters = { "../": [1] }), "without a name or a shape"],
    ["weights that are missing", (p) => delete p.tensors["output/crf/start"], '"output/crf/start" are missing'],
    ["weights of another shape", (p) => (p.tensors["output/crf/start"] = float32([3], [1, 2, 3]) as never), "the model needs float32[2]"],
    ["weights without their loss", (p) => (p.losses = undefined as never), "belong to no layer of the model"],
  ] as readonly (readonly [string, (parts: { losses: Record<string, never>; tensors: Record<string, never> }) => void, string])[])(
    "%s",
    async (_what, change, words) => {
      const bytes = await changed(change);
      expect(() => fromBytes(bytes)).toThrow(ModelFileError);
      expect(() => fromBytes(bytes)).toThrow(words);
    },
  ); // biome-ignore format: a table

  test("shapes that fit each other and not a CRF, or options that are none, are refused by the decoder", async () => {
    const bytes = await changed((p) => {
      const loss = p.losses.output as never as { parameters: Record<string, number[]>; options: object };
      loss.parameters.start = [3];
      p.tensors["output/crf/start"] = float32([3], [1, 2, 3]) as never;
    });
    expect(() => crfDecoder(fromBytes(bytes))).toThrow('crf of "output": its transitions must be float32[3,3]');
    const others = await changed((p) => {
      (p.losses.output as never as { options: object }).options = { beam: 1 };
    });
    expect(() => crfDecoder(fromBytes(others))).toThrow('crf of "output" has no option "beam"');
  });
});
