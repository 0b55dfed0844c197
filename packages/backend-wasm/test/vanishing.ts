/** Trainings in which numbers vanish: gradients over many steps of time, and what optimizers keep of words that stay away. */
import { peepholeLstm } from "@ostinato/cells";
import {
  adagrad,
  adam,
  adamw,
  type Backend,
  bidirectional,
  compile,
  dense,
  embedding,
  gru,
  lstm,
  type Model,
  meanSquaredError,
  nadam,
  type Optimizer,
  rmsprop,
  rnn,
  sequential,
  sgd,
  simpleRnn,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import { ids } from "./numbers.ts";

const WORDS = 30;
const words = () => embedding({ inputDim: WORDS, outputDim: 3 });
const score = () => dense({ units: 1 });

/** Models that read a text and give a score, by what they read it with: natively, decomposed, step by step. */
export const readers: Readonly<Record<string, (units: number) => Model>> = {
  lstm: (units) => sequential([words(), lstm({ units }), score()]),
  "two layers of lstm": (units) =>
    sequential([words(), lstm({ units, returnSequences: true }), lstm({ units }), score()]),
  "lstm in both directions": (units) => sequential([words(), bidirectional(lstm({ units })), score()]),
  gru: (units) => sequential([words(), gru({ units }), score()]),
  "gru, reset before": (units) => sequential([words(), gru({ units, resetAfter: false }), score()]),
  simpleRnn: (units) => sequential([words(), simpleRnn({ units }), score()]),
  "simpleRnn of relu": (units) => sequential([words(), simpleRnn({ units, activation: "relu" }), score()]),
  "lstm of sigmoids, decomposed": (units) => sequential([words(), lstm({ units, activation: "sigmoid" }), score()]),
  "a cell of one's own": (units) => sequential([words(), rnn(peepholeLstm({ units })), score()]),
};

/** Two steps on texts of `time` words. */
export async function readLong(backend: Backend, reader: string, units: number, time: number): Promise<void> {
  await using trainer = await compile(readers[reader](units), { backend, loss: meanSquaredError(), optimizer: adam() });
  const x = [1, 2, 3, 4].map((row) => Array.from(ids([time], WORDS, row).data, Number));
  await trainer.fit({ x, y: x.map((_, row) => [row]) }, { batchSize: 2 });
}

/** Optimizers whose memory fades with `rate` a step. */
export const optimizers: Readonly<Record<string, (rate: number) => Optimizer>> = {
  adam: (rate) => adam({ beta1: rate, beta2: rate }),
  "adam of one rate": (rate) => adam({ beta1: rate }),
  adamw: (rate) => adamw({ beta1: rate, beta2: rate }),
  nadam: (rate) => nadam({ beta1: rate, beta2: rate }),
  "adam, clipped": (rate) => adam({ beta1: rate, beta2: rate, globalClipnorm: 0.01 }),
  "adam, averaged": (rate) => adam({ beta1: rate, beta2: rate, useEma: true, emaMomentum: rate }),
  rmsprop: (rate) => rmsprop({ rho: rate }),
  "rmsprop with momentum, centered": (rate) => rmsprop({ rho: rate, momentum: rate, centered: true }),
  "sgd with momentum": (rate) => sgd({ momentum: rate }),
  "sgd with Nesterov's momentum": (rate) => sgd({ momentum: rate, nesterov: true }),
  "sgd of summed gradients": (rate) => sgd({ momentum: rate ** 2, gradientAccumulationSteps: 2 }),
  adagrad: () => adagrad(),
};

/** So many steps, all words in the first ones, then five of them. */
export async function stayAway(backend: Backend, optimizer: string, rate: number, steps: number): Promise<void> {
  const model = sequential([words(), simpleRnn({ units: 3 }), dense({ units: 4, activation: "softmax" })]);
  await using trainer = await compile(model, {
    backend,
    loss: sparseCategoricalCrossentropy(),
    optimizer: optimizers[optimizer](rate),
  });
  const x = Array.from({ length: steps }, (_, step) => {
    return Array.from(ids([3], step < 20 ? WORDS : 5, step + 1).data, Number);
  });
  await trainer.fit({ x, y: x.map((_, step) => step % 4) }, { batchSize: 1, shuffle: false });
}
