/** The network: embeddings of each token's features, recurrent layers that read in both directions, and a number for each tag. */
import {
  bidirectional,
  bioConstraints,
  bioesConstraints,
  type CrfConstraints,
  crf,
  dense,
  dropout,
  type Loss,
  lstm,
  type Model,
  model,
  type Symbolic,
  sparseCategoricalCrossentropy,
} from "@ostinato/core";
import { type FeatureVocabulary, type TaggerOutput, tokenEmbeddings } from "@ostinato/tagger";
import { areSpanTags } from "@ostinato/text";

/** What the network ends in. */
export const outputNames = ["softmax", "crf"] as const satisfies readonly TaggerOutput[];

/** The options of the network. */
export interface NetworkOptions {
  readonly output: TaggerOutput;
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
  /** Share of the shapes that it hides. */
  readonly shapeDropout: number;
}

export function network(options: NetworkOptions, vocabulary: FeatureVocabulary, tags: number): Model {
  const { output: ending, embedding: word, affix, units, layers, dropout: rate, wordDropout, shapeDropout } = options;
  const { inputs, output } = tokenEmbeddings(vocabulary, { word, affix, wordDropout, shapeDropout });
  const dropped = (sequence: Symbolic<"sequence">) => (rate > 0 ? dropout({ rate })(sequence) : sequence);
  let sequence = dropped(output);
  for (let layer = 0; layer < layers; layer++)
    sequence = dropped(bidirectional(lstm({ units, returnSequences: true }))(sequence));
  return model(inputs, dense({ units: tags, activation: ending === "softmax" ? "softmax" : "linear" })(sequence));
}

/** Whether all sentences have tags that a path may have. */
function allowed({ transitions, start, end }: CrfConstraints, paths: readonly Int32Array[]): boolean {
  return paths.every((path) => {
    const steps = path.every((tag, i) => i === 0 || transitions[path[i - 1] as number]?.[tag] === true);
    return steps && start[path[0] as number] === true && end[path.at(-1) as number] === true;
  });
}

/**
 * Which tags may follow which: for tags of spans the rules of BIO or BIOES, so that no span is broken. None for other tags, and where the sentences to train with break the rules,
 * as those of IOB1 do.
 */
export function constraintsFor(tags: readonly string[], paths: readonly Int32Array[]): CrfConstraints | null {
  if (!areSpanTags(tags)) return null;
  const constraints = tags.every((tag) => /^[OBI]/.test(tag)) ? bioConstraints(tags) : bioesConstraints(tags);
  return allowed(constraints, paths) ? constraints : null;
}

/** The loss that goes with the network's end. */
export function lossFor(output: TaggerOutput, constraints: CrfConstraints | null): Loss {
  return output === "crf" ? crf({ constraints }) : sparseCategoricalCrossentropy();
}
