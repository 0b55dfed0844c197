/** The sampled softmax: what is drawn, the formula written out, what it is in the mean, and the training of models with it. */
import { evaluateValues, reference } from "@ostinato/conformance";
import {
  accuracy,
  adam,
  type Checkpoint,
  checkpointFromBytes,
  checkpoints,
  checkpointToBytes,
  compile,
  defineLoss,
  dense,
  dot,
  dropoutMask,
  embedding,
  evaluationGraph,
  feed,
  float64,
  full,
  gradients,
  int32,
  lstm,
  type Model,
  nodesOf,
  RandomStream,
  reversibleEmbedding,
  rootsOf,
  type SampledSoftmaxOptions,
  sampledSoftmaxLoss,
  scheduledSampling,
  sequential,
  sgd,
  softmax,
  sparseCategoricalCrossentropy,
  type Tensors,
  toBytes,
  trainingGraph,
  type Value,
} from "@ostinato/core";
import { add, mul, sum } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";

const [classes, size, rows] = [13, 3, 5];
const list = Array.from({ length: classes }, (_, id) => 1 + ((7 * id) % classes) ** 2);
const distributions = ["logUniform", "uniform", list] as const;

const inputs = {
  x: feed("x", "float32", [rows, size]),
  table: feed("table", "float32", [classes, size]),
  bias: feed("bias", "float32", [classes]),
};
const labels = feed("labels", "int32", [rows]);
const step = feed("step", "int32", []);
const logits = add(dot(inputs.x, inputs.table, { contract: [[1], [1]] }), inputs.bias);
const context = {
  name: "output/sampledSoftmaxLoss",
  output: { kind: "features" as const, values: softmax(logits) },
  parameter: () => inputs.table,
  mask: (rate: number, shape: Value["type"]["shape"]) => dropoutMask(step, { rate, shape, seed: 1, site: 2 }),
};
const lossOf = (options: SampledSoftmaxOptions): Value =>
  sampledSoftmaxLoss(options).perRow(context.output.values, labels, context);
/** The classes that a loss draws: those whose rows it looks up for all rows together. */
const drawnBy = (loss: Value, samples: number): Value => {
  const found = nodesOf([loss]).find(
    ({ op, inputs: [of, ids] }) =>
      op === "gather" && of?.node === inputs.table.node && ids?.type.shape.join() === `${samples}`,
  );
  return found?.inputs[1] as Value;
};
const gradientsOf = (loss: Value): Value[] =>
  gradients([{ value: loss, cotangent: full(1, [rows]) }], Object.values(inputs));

function drawFeeds(seed: number): Tensors {
  const random = new RandomStream(seed, "sampledSoftmax");
  const floats = (...shape: number[]) =>
    float64(
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * random.uniform() - 1),
    );
  return {
    x: floats(rows, size),
    table: floats(classes, size),
    bias: floats(classes),
    labels: int32(
      [rows],
      Array.from({ length: rows }, () => random.below(classes)),
    ),
  };
}
const at = (feeds: Tensors, number: number): Tensors => ({ ...feeds, step: int32([], [number]) });

/** How often each class is drawn on average, by the rule in words: in proportion to its share, and what would be above one is one. */
function expectedCounts(shares: readonly number[], samples: number): number[] {
  const counts = shares.map(() => 0);
  let free = shares.map((_, id) => id);
  for (let left = samples; free.length > 0; ) {
    const total = free.reduce((before, id) => before + shares[id], 0);
    const above = free.filter((id) => (left * shares[id]) / total >= 1);
    if (above.length === 0) {
      for (const id of free) counts[id] = (left * shares[id]) / total;
      return counts;
    }
    for (const id of above) counts[id] = 1;
    free = free.filter((id) => !above.includes(id));
    left = samples - (shares.length - free.length);
  }
  return counts;
}
const sharesOf = (distribution: SampledSoftmaxOptions["distribution"]): readonly number[] =>
  Array.isArray(distribution)
    ? distribution
    : Array.from({ length: classes }, (_, id) => (distribution === "uniform" ? 1 : Math.log((id + 2) / (id + 1))));

