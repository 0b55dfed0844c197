/** A model that says a word for each word: dropout, a bias and a softmax at every step. */
import { dense, dropout, embedding, lstm, sequential } from "@ostinato/core";

export const wordModel = (words: number) =>
  sequential([
    embedding({ inputDim: words, outputDim: 5, maskZero: true }),
    lstm({ units: 6, returnSequences: true }),
    dropout({ rate: 0.3 }),
    dense({ units: words, activation: "softmax" }),
  ]);
