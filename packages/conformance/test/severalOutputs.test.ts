/** Models of several outputs: a loss, a weight, metrics and sample weights for each, against one output at a time. */
import {
  accuracy,
  adam,
  auc,
  binaryCrossentropy,
  type Checkpoint,
  ConfigError,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  dense,
  dropout,
  earlyStopping,
  embedding,
  type FitOptions,
  float32,
  float64,
  fromBytes,
  input,
  int32,
  log,
  lossMetric,
  lstm,
  meanAbsoluteError,
  meanSquaredError,
  model,
  nodesOf,
  type Objective,
  predictor,
  RandomStream,
  sgd,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  toBytes,
  trainingGraph,
  weightsOfClasses,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { checkGradients, reference } from "../src/index.ts";

const backend = reference();

/** Tags for each word, the tone of each text, and a score that is only predicted. */
function network() {
  const words = input({ shape: ["time"], name: "words" });
  const embedded = embedding({ inputDim: 9, outputDim: 3, maskZero: true, name: "embedding" })(words);
  const [steps, h] = lstm({ units: 4, returnSequences: true, returnState: true, dropout: 0.2, name: "lstm" })(embedded);
  return model(words, {
    tags: dense({ units: 3, activation: "softmax", name: "tags" })(steps),
    tone: dense({ units: 1, activation: "sigmoid", name: "tone" })(dropout({ rate: 0.1 })(h)),
    score: dense({ units: 2, name: "score" })(h),
  });
}

const stream = new RandomStream(11, "rows");
const texts = Array.from({ length: 26 }, () => Array.from({ length: stream.below(6) }, () => 1 + stream.below(8)));
const y = {
  tags: texts.map((row) => row.map((id) => id % 3)),
  tone: texts.map((row) => (row.filter((id) => id > 4).length * 2 > row.length ? 1 : 0)),
};
const losses = { tags: sparseCategoricalCrossentropy(), tone: binaryCrossentropy(), score: null };
const objective = {
  loss: losses,
  lossWeights: { tone: 0.3 },
  metrics: { tags: sparseCategoricalAccuracy(), tone: [accuracy(), lossMetric(meanSquaredError())] },
  weightedMetrics: { tone: [accuracy({ name: "weighted" })] },
};
const trainer = (given: Objective = objective) =>
  compile(network(), { ...given, backend, optimizer: adam({ learningRate: 0.02 }), seed: 4 });

describe("training", () => {
  test("logs the loss, that of each output, and their metrics; of validation too", async () => {
    await using trained = await trainer();
    const options = { epochs: 8, batchSize: 6, validationSplit: 0.2 };
    const { epochs } = await trained.fit({ x: texts, y }, options);
    const figures = ["loss", "tagsLoss", "toneLoss", "tagsSparseCategoricalAccuracy", "toneAccuracy"];
    figures.push("toneMeanSquaredError", "toneWeighted");
    const named = [...figures, ...figures.map((name) => `val${name[0].toUpperCase()}${name.slice(1)}`)];
    for (const event of epochs) {
      expect(Object.keys(event)).toEqual(["epoch", "epochs", "seconds", ...named]);
      expect(event.loss).toBeCloseTo(event.tagsLoss + 0.3 * event.toneLoss, 12);
      expect(event.valLoss).toBeCloseTo(event.valTagsLoss + 0.3 * event.valToneLoss, 12);
      expect(event.toneWeighted).toBe(event.toneAccuracy);
    }
    expect(epochs.at(-1)?.tagsLoss).toBeLessThan(epochs[0].tagsLoss);
    expect(epochs.at(-1)?.toneLoss).toBeLessThan(epochs[0].toneLoss);
  });

  test("evaluates each output as a model of that output alone, whatever the batch size", async () => {
    await using all = await trainer();
    const sampleWeights = { tags: texts.map((row) => row.map((id) => id / 8)), tone: texts.map((_, i) => (i % 4) / 2) };
    await all.fit({ x: texts, y, sampleWeights }, { epochs: 2, batchSize: 6 });
    const { spec, weights } = await all.snapshot();
    const whole = await all.evaluate({ x: texts, y, sampleWeights }, { batchSize: 5 });
    expect(await all.evaluate({ x: texts, y, sampleWeights }, { batchSize: 26 })).toEqual(
      Object.fromEntries(Object.entries(whole).map(([name, value]) => [name, expect.closeTo(value, 6)])),
    );
    for (const name of ["tags", "tone"] as const) {
      const kept = network();
      const index = kept.spec.outputs.findIndex((output) => output.name === name);
      await using alone = await compile(
        { spec: { ...spec, layers: kept.spec.layers, outputs: [spec.outputs[index]] } },
        {
          backend,
          loss: losses[name],
          optimizer: sgd(),
          metrics: [accuracy()],
          weightedMetrics: [accuracy({ name: "weighted" })],
          weights,
        },
      );
      const part = await alone.evaluate({ x: texts, y: y[name], sampleWeights: sampleWeights[name] });
      expect(whole[`${name}Loss`]).toBeCloseTo(part.loss, 6);
      const own = name === "tags" ? whole.tagsSparseCategoricalAccuracy : whole.toneAccuracy;
      expect(own).toBeCloseTo(part.accuracy, 12);
      if (name === "tone") expect(whole.toneWeighted).toBeCloseTo(part.weighted, 12);
    }
  });

  test("the gradient is that of the weighted sum, for every parameter; what no loss sees has none", () => {
    const { spec } = network();
    const [batch, time] = [3, 4];
    const draw = new RandomStream(5, "weights");
    const tensor = (shape: number[]) =>
      float64(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw.uniform() - 0.5),
      );
    const weighing = { tags: "steps", tone: "rows" } as const;
    const graph = trainingGraph(spec, objective, sgd(), 7, weighing);
    const state: Record<string, ReturnType<typeof tensor> | ReturnType<typeof int32>> = {
      "training/step": int32([], [0]),
    };
    const wrt = nodesOf([graph.fetches.loss]).flatMap((node) => {
      if (node.op !== "input" || node.attrs.kind !== "state" || node.attrs.dtype !== "float32") return [];
      state[node.attrs.name] = tensor(node.attrs.shape as number[]);
      return [{ node, output: 0, type: node.outputs[0] }];
    });
    expect(wrt.map(({ node }) => (node.op === "input" ? node.attrs.name : ""))).not.toContain("score/kernel");
    const feeds = {
      words: int32([batch, time], [1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0]),
      "tags/target": int32([batch, time], [0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 0]),
      "tone/target": float64([batch, 1], [1, 0, 1]),
      "tags/sampleWeights": float64([batch, time], [1, 0.5, 2, 1, 0.25, 1, 3, 3, 3, 3, 3, 3]),
      "tone/sampleWeights": float64([batch], [0.5, 2, 1]),
    };
    checkGradients({ outputs: [graph.fetches.loss], wrt, feeds, state });
  });

  test("a loss weight of 0 watches an output, null leaves it out; neither changes what only it reads", async () => {
    const x = float32([4, 2], [1, 0, 0, 1, 1, 1, 0, 0]);
    const twoHeads = () => {
      const entry = input({ shape: [2] });
      return model(entry, {
        left: dense({ units: 1, name: "left" })(entry),
        right: dense({ units: 1, name: "right" })(entry),
      });
    };
    const targets = { left: [1, 0, 1, 0], right: [0, 1, 1, 0] };
    const given = [
      { loss: meanSquaredError(), lossWeights: { right: 0 } },
      { loss: { left: meanSquaredError(), right: null } },
    ];
    const trained = [];
    for (const one of given) {
      await using heads = await compile(twoHeads(), { ...one, backend, optimizer: adam(), seed: 2 });
      const before = await heads.snapshot();
      const { epochs } = await heads.fit({ x, y: targets }, { epochs: 3 });
      const after = await heads.snapshot();
      expect(after.weights["right/kernel"]).toEqual(before.weights["right/kernel"]);
      expect(after.weights["left/kernel"]).not.toEqual(before.weights["left/kernel"]);
      trained.push({ losses: epochs.map(({ loss }) => loss), left: after.weights["left/kernel"] });
      expect(Object.keys(epochs[0]).includes("rightLoss")).toBe(one.loss === given[0].loss);
    }
    expect(trained[1]).toEqual(trained[0]);
  });

  test("goes on from a checkpoint in the middle of an epoch, bit for bit", async () => {
    const saved: Uint8Array[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
    const sampleWeights = { tone: texts.map((_, i) => 1 + (i % 2)) };
    const options = { epochs: 2, batchSize: 6, validationSplit: 0.2 } satisfies FitOptions;
    await using whole = await trainer();
    const history = await whole.fit(
      { x: texts, y, sampleWeights },
      { ...options, callbacks: [checkpoints({ save, everySteps: 1 })] },
    );
    const timeless = ({ epochs }: typeof history) => epochs.map((event) => ({ ...event, seconds: 0 }));
    expect(saved.length).toBeGreaterThan(6);
    for (const bytes of saved) {
      await using resumed = await trainer();
      const callbacks = [checkpoints({ save: () => {}, everySteps: 1 })];
      const resume = checkpointFromBytes(bytes);
      const again = await resumed.fit({ x: texts, y, sampleWeights }, { ...options, callbacks, resume });
      expect(timeless(again)).toEqual(timeless(history));
      expect(toBytes(await resumed.snapshot())).toEqual(toBytes(await whole.snapshot()));
    }
    const other = await trainer({ ...objective, lossWeights: { tone: 0.4 } });
    const resume = checkpointFromBytes(saved[0]);
    const callbacks = [checkpoints({ save: () => {}, everySteps: 1 })];
    await expect(other.fit({ x: texts, y, sampleWeights }, { ...options, callbacks, resume })).rejects.toThrow(
      /lossWeights\.tone was 0\.3, is 0\.4/,
    );
  });

  test("predicts every output, from the trainer, from a file, and the first alone", async () => {
    await using trained = await trainer();
    await trained.fit({ x: texts, y });
    const outputs = await trained.predictAll(texts);
    expect(Object.keys(outputs)).toEqual(["tags", "tone", "score"]);
    expect(outputs.tags.shape).toEqual([26, 5, 3]);
    expect(await trained.predict(texts)).toEqual(outputs.tags);
    await using loaded = await predictor(fromBytes(toBytes(await trained.snapshot())), { backend });
    const again = await loaded.predictAll(texts);
    for (const [name, { data }] of Object.entries(outputs))
      again[name].data.forEach((value, i) => {
        expect(value).toBeCloseTo(data[i], 5);
      });
  });

  test("a loss that is not finite is named with its output", async () => {
    const entry = input({ shape: [1], name: "x" });
    const heads = model(entry, {
      left: dense({ units: 1, name: "left" })(entry),
      right: dense({ units: 1, name: "right" })(entry),
    });
    const squared = meanSquaredError();
    await using trained = await compile(heads, {
      backend,
      loss: { left: squared, right: { ...squared, perRow: (p, target) => squared.perRow(log(p), target) } },
      optimizer: sgd(),
      weights: { "right/kernel": float32([1, 1], [-1]) },
    });
    await expect(trained.fit({ x: [[1]], y: { left: [0], right: [0] } })).rejects.toThrow(
      /in the loss rightLoss after dense "right", 1 value is not finite/,
    );
  });
});

describe("callbacks", () => {
  /** A model whose outputs are called as figures are. */
  const heads = () => {
    const entry = input({ shape: [1] });
    return compile(model(entry, { accuracy: dense({ units: 1 })(entry), loss: dense({ units: 1 })(entry) }), {
      backend,
      loss: meanSquaredError(),
      metrics: {
        accuracy: lossMetric(meanAbsoluteError(), { name: "error" }),
        loss: lossMetric(meanAbsoluteError(), { name: "mae" }),
      },
      optimizer: sgd({ learningRate: 0.05 }),
    });
  };
  const data = { x: [[1], [2]], y: { accuracy: [1, 2], loss: [0, 1] } };

  test("take the way of a figure from its metric, whatever its output is called", async () => {
    await using trained = await heads();
    const callbacks = [earlyStopping({ monitor: "accuracyError", patience: 1 })];
    const { epochs, stopped } = await trained.fit(data, { epochs: 5, callbacks });
    expect(stopped).toBe(undefined);
    expect(epochs[4].accuracyError).toBeLessThan(epochs[0].accuracyError as number);
  });

  test("ask for the way where the metric's name does not tell it", async () => {
    await using trained = await heads();
    const callbacks = [earlyStopping({ monitor: "lossMae" })];
    await expect(trained.fit(data, { callbacks })).rejects.toThrow("the name lossMae does not tell");
  });

  test("a figure that there is not: data for validation are asked for only where there are none", async () => {
    await using trained = await heads();
    const trying = (more: FitOptions) =>
      trained.fit(data, { ...more, callbacks: [earlyStopping({ monitor: "valMae" })] }).then(
        () => "it ran",
        ({ message }: Error) => message,
      );
    expect(await trying({})).toContain("give fit validationData");
    expect(await trying({ validationData: data })).toMatch(/only loss, .*valLossMae$/);
  });
});

describe("wrong data", () => {
  const wrong: [what: string, data: object, ...expected: string[]][] = [
    ["targets of no output", { y: { ...y, tome: y.tone } }, 'the model has no output "tome"; it has tags, tone, score'],
    ["targets that are missing", { y: { tags: y.tags } }, 'y has no data for the output "tone"'],
    ["targets without names", { y: y.tone }, "the model has 2 outputs; give y as a record of tags, tone"],
    [
      "targets for too few rows",
      { y: { ...y, tone: y.tone.slice(1) } },
      'y of "tone" has 25 rows, input "words" has 26',
    ],
    ["weights of no output", { y, sampleWeights: { tome: y.tone } }, 'sampleWeights: the model has no output "tome"'],
    ["weights of steps for one number a row", { y, sampleWeights: y.tags }, 'sampleWeights of "tone"'],
  ];
  test.each(wrong)("%s", async (_, data, ...expected) => {
    await using trained = await trainer();
    const message = await trained.fit({ x: texts, ...data } as never).then(
      () => "it ran",
      (error: Error) => error.message,
    );
    for (const part of expected) expect(message).toContain(part);
  });

  test("targets and weights of an output that is not trained are not read", async () => {
    await using trained = await trainer();
    const none = "none of these" as never;
    await trained.fit({ x: texts, y: { ...y, score: none }, sampleWeights: { tone: y.tone, score: none } });
  });

  test("a metric that an output cannot have names it", async () => {
    await expect(trainer({ loss: losses, metrics: { tags: auc() } })).rejects.toThrow(
      'metrics of "tags": auc is for one',
    );
  });

  test("a batch of an iterable is counted", async () => {
    await using trained = await trainer();
    const batches = [
      { x: texts, y },
      { x: texts, y: { tags: y.tags } },
    ] as never;
    await expect(trained.fit(batches)).rejects.toThrow('epoch 1, batch 2: y has no data for the output "tone"');
  });

  test("class weights are for one output; weights of rows by output do the same", async () => {
    await using trained = await trainer();
    const classWeight = { 0: 1, 1: 3 };
    await expect(trained.fit({ x: texts, y }, { classWeight })).rejects.toThrow(ConfigError);
    await expect(trained.fit({ x: texts, y }, { classWeight })).rejects.toThrow(/weightsOfClasses/);
    await expect(trained.fit({ x: texts, y }, { classWeight })).rejects.toThrow("{ tags: labels.map((row) => ");
    const sampleWeights = {
      tags: y.tags.map((row) => [...weightsOfClasses(classWeight, row)]),
      tone: weightsOfClasses(classWeight, y.tone),
    };
    await trained.fit({ x: texts, y, sampleWeights });
  });

  test("a class that no row has is named with its output", async () => {
    await using trained = await trainer();
    const warnings: string[] = [];
    const unseen = { tags: y.tags.map((row) => row.map((tag) => Math.min(tag, 1))), tone: y.tone.map(() => 0) };
    await trained.fit({ x: texts, y: unseen }, { onWarning: (message) => warnings.push(message) });
    expect(warnings).toEqual([
      expect.stringContaining('y of "tags": class 2 of 3'),
      expect.stringContaining('y of "tone": class 1 of 2'),
    ]);
  });
});