describe("what is drawn", () => {
  for (const distribution of distributions)
    for (const samples of [1, 4, 9])
      test(`${samples} of ${typeof distribution === "string" ? distribution : "a list"}: each class as often as it should, none more than twice, a full one once`, () => {
        const drawn = drawnBy(lossOf({ samples, distribution }), samples);
        const expected = expectedCounts(sharesOf(distribution), samples);
        const counts = expected.map(() => 0);
        const draws = 300;
        for (let number = 0; number < draws; number++) {
          const own = expected.map(() => 0);
          for (const id of evaluateValues([drawn], at({}, number))[0].data) own[id]++;
          own.forEach((count, id) => {
            counts[id] += count;
            expect(count).toBeLessThanOrEqual(2);
            if (expected[id] === 1) expect(count).toBe(1);
          });
        }
        // Five standard deviations of independent draws; those of intervals vary less.
        counts.forEach((count, id) => {
          expect(Math.abs(count / draws - expected[id])).toBeLessThanOrEqual(5 * Math.sqrt(expected[id] / draws));
        });
      });
});

describe("the loss of a row", () => {
  test("is the formula over what was drawn, with smoothed labels and without", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const labelSmoothing = seed % 2 === 0 ? 0 : 0.2;
      const distribution = distributions[seed % 3];
      const samples = 1 + (seed % 7);
      const loss = lossOf({ samples, distribution, labelSmoothing });
      const feeds = at(drawFeeds(seed), seed);
      const [losses, z, drawn] = evaluateValues([loss, logits, drawnBy(loss, samples)], feeds);
      const q = expectedCounts(sharesOf(distribution), samples);
      for (let row = 0; row < rows; row++) {
        const t = feeds.labels.data[row];
        const zOf = (id: number): number => z.data[row * classes + id];
        const others = [...drawn.data].filter((id) => id !== t);
        const terms = [[1, zOf(t)], ...others.map((id) => [1 / q[id], zOf(id)])];
        const total = terms.reduce((before, [w, v]) => before + w * Math.exp(v), 0);
        const mean = terms.reduce((before, [w, v]) => before + w * v, 0) / terms.reduce((before, [w]) => before + w, 0);
        const wanted = Math.log(total) - (1 - labelSmoothing) * zOf(t) - labelSmoothing * mean;
        // Counts are kept in units of 2⁻²⁴.
        expect(losses.data[row]).toBeCloseTo(wanted, 5);
      }
    }
  });

  test("is that of the full softmax, and has its gradients, where all classes are drawn", () => {
    for (const distribution of distributions)
      for (const labelSmoothing of [0, 0.3]) {
        const sampled = lossOf({ samples: classes, distribution, labelSmoothing });
        const exact = sparseCategoricalCrossentropy({ labelSmoothing }).perRow(context.output.values, labels);
        const feeds = at(drawFeeds(3), 1);
        const [wanted, given] = [exact, sampled].map((loss) => evaluateValues([loss, ...gradientsOf(loss)], feeds));
        wanted.forEach(({ data }, i) => {
          data.forEach((value, k) => {
            expect(given[i].data[k]).toBeCloseTo(value, 12);
          });
        });
      }
  });

  test("has in the mean over draws the sum of the full softmax, and gradients that come closer with more samples", () => {
    const feeds = drawFeeds(4);
    const exact = sparseCategoricalCrossentropy().perRow(context.output.values, labels);
    const wanted = evaluateValues([exact, ...gradientsOf(exact)], at(feeds, 0)).map(({ data }) => [...data]);
    const errorsWith = (samples: number): number[] => {
      const loss = lossOf({ samples });
      const values = [loss, ...gradientsOf(loss)];
      const means = wanted.map((data) => data.map(() => 0));
      const squares = means[0].map(() => 0);
      const draws = 250;
      for (let number = 0; number < draws; number++)
        evaluateValues(values, at(feeds, number)).forEach(({ data }, i) => {
          data.forEach((value, k) => {
            // exp(loss) is the sum under the logarithm, in units of exp(z) of the label.
            const measured = i === 0 ? Math.exp(value) : value;
            means[i][k] += measured / draws;
            if (i === 0) squares[k] += measured ** 2 / draws;
          });
        });
      means[0].forEach((mean, row) => {
        const standardError = Math.sqrt((squares[row] - mean ** 2) / draws);
        expect(Math.abs(mean - Math.exp(wanted[0][row]))).toBeLessThan(5 * standardError);
      });
      return means.slice(1).map((data, i) => Math.hypot(...data.map((value, k) => value - wanted[i + 1][k])));
    };
    const [few, more, most] = [2, 6, 11].map(errorsWith);
    few.forEach((error, i) => {
      expect(more[i]).toBeLessThan(error);
      expect(most[i]).toBeLessThan(error / 2);
    });
  });
});

