/** The network: embeddings of each token's features, recurrent layers that read in both directions, and a number for each tag. */
import { bidirectional, dense, dropout, lstm, type Model, model, type Symbolic } from "@ostinato/core";
import { type TaggerVocabulary, tokenEmbeddings } from "@ostinato/tagger";

/** What of the network can be chosen. */
export interface NetworkOptions {
  /** Numbers that stand for a word. */
  readonly embedding: number;
  /** Numbers that stand for each of its prefixes and suffixes. */
  readonly affix: number;
  /** Of each direction of each recurrent layer. */
  readonly units: number;
  readonly layers: number;
  /** Share of the features of each layer's input that a training step drops. */
  readonly dropout: number;
  /** Share of the words that a training step hides. */
  readonly wordDropout: number;
}

export function network(options: NetworkOptions, vocabulary: TaggerVocabulary, tags: number): Model {
  const { embedding: word, affix, units, layers, dropout: rate, wordDropout } = options;
  const { inputs, output } = tokenEmbeddings(vocabulary, { word, affix, wordDropout });
  const dropped = (sequence: Symbolic<"sequence">) => (rate > 0 ? dropout({ rate })(sequence) : sequence);
  let sequence = dropped(output);
  for (let layer = 0; layer < layers; layer++)
    sequence = dropped(bidirectional(lstm({ units, returnSequences: true }))(sequence));
  return model(inputs, dense({ units: tags, activation: "softmax" })(sequence));
}
