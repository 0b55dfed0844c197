/** The two set-ups of the same network: how texts become rows of ids, and whether padding is masked. */
import type { ClassifierSettings } from "@ostinato/classifier";
import type { UnknownWords } from "@ostinato/text";

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

/** How the texts of a preset become rows: the last `maxLength` words; where padding is not masked, with zeros in front of shorter ones. */
export function rowSettings(preset: PresetName, maxLength: number): Omit<ClassifierSettings, "labels"> {
  return { maxLength, ...(presets[preset].maskZero ? {} : { padding: "pre" }) };
}
