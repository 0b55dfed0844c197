/** Attention against formulas written out naively, over queries of one step and of many, with lengths on both sides. */
import { evaluate, evaluateValues, gradientErrors, reference } from "@ostinato/conformance";
import {
  type Attended,
  additiveAttention,
  additiveScores,
  attention,
  attentionWeights,
  compile,
  dense,
  float32,
  float64,
  inferenceGraph,
  input,
  int32,
  lstm,
  meanSquaredError,
  model,
  predictor,
  type Symbolic,
  scan,
  sgd,
  stepsAttended,
  type Tensors,
  type Trained,
  weightedSum,
} from "@ostinato/core";
import { add, feed, full, tanh } from "@ostinato/core/graph";
import { describe, expect, test } from "vitest";
import { attend, attentionScores } from "./keras/attention.ts";
import { kerasPredict, type Row } from "./keras/layers.ts";
import { feedsOfInput, Trials } from "./keras/trial.ts";

/** Every formula, as a function of the options that all share. */
const makers = {
  dot: (shared: object) => attention({ ...shared, returnAttentionScores: true }),
  scaled: (shared: object) => attention({ ...shared, scoreMode: "scaled", returnAttentionScores: true }),
  general: (shared: object) => attention({ ...shared, scoreMode: "general", returnAttentionScores: true }),
  concat: (shared: object) => attention({ ...shared, scoreMode: "concat", returnAttentionScores: true }),
  additive: (shared: object) => additiveAttention({ ...shared, returnAttentionScores: true }),
  "additive, projected": (shared: object) => additiveAttention({ ...shared, units: 3, returnAttentionScores: true }),
};
type Maker = keyof typeof makers;
const forms = ["one step", "many steps", "many steps, with a key", "itself", "itself, causal"] as const;

function draw(name: Maker, form: (typeof forms)[number], seed: number) {
  const trials = new Trials(`${name}/${form}`, seed);
  const [batch, queryTime, valueTime, width] = [trials.size(), trials.size(), trials.size(), trials.size()];
  const itself = form.startsWith("itself");
  const other = !itself && (name === "general" || name === "additive, projected") ? trials.size() : width;
  const make = (own: string, time: string, steps: number, features: number, shift: number) => ({
    start: input({ name: own, shape: [time, features], lengths: seed % 4 !== 0 }),
    rows: Array.from({ length: batch }, (_, row): Row => {
      const length = seed % 4 === 0 ? steps : [0, 1, steps, trials.random.below(steps + 1)][(row + shift + seed) % 4];
      return { ids: [], steps: Array.from({ length: steps }, () => trials.floats(features)), length };
    }),
  });
  const value = make("value", "valueTime", valueTime, other, 1);
  const features = {
    start: input({ name: "query", shape: [width] }),
    rows: value.rows.map((): Row => ({ ids: [], steps: [], vector: trials.floats(width), length: 1 })),
  };
  const query = itself ? value : form === "one step" ? features : make("query", "queryTime", queryTime, width, 2);
  const key = form === "many steps, with a key" ? [make("key", "valueTime", valueTime, other, 3)] : [];
  const read = [query, value, ...key];
  const shared = { useScale: seed % 2 === 1, useCausalMask: form === "itself, causal" };
  const layer = makers[name](shared);
  const [context, scores] = layer(read.map(({ start }) => start) as unknown as Attended<"sequence">);
  const inputs = itself ? [value] : read;
  const made = model(
    inputs.map(({ start }) => start as Symbolic),
    { context, scores },
  );
  return { trials, layer, made, inputs, read, batch, weights: trials.weights(made) };
}

type Drawn = ReturnType<typeof draw>;

/** What is fed, with large numbers past the ends of rows, and `more` steps of them. */
const feedsOf = ({ made: { spec }, inputs }: Drawn, more = 0): Tensors =>
  Object.assign(
    {},
    ...spec.inputs.map((one, i) => {
      const { rows } = inputs[i];
      const cut = one.lengths ? rows.map((row) => ({ ...row, steps: row.steps.slice(0, row.length) })) : rows;
      return feedsOfInput(one, cut, rows[0].steps.length + (one.lengths ? more : 0), () => 50);
    }),
  );

