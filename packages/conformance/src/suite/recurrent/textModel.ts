/** The small models of texts that tests of trainers train. */
import { dense, embedding, input, lstm, type Model, model, sequential } from "@ostinato/core";

/** Ids below `words`, with 0 as padding → probability; `dropout` is that of the recurrence's input. */
export const textModel = ({ words, dropout = 0 }: { readonly words: number; readonly dropout?: number }): Model =>
  sequential([
    embedding({ inputDim: words, outputDim: 3, maskZero: true }),
    lstm({ units: 4, dropout }),
    dense({ units: 1, activation: "sigmoid" }),
  ]);

/** Ids below `words`, with 0 as padding → one of so many tags for each word, and `scores` numbers for the text. */
export function readingModel({ words, tags, scores }: Readonly<Record<"words" | "tags" | "scores", number>>): Model {
  const ids = input({ shape: ["time"] });
  const read = lstm({ units: 4, returnSequences: true, returnState: true });
  const [steps, h] = read(embedding({ inputDim: words, outputDim: 3, maskZero: true })(ids));
  return model(ids, { tags: dense({ units: tags, activation: "softmax" })(steps), score: dense({ units: scores })(h) });
}
