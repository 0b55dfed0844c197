/** `--init`: a training that goes on from a model, which its folder keeps; and what of the model stays as it is, or learns more slowly. */
import { basename, join } from "node:path";
import type { CompileOptions, Trained } from "@ostinato/core";
import { InvalidArgumentError, Option } from "commander";
import { UsageError } from "./failures.ts";
import { isThere } from "./files.ts";
import { excerpt, kebabCase } from "./format.ts";
import { digestOfFile } from "./model-file.ts";
import { type AppModel, fileNames, modelFileAt } from "./model-folder.ts";
import { path, type TrainingOptions } from "./options.ts";

/** What of it a command line says. */
export interface InitialOptions {
  /** The file of the model, or the folder of its training. */
  readonly init?: string;
  /** What layers are called where weights come alone: modules of PyTorch, layers of Keras. */
  readonly initMap?: Readonly<Record<string, string>>;
  /** Patterns of names. */
  readonly freeze?: readonly string[];
  /** Factors of the learning rate by patterns of names. */
  readonly learningRates?: ReadonlyMap<string, number>;
}

/** The options of `train` that say it. */
export function initialOptions(): Option[] {
  return [
    new Option("--init <path>", "go on from this model: its file, or the folder of its training").argParser(path),
    new Option(
      "--init-map <modules>",
      'of --init with weights alone, what a layer is called there: "lstm=encoder.rnn,dense=fc"; by names and shapes by default',
    ).argParser(modules),
    new Option(
      "--freeze <patterns>",
      'of --init, layers or weights that stay as they are, by name: "embedding,*/bias"; * is any part of a name',
    ).argParser(patterns),
    new Option(
      "--learning-rates <factors>",
      'of --init, what the learning rate is multiplied by for layers or weights, by name: "embedding=0.1"',
    ).argParser(factors),
  ];
}

function modules(text: string): Readonly<Record<string, string>> {
  const all = text.split(",").map((each) => each.split("=").map((part) => part.trim()));
  if (all.every((parts) => parts.length === 2 && parts.every((part) => part !== ""))) return Object.fromEntries(all);
  throw new InvalidArgumentError('It must be layers and modules, such as "lstm=encoder.rnn,dense=fc".');
}

function patterns(text: string): readonly string[] {
  const all = text.split(",").map((each) => each.trim());
  if (all.every((each) => each !== "")) return all;
  throw new InvalidArgumentError("It must be names with commas between.");
}

function factors(text: string): ReadonlyMap<string, number> {
  const all = patterns(text).map((each): [string, number] => {
    const [pattern = "", factor = ""] = each.split(/=(?=[^=]*$)/);
    const number = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(factor) ? Number(factor) : Number.NaN;
    if (pattern === "" || !Number.isFinite(number))
      throw new InvalidArgumentError('It must be names with factors from 0 on, such as "embedding=0.1,lstm=0.5".');
    return [pattern, number];
  });
  return new Map(all);
}

/** Where a training began, as the metadata of its model tells it. */
export type Origin = {
  readonly file: string;
  readonly digest: string;
  /** The file told the network; else it held weights alone, for one that options describe. */
  readonly network: boolean;
};

/** What a training begins with. */
export interface Initial<M extends AppModel> {
  readonly model: M;
  readonly origin: Origin;
}

/** The key of the origin in metadata. */
export const originKey = "init";

function originIn({ metadata, foreign }: AppModel): Origin {
  const { file, digest, network } = (metadata[originKey] ?? {}) as Partial<Record<keyof Origin, unknown>>;
  if (typeof file === "string" && typeof digest === "string" && typeof network === "boolean")
    return { file, digest, network };
  throw foreign("it does not tell what the training began with");
}

/**
 * What the training of the app `name` begins with, opened by `open`, which is told whether the folder has kept the file; undefined without `--init`. A training that is gone on with has kept it in its folder, so that the
 * file need not be there any more.
 *
 * Throws `UsageError` for options that are of no use without `--init`, and what `open` throws.
 */
