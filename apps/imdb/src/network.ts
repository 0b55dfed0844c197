/** The network, what of it can be chosen, and the loss that goes with it. */
import {
  type AnyLayer,
  bidirectional,
  binaryCrossentropy,
  dense,
  embedding,
  gru,
  type Kind,
  type Loss,
  lstm,
  type Model,
  type RecurrenceName,
  type RecurrentLayer,
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

interface Cell {
  readonly title: string;
  /** Layers one upon the other: all but the last give a state for each word to the next. */
  readonly stack: (count: number, options: RecurrentOptions, inBothDirections: boolean) => AnyLayer[];
}

function cell<R extends RecurrenceName>(title: string, make: Maker<R>): Cell {
  return {
    title,
    stack(count, options, inBothDirections) {
      const directed = <Out extends Kind>(layer: RecurrentLayer<Out, R>): AnyLayer =>
        inBothDirections ? bidirectional(layer) : layer;
      const lower = Array.from({ length: count - 1 }, () => directed(make({ ...options, returnSequences: true })));
      return [...lower, directed(make(options))];
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
}

/** The article's. Settings that are as here go into no file: a default training has the bytes that it had before there was a choice. */
export const recurrentDefaults: RecurrentNetwork = {
  cell: "lstm",
  layers: 1,
  bidirectional: false,
  dropout: 0,
  recurrentDropout: 0,
};

/** What of the network can be chosen. */
export interface NetworkOptions extends RecurrentNetwork {
  readonly preset: PresetName;
  /** Ids of the embedding, reserved ones included. */
  readonly maxWords: number;
  readonly embedding: number;
  /** Of each recurrent layer. */
  readonly units: number;
}

/** Embedding, LSTM, one sigmoid: the article's network, unless the options say otherwise. For more than two classes, a softmax with one unit for each. */
export function network(options: NetworkOptions, classes: number): Model {
  const { preset, maxWords, embedding: outputDim, cell, layers, units, dropout, recurrentDropout } = options;
  return sequential([
    embedding({ inputDim: maxWords, outputDim, maskZero: presets[preset].maskZero }),
    ...cells[cell].stack(layers, { units, dropout, recurrentDropout }, options.bidirectional),
    classes === 2 ? dense({ units: 1, activation: "sigmoid" }) : dense({ units: classes, activation: "softmax" }),
  ]);
}

/** The recurrent part in words: "2 GRU layers of 16 units, dropout 0.2". */
export function shownNetwork(options: NetworkOptions): string {
  const { cell, layers, units, dropout, recurrentDropout } = options;
  return [
    `${layers} ${options.bidirectional ? "bidirectional " : ""}${cells[cell].title} ${layers === 1 ? "layer" : "layers"} of ${units} ${units === 1 ? "unit" : "units"}`,
    ...(dropout > 0 ? [`dropout ${dropout}`] : []),
    ...(recurrentDropout > 0 ? [`recurrent dropout ${recurrentDropout}`] : []),
  ].join(", ");
}

/** The loss that goes with the network's last layer. */
export function lossFor(classes: number): Loss {
  return classes === 2 ? binaryCrossentropy() : sparseCategoricalCrossentropy();
}
