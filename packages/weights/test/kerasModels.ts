/** Models of every layer that Keras has, with data, for export and import. */
import {
  activation,
  add,
  additiveAttention,
  attention,
  average,
  bidirectional,
  concatenate,
  dense,
  dropout,
  embedding,
  float32,
  gaussianNoise,
  globalAveragePooling1d,
  globalMaxPooling1d,
  gru,
  type Inputs,
  input,
  int32,
  layerNormalization,
  lstm,
  type Model,
  masking,
  maximum,
  minimum,
  model,
  multiply,
  parametersOf,
  RandomStream,
  repeatVector,
  reversibleEmbedding,
  sequential,
  simpleRnn,
  spatialDropout1d,
  subtract,
  type Trained,
  timeDistributed,
} from "@ostinato/core";

/** Rows of ids, padded at the end with 0. */
const ids = int32([3, 6], [4, 7, 1, 9, 3, 2, 8, 5, 3, 0, 0, 0, 6, 0, 0, 0, 0, 0]);

const numbers = (seed: string, ...shape: readonly number[]) => {
  const random = new RandomStream(3, seed);
  return float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.round(random.normal() * 1000) / 1000),
  );
};

/** Sequences [3, 5, 4] whose second and third rows are padded with steps of `value`. */
function padded(value: number) {
  const { shape, data } = numbers("padded", 3, 5, 4);
  data.fill(value, 4 * 5 + 4 * 3, 4 * 5 * 2);
  data.fill(value, 4 * 5 * 2 + 4);
  return float32(shape, data);
}

/** The same model with random weights, including biases. */
function withWeights({ spec }: Model, seed = 1): Trained {
  const weights = parametersOf({ spec }).map(({ name, shape }) => {
    const random = new RandomStream(seed, name);
    return [
      name,
      float32(
        shape,
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.5 * random.normal()),
      ),
    ] as const;
  });
  return { spec, weights: Object.fromEntries(weights) };
}

function everyRecurrence(): Model {
  const x = input({ shape: ["time", 4], name: "x" });
  const steps = masking({ maskValue: -1 })(x);
  const [y, h, c] = lstm({
    units: 3,
    returnSequences: true,
    returnState: true,
    recurrentActivation: "hardSigmoid",
    dropout: 0.1,
    recurrentDropout: 0.2,
    name: "reader",
  })(steps);
  const again = lstm({ units: 3, useBias: false, reverse: true, unitForgetBias: false, activation: "softsign" })(y);
  const begun = lstm({ units: 3, returnSequences: true, name: "begun" })(y, { initialState: [h, c] });
  const before = gru({ units: 3, resetAfter: false, returnSequences: true, name: "before" })(begun);
  const after = gru({ units: 3, returnState: true, activation: "relu", name: "after" })(before);
  const [last, state] = after;
  const plain = simpleRnn({ units: 2, activation: "elu", kernelRegularizer: { l1: 0.01, l2: 0.02 } })(steps);
  const both = bidirectional(gru({ units: 2, returnSequences: true, resetAfter: false }), {
    mergeMode: "sum",
    name: "both",
  })(y);
  const [forward, backward] = bidirectional(simpleRnn({ units: 2 }), { mergeMode: null })(both);
  const ave = bidirectional(lstm({ units: 2, returnState: true }), {
    mergeMode: "ave",
    backwardLayer: lstm({ units: 2, returnState: true, reverse: true, useBias: false }),
  })(both);
  return model(x, { all: concatenate()([again, last, state, plain, forward, backward, ...ave]), steps: both });
}

function everyMerge(): Model {
  const x = input({ shape: ["time", 4], name: "x" });
  const z = input({ shape: [3], name: "z" });
  const shared = dense({ units: 3, activation: "selu", name: "shared" });
  const [a, b] = [shared(x), timeDistributed(dense({ units: 3, activation: "softplus", useBias: false }))(x)];
  const merged = [add(), subtract(), multiply(), average(), maximum(), minimum()].map((layer, i) =>
    layer([i % 2 === 0 ? a : layerNormalization({ epsilon: 1e-4, ...(i === 1 ? { center: false } : {}) })(a), b]),
  );
  const noise = gaussianNoise({ stddev: 0.1 })(
    spatialDropout1d({ rate: 0.2 })(dropout({ rate: 0.1 })(concatenate()(merged))),
  );
  const pooled = [
    globalAveragePooling1d()(noise),
    globalMaxPooling1d()(activation({ activation: "leakyRelu" })(noise)),
  ];
  const repeated = repeatVector({ n: 2 })(
    dense({ units: 3, activation: "exponential", kernelInitializer: "heNormal" })(z),
  );
  const written = simpleRnn({ units: 2 })(repeated);
  return model([z, x], {
    verdict: dense({ units: 2, activation: "softmax", biasInitializer: { kind: "constant", value: 0.5 } })(
      concatenate()([...pooled, written]),
    ),
    again: globalMaxPooling1d()(add()([shared(x), a])),
  });
}