describe.each(Object.keys(makers) as Maker[])("%s", (name) => {
  test.each(forms)("%s", (form) => {
    for (let seed = 1; seed <= 12; seed++) {
      const drawn = draw(name, form, seed);
      const { spec } = drawn.made;
      const { context, scores } = evaluate(inferenceGraph(spec), feedsOf(drawn), drawn.weights).fetches;
      const { kind, config } = drawn.layer.spec;
      for (let row = 0; row < drawn.batch; row++) {
        const own = drawn.read.map(({ rows }) => rows[row]);
        const wanted = kerasPredict(spec, drawn.weights, ...drawn.inputs.map(({ rows }) => rows[row]));
        const flat = wanted.vector ?? wanted.steps.flat();
        const weights = attentionScores(
          kind,
          config as Readonly<Record<string, unknown>>,
          (suffix) => drawn.weights[`${kind}/${suffix}`].data,
          own,
        ).flat();
        const rowOf = ({ data }: typeof context): number[] =>
          Array.from(data.subarray((row * data.length) / drawn.batch, ((row + 1) * data.length) / drawn.batch));
        const [given, givenWeights] = [rowOf(context), rowOf(scores)];
        expect([given.length, givenWeights.length]).toEqual([flat.length, weights.length]);
        const far = (a: readonly number[], b: readonly number[]): number =>
          Math.max(...a.map((value, i) => Math.abs(value - b[i])));
        expect(far(given, flat), `seed ${seed}, row ${row}`).toBeLessThanOrEqual(1e-12);
        expect(far(givenWeights, weights), `seed ${seed}, row ${row}`).toBeLessThanOrEqual(1e-12);
        weights.forEach((weight, i) => {
          if (weight === 0) expect(givenWeights[i], "past an end a weight is exactly 0").toBe(0);
        });
        if (own[1].length === 0) expect(given.every((value) => value === 0)).toBe(true);
      }
    }
  });
});

test("steps past the ends of rows change nothing at all", () => {
  for (const name of Object.keys(makers) as Maker[])
    for (const form of forms)
      for (const seed of [3, 6]) {
        const drawn = draw(name, form, seed);
        const graph = inferenceGraph(drawn.made.spec);
        const [plain, padded] = [0, 2].map((more) => evaluate(graph, feedsOf(drawn, more), drawn.weights).fetches);
        const { shape, data } = plain.context;
        // The query may have grown, too; what is there is zero.
        const steps = shape.length === 2 ? 1 : shape[1];
        const grown = padded.context.shape.length === 2 ? 1 : padded.context.shape[1];
        const width = shape.at(-1) as number;
        for (let row = 0; row < drawn.batch; row++)
          for (let i = 0; i < grown * width; i++) {
            const wanted = i < steps * width ? data[row * steps * width + i] : 0;
            expect(padded.context.data[row * grown * width + i], `${name}, ${form}`).toBe(wanted);
          }
      }
});

test("predict gives ragged results and weights, whatever the batches are", async () => {
  const query = input({ name: "query", shape: ["said", 2], lengths: true });
  const value = input({ name: "value", shape: ["asked", 2], lengths: true });
  const [context, scores] = attention({ returnAttentionScores: true })([query, value]);
  const state = lstm({ units: 2 })(context);
  const [summed, overview] = attention({ returnAttentionScores: true })([state, value]);
  const made = model([query, value], { context, scores, summed, overview });
  const trials = new Trials("predict", 2);
  const lengths = { query: [3, 1, 0, 5, 2], value: [2, 4, 3, 0, 1] };
  const ragged = (own: readonly number[]) => own.map((length) => Array.from({ length }, () => trials.floats(2)));
  const x = { query: ragged(lengths.query), value: ragged(lengths.value) };
  const random = trials.weights(made);
  const weights = Object.fromEntries(
    Object.entries(random).map(([name, { shape, data }]) => [name, float32(shape, Float32Array.from(data))]),
  );
  const trained: Trained = { spec: made.spec, weights };
  await using ours = await predictor(trained, { backend: reference() });
  const whole = await ours.predictAll(x, { batchSize: 5 });
  expect(Object.fromEntries(Object.entries(whole).map(([name, { shape }]) => [name, shape]))).toEqual({
    context: [5, 5, 2],
    scores: [5, 5, 4],
    summed: [5, 2],
    overview: [5, 4],
  });
  for (const batchSize of [1, 2, 3]) expect(await ours.predictAll(x, { batchSize })).toEqual(whole);
  for (let row = 0; row < 5; row++)
    for (let q = 0; q < 5; q++) {
      const own = whole.scores.data.subarray((row * 5 + q) * 4, (row * 5 + q + 1) * 4);
      const total = own.reduce((sum, weight) => sum + weight, 0);
      expect(total).toBeCloseTo(q < lengths.query[row] && lengths.value[row] > 0 ? 1 : 0, 6);
    }
});