const words = 40;
const tied = (): Model => {
  const both = reversibleEmbedding({
    inputDim: words,
    outputDim: 4,
    name: "words",
    maskZero: true,
    useBias: true,
    activation: "softmax",
  });
  return sequential([both, lstm({ units: 4, returnSequences: true }), both.reverse]);
};
const untied = (activation: "softmax" | "linear" = "softmax"): Model =>
  sequential([
    embedding({ inputDim: words, outputDim: 3, maskZero: true }),
    lstm({ units: 4, returnSequences: true }),
    dense({ units: words, activation }),
  ]);
const data = {
  x: Array.from({ length: 12 }, (_, row) => Array.from({ length: 1 + (row % 4) }, (_, t) => 1 + ((5 * row + t) % 9))),
  y: Array.from({ length: 12 }, (_, row) =>
    Array.from({ length: 1 + (row % 4) }, (_, t) => 1 + ((5 * row + t + 1) % 9)),
  ),
};
const settings = { backend: reference(), optimizer: adam({ learningRate: 0.05 }), seed: 3 };
const trainerOf = (model: Model, options: SampledSoftmaxOptions = { samples: 8, labelSmoothing: 0.1 }) =>
  compile(model, { ...settings, loss: sampledSoftmaxLoss(options) });

describe("models", () => {
  test.each([
    ["a tied table", tied()],
    ["dense", untied()],
  ])("%s: a step has no logits of all classes, and evaluation is that of the full softmax", (_, model) => {
    const graph = trainingGraph(model.spec, { loss: sampledSoftmaxLoss({ samples: 8 }) }, sgd(), 1);
    const wide = nodesOf(rootsOf(graph)).filter(({ outputs }) =>
      outputs.some(({ shape }) => shape.length > 2 && shape.includes(words)),
    );
    expect(wide).toEqual([]);
    const [sampled, exact] = [
      sampledSoftmaxLoss({ samples: 8, labelSmoothing: 0.1 }),
      sparseCategoricalCrossentropy({ labelSmoothing: 0.1 }),
    ].map((loss) => nodesOf(rootsOf(evaluationGraph(model.spec, { loss }))).map(({ op }) => op));
    expect(sampled).toEqual(exact);
  });

  test("with rows of unlike length and weights learn, and go on from each checkpoint in the same bits", async () => {
    const saved: Uint8Array[] = [];
    const save = (checkpoint: Checkpoint) => void saved.push(checkpointToBytes(checkpoint));
    const examples = { ...data, sampleWeights: data.x.map((_, row) => 1 + (row % 2)) };
    const options = { epochs: 10, batchSize: 4 };
    const model = tied();
    await using whole = await trainerOf(model);
    const before = await whole.evaluate(data);
    await whole.fit(examples, { ...options, callbacks: [checkpoints({ save, everySteps: 7 })] });
    const after = await whole.evaluate(data);
    await using exact = await compile(model, {
      ...settings,
      loss: sparseCategoricalCrossentropy({ labelSmoothing: 0.1 }),
    });
    await exact.fit(examples, options);
    const gain = before.loss - (await exact.evaluate(data)).loss;
    expect(before.loss - after.loss).toBeGreaterThan(0.9 * gain);
    const weights = toBytes(await whole.snapshot());
    for (const bytes of saved.slice(0, 2)) {
      await using resumed = await trainerOf(model);
      await resumed.fit(examples, {
        ...options,
        resume: checkpointFromBytes(bytes),
        callbacks: [checkpoints({ save: () => {}, everySteps: 7 })],
      });
      expect(toBytes(await resumed.snapshot())).toEqual(weights);
    }
    await using other = await trainerOf(model, { samples: 9, labelSmoothing: 0.1 });
    await expect(other.fit(examples, { ...options, resume: checkpointFromBytes(saved[0]) })).rejects.toThrow("loss");
  });

  test("a loss of one's own gets masks in training only", async () => {
    const masked: boolean[] = [];
    const noisy = defineLoss({
      kind: "noisy",
      parse: () => ({}),
      target: () => ({ dtype: "float32" }),
      build({ mask }, _config, { prediction, target }) {
        masked.push(mask !== undefined);
        const products = mul(prediction.values, target.values);
        return sum(mask ? mul(products, mask(0.5, products.type.shape)) : products, [1]);
      },
    });
    const model = sequential([embedding({ inputDim: 3, outputDim: 2 }), lstm({ units: 2 })]);
    const keys = nodesOf(rootsOf(trainingGraph(model.spec, { loss: noisy() }, sgd(), 1))).filter(
      ({ op }) => op === "dropoutMask",
    );
    expect(keys).toHaveLength(1);
    evaluationGraph(model.spec, { loss: noisy() });
    expect(masked).toEqual([true, false]);
  });
});

