/** A layer that hides words while a network trains, so that it learns what to make of words that it does not know. */
import { defineLayer, OptionReader } from "@ostinato/core";
import { less, minimum, select } from "@ostinato/core/graph";
import { unknownId } from "./vocabulary.ts";

/** Options of `wordDropout`. */
export interface WordDropoutOptions {
  /** The share of the words of a training step whose id becomes that of unknown words; from 0 to below 1. */
  readonly rate: number;
  /** That of the embedding behind it. */
  readonly inputDim: number;
}

/**
 * A layer from ids to ids for the input of an `embedding` with `maskZero`: in training each id becomes 1, that of unknown words, with probability `rate`
 * (Iyyer et al. 2015, "word dropout"); padding stays. A model with it is read with `loadModel(path, { layers: [wordDropout] })`; a tagger's file is by `tagger`.
 *
 * @example
 * const words = input({ shape: ["time"], name: "word" });
 * const vectors = embedding({ inputDim: 5000, outputDim: 100, maskZero: true })(wordDropout({ rate: 0.05, inputDim: 5000 })(words));
 */
export const wordDropout = defineLayer({
  kind: "wordDropout",
  takes: "ids [batch, time], before an embedding with maskZero",
  outputs: { ids: "ids" },
  parse(options: WordDropoutOptions, owner: string) {
    const read = new OptionReader(owner, options, ["rate", "inputDim"]);
    return { rate: read.number("rate", Number.NaN, 0, 1), inputDim: read.integer("inputDim", 2) };
  },
  ids: ({ inputDim }) => ({ inputDim, maskZero: true }),
  build({ mask }, { rate }, [ids]) {
    if (!mask || rate === 0) return [ids];
    const kept = less(0, mask(rate, ids.values.type.shape));
    return [{ ...ids, values: select(kept, ids.values, minimum(ids.values, unknownId)) }];
  },
});
