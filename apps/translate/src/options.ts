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
    new Option(
      "--batch-tokens <n>",
      "the largest number of tokens in a step, with all texts padded to the longest; without --batch-size it alone bounds a step",
    ).argParser(whole(1, 10_000_000)),
    ...networkOptions(),
    new Option("--dropout <share>", "share of the features between layers that dropout sets to 0 in a training step")
      .argParser(share)
      .default(defaults.dropout),
    new Option(
      "--label-smoothing <share>",
      "share of the probability of the right token that the loss spreads evenly over all ids",
    )
      .argParser(share)
      .default(defaults.labelSmoothing),
    new Option(
      "--sampled-softmax <n>",
      "in each training step, score the right tokens and n random ones instead of all; for vocabularies of about 20,000 tokens and more; shows no accuracy",
    ).argParser(whole(1, 500_000)),
    ...courseOptions(),
    dataOption(),
    ...languageOptions(),
    new Option(
      "--max-length <n>",
      "leave out pairs with a text of more words (of more characters on a side without spaces)",
    ).argParser(whole(1, mostRows)),
    new Option(
      "--max-ratio <x>",
      "leave out pairs in which one text has more than x times as many words as the other",
    ).argParser(ratio),
    new Option("--no-test", "keep no texts of a file for testing"),
    ...tokenOptions(),
    new Option(
      "--subword-dropout <p>",
      "for subwords: probability of leaving out a merge in training (BPE-dropout), so words are split differently in each epoch",
    )
      .argParser(share)
      .default(0),
    new Option("--limit <n>", "number of training texts, for a quick run; default all").argParser(
      whole(fewestTexts, mostRows),
    ),
    new Option("--validation-sample <n>", "number of validation texts to translate after each epoch")
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
    return `${name} (${presets[name].summary}${set.length === 0 ? "" : `; sets ${set.join(" ")}, except for options that you give`})`;
  });
  return new Option(
    "--preset <name>",
    `settings of network and training: ${described.join(", or ")}; default sentences for a folder, with --init for a model of one or of subwords, else pronunciation; with --init only those of training count`,
  ).choices(presetNames);
}

function networkOptions(): Option[] {
  return [
    new Option("--embedding <n>", "size of the vector for each token")
      .argParser(whole(1, 1024))
      .default(defaults.embedding),
    new Option(
      "--tied-embeddings",
      "use one matrix for the target embedding and the output, and also for the source embedding if both sides share a vocabulary",
    ).default(defaults.tiedEmbeddings),
    new Option("--no-tied-embeddings", "use a matrix for each"),
    new Option("--cell <name>", "kind of recurrent layers in encoder and decoder")
      .choices(cellNames)
      .default(defaults.cell),
    new Option("--units <n>", "units of each encoder layer in each direction")
      .argParser(whole(1, 2048))
      .default(defaults.units),
    new Option("--layers <n>", "number of bidirectional layers of the encoder")
      .argParser(whole(1, 16))
      .default(defaults.layers),
    new Option("--decoder-units <n>", "units of each decoder layer")
      .argParser(whole(1, 2048))
      .default(defaults.decoderUnits),
    new Option("--decoder-layers <n>", "number of decoder layers")
      .argParser(whole(1, 16))
      .default(defaults.decoderLayers),
    new Option("--attention <name>", "score function of the attention")
      .choices(attentionNames)
      .default(defaults.attention),
    new Option(
      "--attention-units <n>",
      "size of the attentional state; default that of --embedding with tied embeddings, else --decoder-units",
    ).argParser(whole(1, 2048)),
    new Option("--input-feeding", "feed the attentional state of each decoder step to the next step").default(
      defaults.inputFeeding,
    ),
    new Option("--no-input-feeding", "do not feed it"),
  ];
}

