/** The small text classifier that tests of trainers train. */
import { dense, embedding, lstm, type Model, sequential } from "@ostinato/core";

/** Ids below `words`, with 0 as padding → probability; `dropout` is that of the recurrence's input. */
export const textModel = ({ words, dropout = 0 }: { readonly words: number; readonly dropout?: number }): Model =>
  sequential([
    embedding({ inputDim: words, outputDim: 3, maskZero: true }),
    lstm({ units: 4, dropout }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);
