/** The network, its options, and the loss that goes with it. */
import {
  type AnyLayer,
  bidirectional,
  binaryCrossentropy,
  dense,
  embedding,
  globalAveragePooling1d,
  globalMaxPooling1d,
  gru,
  inferenceGraph,
  type Loss,
  lstm,
  type Model,
  type RecurrenceName,
  type RecurrentLayer,
  type Symbolic,
  sequential,
  simpleRnn,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import { type PresetName, presets } from "./presets.ts";

/** What each recurrent layer is given. */
interface RecurrentOptions {
  readonly units: number;
  readonly dropout: number;
  readonly recurrentDropout: number;
}

/** Makes a recurrent layer of core. */
interface Maker<R extends RecurrenceName> {
  (options: RecurrentOptions & { readonly returnSequences: true }): RecurrentLayer<"sequence", R>;
  (options: RecurrentOptions): RecurrentLayer<"features", R>;
}

/** A layer that reads a vector for each word. */
interface Reader<Out extends "sequence" | "features"> extends AnyLayer {
  (words: Symbolic<"sequence">): Symbolic<Out>;
}

/** Layers one upon the other, from a vector for each word to one for the text. */
interface Stack {
  /** They give a state for each word to the next. */
  readonly lower: readonly Reader<"sequence">[];
  readonly last: Reader<"features">;
}

interface Cell {
  readonly title: string;
  readonly stack: (options: RecurrentOptions, network: RecurrentNetwork) => Stack;
}

export const poolingNames = ["last", "max", "mean"] as const;
export type PoolingName = (typeof poolingNames)[number];

/** What makes one vector of the states after each word; without a layer for it the state after the last word counts. */
const poolings: Readonly<Record<PoolingName, (() => Reader<"features">) | undefined>> = {
  last: undefined,
  max: () => globalMaxPooling1d(),
  mean: () => globalAveragePooling1d(),
};

function cell<R extends RecurrenceName>(title: string, make: Maker<R>): Cell {
  return {
    title,
    stack(options, { layers, bidirectional: inBothDirections, pooling }) {
      const directed = <Out extends "sequence" | "features">(layer: RecurrentLayer<Out, R>): Reader<Out> =>
        inBothDirections ? bidirectional(layer) : layer;
      const sequences = (count: number) =>
        Array.from({ length: count }, () => directed(make({ ...options, returnSequences: true })));
      const pool = poolings[pooling];
      return pool
        ? { lower: sequences(layers), last: pool() }
        : { lower: sequences(layers - 1), last: directed(make(options)) };
    },
  };
}

export const cellNames = ["lstm", "gru", "rnn"] as const;
export type CellName = (typeof cellNames)[number];

/** The recurrent layers by what `--cell` calls them. */
const cells: Readonly<Record<CellName, Cell>> = {
  lstm: cell("LSTM", lstm),
  gru: cell("GRU", gru),
  rnn: cell("simple RNN", simpleRnn),
};

/** The recurrent part of the network. */
export interface RecurrentNetwork {
  readonly cell: CellName;
  /** Recurrent layers, one upon the other. */
  readonly layers: number;
  /** Each layer reads a text in both directions, and gives 2 · units. */
  readonly bidirectional: boolean;
  /** Share of the features of each recurrent layer's input that a training step drops. */
  readonly dropout: number;
  /** Share of the units of each recurrent layer's state that a training step drops on the way to the gates. */
  readonly recurrentDropout: number;
  /** What is handed on of the states that the last recurrent layer has after each word. */
  readonly pooling: PoolingName;
}

/** The article's. Settings that are as here go into no file: a default training has the bytes that it had before there was a choice. */
export const recurrentDefaults: RecurrentNetwork = {
  cell: "lstm",
  layers: 1,
  bidirectional: false,
  dropout: 0,
  recurrentDropout: 0,
  pooling: "last",
};

/** The options of the network. */
export interface NetworkOptions extends RecurrentNetwork {
  readonly preset: PresetName;
  /** Ids of the embedding, reserved ones included. */
  readonly maxWords: number;
  readonly embedding: number;
  /** Of each recurrent layer. */
  readonly units: number;
}

/** The recurrent layers that the options name. */
export function stackOf({ units, dropout, recurrentDropout, ...network }: NetworkOptions): Stack {
  return cells[network.cell].stack({ units, dropout, recurrentDropout }, { ...network, dropout, recurrentDropout });
}

/** Units of the last layer, and what makes probabilities of them: one for two classes, else one for each. */
export function outputFor(classes: number) {
  return classes === 2
    ? ({ units: 1, activation: "sigmoid" } as const)
    : ({ units: classes, activation: "softmax" } as const);
}

/** Embedding, LSTM, one sigmoid: the article's network, unless the options say otherwise. For more than two classes, a softmax with one unit for each. */
export function network(options: NetworkOptions, classes: number): Model {
  const { preset, maxWords, embedding: outputDim } = options;
  const { lower, last } = stackOf(options);
  return sequential([
    embedding({ inputDim: maxWords, outputDim, maskZero: presets[preset].maskZero }),
    ...lower,
    last,
    dense(outputFor(classes)),
  ]);
}

/** The recurrent part in words: "2 GRU layers of 16 units, dropout 0.2". */
export function shownNetwork(options: NetworkOptions): string {
  const { cell, layers, units, dropout, recurrentDropout, pooling } = options;
  return [
    `${layers} ${options.bidirectional ? "bidirectional " : ""}${cells[cell].title} ${layers === 1 ? "layer" : "layers"} of ${units} ${units === 1 ? "unit" : "units"}`,
    ...(dropout > 0 ? [`dropout ${dropout}`] : []),
    ...(recurrentDropout > 0 ? [`recurrent dropout ${recurrentDropout}`] : []),
    ...(pooling === "last" ? [] : [`${pooling} pooling`]),
  ].join(", ");
}

/** The loss for the outputs of a network: one probability, or one per class. */
export function lossFor({ spec }: Model): Loss {
  const [output] = Object.values(inferenceGraph(spec).fetches);
  return output?.type.shape.at(-1) === 1 ? binaryCrossentropy() : sparseCategoricalCrossentropy();
}
