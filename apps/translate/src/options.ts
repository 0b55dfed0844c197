/** The options of the commands, each read and checked from its text. */
import {
  backendOption,
  batchSizeOption,
  chartFolderOption,
  epochsOption,
  type InitialOptions,
  initialOptions,
  kebabCase,
  learningRateOption,
  modelOption,
  mostRows,
  path,
  runtimeOption,
  seedOption,
  share,
  type TrainingOptions,
  threadsOption,
  trainingFolderOptions,
  whole,
} from "@ostinato/app";
import { tokenKinds } from "@ostinato/translator";
import { InvalidArgumentError, Option } from "commander";
import type { CourseOptions } from "./course.ts";
import { type CleaningOptions, cmudict, type DataOptions, fewestTexts } from "./data.ts";
import { beamSize, validationSample } from "./defaults.ts";
import type { LossOptions } from "./loss.ts";
import { attentionNames, cellNames, type NetworkOptions } from "./network.ts";
import { type PresetName, presetNames, presets, setBy } from "./presets.ts";
import type { TokenOptions } from "./vocabulary.ts";

/** What is set without a preset. */
const defaults = presets.pronunciation.options;

/** Where a model goes to and comes from unless another folder is named. */
export const defaultFolder = "runs/translate";

/** Settings of `train`, all of them known but those of its preset. */
export interface TrainOptions
  extends TrainingOptions,
    InitialOptions,
    DataOptions,
    CleaningOptions,
    TokenOptions,
    NetworkOptions,
    LossOptions,
    Omit<CourseOptions, "decayEpochs"> {
  readonly preset?: PresetName;
  /** As many as `epochs` unless it is given. */
  readonly decayEpochs?: number;
  /** The probability with which training leaves out a merge of subwords, anew in each epoch (BPE-dropout, Provilkov et al. 2020). */
  readonly subwordDropout: number;
  /** Texts to validate with after each epoch. */
  readonly validationSample: number;
  readonly limit?: number;
}

export function trainOptions(): Option[] {
  return [
    presetOption(),
    backendOption(),
    threadsOption(),
    epochsOption(defaults.epochs, "texts"),
    batchSizeOption(defaults.batchSize, "texts"),
    new Option("--batch-tokens <n>", "in its place: the most tokens in a step, the longest text counting for all")
      .argParser(whole(1, 10_000_000))
      .conflicts("batchSize"),
    ...networkOptions(),
    new Option("--dropout <share>", "features between layers that a training step drops")
      .argParser(share)
      .default(defaults.dropout),
    new Option(
      "--label-smoothing <share>",
      "of the probability of each right token, what the loss spreads evenly over all ids",
    )
      .argParser(share)
      .default(defaults.labelSmoothing),
    new Option(
      "--sampled-softmax <n>",
      "score so many tokens that are drawn in each step, and the right ones, in the place of all: for vocabularies from some 20,000 tokens on; shows no accuracy",
    ).argParser(whole(1, 500_000)),
    ...courseOptions(),
    dataOption(),
    ...languageOptions(),
    new Option(
      "--max-length <n>",
      "leave out pairs of which a text has more words; of a side without spaces, characters",
    ).argParser(whole(1, mostRows)),
    new Option(
      "--max-ratio <x>",
      "leave out pairs of which a text has more than so many times the words of the other",
    ).argParser(ratio),
    new Option("--no-test", "of a file keep no texts to test with"),
    ...tokenOptions(),
    new Option(
      "--subword-dropout <p>",
      "for subwords: probability with which training leaves out a merge, so that each epoch has words in other parts",
    )
      .argParser(share)
      .default(0),
    new Option("--limit <n>", "texts to train with, for a quick run; all by default").argParser(
      whole(fewestTexts, mostRows),
    ),
    new Option("--validation-sample <n>", "texts of the validation part that are translated after each epoch")
      .argParser(whole(1, mostRows))
      .default(validationSample),
    seedOption("texts"),
    ...initialOptions(),
    ...trainingFolderOptions(defaultFolder, "a better epoch"),
  ];
}

/** The preset, with the options that it sets, as a command line has them. */
function presetOption(): Option {
  const described = presetNames.map((name) => {
    const set = Object.entries(setBy(name)).map(([option, value]) => {
      const flag = `--${kebabCase(option)}`;
      return value === true ? flag : `${flag} ${value}`;
    });
    return `${name} (${presets[name].summary}${set.length === 0 ? "" : `; unless given: ${set.join(" ")}`})`;
  });
  return new Option(
    "--preset <name>",
    `network and training: ${described.join(", or ")}; by default sentences for a folder, else pronunciation`,
  ).choices(presetNames);
}

function networkOptions(): Option[] {
  return [
    new Option("--embedding <n>", "numbers that stand for a token")
      .argParser(whole(1, 1024))
      .default(defaults.embedding),
    new Option(
      "--tied-embeddings",
      "the embedding of the target is the output's matrix, too, and that of the source where both share one vocabulary",
    ).default(defaults.tiedEmbeddings),
    new Option("--no-tied-embeddings", "each has its own"),
    new Option("--cell <name>", "recurrent layers of both sides").choices(cellNames).default(defaults.cell),
    new Option("--units <n>", "units of each direction of each layer of the encoder")
      .argParser(whole(1, 2048))
      .default(defaults.units),
    new Option("--layers <n>", "bidirectional layers of the encoder, one upon the other")
      .argParser(whole(1, 16))
      .default(defaults.layers),
    new Option("--decoder-units <n>", "units of each layer of the decoder")
      .argParser(whole(1, 2048))
      .default(defaults.decoderUnits),
    new Option("--decoder-layers <n>", "layers of the decoder").argParser(whole(1, 16)).default(defaults.decoderLayers),
    new Option("--attention <name>", "how the decoder looks at what the encoder gives")
      .choices(attentionNames)
      .default(defaults.attention),
    new Option(
      "--attention-units <n>",
      "features of what the decoder makes of its attention; as many as its units by default, with tied embeddings as these",
    ).argParser(whole(1, 2048)),
    new Option(
      "--input-feeding",
      "each step of the decoder reads what the one before has made of its attention",
    ).default(defaults.inputFeeding),
    new Option("--no-input-feeding", "it does not"),
  ];
}

