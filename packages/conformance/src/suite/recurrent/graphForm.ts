/** Models of layers converted to graphs: same results and same training, to the last bit. */
import {
  accuracy,
  add,
  attention,
  type Backend,
  bidirectional,
  compile,
  concatenate,
  dense,
  type Examples,
  embedding,
  encoderDecoder,
  fromBytes,
  globalAveragePooling1d,
  globalMaxPooling1d,
  graphTrained,
  gru,
  type History,
  inferenceGraph,
  input,
  lastStep,
  layerNormalization,
  lstm,
  type Model,
  masking,
  meanSquaredError,
  model,
  type Objective,
  repeatAlong,
  repeatVector,
  rnn,
  sequential,
  sgd,
  simpleRnn,
  sparseCategoricalCrossentropy,
  type Tensors,
  type Trained as TrainedModel,
  type Trainer,
  teacherForcing,
  timeDistributed,
  toBytes,
} from "@ostinato/core";
import { gruCell, readout } from "../../recurrent/ownCells.ts";
import { expectClose, type SuiteTest } from "../suiteTest.ts";
import { readingModel, textModel } from "./textModel.ts";

/** A model of layers with its training data and options. */
interface LayeredCase {
  readonly model: Model;
  readonly objective: Pick<Objective, "loss" | "metrics">;
  readonly data: Examples;
}

const WORDS = 7;
const ROWS = 9;

const rowsOf = <T>(make: (row: number) => T): T[] => Array.from({ length: ROWS }, (_, row) => make(row));
/** Rows of 1 to 5 words, of one to four where `shift` is 1. */
const texts = (shift = 0): number[][] =>
  rowsOf((row) =>
    Array.from({ length: 1 + ((row + shift) % (5 - shift)) }, (_, t) => 1 + ((row * (t + 2) + shift) % (WORDS - 1))),
  );
/** Rows of `lengths` steps of `width` numbers. */
const vectors = (lengths: readonly number[], width: number): number[][][] =>
  lengths.map((length, row) =>
    Array.from({ length }, (_, t) => Array.from({ length: width }, (_, k) => Math.sin(1 + row * 7 + t * 3 + k))),
  );
const features = (width: number): number[][] =>
  rowsOf((row) => Array.from({ length: width }, (_, k) => Math.cos(row * 3 + k)));
const ragged = rowsOf((row) => 1 + ((row * 2) % 5));
const squared = { loss: meanSquaredError() };
const classes = { loss: sparseCategoricalCrossentropy(), metrics: [accuracy()] };
const tagsOf = (rows: readonly (readonly unknown[])[]): number[][] => rows.map((row) => row.map((_, t) => t % 3));