test("weights are dropped in training alone", async () => {
  const x = input({ shape: ["time", 2] });
  const dropped = model(x, attention({ dropout: 0.5 })([x, x]));
  const rows = [
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ];
  const settings = { backend: reference(), loss: meanSquaredError(), optimizer: sgd({ learningRate: 0 }), seed: 4 };
  await using trainer = await compile(
    model(x, dense({ units: 2, kernelInitializer: "ones" })(attention({ dropout: 0.5 })([x, x]))),
    settings,
  );
  await using plain = await predictor({ spec: dropped.spec, weights: {} }, { backend: reference() });
  const { data } = await plain.predict(rows);
  expect(data[0]).toBeGreaterThan(4.9);
  const losses = (
    await trainer.fit(
      {
        x: rows,
        y: [
          [
            [0, 0],
            [0, 0],
            [0, 0],
          ],
        ],
      },
      { epochs: 6 },
    )
  ).epochs.map(({ loss }) => loss);
  expect(new Set(losses).size, "each step has a mask of its own").toBeGreaterThan(2);
});

test("the formulas serve a step of a scan, which attends to the same values at each step", () => {
  const x = feed("x", "float32", ["said", "batch", 2]);
  const memory = feed("memory", "float32", ["asked", "batch", 2]);
  const steps = feed("steps", "int32", ["batch"]);
  const { outputs } = scan({
    initial: [full(0, ["batch", 2])],
    sequences: [x],
    constants: [memory, steps],
    body: ([h], [word], [values, lengths]) => {
      const scores = additiveScores(add(h, word), values);
      const weights = attentionWeights(scores, stepsAttended(scores, { valueLengths: lengths }));
      const next = tanh(add(weightedSum(weights, values), word));
      return { carries: [next], outputs: [next] };
    },
  });
  const trials = new Trials("decoder", 5);
  const [said, asked, lengths] = [4, 3, [3, 0, 1]];
  const floats = (time: number) => float64([time, 3, 2], trials.floats(time * 6));
  const feeds = { x: floats(said), memory: floats(asked), steps: int32([3], lengths) };
  const [{ data }] = evaluateValues([outputs[0]], feeds);
  lengths.forEach((length, row) => {
    const at = (of: "x" | "memory", t: number): number[] => [0, 1].map((k) => feeds[of].data[(t * 3 + row) * 2 + k]);
    let h = [0, 0];
    for (let t = 0; t < said; t++) {
      const word = at("x", t);
      const query: Row = { ids: [], steps: [], vector: h.map((v, k) => v + word[k]), length: 1 };
      const value: Row = { ids: [], steps: Array.from({ length: asked }, (_, s) => at("memory", s)), length };
      const { vector = [] } = attend("additiveAttention", { units: null }, () => [], [query, value]);
      h = vector.map((v, k) => Math.tanh(v + word[k]));
      h.forEach((v, k) => {
        expect(data[(t * 3 + row) * 2 + k]).toBeCloseTo(v, 12);
      });
    }
  });
  expect(gradientErrors({ outputs: [outputs[0]], wrt: [x, memory], feeds })).toEqual([]);
});
