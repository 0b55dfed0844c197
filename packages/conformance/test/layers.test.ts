/** Every layer and every loss against Keras's formulas written out naively, values and gradients, over random shapes. */
import { evaluate } from "@ostinato/conformance";
import {
  type Activation,
  type AnyLayer,
  activation,
  activationNames,
  binaryCrossentropy,
  categoricalCrossentropy,
  dense,
  dropout,
  fillDropoutMask,
  fillNormalNoise,
  float64,
  gaussianNoise,
  globalAveragePooling1d,
  globalMaxPooling1d,
  gru,
  inferenceGraph,
  int32,
  type Loss,
  lastStep,
  layerNormalization,
  lstm,
  masking,
  meanSquaredError,
  recurrentActivationNames,
  repeatVector,
  sgd,
  simpleRnn,
  siteOf,
  sparseCategoricalCrossentropy,
  spatialDropout1d,
  type Tensors,
  timeDistributed,
  trainingGraph,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";
import { expectGradients, type Trained, trainedBy } from "./keras/gradients.ts";
import { kerasPredict, type Row } from "./keras/layers.ts";
import { kerasLoss } from "./keras/losses.ts";
import { feedsOf, type KerasTrial, plainRate, plainState, type Start, Trials, targetFeed } from "./keras/trial.ts";

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
const starts: readonly Start[] = ["ids", "masked ids", "sequence", "ragged sequence", "features"];
const sequences = starts.filter((start) => start !== "features");

const predictions = ({ model, rows }: KerasTrial, weights: Tensors): Row[] =>
  rows.map((row) => kerasPredict(model.spec, weights, row));

const overTime = ([first]: readonly Row[]): boolean => first.vector === undefined;

/** The output of the graph against the formulas, on the steps that count. */
function expectForward(trial: KerasTrial, label: string): void {
  const { output } = evaluate(inferenceGraph(trial.model.spec), feedsOf(trial, trial.time), trial.weights).fetches;
  predictions(trial, trial.weights).forEach(({ vector, steps, length }, row) => {
    const expected = vector ?? steps.slice(0, length).flat();
    const from = (row * output.data.length) / trial.rows.length;
    const actual = Array.from(output.data.subarray(from, from + expected.length));
    const wrong = actual.findIndex(
      (value, i) => !(Math.abs(value - expected[i]) <= 1e-12 * Math.max(1, Math.abs(value))),
    );
    expect(wrong < 0 ? [] : [actual[wrong], expected[wrong]], `${label}, row ${row}, element ${wrong}`).toEqual([]);
  });
}

/** Layers that end a model of each kind, freshly made for each trial. */
type Layers = (trials: Trials) => readonly AnyLayer[];

type LayerCase = readonly [name: string, starts: readonly Start[], layers: Layers];
const vectors: readonly Start[] = ["sequence", "ragged sequence"];

/** What every recurrent layer may be asked for. */
function recurrentCases<O>(
  name: string,
  make: (options: O & { units: number; returnSequences?: false }) => AnyLayer,
  own: O,
): LayerCase[] {
  const variants: Readonly<Record<string, object>> = {
    "": {},
    ", returnSequences": { returnSequences: true },
    ", reverse": { reverse: true },
    ", both": { reverse: true, returnSequences: true },
    " without bias": { useBias: false },
  };
  return Object.entries(variants).map(([title, options]) => [
    `${name}${title}`,
    sequences,
    (t) => [make({ units: t.size(), ...own, ...options })],
  ]);
}

const poolingLayers = { globalMaxPooling1d, globalAveragePooling1d, lastStep };

const layerCases: readonly LayerCase[] = [
  ["embedding", ["ids", "masked ids"], () => []],
  ...recurrentCases("lstm", lstm, {}),
  ...recurrentCases("gru", gru, {}),
  ...recurrentCases("gru, reset before", gru, { resetAfter: false }),
  ...recurrentCases("simpleRnn", simpleRnn, {}),
  ...recurrentActivationNames.flatMap((activation, i) => [
    ...[i, i + 1].flatMap((k): LayerCase[] => {
      const recurrentActivation = recurrentActivationNames[k % recurrentActivationNames.length];
      const gated = { activation, recurrentActivation, dropout: 0.5, recurrentDropout: 0.5 } as const;
      return [
        [`lstm, ${activation} and ${recurrentActivation}`, vectors, (t) => [lstm({ units: t.size(), ...gated })]],
        [`gru, ${activation} and ${recurrentActivation}`, vectors, (t) => [gru({ units: t.size(), ...gated })]],
      ];
    }),
    [
      `simpleRnn, ${activation}`,
      vectors,
      (t: Trials) => [simpleRnn({ units: t.size(), activation, dropout: 0.5, recurrentDropout: 0.5 })],
    ] as const,
  ]),
  [
    "lstm after lstm",
    sequences,
    (t) => [lstm({ units: t.size(), returnSequences: true, reverse: true }), lstm({ units: t.size() })],
  ],
  [
    "gru after simpleRnn after lstm",
    sequences,
    (t) => [
      lstm({ units: t.size(), returnSequences: true }),
      simpleRnn({ units: t.size(), returnSequences: true, reverse: true }),
      gru({ units: t.size() }),
    ],
  ],
  ...Object.entries(poolingLayers).map(([name, make]): LayerCase => [name, sequences, () => [make()]]),
  ["dense without bias", starts, (t) => [dense({ units: t.size(), useBias: false })]],
  ["layerNormalization", starts, (t) => [layerNormalization({ epsilon: t.random.uniform() + 1e-3 })]],
  ["layerNormalization without scale", starts, () => [layerNormalization({ scale: false })]],
  ["layerNormalization without center", starts, () => [layerNormalization({ center: false })]],
  [
    "timeDistributed",
    sequences,
    (t) => [timeDistributed(dense({ units: t.size(), activation: "tanh" })), timeDistributed(layerNormalization())],
  ],
  // Of what is below 0 `relu` makes steps that are masked.
  ["masking", vectors, (t) => [activation({ activation: "relu" }), masking(), lstm({ units: t.size() })]],
  ["masking of steps", vectors, () => [activation({ activation: "relu" }), masking()]],
  [
    "masking of another value",
    vectors,
    () => [activation({ activation: "relu" }), activation({ activation: "hardSigmoid" }), masking({ maskValue: 0.5 })],
  ],
  ["repeatVector", ["features"], (t) => [repeatVector({ n: t.size() }), gru({ units: t.size() })]],
  ["gaussianNoise in inference", starts, () => [gaussianNoise({ stddev: 0.5 })]],
  ["spatialDropout1d in inference", sequences, () => [spatialDropout1d({ rate: 0.5 })]],
  ["dropout in inference", starts, () => [dropout({ rate: 0.5 })]],
  ...activationNames.map(
    (name) => [`dense, ${name}`, starts, (t: Trials) => [dense({ units: t.size(), activation: name })]] as const,
  ),
  ...activationNames.map((name) => [`activation, ${name}`, starts, () => [activation({ activation: name })]] as const),
];

describe("layers compute what Keras's formulas say", () => {
  for (const [name, from, layers] of layerCases) {
    test(name, () => {
      // Each start in turn: first at the size 1, then 20 random shapes of one or another.
      for (let seed = 1; seed <= from.length + seeds.length; seed++) {
        const start = from[seed % from.length];
        const trials = new Trials(name, seed, seed <= from.length);
        expectForward(trials.draw(start, layers(trials)), `${start}, seed ${seed}`);
      }
    });
  }
});

const head =
  (units: (t: Trials) => number, name: Activation): Layers =>
  (t) => [dense({ units: units(t), activation: name })];
const classes = (t: Trials): number => t.size() + 1;

/** Each loss with the activation that it looks through, and with one that it takes for plain probabilities. */
const lossCases: readonly (readonly [name: string, loss: () => Loss, head: Layers])[] = [
  ["binary crossentropy of a sigmoid", binaryCrossentropy, head((t) => t.size(), "sigmoid")],
  ["binary crossentropy of probabilities", binaryCrossentropy, head(classes, "softmax")],
  ["categorical crossentropy of a softmax", categoricalCrossentropy, head(classes, "softmax")],
  ["categorical crossentropy of unscaled numbers", categoricalCrossentropy, head(classes, "softplus")],
  ["sparse crossentropy of a softmax", sparseCategoricalCrossentropy, head(classes, "softmax")],
  ["sparse crossentropy of unscaled numbers", sparseCategoricalCrossentropy, head(classes, "softplus")],
  ["mean squared error", meanSquaredError, head((t) => t.size(), "tanh")],
];

const bodies: readonly (readonly [name: string, start: Start, layers: Layers])[] = [
  ["features", "features", () => []],
  ["ids to one vector", "masked ids", (t) => [lstm({ units: t.size() })]],
  ["ids without a mask", "ids", (t) => [lstm({ units: t.size(), reverse: true })]],
  ["a sequence", "sequence", (t) => [lstm({ units: t.size(), returnSequences: true })]],
  ["a ragged sequence", "ragged sequence", (t) => [lstm({ units: t.size(), returnSequences: true, reverse: true })]],
  ["ragged ids", "masked ids", (t) => [lstm({ units: t.size(), returnSequences: true })]],
  ["ids through a gru", "masked ids", (t) => [gru({ units: t.size() })]],
  [
    "a ragged sequence through a gru with the reset before",
    "ragged sequence",
    (t) => [gru({ units: t.size(), resetAfter: false, returnSequences: true, reverse: true })],
  ],
  [
    "a ragged sequence through a simpleRnn",
    "ragged sequence",
    (t) => [simpleRnn({ units: t.size(), returnSequences: true })],
  ],
  [
    "a ragged sequence through timeDistributed and layerNormalization",
    "ragged sequence",
    (t) => [timeDistributed(dense({ units: t.size() })), layerNormalization()],
  ],
  [
    "one vector of a ragged sequence",
    "ragged sequence",
    // What the bias makes of padding is not zero.
    (t) => [dense({ units: t.size() }), Object.values(poolingLayers)[t.random.below(3)]()],
  ],
];

describe("losses and all gradients are those of Keras's formulas", () => {
  for (const [name, lossOf, end] of lossCases) {
    for (const [body, start, layers] of bodies) {
      test(`${name}, ${body}`, () => {
        for (const seed of seeds) {
          const trials = new Trials(`${name}/${body}`, seed);
          const trial = trials.draw(start, [...layers(trials), ...end(trials)]);
          const loss = lossOf();
          const first = predictions(trial, trial.weights);
          const targets = trials.targets(loss.kind, first);
          const weighted = !overTime(first) && seed % 2 === 0;
          const sampleWeights = weighted ? trial.rows.map((_, row) => 0.5 * row) : undefined;
          const feeds = {
            ...feedsOf(trial, trial.time),
            "output/target": targetFeed(loss, targets, overTime(first), trial.time),
            ...(sampleWeights ? { "output/sampleWeights": float64([sampleWeights.length], sampleWeights) } : {}),
          };
          const trained = trainedBy(trial, loss, feeds);
          const naive = (weights: Tensors) => kerasLoss(loss.kind, predictions(trial, weights), targets, sampleWeights);
          const expected = naive(trial.weights);
          const label = `seed ${seed}`;
          expect(Math.abs(trained.loss - expected), label).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
          expectGradients(trial, trained, naive, label);
        }
      });
    }
  }
});

describe("steps past the end of a row change nothing at all", () => {
  for (const [body, start, layers] of bodies.filter(
    ([, from]) => from === "masked ids" || from === "ragged sequence",
  )) {
    for (const [name, lossOf, end] of lossCases) {
      test(`${name}, ${body}`, () => {
        for (const seed of seeds) {
          const trials = new Trials(`padding/${name}/${body}`, seed);
          const trial = trials.draw(start, [...layers(trials), dropout({ rate: 0 }), ...end(trials)]);
          const loss = lossOf();
          const first = predictions(trial, trial.weights);
          const targets = trials.targets(loss.kind, first);
          const trainedWith = (more: number): Trained => {
            const time = trial.time + more;
            const target = targetFeed(loss, targets, overTime(first), time);
            return trainedBy(trial, loss, {
              ...feedsOf(trial, time, () => 100 * trials.float()),
              "output/target": target,
            });
          };
          const plain = trainedWith(0);
          const padded = trainedWith(1 + (seed % 3));
          expect(padded.loss).toBe(plain.loss);
          for (const [weight, { data }] of Object.entries(plain.gradients))
            expect(Array.from(padded.gradients[weight].data), `seed ${seed}: ${weight}`).toEqual(Array.from(data));
        }
      });
    }
  }
});

test("dropout in training multiplies by its mask, which the seed, the layer's name and the step decide", () => {
  const cases = seeds.flatMap((seed) => [0, 0.25, 0.9].map((rate) => ({ seed, rate })));
  for (const { seed, rate } of cases) {
    const trials = new Trials("dropout", seed);
    const trial = trials.draw(seed % 2 ? "sequence" : "features", [
      dense({ units: trials.size(), activation: "sigmoid" }),
      dropout({ rate, name: "drop" }),
    ]);
    const first = predictions(trial, trial.weights);
    const targets = trials.targets("meanSquaredError", first);
    const loss = meanSquaredError();
    const feeds = {
      ...feedsOf(trial, trial.time),
      "output/target": targetFeed(loss, targets, overTime(first), trial.time),
    };
    const graph = trainingGraph(trial.model.spec, { loss, metrics: [] }, sgd(), 31 * seed);
    const step = 5 * seed;
    const state = {
      ...plainState(trial.weights),
      "training/step": { dtype: "int32", shape: [], data: new Int32Array([step]) },
    } as const;
    const { fetches } = evaluate(graph, { ...feeds, ...plainRate }, state);

    // Inside a graph time comes first.
    const width = (first[0].vector ?? first[0].steps[0]).length;
    const time = first[0].vector ? 1 : trial.time;
    const mask = new Float64Array(time * first.length * width);
    fillDropoutMask(mask, 0, mask.length, rate, 31 * seed, siteOf("drop"), step, new Uint32Array(2));
    if (rate === 0) expect(mask.every((value) => value === 1)).toBe(true);
    const dropped = first.map(({ vector, steps, ...rest }, row): Row => {
      const masked = (x: readonly number[], t: number) =>
        x.map((v, k) => v * mask[(t * first.length + row) * width + k]);
      return vector ? { ...rest, steps, vector: masked(vector, 0) } : { ...rest, steps: steps.map(masked) };
    });
    const expected = kerasLoss(loss.kind, dropped, targets);
    expect(Math.abs(fetches.loss.data[0] - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, expected));
  }
});

test("gaussianNoise in training adds its noise, which the seed, the layer's name and the step decide", () => {
  for (const seed of seeds) {
    const trials = new Trials("noise", seed);
    const layers = [dense({ units: trials.size() }), gaussianNoise({ stddev: 0.5, name: "noise" })];
    const trial = trials.draw(seed % 2 ? "sequence" : "features", layers);
    const first = predictions(trial, trial.weights);
    const targets = trials.targets("meanSquaredError", first);
    const loss = meanSquaredError();
    const target = targetFeed(loss, targets, overTime(first), trial.time);
    const graph = trainingGraph(trial.model.spec, { loss, metrics: [] }, sgd(), 31 * seed);
    const state = { ...plainState(trial.weights), "training/step": int32([], [5 * seed]) };
    const feeds = { ...feedsOf(trial, trial.time), "output/target": target, ...plainRate };

    const width = (first[0].vector ?? first[0].steps[0]).length;
    const noise = new Float64Array((first[0].vector ? 1 : trial.time) * first.length * width);
    fillNormalNoise(noise, 0, noise.length, 31 * seed, siteOf("noise/~"), 5 * seed, new Uint32Array(2));
    const noisy = first.map(({ vector, steps, ...rest }, row): Row => {
      const added = (x: readonly number[], t: number) =>
        x.map((v, k) => v + 0.5 * noise[(t * first.length + row) * width + k]);
      return vector ? { ...rest, steps, vector: added(vector, 0) } : { ...rest, steps: steps.map(added) };
    });
    const expected = kerasLoss(loss.kind, noisy, targets);
    expect(Math.abs(evaluate(graph, feeds, state).fetches.loss.data[0] - expected)).toBeLessThanOrEqual(1e-9);
  }
});
