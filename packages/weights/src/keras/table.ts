/** The table of supported layers in Keras and here. Options have the same name in snake case unless the table says otherwise. */
import type { Json } from "@ostinato/core";

/** The output kind of a layer: that of its input, a sequence, or features; for recurrences it depends on `returnSequences`. */
type Gives = "same" | "sequence" | "features" | "recurrence";

/** The treatment of masks by a layer. */
export type Masks =
  /** The mask of the input is passed on. */
  | "same"
  /** A mask is computed by comparing the input with the value of this option, or with 0 if the option is true. */
  | { readonly compares: "maskValue" | "maskZero" }
  /** All inputs must have the same mask; otherwise the results differ. */
  | "merged"
  /** The output has the mask of the first input; the masks of the others limit attention. */
  | "first"
  /** The output has no time axis. */
  | "none"
  /** Keras includes the steps after the end, our layer does not. */
  | "ignored";

/** A layer in Keras and here. */
export interface Row {
  readonly className: string;
  readonly kind: string;
  /** Options that both have. */
  readonly options?: readonly string[];
  /** Options that have another name in Keras. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Options that are layers. */
  readonly layers?: readonly string[];
  /** Keras options for which only one value is supported, by Keras name; "last" is the last axis. All others must be null or false. */
  readonly only?: Readonly<Record<string, Json>>;
  /** Our options for which Keras supports only one value. */
  readonly ours?: Readonly<Record<string, Json>>;
  /** The values that Keras supports, for options that have other values here. */
  readonly values?: Readonly<Record<string, readonly Json[]>>;
  /** Our options that are call arguments in Keras. */
  readonly callOptions?: readonly string[];
  /** Its weights are stored in the folder of a cell. */
  readonly inCell?: true;
  /** It is called with `reverse=True` in the output direction. */
  readonly goesBack?: true;
  /** Keras passes a mask to its calls. */
  readonly takesMask?: true;
  /** Keras computes its mask from its input, with separate operations. */
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
// A stateful Keras recurrence is built for one batch size.
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
/** Layers that only apply an activation: the Keras class, the function, and required options. */
const activation = (className: string, name: string, only: Row["only"] = {}): Row => ({
  ...pointwise,
  className,
  kind: "activation",
  ours: { activation: name },
  only,
});

/** If several rows have the same kind, the first is used for export. */
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

/** The rows by Keras class. */
export const rowsByClass: ReadonlyMap<string, Row> = new Map(rows.map((row) => [row.className, row]));

/** The rows by kind. */
export const rowsByKind: ReadonlyMap<string, Row> = new Map([...rows].reverse().map((row) => [row.kind, row]));
