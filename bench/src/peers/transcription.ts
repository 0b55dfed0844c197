/** The encoder–decoder from letters to phones: its network, its rows, and how much there is to compute in them. */
import {
  attention,
  bidirectional,
  concatenate,
  dense,
  embedding,
  input,
  lstm,
  type Model,
  model,
  RandomStream,
} from "@ostinato/core";
import type { Flops } from "./network.ts";
import { END, type PairRows, pairRows } from "./pairs.ts";

export interface Transcription {
  readonly letters: number;
  readonly phones: number;
  readonly embedding: number;
  /** Bidirectional layers of the encoder. */
  readonly layers: number;
  /** Of each direction of these; the decoder has twice as many. */
  readonly units: number;
  readonly batch: number;
  readonly batches: number;
}

/** Of the size of the translator app's default, which reads CMUdict. */
export const letters: Transcription = {
  letters: 30,
  phones: 43,
  embedding: 64,
  layers: 2,
  units: 160,
  batch: 128,
  batches: 6,
};

/** Luong's model (2015) with the general score: what the decoder gives at each step attends to what the encoder gave. */
export function modelOf({ letters, phones, embedding: outputDim, layers, units }: Transcription): Model {
  const source = input({ shape: ["source"], name: "source" });
  const target = input({ shape: ["target"], name: "target" });
  const spelt = embedding({ inputDim: letters, outputDim, maskZero: true, name: "letters" })(source);
  const spoken = embedding({ inputDim: phones, outputDim, maskZero: true, name: "phones" })(target);
  const layer = (at: number) =>
    bidirectional(lstm({ units, returnSequences: true, returnState: true }), { name: `encoder${at}` });
  let read = layer(0)(spelt);
  for (let at = 1; at < layers; at++) read = layer(at)(read[0]);
  const [encoded, forwardH, forwardC, backwardH, backwardC] = read;
  const initialState = [concatenate()([forwardH, backwardH]), concatenate()([forwardC, backwardC])] as const;
  const decoded = lstm({ units: 2 * units, returnSequences: true, name: "decoder" })(spoken, { initialState });
  const context = attention({ scoreMode: "general", name: "attention" })([decoded, encoded]);
  const joined = concatenate()([context, decoded]);
  const mixed = dense({ units: 2 * units, activation: "tanh", useBias: false, name: "mix" })(joined);
  return model([source, target], dense({ units: phones, activation: "softmax", name: "next" })(mixed));
}

/** Batches of sources of one length each, from 8 to 10, and of 7 to 9 phones: as they are where batches are formed by length. */
export function rowsOf({ letters, phones, batch, batches }: Transcription): PairRows {
  const random = new RandomStream(2, "bench rows");
  const row = (length: number, first: number, end: number): number[] =>
    Array.from({ length }, () => first + random.below(end - first));
  const count = batch * batches;
  const source = Array.from({ length: count }, (_, at) => row(8 + (Math.floor(at / batch) % 3), 1, letters));
  return pairRows(
    source,
    source.map(() => row(6 + random.below(3), END + 1, phones)),
  );
}

/** Multiplications and additions of the matrix products in a training step, on average over the batches; padding counts for nothing. */
export function flopsOf(task: Transcription): Flops {
  const { phones, embedding, layers, units, batches } = task;
  const { source, target } = rowsOf(task);
  const wide = 2 * units;
  const recurrence = (features: number, hidden: number): number => (features + hidden) * 4 * hidden;
  const read = source.reduce((sum, row) => sum + row.length, 0);
  const written = target.reduce((sum, row) => sum + row.length, 0);
  const compared = source.reduce((sum, row, at) => sum + row.length * (target[at]?.length ?? 0), 0);
  const products =
    read * 2 * (recurrence(embedding, units) + (layers - 1) * recurrence(wide, units)) +
    written * (recurrence(embedding, wide) + wide * wide + 2 * wide * wide + wide * phones) +
    compared * 2 * wide;
  const forward = (2 * products) / batches;
  return { forward, backward: 2 * forward };
}
