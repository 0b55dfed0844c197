/** The kinds of losses of the library, so that no loss of a user's can be called so. */
export const lossKinds = [
  "binaryCrossentropy",
  "categoricalCrossentropy",
  "sparseCategoricalCrossentropy",
  "sampledSoftmaxLoss",
  "meanSquaredError",
  "meanAbsoluteError",
  "huber",
  "quantileLoss",
  "crf",
  "ctc",
] as const;
