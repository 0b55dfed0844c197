/** `--init`: continues the training of a model, which is saved in the folder; options for freezing and scaling learning rates. */
import { basename, join } from "node:path";
import type { CompileOptions, Trained } from "@ostinato/core";
import { InvalidArgumentError, Option } from "commander";
import { UsageError } from "./failures.ts";
import { isThere } from "./files.ts";
import { excerpt, kebabCase } from "./format.ts";
import { digestOfFile } from "./model-file.ts";
import { type AppModel, fileNames, modelFileAt } from "./model-folder.ts";
import { path, type TrainingOptions } from "./options.ts";

/** The command line options. */
export interface InitialOptions {
  /** The model file, or the output folder of its training. */
  readonly init?: string;
  /** For files with only weights: the names of layers in the file, PyTorch modules or Keras layers. */
  readonly initMap?: Readonly<Record<string, string>>;
  /** Name patterns. */
  readonly freeze?: readonly string[];
  /** Learning rate factors by name pattern. */
  readonly learningRates?: ReadonlyMap<string, number>;
}

/** The options of `train`. */
export function initialOptions(): Option[] {
  return [
    new Option(
      "--init <path>",
      "continue the training of this model: a model file, or the output folder of its training",
    ).argParser(path),
    new Option(
      "--init-map <modules>",
      'for --init with only weights, the names of layers in the file: "lstm=encoder.rnn,dense=fc"; default: matched by name and shape',
    ).argParser(modules),
    new Option(
      "--freeze <patterns>",
      'for --init, the names of layers or weights to freeze: "embedding,*/bias"; * is a wildcard',
    ).argParser(patterns),
    new Option(
      "--learning-rates <factors>",
      'for --init, learning rate factors of layers or weights, by name: "embedding=0.1"',
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
  throw new InvalidArgumentError("It must be names separated by commas.");
}

function factors(text: string): ReadonlyMap<string, number> {
  const all = patterns(text).map((each): [string, number] => {
    const [pattern = "", factor = ""] = each.split(/=(?=[^=]*$)/);
    const number = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(factor) ? Number(factor) : Number.NaN;
    if (pattern === "" || !Number.isFinite(number))
      throw new InvalidArgumentError('It must be names with non-negative factors, such as "embedding=0.1,lstm=0.5".');
    return [pattern, number];
  });
  return new Map(all);
}

/** The origin of a training, stored in the metadata of its model. */
export type Origin = {
  readonly file: string;
  readonly digest: string;
  /** Whether the file contains the network; otherwise it contains only weights, for the network of the options. */
  readonly network: boolean;
};

/** The initial model of a training. */
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
  throw foreign("it does not contain the origin of the training");
}

/**
 * The initial model of a training of the app `name`, opened by `open`, which is told whether the file is the copy in the folder; undefined without `--init`. A resumed training uses its copy, so the
 * original file is not needed.
 *
 * Throws `UsageError` for options that require `--init`, and the errors of `open`.
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
    // If the original file still exists, the settings compare its digest.
    const found = init === undefined ? undefined : await fileDigest(init, name).catch(() => undefined);
    return { model, origin: { ...origin, ...found } };
  }
  if (init !== undefined) {
    const model = await open(init, false);
    return { model, origin: { ...(await fileDigest(init, name)), network: !model.weightsOnly } };
  }
  const useless = options.freeze ? "--freeze" : options.learningRates ? "--learning-rates" : undefined;
  if (useless !== undefined) throw new UsageError(`${useless} requires --init; new weights must be trained`);
  return undefined;
}

async function fileDigest(init: string, name: string): Promise<Pick<Origin, "file" | "digest">> {
  const file = await modelFileAt(init, name);
  return { file: basename(file), digest: await digestOfFile(file) };
}

/** The part that the folder stores. */
export function keptInitial({ model: { trained }, origin }: Initial<AppModel>): Trained {
  return { ...trained, metadata: { ...trained.metadata, [originKey]: origin } };
}

/** The settings of a training with an optional initial model, which determines the options `replaced`. */
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

/** Throws `UsageError` if an option was given that the initial model determines. */
export function refuseReplaced(
  given: ReadonlySet<string>,
  replaced: readonly string[],
  { origin }: Initial<AppModel>,
): void {
  const option = origin.network ? replaced.find((name) => given.has(name)) : undefined;
  if (option === undefined) return;
  throw new UsageError(
    `--${kebabCase(option)} describes a new network and cannot be used with --init ${origin.file}; remove it`,
  );
}

/** The functions for `compile`: which weights are trained, and their learning rate factors. Throws `UsageError` for a pattern without matches. */
export function learningOf(
  { freeze = [], learningRates = new Map<string, number>() }: InitialOptions,
  { weights }: Pick<Trained, "weights">,
): Pick<CompileOptions, "trainable" | "learningRates"> {
  const names = Object.keys(weights);
  const matching = (pattern: string, option: string): ReadonlySet<string> => {
    const found = names.filter(matcher(pattern));
    if (found.length > 0) return new Set(found);
    throw new UsageError(`${option}: "${pattern}" matches no name; the names are ${listed(names)}`);
  };
  const frozen = freeze.map((pattern) => matching(pattern, "--freeze"));
  const factors = [...learningRates].map(
    ([pattern, factor]) => [matching(pattern, "--learning-rates"), factor] as const,
  );
  if (names.every((name) => frozen.some((each) => each.has(name))))
    throw new UsageError(`--freeze: all weights would be frozen; leave some to train: ${listed(names)}`);
  return {
    ...(frozen.length === 0 ? {} : { trainable: (name: string) => !frozen.some((each) => each.has(name)) }),
    // The last matching pattern counts.
    ...(factors.length === 0
      ? {}
      : { learningRates: (name: string) => factors.findLast(([each]) => each.has(name))?.[1] ?? 1 }),
  };
}

/** A pattern matches weights, layers, or the names that the file of a graph uses. */
function matcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  const whole = new RegExp(`^${source}$`);
  return (name) => {
    const parts = name.split("/");
    // "lstm/W" matches the weight of "lstm", and "model/lstm/W" of a graph layer "model", whose file has the name "lstm/W".
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
