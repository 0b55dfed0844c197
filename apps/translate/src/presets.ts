/** The presets: the size of a network, how texts become tokens, and how it is trained. All these numbers stand here. */
import type { CourseOptions } from "./course.ts";
import { type DataOptions, isDictionary } from "./data.ts";
import { isFolder } from "./folder.ts";
import type { NetworkOptions } from "./network.ts";
import type { TokenOptions } from "./vocabulary.ts";

/** What every preset sets: the network, and the course of its training. */
interface PresetOptions extends Omit<NetworkOptions, "attentionUnits">, Omit<CourseOptions, "decayEpochs"> {
  readonly epochs: number;
  readonly batchSize: number;
  readonly labelSmoothing: number;
}

/** What some set beside. */
type Further = Partial<Pick<TokenOptions, "tokens" | "vocabularySize">> &
  Partial<Pick<NetworkOptions, "attentionUnits">>;

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
      average: 0.5,
    },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];

/** The preset without `--preset`: sentences for files in two languages, else pronunciation. */
async function presetOf({ data }: Pick<DataOptions, "data">): Promise<PresetName> {
  return !isDictionary(data) && (await isFolder(data)) ? "sentences" : "pronunciation";
}

/** Options of the command line that take the place of one that a preset sets. */
const replacedBy: Readonly<Record<string, readonly string[]>> = { tokens: ["sourceTokens", "targetTokens"] };

/** What a preset sets otherwise than the defaults, which are those of `pronunciation`. */
export function setBy(preset: PresetName): Readonly<Record<string, unknown>> {
  const defaults: Readonly<Record<string, unknown>> = pronunciation;
  const own = Object.entries(presets[preset].options).filter(([name, value]) => value !== defaults[name]);
  return Object.fromEntries(own);
}

/** The options with those of their preset in the place of the defaults; what the command line has, `given`, stays. The preset's name is none of them. */
export async function withPreset<O extends Pick<DataOptions, "data"> & { readonly preset?: PresetName }>(
  options: O,
  given: ReadonlySet<string>,
): Promise<Omit<O, "preset">> {
  const { preset = await presetOf(options), ...others } = options;
  const own = Object.entries(setBy(preset)).filter(
    ([name]) => ![name, ...(replacedBy[name] ?? [])].some((each) => given.has(each)),
  );
  return { ...others, ...Object.fromEntries(own) };
}
