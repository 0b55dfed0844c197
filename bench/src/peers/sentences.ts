/** The encoder–decoder that translates sentences: its network, its rows, and how much there is to compute in them. */
import {
  attention,
  bidirectional,
  encoderDecoder,
  input,
  lstm,
  type Model,
  model,
  RandomStream,
  reversibleEmbedding,
} from "@ostinato/core";
import type { Flops } from "./network.ts";
import { END, type PairRows, pairRows } from "./pairs.ts";

export interface Sentences {
  /** Of both languages together. */
  readonly subwords: number;
  /** Numbers of a subword, and units of the attentional vector: one matrix looks up sources and targets, and scores what comes next. */
  readonly embedding: number;
  /** Of each direction of the encoder; the decoder has twice as many. */
  readonly units: number;
  /** Whether a step of the decoder reads the attentional vector of the step before. */
  readonly inputFeeding: boolean;
  readonly batch: number;
  readonly batches: number;
  /** Subwords of a source, and of a target with what ends it. */
  readonly time: number;
}

/** The network of the translator app's preset `sentences`, with 8,000 subwords. */
export const sentences: Sentences = {
  subwords: 8000,
  embedding: 256,
  units: 256,
  inputFeeding: true,
  batch: 64,
  batches: 4,
  time: 25,
};

const tableOf = ({ subwords, embedding }: Sentences) =>
  reversibleEmbedding({
    inputDim: subwords,
    outputDim: embedding,
    maskZero: true,
    useBias: true,
    activation: "softmax",
    embeddingsInitializer: { kind: "normal", mean: 0, stddev: embedding ** -0.5 },
    name: "subwords",
  });

/** Luong's model (2015) with the general score and one matrix for all subwords (Press and Wolf 2017). */
export function sentenceModel(task: Sentences, dropout = 0): Model {
  const { embedding, units, inputFeeding } = task;
  const table = tableOf(task);
  return encoderDecoder({
    sourceEmbedding: table,
    targetEmbedding: table,
    encoder: [bidirectional(lstm({ units }), { name: "encoder" })],
    decoder: [lstm({ units: 2 * units })],
    attention: attention({ scoreMode: "general" }),
    attentionUnits: embedding,
    inputFeeding,
    dropout,
  });
}

/** Only what scores subwords: the product with all of them, the softmax, the loss, their gradients and the update of the matrix, for as many rows. */
export function outputModel(task: Sentences): Model {
  const table = tableOf(task);
  const target = input({ shape: ["target"], name: "target" });
  return model([target], table.reverse(table(target)));
}

/** Random sources and targets, all as long as the task's. */
export function sentenceRows({ subwords, batch, batches, time }: Sentences): PairRows {
  const random = new RandomStream(2, "bench rows");
  const row = (length: number): number[] => Array.from({ length }, () => END + 1 + random.below(subwords - END - 1));
  const rows = (length: number): number[][] => Array.from({ length: batch * batches }, () => row(length));
  return pairRows(rows(time), rows(time - 1));
}

/** Multiplications and additions of the matrix products in a training step. */
export function sentenceFlops(task: Sentences): Flops {
  const { embedding, units, inputFeeding, batch, time } = task;
  const wide = 2 * units;
  const recurrence = (features: number, hidden: number): number => (features + hidden) * 4 * hidden;
  const read = 2 * recurrence(embedding, units);
  const fed = inputFeeding ? embedding : 0;
  const attended = wide * wide + 2 * time * wide + 2 * wide * embedding;
  const written = recurrence(embedding + fed, wide) + attended;
  const forward = 2 * batch * time * (read + written) + outputFlops(task).forward;
  return { forward, backward: 2 * forward };
}

/** Those of the product with the matrix alone. */
export function outputFlops({ subwords, embedding, batch, time }: Sentences): Flops {
  const forward = 2 * batch * time * embedding * subwords;
  return { forward, backward: 2 * forward };
}
