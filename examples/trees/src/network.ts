/** The networks: an embedding of words, a layer over trees or sequences, and a probability for each label, at each node or for the whole sequence. */
import {
  bidirectional,
  dense,
  dropout,
  embedding,
  type Layer,
  lstm,
  type Model,
  recursive,
  recursiveTensor,
  sequential,
  treeGru,
  treeLstm,
} from "@ostinato/core";

/** The options of a network. */
export interface NetworkOptions {
  readonly model: NetworkName;
  /** Numbers for each word. */
  readonly embedding: number;
  readonly units: number;
  /** Share of the features dropped in training, before and after the recurrent layer. */
  readonly dropout: number;
}

/** The sizes that follow from the data. */
export interface Sizes {
  /** Word ids, including reserved ones. */
  readonly words: number;
  readonly labels: number;
  /** The most children of a node. */
  readonly arity: number;
}

/** Makes a layer that reads trees and returns every node. */
type OverTrees = (units: number, arity: number) => Layer<"sequence", "sequence">;
/** Makes a layer that reads sequences and returns one result for each. */
type OverWords = (units: number) => Layer<"sequence", "features">;

interface Network {
  readonly summary: string;
  readonly overTrees?: OverTrees;
  readonly overWords?: OverWords;
  /** The word vectors must be as wide as the layer's units. */
  readonly square?: true;
  /** It has weights for each child in order, so no node may have more children than the trees of training and validation. */
  readonly ordered?: true;
}

export const networks = {
  treelstm: {
    summary: "Tree-LSTM with weights for each child, in order (N-ary)",
    overTrees: (units, arity) => treeLstm({ units, type: "nary", arity, returnSequences: true }),
    ordered: true,
  },
  childsum: {
    summary: "Tree-LSTM over the sum of any number of children",
    overTrees: (units) => treeLstm({ units, type: "childSum", returnSequences: true }),
  },
  treegru: {
    summary: "Tree-GRU with weights for each child",
    overTrees: (units, arity) => treeGru({ units, type: "nary", arity, returnSequences: true }),
    ordered: true,
  },
  recursive: {
    summary: "plain recursive net",
    overTrees: (units, arity) => recursive({ units, arity, returnSequences: true }),
    square: true,
    ordered: true,
  },
  tensor: {
    summary: "recursive tensor net",
    overTrees: (units, arity) => recursiveTensor({ units, arity, returnSequences: true }),
    square: true,
    ordered: true,
  },
  lstm: {
    summary: "LSTM over the words from left to right, without the tree",
    overWords: (units) => lstm({ units }),
  },
  bilstm: {
    summary: "LSTM over the words in both directions",
    overWords: (units) => bidirectional(lstm({ units })),
  },
} as const satisfies Record<string, Network>;

export type NetworkName = keyof typeof networks;
export const networkNames = Object.keys(networks) as NetworkName[];

export const networkOf = (name: NetworkName): Network => networks[name];

export function network(options: NetworkOptions, { words, labels, arity }: Sizes): Model {
  const { units, dropout: rate } = options;
  const made = networkOf(options.model);
  const before = embedding({
    inputDim: words,
    outputDim: made.square ? units : options.embedding,
    maskZero: true,
  });
  const after = dense({ units: labels, activation: "softmax" });
  const dropped = dropout({ rate });
  if (made.overWords) return sequential([before, dropped, made.overWords(units), dropout({ rate }), after]);
  return sequential([before, dropped, (made.overTrees as OverTrees)(units, arity), dropout({ rate }), after]);
}