const cases: Readonly<Record<string, () => LayeredCase>> = {
  "a classifier of texts": () => ({
    model: textModel({ words: WORDS }),
    objective: squared,
    data: { x: texts(), y: rowsOf((row) => [row % 2]) },
  }),
  "a tagger in both directions": () => ({
    model: sequential([
      embedding({ inputDim: WORDS, outputDim: 3, maskZero: true }),
      bidirectional(gru({ units: 2, returnSequences: true })),
      dense({ units: 3, activation: "softmax" }),
    ]),
    objective: classes,
    data: { x: texts(), y: tagsOf(texts()) },
  }),
  "ids without padding, two recurrences": () => ({
    model: sequential([
      embedding({ inputDim: WORDS, outputDim: 3 }),
      gru({ units: 3, resetAfter: false, returnSequences: true }),
      simpleRnn({ units: 2, reverse: true, useBias: false }),
    ]),
    objective: squared,
    data: { x: rowsOf((row) => [row % WORDS, 2, 0, (row * 2) % WORDS]), y: features(2) },
  }),
  "recurrences that backends take apart": () => ({
    model: sequential([
      input({ shape: ["time", 2], lengths: true }),
      lstm({ units: 3, returnSequences: true, recurrentActivation: "hardSigmoid", activation: "elu" }),
      simpleRnn({ units: 2, activation: "leakyRelu" }),
    ]),
    objective: squared,
    data: { x: vectors(ragged, 2), y: features(2) },
  }),
  "cells of a user's own": () => ({
    model: sequential([
      input({ shape: ["time", 2], lengths: true }),
      rnn(gruCell({ units: 3 }), { returnSequences: true }),
      rnn(readout({ units: 2, outputs: 3 }), { reverse: true }),
      dense({ units: 2 }),
    ]),
    objective: squared,
    data: { x: vectors(ragged, 2), y: features(2) },
  }),
  "attention of a sequence to itself": () => {
    const x = input({ shape: ["time", 3], lengths: true });
    const hidden = dense({ units: 3, activation: "tanh" })(x);
    const attended = attention()([hidden, hidden]);
    return {
      model: model(x, dense({ units: 3, activation: "softmax" })(layerNormalization()(add()([hidden, attended])))),
      objective: classes,
      data: { x: vectors(ragged, 3), y: tagsOf(vectors(ragged, 3)) },
    };
  },
  "an encoder and a decoder": () => ({
    model: encoderDecoder({
      sourceEmbedding: embedding({ inputDim: WORDS, outputDim: 3, maskZero: true }),
      targetEmbedding: embedding({ inputDim: WORDS, outputDim: 3, maskZero: true }),
      encoder: [bidirectional(gru({ units: 2, returnSequences: true }))],
      decoder: [gru({ units: 4, returnSequences: true })],
      attention: attention(),
      output: dense({ units: WORDS, activation: "softmax" }),
    }),
    objective: classes,
    data: teacherForcing(
      texts(),
      texts(1).map((row) => row.map((id) => (id === 2 ? 3 : id))),
      { start: 1, end: 2 },
    ),
  }),
  "several inputs and outputs": () => {
    const words = input({ shape: ["time"], name: "words" });
    const facts = input({ shape: [2], name: "facts" });
    const read = lstm({ units: 2, returnSequences: true, returnState: true });
    const embedded = embedding({ inputDim: WORDS, outputDim: 2, maskZero: true })(words);
    const h = dense({ units: 2 })(facts);
    const [steps, last, cell] = read(embedded, { initialState: [h, facts] });
    const both = concatenate()([steps, repeatAlong()([facts, steps])]);
    return {
      model: model([words, facts], {
        tags: dense({ units: 3, activation: "softmax" })(both),
        plain: dense({ units: 3, activation: "softmax" })(embedded),
        score: dense({ units: 2 })(concatenate()([last, cell])),
      }),
      objective: {
        loss: {
          tags: sparseCategoricalCrossentropy(),
          plain: sparseCategoricalCrossentropy(),
          score: meanSquaredError(),
        },
      },
      data: {
        x: { words: texts(), facts: features(2) },
        y: { tags: tagsOf(texts()), plain: tagsOf(texts()), score: features(2) },
      },
    };
  },
  "poolings with lengths": () => {
    const x = input({ shape: ["time", 3], lengths: true });
    const steps = timeDistributed(dense({ units: 3, activation: "tanh" }))(x);
    return {
      model: model(
        x,
        dense({ units: 2 })(
          concatenate()([globalMaxPooling1d()(steps), globalAveragePooling1d()(steps), lastStep()(steps)]),
        ),
      ),
      objective: squared,
      data: { x: vectors(ragged, 3), y: features(2) },
    };
  },
  "poolings without lengths": () => {
    const x = input({ shape: ["time", 3] });
    return {
      model: model(
        x,
        dense({ units: 2 })(concatenate()([globalMaxPooling1d()(x), globalAveragePooling1d()(x), lastStep()(x)])),
      ),
      objective: squared,
      data: { x: vectors(new Array<number>(ROWS).fill(4), 3), y: features(2) },
    };
  },
  "masked steps": () => ({
    model: sequential([
      input({ shape: ["time", 2] }),
      masking(),
      lstm({ units: 2, returnSequences: true }),
      dense({ units: 3, activation: "softmax" }),
    ]),
    objective: classes,
    data: {
      x: vectors(new Array<number>(ROWS).fill(5), 2).map((row, i) => row.map((step, t) => (t > i % 5 ? [0, 0] : step))),
      y: rowsOf(() => [0, 1, 2, 0, 1]),
    },
  }),
  "two sequences of unlike lengths": () => {
    const [a, b] = [
      input({ shape: ["time", 2], name: "a", lengths: true }),
      input({ shape: ["time", 2], name: "b", lengths: true }),
    ];
    return {
      model: model([a, b], dense({ units: 2 })(simpleRnn({ units: 3, returnSequences: true })(add()([a, b])))),
      objective: squared,
      data: {
        x: { a: vectors(ragged, 2), b: vectors([...ragged].reverse(), 2) },
        y: vectors(
          ragged.map((length, i) => Math.max(length, ragged[ROWS - 1 - i] as number)),
          2,
        ),
      },
    };
  },
  "a vector at each of three steps": () => ({
    model: sequential([
      input({ shape: [2] }),
      repeatVector({ n: 3 }),
      lstm({ units: 2, returnSequences: true }),
      dense({ units: 3, activation: "softmax" }),
    ]),
    objective: classes,
    data: { x: features(2), y: rowsOf((row) => [row % 3, 1, 2]) },
  }),
  "labels for words and numbers for texts": () => ({
    model: readingModel({ words: WORDS, tags: 3, scores: 2 }),
    objective: { loss: { tags: sparseCategoricalCrossentropy(), score: meanSquaredError() } },
    data: { x: texts(), y: { tags: tagsOf(texts()), score: features(2) } },
  }),
};