describe("wrong use is told in one line", () => {
  const compiled = (model: Model, options: SampledSoftmaxOptions, more: object = {}) =>
    compile(model, { backend: reference(), loss: sampledSoftmaxLoss(options), optimizer: sgd(), ...more });

  test.each([
    [{ samples: 0 }, "sampledSoftmaxLoss: samples must be a whole number from 1 on, got 0"],
    [{}, "sampledSoftmaxLoss: samples must be a whole number from 1 on, got undefined"],
    [{ samples: 2, distribution: "zipf" }, "distribution must be one of logUniform, uniform"],
    [{ samples: 2, distribution: [1, 0, 2] }, "the numbers of distribution must be above 0, got 0; add 1 to counts"],
    [{ samples: 2, labelSmoothing: 1 }, "labelSmoothing must be a number from 0 to below 1, got 1"],
    [{ samples: 2, sampler: 1 }, 'sampledSoftmaxLoss has no option "sampler"'],
  ])("%o", (options, message) => {
    expect(() => sampledSoftmaxLoss(options as SampledSoftmaxOptions)).toThrow(message);
  });

  test("a checkpoint keeps a digest of a list, other for other numbers", () => {
    const kept = (distribution: readonly number[]) =>
      sampledSoftmaxLoss({ samples: 2, distribution }).options?.distribution;
    expect(kept([1, 2, 3])).toMatch(/^[0-9a-f]{16}$/);
    expect(kept([1, 2, 3])).toBe(kept([1, 2, 3]));
    expect(new Set([kept([1, 2, 3]), kept([1, 3, 2]), kept([1, 2, 3.5]), kept([1, 2])]).size).toBe(4);
  });

  test("by the model", async () => {
    await expect(compiled(tied(), { samples: 41 })).rejects.toThrow(
      '41 samples of the 40 classes of the output "output"',
    );
    await expect(compiled(tied(), { samples: 4, distribution: [1, 2] })).rejects.toThrow(
      'distribution has 2 numbers, and the output "output" 40 classes',
    );
    const form = "the output must be softmax(x · W + b), made by a dense layer or the reverse of a reversibleEmbedding";
    await expect(compiled(untied("linear"), { samples: 4 })).rejects.toThrow(form);
    await expect(compiled(untied(), { samples: 4, fromLogits: true })).rejects.toThrow("the output must be x · W + b");
    await using right = await compiled(untied("linear"), { samples: 4, fromLogits: true });
    await right.fit(data, { epochs: 1 });
    const writing = { scheduledSampling: scheduledSampling({ teacherForcing: 0.5 }) };
    await expect(compiled(tied(), { samples: 4 }, writing)).rejects.toThrow(form);
  });

  test("metrics of training are those of the full softmax", async () => {
    await using trainer = await compiled(tied(), { samples: 8 }, { metrics: [accuracy()] });
    const { epochs } = await trainer.fit(data, { epochs: 1 });
    expect(epochs[0].accuracy).toBeGreaterThanOrEqual(0);
  });
});