function courseOptions(): Option[] {
  return [
    learningRateOption(defaults.learningRate),
    new Option(
      "--warmup <n>",
      "number of steps in which the step size grows to its largest value; at most an eighth of the steps of --decay-epochs",
    )
      .argParser(whole(0, mostRows))
      .default(defaults.warmup),
    new Option(
      "--decay-epochs <n>",
      "number of epochs in which the step size falls to its final value, along a cosine; default as --epochs, with --resume as before",
    ).argParser(whole(1, 100_000)),
    new Option("--final-rate <share>", "final step size, as a share of the largest")
      .argParser(share)
      .default(defaults.finalRate),
    new Option(
      "--average <share>",
      "average the model's weights over about this share of an epoch's steps (a moving average); 0: take the last weights",
    )
      .argParser(share)
      .default(defaults.average),
    new Option(
      "--teacher-forcing <p>",
      "probability that a decoder step reads the right token rather than the predicted one; it falls from 1 to p during training",
    )
      .argParser(probability)
      .default(defaults.teacherForcing),
    new Option("--clipnorm <x>", "largest norm of the gradient; 0: no limit")
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
  const auto = "auto is words if most texts contain white space, else characters";
  return [
    new Option("--source-tokens <kind>", `tokens of the source; ${auto}`).choices(choices).default("auto"),
    new Option("--target-tokens <kind>", `tokens of the target; ${auto}`).choices(choices).default("auto"),
    new Option("--tokens <kind>", "tokens of both sides; subwords share one vocabulary")
      .choices(tokenKinds)
      .conflicts(["sourceTokens", "targetTokens"]),
    new Option(
      "--vocabulary-size <n>",
      "largest number of tokens in a vocabulary, for subwords including 4 reserved tokens and 256 bytes; default 8000 for subwords, else no limit",
    ).argParser(whole(1, 500_000)),
    new Option(
      "--lowercase",
      "convert the source to lower case, and with --tokens subwords also the target; the model does the same with new texts",
    ).default(false),
    new Option(
      "--min-count <n>",
      "how often a token must occur in the training texts to be in the vocabulary; at least twice for subwords",
    )
      .argParser(whole(1, 1000))
      .default(1),
  ];
}

/** Which files of a folder. */
function languageOptions(): Option[] {
  const order = "default the first of the two languages of the folder, by name";
  return [
    new Option("--source-language <code>", `language to translate from, as the names of files end; ${order}`).argParser(
      code,
    ),
    new Option("--target-language <code>", "language to translate into").argParser(code),
  ];
}

/** Reads the end of a file's name. */
function code(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  throw new InvalidArgumentError("It must be the end of a file's name, such as de for train.de.");
}

/** The pairs to train with, or to look at. */
function dataOption(): Option {
  return new Option(
    "--data <path>",
    `a file with two columns, separated by a tab; a folder with train.de, train.en, val.de and so on, or .gz files; or ${cmudict}, the pronouncing dictionary of CMU, the default`,
  ).argParser(dataSource);
}

const dataSource = (text: string): string => (text === cmudict ? text : path(text));

function beamOption(): Option {
  return new Option("--beam <n>", "number of hypotheses in beam search; 1: greedy")
    .argParser(whole(1, 1000))
    .default(beamSize);
}

export function testOptions(): Option[] {
  return [
    modelOption(defaultFolder),
    runtimeOption(),
    new Option(
      "--data <path>",
      "a file with two columns (all its rows are used), or a folder (its files test.*, or val.* if there are none); default the test part of the training data",
    ).argParser(dataSource),
    beamOption(),
    new Option("--limit <n>", "number of test texts, for a quick run; default all").argParser(whole(1, mostRows)),
    new Option("--mistakes <n>", "number of wrong translations to show").argParser(whole(0, mostRows)).default(10),
    chartFolderOption(),
  ];
}

export function predictOptions(): Option[] {
  return [
    modelOption(defaultFolder),
    runtimeOption(),
    beamOption(),
    new Option("--n-best <n>", "number of translations for each text, the best first")
      .argParser(whole(1, 1000))
      .default(1),
    new Option(
      "--attention <file>",
      "draw the attention of one text between words, as a .svg or .png file; its folder is made if need be",
    ).argParser(path),
    new Option("--attention-tokens", "draw the attention between subwords rather than words").default(false),
    new Option("--allow-unknown", "translate texts with unknown characters").default(false),
  ];
}

export function infoOptions(): Option[] {
  return [modelOption(defaultFolder), dataOption(), ...languageOptions()];
}