/** The result of a training: metrics, weights and predictions. */
interface Trained {
  readonly figures: History["epochs"];
  readonly tensors: Tensors;
}

/** Converts a model of layers to a graph. */
type Form = (layered: TrainedModel) => TrainedModel;

const savedGraph: Form = ({ spec, weights }) => fromBytes(toBytes(graphTrained(inferenceGraph(spec), weights)));

/** Trains a model as layers, and as the graph of these layers. */
async function trained(
  backend: Backend,
  { model: layered, objective, data }: LayeredCase,
  formOf = savedGraph,
): Promise<readonly [layers: Trained, graph: Trained]> {
  const options = { backend, ...objective, optimizer: sgd({ learningRate: 0.1, momentum: 0.5 }), seed: 4 };
  await using layers = await compile(layered, options);
  const form = formOf(await layers.snapshot());
  await using graph = await compile(form, { ...options, weights: form.weights });
  const train = async (trainer: Trainer): Promise<Trained> => {
    const { epochs } = await trainer.fit(data, { epochs: 2, batchSize: 4 });
    const own = Object.entries((await trainer.snapshot()).weights);
    const after = Object.fromEntries(own.map(([name, tensor]) => [name.replace(/^model\//, ""), tensor] as const));
    const figures = epochs.map(({ seconds: _, ...rest }) => rest as (typeof epochs)[number]);
    return { figures, tensors: { ...after, ...(await trainer.predictAll(data.x)) } };
  };
  return [await train(layers), await train(graph)];
}

/**
 * Throws unless each model gives the same bits in training and prediction as layers and as a graph.
 *
 * @param formOf converts layers to a graph. Default: through a file of this library
 */
export async function expectSameAsLayers(
  backend: Backend,
  names = Object.keys(cases),
  formOf = savedGraph,
): Promise<void> {
  for (const name of names) {
    const both = await trained(backend, (cases[name] as () => LayeredCase)(), formOf);
    const [layers, graph] = both.map(({ figures, tensors }) =>
      [
        JSON.stringify(figures),
        ...Object.keys(tensors)
          .sort()
          .map((key) => `${key}: ${tensors[key]?.data.join()}`),
      ].join("\n"),
    );
    if (layers !== graph) throw new Error(`${name}: as layers\n${layers}\nas a graph\n${graph}`);
  }
}

export const graphFormTests = [
  "a tagger in both directions",
  "an encoder and a decoder",
  "several inputs and outputs",
].map(
  (name): SuiteTest => ({
    name: `graph form > ${name} as a graph`,
    async run(backend) {
      const [layers, graph] = await trained(backend, (cases[name] as () => LayeredCase)());
      for (const [key, tensor] of Object.entries(layers.tensors)) expectClose(graph.tensors[key], tensor, key);
    },
  }),
);