function courseOptions(): Option[] {
  return [
    learningRateOption(defaults.learningRate),
    new Option("--warmup <n>", "steps until the step size is at its largest")
      .argParser(whole(0, mostRows))
      .default(defaults.warmup),
    new Option(
      "--decay-epochs <n>",
      "epochs until the step size is at its end, on a cosine; as many as --epochs by default",
    ).argParser(whole(1, 100_000)),
    new Option("--final-rate <share>", "what is left of the step size then")
      .argParser(share)
      .default(defaults.finalRate),
    new Option(
      "--average <share>",
      "the model's weights are a moving average over this share of an epoch's steps; 0: they are the last ones",
    )
      .argParser(share)
      .default(defaults.average),
    new Option(
      "--teacher-forcing <p>",
      "probability that a step of the decoder reads the right token, and not what the model wrote itself: it falls from 1 to this; 1: always",
    )
      .argParser(probability)
      .default(defaults.teacherForcing),
    new Option("--clipnorm <x>", "length to which longer gradients are shortened; 0: none is")
      .argParser(length)
      .default(defaults.clipnorm),
  ];
}

/** Reads a number from 0 to 1. */
function probability(text: string): number {
  const number = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError("It must be a number from 0 to 1.");
}

/** Reads a number from 1 on. */
function ratio(text: string): number {
  const number = length(text);
  if (number >= 1) return number;
  throw new InvalidArgumentError("It must be a number from 1 on.");
}

/** Reads a number from 0 on. */
function length(text: string): number {
  const number = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (number >= 0 && number < Number.POSITIVE_INFINITY) return number;
  throw new InvalidArgumentError("It must be a number from 0 on.");
}

function tokenOptions(): Option[] {
  const choices = ["auto", ...tokenKinds];
  const auto = 'words where most texts have white space within, else characters: "auto"';
  return [
    new Option("--source-tokens <kind>", `tokens of the first column: ${auto}`).choices(choices).default("auto"),
    new Option("--target-tokens <kind>", `tokens of the second column: ${auto}`).choices(choices).default("auto"),
    new Option("--tokens <kind>", "in their place: tokens of both columns; subwords are one vocabulary for both")
      .choices(tokenKinds)
      .conflicts(["sourceTokens", "targetTokens"]),
    new Option(
      "--vocabulary-size <n>",
      "the most tokens that have an id, of subwords with 4 reserved ones and 256 bytes; 8000 subwords, and all others by default",
    ).argParser(whole(1, 500_000)),
    new Option(
      "--lowercase",
      "make the letters of the first column small, with --tokens subwords those of both; also of texts that come later",
    ).default(false),
    new Option(
      "--min-count <n>",
      "how often a token must occur in training to have an id of its own; subwords at least twice",
    )
      .argParser(whole(1, 1000))
      .default(1),
  ];
}

/** Which files of a folder. */
function languageOptions(): Option[] {
  const order = "of two that a folder has, the first by name is translated into the second by default";
  return [
    new Option("--source-language <code>", `language of the texts, as files of a folder end: ${order}`).argParser(code),
    new Option("--target-language <code>", "language that they are translated into").argParser(code),
  ];
}

/** Reads the end of a file's name. */
function code(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  throw new InvalidArgumentError("It must be as files end, such as de of train.de.");
}

/** The pairs to train with, or to look at. */
function dataOption(): Option {
  return new Option(
    "--data <path>",
    `a file with two columns, a tab between them; a folder with train.de, train.en, val.de and so on, or .gz files; or ${cmudict}, the pronouncing dictionary of CMU, the default`,
  ).argParser(dataSource);
}

const dataSource = (text: string): string => (text === cmudict ? text : path(text));

function beamOption(): Option {
  return new Option("--beam <n>", "hypotheses that are kept at each step; 1: the likeliest token is taken")
    .argParser(whole(1, 1000))
    .default(beamSize);
}

export function testOptions(): Option[] {
  return [
    modelOption(defaultFolder),
    runtimeOption(),
    new Option(
      "--data <path>",
      "a file with two columns, of which all rows are used, or a folder, of which the files test.* are, or val.* where there are none; the test part of the training data by default",
    ).argParser(dataSource),
    beamOption(),
    new Option("--limit <n>", "texts to test with, for a quick run; all by default").argParser(whole(1, mostRows)),
    new Option("--mistakes <n>", "wrong translations to show").argParser(whole(0, mostRows)).default(10),
    chartFolderOption(),
  ];
}

export function predictOptions(): Option[] {
  return [
    modelOption(defaultFolder),
    runtimeOption(),
    beamOption(),
    new Option("--n-best <n>", "translations of each text, the best first").argParser(whole(1, 1000)).default(1),
    new Option("--attention <file>", "draw what each word attended to, of one text: a .svg or .png file").argParser(
      path,
    ),
    new Option("--attention-tokens", "draw it of subwords as they are, and not of the words that they make").default(
      false,
    ),
    new Option("--allow-unknown", "take texts with characters that the model does not know").default(false),
  ];
}

export function infoOptions(): Option[] {
  return [modelOption(defaultFolder), dataOption(), ...languageOptions()];
}
