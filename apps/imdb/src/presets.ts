/** The two set-ups of the same network: how texts become rows of ids, and whether padding is masked. */
import { encodeTexts, type PaddedInt32, padSequences, type UnknownWords, type Vocabulary } from "@ostinato/text";

interface Preset {
  readonly summary: string;
  /** What becomes of words outside the vocabulary. */
  readonly unknown: UnknownWords;
  /** The network ignores id 0. */
  readonly maskZero: boolean;
  /** Batches are made of reviews of similar length. */
  readonly groupByLength: boolean;
}

/** Both cut a long review in front, as Keras's `pad_sequences` does by default: the verdict of a review stands at its end. */
export const presets = {
  default: {
    summary: "padding behind, masked; ids 0 for padding only, 1 for unknown words",
    unknown: "own-id",
    maskZero: true,
    groupByLength: true,
  },
  article: {
    summary: "the article's: zeros in front, not masked; id 0 for padding and unknown words alike",
    unknown: "padding",
    maskZero: false,
    groupByLength: false,
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];

export function isPresetName(name: unknown): name is PresetName {
  return typeof name === "string" && Object.hasOwn(presets, name);
}

/** Ids as a model takes them: each row with its own length, or padded to one. */
export type Ids = readonly (readonly number[])[] | PaddedInt32;

/** The last `maxLength` words of each text as ids; where padding is not masked, with zeros in front of shorter ones. */
export function encodeReviews(
  preset: PresetName,
  vocabulary: Vocabulary,
  texts: readonly string[],
  maxLength: number,
): Ids {
  const rows = encodeTexts(vocabulary, texts);
  if (!presets[preset].maskZero) return padSequences(rows, { maxLength, padding: "pre", truncating: "pre" });
  return rows.map((ids) => (ids.length > maxLength ? ids.slice(-maxLength) : ids));
}