export async function openInitial<M extends AppModel>(
  options: InitialOptions & Pick<TrainingOptions, "out" | "resume">,
  name: string,
  open: (path: string, isKept: boolean) => Promise<M>,
): Promise<Initial<M> | undefined> {
  const { init, out, resume } = options;
  const kept = join(out, fileNames.initial);
  if (resume && (await isThere(kept))) {
    const model = await open(kept, true);
    const origin = originIn(model);
    // A file that is there still is compared by the settings.
    const found = init === undefined ? undefined : await fileDigest(init, name).catch(() => undefined);
    return { model, origin: { ...origin, ...found } };
  }
  if (init !== undefined) {
    const model = await open(init, false);
    return { model, origin: { ...(await fileDigest(init, name)), network: !model.weightsOnly } };
  }
  const useless = options.freeze ? "--freeze" : options.learningRates ? "--learning-rates" : undefined;
  if (useless !== undefined) throw new UsageError(`${useless} is for --init; weights that are drawn have to learn`);
  return undefined;
}

async function fileDigest(init: string, name: string): Promise<Pick<Origin, "file" | "digest">> {
  const file = await modelFileAt(init, name);
  return { file: basename(file), digest: await digestOfFile(file) };
}

/** What the folder keeps of it. */
export function keptInitial({ model: { trained }, origin }: Initial<AppModel>): Trained {
  return { ...trained, metadata: { ...trained.metadata, [originKey]: origin } };
}

/** The settings of a training that may begin with a model, whose file then answers for the options `replaced`. */
export function initialSettings<O extends InitialOptions>(
  { freeze, learningRates, initMap, ...options }: O,
  initial: Initial<AppModel> | undefined,
  replaced: readonly string[],
) {
  const answered = initial?.origin.network ? replaced : [];
  const rest = Object.entries(options).filter(([name]) => !answered.includes(name));
  const rates = learningRates && [...learningRates].map(([pattern, factor]) => `${pattern}=${factor}`).join(",");
  return {
    ...Object.fromEntries(rest),
    init: initial?.origin.digest,
    initMap:
      initMap &&
      Object.entries(initMap)
        .map((each) => each.join("="))
        .join(","),
    freeze: freeze?.join(","),
    learningRates: rates,
  };
}

/** Throws `UsageError` where an option was given for which the file of the model answers. */
export function refuseReplaced(
  given: ReadonlySet<string>,
  replaced: readonly string[],
  { origin }: Initial<AppModel>,
): void {
  const option = origin.network ? replaced.find((name) => given.has(name)) : undefined;
  if (option === undefined) return;
  throw new UsageError(
    `--${kebabCase(option)} is for a new network, and that of ${origin.file} is trained further; leave it out`,
  );
}

/** What `compile` is told of names: which learn, and how fast. Throws `UsageError` for a pattern that none has. */
export function learningOf(
  { freeze = [], learningRates = new Map<string, number>() }: InitialOptions,
  { weights }: Pick<Trained, "weights">,
): Pick<CompileOptions, "trainable" | "learningRates"> {
  const names = Object.keys(weights);
  const matching = (pattern: string, option: string): ReadonlySet<string> => {
    const found = names.filter(matcher(pattern));
    if (found.length > 0) return new Set(found);
    throw new UsageError(`${option}: nothing is called "${pattern}"; there are ${listed(names)}`);
  };
  const frozen = freeze.map((pattern) => matching(pattern, "--freeze"));
  const factors = [...learningRates].map(
    ([pattern, factor]) => [matching(pattern, "--learning-rates"), factor] as const,
  );
  if (names.every((name) => frozen.some((each) => each.has(name))))
    throw new UsageError(`--freeze: all weights would stay as they are; leave some to learn: ${listed(names)}`);
  return {
    ...(frozen.length === 0 ? {} : { trainable: (name: string) => !frozen.some((each) => each.has(name)) }),
    // The last that names a weight counts.
    ...(factors.length === 0
      ? {}
      : { learningRates: (name: string) => factors.findLast(([each]) => each.has(name))?.[1] ?? 1 }),
  };
}

/** A pattern names weights, layers, or what the file of a graph calls its weights. */
function matcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  const whole = new RegExp(`^${source}$`);
  return (name) => {
    const parts = name.split("/");
    // "lstm/W" is that of "lstm", and of "model/lstm/W" of a graph "model" the file has called "lstm/W".
    const ways = parts.flatMap((_, i) => [parts.slice(0, i + 1).join("/"), parts.slice(i).join("/")]);
    return ways.some((way) => whole.test(way));
  };
}

const mostListed = 12;

const listed = (names: readonly string[]): string =>
  names
    .slice(0, mostListed)
    .map((name) => excerpt(name, 60))
    .join(", ") + (names.length > mostListed ? ", …" : "");