function everyAttention(): Model {
  const source = input({ shape: ["source"], name: "source" });
  const target = input({ shape: ["target"], name: "target" });
  const table = embedding({
    inputDim: 10,
    outputDim: 4,
    maskZero: true,
    embeddingsInitializer: { kind: "uniform", minval: -0.1, maxval: 0.1 },
  });
  const [memory, h, c] = lstm({ units: 4, returnSequences: true, returnState: true })(table(source));
  const steps = lstm({ units: 4, returnSequences: true })(table(target), { initialState: [h, c] });
  const [context] = attention({ useScale: true, scoreMode: "concat", returnAttentionScores: true })([steps, memory]);
  const self = attention({ useCausalMask: true, dropout: 0.1 })([steps, steps]);
  const added = additiveAttention({ name: "added" })([steps, memory, memory]);
  const plain = additiveAttention({ useScale: false })([steps, memory]);
  return model(
    [source, target],
    dense({ units: 10, activation: "softmax" })(concatenate()([context, self, added, plain])),
  );
}

function tied(): Model {
  const words = reversibleEmbedding({ inputDim: 10, outputDim: 4, maskZero: true });
  return sequential([words, gru({ units: 4, returnSequences: true }), words.reverse]);
}

/** Parallel layers of the same class and shape, in branches of several depths, with and without masks. */
function branches(): Model {
  const first = input({ shape: ["time"], name: "first" });
  const second = input({ shape: ["time"], name: "second" });
  const words = (name: string, maskZero: boolean) => embedding({ inputDim: 10, outputDim: 3, maskZero, name });
  const a = words("a", true)(first);
  const b = words("b", true)(first);
  const c = words("c", false)(second);
  const read = (name: string) => lstm({ units: 3, returnSequences: true, name });
  const short = read("short")(b);
  const long = read("last")(dense({ units: 3, name: "middle" })(read("early")(a)));
  const both = concatenate()([short, long]);
  const joined = gru({ units: 2, name: "joined" })(both);
  const alone = gru({ units: 2, name: "alone" })(concatenate()([a, b]));
  const side = globalAveragePooling1d()(read("side")(c));
  const heads = [joined, alone].map((x, i) => dense({ units: 3, name: `head${i}` })(x));
  return model([first, second], { verdict: add()([...heads, side]), steps: dense({ units: 3, name: "steps" })(long) });
}

/** A model with data. */
export interface KerasModel {
  readonly trained: Trained;
  readonly inputs: Inputs;
  /** The number of valid steps of each row in outputs with a time axis. */
  readonly lengths?: readonly number[];
}

export const kerasModels: Readonly<Record<string, () => KerasModel>> = {
  chain: () => ({
    trained: withWeights(
      sequential([
        embedding({ inputDim: 10, outputDim: 4, maskZero: true }),
        bidirectional(lstm({ units: 3, returnSequences: true })),
        dropout({ rate: 0.5 }),
        lstm({ units: 3 }),
        dense({ units: 2, activation: "silu" }),
      ]),
    ),
    inputs: ids,
  }),
  recurrences: () => ({ trained: withWeights(everyRecurrence()), inputs: padded(-1), lengths: [5, 3, 1] }),
  merges: () => ({ trained: withWeights(everyMerge()), inputs: { x: numbers("x", 3, 5, 4), z: numbers("z", 3, 3) } }),
  attentions: () => ({
    trained: withWeights(everyAttention()),
    inputs: { source: ids, target: int32([3, 4], [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 0]) },
    lengths: [4, 2, 3],
  }),
  branches: () => ({
    trained: withWeights(branches()),
    inputs: {
      first: ids,
      second: int32(
        [3, 6],
        ids.data.map((id) => (id % 7) + 1),
      ),
    },
    lengths: [6, 3, 1],
  }),
  tied: () => ({ trained: withWeights(tied()), inputs: ids, lengths: [6, 3, 1] }),
};
