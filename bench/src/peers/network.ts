/** The networks that are measured: an embedding, recurrences, and a dense layer; how much there is to compute in them. */
import {
  adam,
  type Backend,
  bidirectional,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  gru,
  lstm,
  type Model,
  sequential,
  sparseCategoricalCrossentropy,
  type Tensors,
} from "@ostinato/core";
import type { Product } from "./products.ts";

export interface Network {
  readonly words: number;
  readonly embedding: number;
  /** The vectors of the words are not trained: they stand for features that come from elsewhere. */
  readonly frozen: boolean;
  readonly kind: "lstm" | "gru";
  readonly layers: number;
  readonly units: number;
  readonly bidirectional: boolean;
  /** 1: one probability at the end of each row. More: that many classes at each step. */
  readonly classes: number;
}

/** A network and the batch that it works on. */
export interface Task extends Network {
  readonly batch: number;
  readonly time: number;
}

/** Of the IMDB network. */
export const imdb = {
  words: 5000,
  embedding: 10,
  frozen: false,
  kind: "lstm",
  layers: 1,
  units: 128,
  bidirectional: false,
  classes: 1,
  batch: 32,
  time: 300,
} as const satisfies Task;

export function modelOf(given: Network, masked: boolean): Model {
  const { words, embedding: outputDim, frozen, units, classes } = given;
  const layer = (place: number) => {
    const returnSequences = classes > 1 || place + 1 < given.layers;
    if (given.kind === "gru") {
      const one = gru({ units, returnSequences });
      return given.bidirectional ? bidirectional(one) : one;
    }
    const one = lstm({ units, returnSequences });
    return given.bidirectional ? bidirectional(one) : one;
  };
  return sequential([
    embedding({ inputDim: words, outputDim, maskZero: masked, trainable: !frozen }),
    ...Array.from({ length: given.layers }, (_, place) => layer(place)),
    dense({ units: classes, activation: classes > 1 ? "softmax" : "sigmoid" }),
  ]);
}

/** The names of the recurrences in `modelOf`'s weights: a list of directions for each layer. */
export function recurrenceNames({ kind, layers, bidirectional: both }: Network): string[][] {
  return Array.from({ length: layers }, (_, place) => {
    const name = `${both ? "bidirectional" : kind}${place > 0 ? `_${place}` : ""}`;
    return both ? [`${name}/forward`, `${name}/backward`] : [name];
  });
}

/** A trainer as all contestants train: Adam in Keras's form, crossentropy. */
export function trainerOf(network: Network, masked: boolean, backend: Backend, weights?: Tensors) {
  const loss = network.classes > 1 ? sparseCategoricalCrossentropy() : binaryCrossentropy();
  const objective = { loss, optimizer: adam(), seed: 1 };
  return compile(modelOf(network, masked), { backend, ...objective, ...(weights ? { weights } : {}) });
}

/** The matrix products of a forward pass over dense rows: those with all inputs at once, those with the state a step, and the dense layer's. */
export function productsOf({ batch, time, ...network }: Task): Omit<Product, "name">[] {
  const { units, classes } = network;
  const columns = (network.kind === "gru" ? 3 : 4) * units;
  const directions = network.bidirectional ? 2 : 1;
  const recurrences = Array.from({ length: network.layers }, (_, place) => [
    { rows: time * batch, inner: place === 0 ? network.embedding : directions * units, columns, times: directions },
    { rows: batch, inner: units, columns, times: directions * time },
  ]);
  const last = { rows: classes > 1 ? time * batch : batch, inner: directions * units, columns: classes, times: 1 };
  return [...recurrences.flat(), last];
}

export interface Flops {
  readonly forward: number;
  /** The gradients of both factors of each product; those of features that are not trained are left out. */
  readonly backward: number;
}

/** Multiplications and additions of those products in a training step. */
export function flopsOf(task: Task): Flops {
  const each = productsOf(task).map(({ rows, inner, columns, times }) => 2 * rows * inner * columns * times);
  const forward = each.reduce((sum, flops) => sum + flops, 0);
  return { forward, backward: 2 * forward - (task.frozen ? (each[0] ?? 0) : 0) };
}
