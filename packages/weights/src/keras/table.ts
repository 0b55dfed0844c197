/** The layers of Keras and ours, a row each, both ways. What Keras calls an option is its name here in snake case. */
import type { Json } from "@ostinato/core";

/** What a layer gives: what it takes, a sequence, or features; a recurrence by its option `returnSequences`. */
type Gives = "same" | "sequence" | "features" | "recurrence";

/** What the steps behind the end of a row are after a layer. */
export type Masks =
  /** It hands the mask of its input on. */
  | "same"
  /** It makes a mask by comparing its input with this option's value, or where the option says so with 0. */
  | { readonly compares: "maskValue" | "maskZero" }
  /** Its inputs have one mask, or the results differ. */
  | "merged"
  /** The mask of its first input; those of the others limit what it looks at. */
  | "first"
  /** There are no steps after it. */
  | "none"
  /** It looks at steps behind the end, too, where ours does not. */
  | "ignored";

/** A layer there and here. */
export interface Row {
  readonly className: string;
  readonly kind: string;
  /** Options that both have. */
  readonly options?: readonly string[];
  /** Options of ours that Keras calls otherwise. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Options that are layers. */
  readonly layers?: readonly string[];
  /** Options of Keras's that there is one way of here, by its names; "last" is the last axis. Others must be null or false. */
  readonly only?: Readonly<Record<string, Json>>;
  /** Options of ours that there is one way of there. */
  readonly ours?: Readonly<Record<string, Json>>;
  /** Values of our options that Keras has, where it has not all of them. */
  readonly values?: Readonly<Record<string, readonly Json[]>>;
  /** Options of ours that are arguments of calls there. */
  readonly callOptions?: readonly string[];
  /** Files have its weights in the folder of a cell. */
  readonly inCell?: true;
  /** It is called with `reverse=True` on the way back. */
  readonly goesBack?: true;
  /** Keras hands a mask to its calls. */
  readonly takesMask?: true;
  /** Keras computes its mask of what it reads, by operations of its own. */
  readonly computesMask?: true;
  readonly gives: Gives;
  readonly masks: Masks;
}

const kernels = [
  "kernelInitializer",
  "kernelRegularizer",
  "useBias",
  "biasInitializer",
  "biasRegularizer",
  "trainable",
];
const embeddings = ["inputDim", "outputDim", "maskZero", "embeddingsInitializer", "embeddingsRegularizer", "trainable"];
const recurrent = [
  "units",
  "activation",
  "returnSequences",
  "returnState",
  "stateful",
  "dropout",
  "recurrentDropout",
  "recurrentInitializer",
  "recurrentRegularizer",
  ...kernels,
];
const gated = [...recurrent, "recurrentActivation"];

const pointwise = { gives: "same", masks: "same" } as const;
// A stateful recurrence of Keras is built for one size of batches.
const recurrence = {
  gives: "recurrence",
  masks: "same",
  inCell: true,
  takesMask: true,
  renamed: { reverse: "go_backwards" },
  values: { stateful: [false] },
} as const;
const merging = { gives: "same", masks: "merged" } as const;
const attention = {
  gives: "same",
  masks: "first",
  callOptions: ["useCausalMask", "returnAttentionScores"],
} as const;
/** Layers of an activation alone: Keras's class, the function, and what must be said of it. */
const activation = (className: string, name: string, only: Row["only"] = {}): Row => ({
  ...pointwise,
  className,
  kind: "activation",
  ours: { activation: name },
  only,
});

/** Where several rows have one kind, the first is that which is written. */
const rows: readonly Row[] = [
  {
    className: "Embedding",
    kind: "embedding",
    options: embeddings,
    gives: "sequence",
    masks: { compares: "maskZero" },
  },
  {
    className: "ReversibleEmbedding",
    kind: "reversibleEmbedding",
    options: embeddings,
    only: { tie_weights: true },
    goesBack: true,
    ours: { activation: "linear", useBias: false },
    gives: "sequence",
    masks: { compares: "maskZero" },
  },
  { className: "Masking", kind: "masking", options: ["maskValue"], gives: "same", masks: { compares: "maskValue" } },
  { ...recurrence, className: "LSTM", kind: "lstm", options: [...gated, "unitForgetBias"] },
  { ...recurrence, className: "GRU", kind: "gru", options: [...gated, "resetAfter"] },
  { ...recurrence, className: "SimpleRNN", kind: "simpleRnn", options: recurrent },
  {
    className: "Bidirectional",
    kind: "bidirectional",
    options: ["mergeMode"],
    layers: ["layer", "backwardLayer"],
    gives: "recurrence",
    masks: "same",
    takesMask: true,
  },
  { ...pointwise, className: "TimeDistributed", kind: "timeDistributed", layers: ["layer"], takesMask: true },
  { ...pointwise, className: "Dense", kind: "dense", options: ["units", "activation", ...kernels] },
  { ...pointwise, className: "Dropout", kind: "dropout", options: ["rate"] },
  { ...pointwise, className: "SpatialDropout1D", kind: "spatialDropout1d", options: ["rate"] },
  { ...pointwise, className: "GaussianNoise", kind: "gaussianNoise", options: ["stddev"] },
  { ...pointwise, className: "Activation", kind: "activation", options: ["activation"] },
  activation("Softmax", "softmax", { axis: "last" }),
  activation("ReLU", "relu", { negative_slope: 0, threshold: 0 }),
  activation("LeakyReLU", "leakyRelu", { negative_slope: 0.2, alpha: 0.2 }),
  activation("ELU", "elu", { alpha: 1 }),
  activation("Identity", "linear"),
  {
    ...pointwise,
    className: "LayerNormalization",
    kind: "layerNormalization",
    options: [
      "epsilon",
      "center",
      "scale",
      "betaInitializer",
      "gammaInitializer",
      "betaRegularizer",
      "gammaRegularizer",
      "trainable",
    ],
    only: { axis: "last" },
  },
  {
    ...attention,
    className: "Attention",
    kind: "attention",
    options: ["useScale", "scoreMode", "dropout", "trainable"],
    values: { scoreMode: ["dot", "concat"] },
  },
  {
    ...attention,
    className: "AdditiveAttention",
    kind: "additiveAttention",
    options: ["useScale", "dropout", "trainable"],
    ours: { units: null },
  },
  { ...merging, className: "Concatenate", kind: "concatenate", only: { axis: "last" }, computesMask: true },
  { ...merging, className: "Add", kind: "add" },
  { ...merging, className: "Subtract", kind: "subtract" },
  { ...merging, className: "Multiply", kind: "multiply" },
  { ...merging, className: "Average", kind: "average" },
  { ...merging, className: "Maximum", kind: "maximum" },
  { ...merging, className: "Minimum", kind: "minimum" },
  {
    className: "GlobalAveragePooling1D",
    kind: "globalAveragePooling1d",
    only: { data_format: "channels_last" },
    gives: "features",
    masks: "none",
    takesMask: true,
  },
  {
    className: "GlobalMaxPooling1D",
    kind: "globalMaxPooling1d",
    only: { data_format: "channels_last" },
    gives: "features",
    masks: "ignored",
  },
  { className: "RepeatVector", kind: "repeatVector", options: ["n"], gives: "sequence", masks: "none" },
];

/** The rows by Keras's classes. */
export const rowsByClass: ReadonlyMap<string, Row> = new Map(rows.map((row) => [row.className, row]));

/** The rows by our kinds. */
export const rowsByKind: ReadonlyMap<string, Row> = new Map([...rows].reverse().map((row) => [row.kind, row]));
