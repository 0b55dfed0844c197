/** The network: an encoder that reads in both directions, and a decoder that attends to what it gives. */
import {
  additiveAttention,
  attention,
  bidirectional,
  embedding,
  encoderDecoder,
  gru,
  lstm,
  type Model,
} from "@ostinato/core";
import { idCount, type TranslatorVocabulary } from "@ostinato/translator";

export const cellNames = ["lstm", "gru"] as const;
export const attentionNames = ["dot", "general", "additive", "none"] as const;

/** What of the network can be chosen. */
export interface NetworkOptions {
  /** Numbers that stand for a token of either side. */
  readonly embedding: number;
  readonly cell: (typeof cellNames)[number];
  /** Of each direction of each recurrent layer of the encoder. */
  readonly units: number;
  readonly layers: number;
  /** Of each recurrent layer of the decoder. */
  readonly decoderUnits: number;
  readonly decoderLayers: number;
  readonly attention: (typeof attentionNames)[number];
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
  const { embedding: outputDim, cell, units, layers, decoderUnits, decoderLayers, dropout } = options;
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const ids = (inputDim: number, name: string) => embedding({ inputDim, outputDim, maskZero: true, name });
  return encoderDecoder({
    sourceEmbedding: ids(idCount(vocabulary.source), "sourceEmbedding"),
    targetEmbedding: ids(idCount(vocabulary.target), "targetEmbedding"),
    encoder: times(layers, () => cells[cell].encoder(units)),
    decoder: times(decoderLayers, () => cells[cell].decoder(decoderUnits)),
    ...attending(options),
    dropout,
  });
}

/** What the decoder does with its attention, where it has any. */
function attending({ attention: name, decoderUnits, inputFeeding }: NetworkOptions) {
  const layer = attentions[name](decoderUnits);
  return layer === null ? {} : { attention: layer, attentionUnits: decoderUnits, inputFeeding };
}
