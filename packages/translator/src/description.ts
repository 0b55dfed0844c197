/** All that it takes to use a translator in another runtime: plain JSON to lie beside its two ONNX files. */
import { type DType, decodingOf, type Trained } from "@ostinato/core";
import { type TranslatorSettings, translatorSettings } from "./settings.ts";
import { endId, paddingId, startId, type TranslatorVocabulary, unknownId } from "./vocabulary.ts";

/** Something that one run of a file gives and the next takes. */
export interface HeldDescription {
  /** As the files' inputs and outputs are called. */
  readonly name: string;
  readonly dtype: DType;
  /** Batch first; sizes that change have names. */
  readonly shape: readonly (number | string)[];
}

/** What `translatorDescription` tells. */
export interface TranslatorDescription extends TranslatorSettings {
  readonly paddingId: number;
  readonly unknownId: number;
  readonly startId: number;
  readonly endId: number;
  readonly vocabulary: TranslatorVocabulary;
  /** What `encode` gives and each `decodeStep` takes. */
  readonly memory: readonly HeldDescription[];
  /** What each `decodeStep` takes, and gives with `/next` behind the name; the first ones are those that `encode` gives, and zeros of the others. */
  readonly states: readonly (HeldDescription & { readonly zeros: boolean })[];
  /** Whether `decodeStep` gives `attention`. */
  readonly attention: boolean;
}

/**
 * The description of a translator for runtimes that know nothing of Ostinato; write it beside what `exportDecoding` gives, as JSON.
 *
 * @throws ModelFileError where the model is not a translator
 */
export function translatorDescription(trained: Trained): TranslatorDescription {
  const { settings, vocabulary } = translatorSettings(trained);
  const { memory, states, attentionTime } = decodingOf(trained.spec);
  return {
    ...settings,
    paddingId,
    unknownId,
    startId,
    endId,
    vocabulary,
    memory: memory.map(({ name, type }) => ({ name, ...type })),
    states: states.map(({ name, type, first }) => ({ name, ...type, zeros: first === undefined })),
    attention: attentionTime !== undefined,
  };
}
