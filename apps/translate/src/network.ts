/** The network: an encoder that reads in both directions, and a decoder that attends to what it gives. */
import {
  additiveAttention,
  attention,
  bidirectional,
  type EncoderDecoderOptions,
  embedding,
  encoderDecoder,
  gru,
  lstm,
  type Model,
  reversibleEmbedding,
} from "@ostinato/core";
import { idCount, type SideVocabulary, type TranslatorVocabulary } from "@ostinato/translator";

export const cellNames = ["lstm", "gru"] as const;
export const attentionNames = ["dot", "general", "additive", "none"] as const;

/** The options of the network. */
export interface NetworkOptions {
  /** Numbers that stand for a token of either side. */
  readonly embedding: number;
  readonly cell: (typeof cellNames)[number];
  /** Whether the target's embedding is the output's matrix, too, and the source's where both sides share one vocabulary (Press and Wolf 2017). */
  readonly tiedEmbeddings: boolean;
  /** Of each direction of each recurrent layer of the encoder. */
  readonly units: number;
  readonly layers: number;
  /** Of each recurrent layer of the decoder. */
  readonly decoderUnits: number;
  readonly decoderLayers: number;
  readonly attention: (typeof attentionNames)[number];
  /** Features of what the decoder makes of its attention. Default as many as its units; with tied embeddings as these, so that no layer stands between. */
  readonly attentionUnits?: number;
  /** Whether a step of the decoder reads what the one before has made of its attention. */
  readonly inputFeeding: boolean;
  /** Share of the features between layers that a training step drops. */
  readonly dropout: number;
}

/** A layer of each side. */
const cells = {
  lstm: {
    encoder: (units) => bidirectional(lstm({ units })),
    decoder: (units) => lstm({ units }),
  },
  gru: {
    encoder: (units) => bidirectional(gru({ units })),
    decoder: (units) => gru({ units }),
  },
} as const satisfies Record<NetworkOptions["cell"], Record<string, (units: number) => unknown>>;

const attentions = {
  dot: () => attention(),
  general: () => attention({ scoreMode: "general" }),
  additive: (units) => additiveAttention({ units }),
  none: () => null,
} as const satisfies Record<NetworkOptions["attention"], (units: number) => unknown>;

export function network(options: NetworkOptions, vocabulary: TranslatorVocabulary): Model {
  const { cell, units, layers, decoderUnits, decoderLayers, dropout } = options;
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  return encoderDecoder({
    ...embeddings(options, vocabulary),
    encoder: times(layers, () => cells[cell].encoder(units)),
    decoder: times(decoderLayers, () => cells[cell].decoder(decoderUnits)),
    ...attending(options),
    dropout,
  });
}

/** The embeddings of both sides: one that goes both ways, or two. */
function embeddings(
  { embedding: outputDim, tiedEmbeddings }: NetworkOptions,
  { source, target }: TranslatorVocabulary,
): Pick<EncoderDecoderOptions, "sourceEmbedding" | "targetEmbedding"> {
  const ids = (side: SideVocabulary, name: string) =>
    embedding({ inputDim: idCount(side), outputDim, maskZero: true, name });
  if (!tiedEmbeddings)
    return { sourceEmbedding: ids(source, "sourceEmbedding"), targetEmbedding: ids(target, "targetEmbedding") };
  const isShared = source === target;
  const tied = reversibleEmbedding({
    inputDim: idCount(target),
    outputDim,
    maskZero: true,
    // The scores of the output then have a variance of about 1; an embedding's usual numbers are too small for it.
    embeddingsInitializer: { kind: "normal", mean: 0, stddev: outputDim ** -0.5 },
    useBias: true,
    activation: "softmax",
    name: isShared ? "embedding" : "targetEmbedding",
  });
  return { sourceEmbedding: isShared ? tied : ids(source, "sourceEmbedding"), targetEmbedding: tied };
}

/** What the decoder does with its attention, where it has any. */
function attending(options: NetworkOptions) {
  const { attention: name, decoderUnits, tiedEmbeddings, embedding: outputDim, inputFeeding } = options;
  const layer = attentions[name](decoderUnits);
  const { attentionUnits = tiedEmbeddings ? outputDim : decoderUnits } = options;
  return layer === null ? {} : { attention: layer, attentionUnits, inputFeeding };
}
