/** The presets: the size of a network, how texts become tokens, and how it is trained. All these numbers stand here. */
import type { TrainingOptions } from "@ostinato/app";
import type { CourseOptions } from "./course.ts";
import { type DataOptions, isDictionary } from "./data.ts";
import { isFolder } from "./folder.ts";
import type { TranslationModel } from "./model.ts";
import type { NetworkOptions } from "./network.ts";
import type { TokenOptions } from "./vocabulary.ts";

/** What every preset sets: the network, and the course of its training. */
interface PresetOptions extends Omit<NetworkOptions, "attentionUnits">, Omit<CourseOptions, "decayEpochs"> {
  readonly epochs: number;
  /** Texts in a step, at the most. */
  readonly batchSize: number;
  readonly labelSmoothing: number;
}

/** What some set beside. */
type Further = Partial<Pick<TokenOptions, "tokens" | "vocabularySize">> &
  Partial<Pick<NetworkOptions, "attentionUnits">> &
  Partial<Pick<TrainingOptions, "batchTokens">>;

interface Preset {
  readonly summary: string;
  readonly options: PresetOptions & Further;
}

const pronunciation = {
  embedding: 64,
  tiedEmbeddings: false,
  cell: "lstm",
  units: 160,
  layers: 2,
  decoderUnits: 320,
  decoderLayers: 1,
  attention: "general",
  inputFeeding: false,
  dropout: 0.25,
  labelSmoothing: 0.1,
  epochs: 14,
  batchSize: 128,
  learningRate: 0.002,
  warmup: 500,
  finalRate: 0.01,
  average: 0.1,
  teacherForcing: 1,
  clipnorm: 5,
} as const satisfies PresetOptions;

export const presets = {
  pronunciation: { summary: "for words and other short texts", options: pronunciation },
  sentences: {
    summary: "for sentences: subwords that both languages share, and one matrix for source, target and output",
    options: {
      ...pronunciation,
      tokens: "subwords",
      vocabularySize: 6000,
      embedding: 256,
      tiedEmbeddings: true,
      units: 256,
      layers: 1,
      decoderUnits: 512,
      inputFeeding: true,
      dropout: 0.4,
      epochs: 15,
      batchSize: 64,
      // Bounds no batch of sentences of up to 64 tokens. A line of 1,000 words is in a batch with three others at most, and not with 63 that are padded to its length.
      batchTokens: 4096,
      average: 0.5,
    },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];

/** The preset without `--preset`: sentences to go on from a model of files in two languages or of subwords, or for such files, else pronunciation. */
async function presetOf({ data }: Pick<DataOptions, "data">, initial: PresetModel | undefined): Promise<PresetName> {
  if (initial !== undefined)
    return initial.data.languages !== undefined || initial.vocabulary.target.tokens === "subwords"
      ? "sentences"
      : "pronunciation";
  return !isDictionary(data) && (await isFolder(data)) ? "sentences" : "pronunciation";
}

/** What tells the preset of a model. */
type PresetModel = Pick<TranslationModel, "data" | "vocabulary">;

/** Options of the command line that take the place of another one, whether a preset sets it or it has a default. */
const replacedBy: Readonly<Record<string, readonly string[]>> = {
  tokens: ["sourceTokens", "targetTokens"],
  batchSize: ["batchTokens"],
};

/** What a preset sets otherwise than the defaults, which are those of `pronunciation`. */
export function setBy(preset: PresetName): Readonly<Record<string, unknown>> {
  const defaults: Readonly<Record<string, unknown>> = pronunciation;
  const own = Object.entries(presets[preset].options).filter(([name, value]) => value !== defaults[name]);
  return Object.fromEntries(own);
}

/** The options with those of their preset in the place of the defaults; what the command line has, `given`, stays, and goes without what it replaces. The preset's name is none of them. `initial` is the model of `--init`. */
export async function withPreset<O extends Pick<DataOptions, "data"> & { readonly preset?: PresetName }>(
  options: O,
  given: ReadonlySet<string>,
  initial?: PresetModel,
): Promise<Omit<O, "preset">> {
  const { preset = await presetOf(options, initial), ...others } = options;
  const isReplaced = (name: string): boolean =>
    !given.has(name) && (replacedBy[name] ?? []).some((other) => given.has(other));
  const own = Object.entries({ ...others, ...withoutGiven(setBy(preset), given) });
  return Object.fromEntries(own.filter(([name]) => !isReplaced(name))) as Omit<O, "preset">;
}

const withoutGiven = (options: Readonly<Record<string, unknown>>, given: ReadonlySet<string>) =>
  Object.fromEntries(Object.entries(options).filter(([name]) => !given.has(name)));
