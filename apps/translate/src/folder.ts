/** A folder of parallel texts: which of its files are which part, in which language, and their pairs. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { UsageError } from "@ostinato/app";
import { type ParallelData, type ParallelText, textPairsOf } from "@ostinato/datasets";
import { splitTexts } from "./split.ts";

/** The languages of both sides, as the files' names have them. */
export type Languages = {
  readonly sourceLanguage: string;
  readonly targetLanguage: string;
};

/** Those that are asked for. */
export interface AskedLanguages {
  readonly sourceLanguage?: string | undefined;
  readonly targetLanguage?: string | undefined;
}

/** The names that files of a part have, such as `val.de` or `val.de.gz`. */
const partNames = {
  train: ["train"],
  validation: ["val", "valid", "validation", "dev"],
  test: ["test"],
} as const;
type Part = keyof typeof partNames;

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** A folder's files: of each part a file of each language. */
type FolderFiles = Readonly<Record<Part, ReadonlyMap<string, string>>>;

async function filesOf(folder: string): Promise<FolderFiles> {
  const names = (await readdir(folder)).sort();
  const found = (part: Part): ReadonlyMap<string, string> => {
    const files = new Map<string, string>();
    for (const name of names) {
      const [, stem, language] = /^([a-z]+)\.([\w-]+?)(?:\.gz)?$/.exec(name) ?? [];
      // Of a file and its compressed form, the plain one comes first.
      if (language !== undefined && partNames[part].some((each) => each === stem) && !files.has(language))
        files.set(language, join(folder, name));
    }
    return files;
  };
  return { train: found("train"), validation: found("validation"), test: found("test") };
}

const languagesAmong = (files: FolderFiles): string[] =>
  [...new Set(Object.values(files).flatMap((part) => [...part.keys()]))].sort();

/** The languages of a folder's files, in the order of their names. */
export const languagesOf = async (folder: string): Promise<readonly string[]> => languagesAmong(await filesOf(folder));

/** The languages that are asked for; of two that are in a folder the other one, or both in the order of their names. */
function languagesIn(folder: string, files: FolderFiles, asked: AskedLanguages): readonly [string, string] {
  const languages = languagesAmong(files);
  const listed = languages.join(", ");
  for (const [option, language] of [
    ["--source-language", asked.sourceLanguage],
    ["--target-language", asked.targetLanguage],
  ] as const)
    if (language !== undefined && !languages.includes(language))
      throw new UsageError(
        `${option} ${language}: ${folder} has no files in ${language}; it has ${listed || "no texts"}`,
      );
  const { sourceLanguage, targetLanguage } = asked;
  if (sourceLanguage !== undefined && sourceLanguage === targetLanguage)
    throw new UsageError("--source-language and --target-language must differ");
  if (languages.length < 2)
    throw new UsageError(
      `--data ${folder}: needs files in two languages, such as train.de and train.en; it has ${listed || "none"}`,
    );
  if (languages.length > 2 && (sourceLanguage === undefined || targetLanguage === undefined))
    throw new UsageError(
      `--data ${folder}: has texts in ${listed}; choose with --source-language and --target-language`,
    );
  const source = sourceLanguage ?? (languages.find((language) => language !== targetLanguage) as string);
  return [source, targetLanguage ?? (languages.find((language) => language !== source) as string)];
}

/** The lines of a part, each pair a row of its own, texts that are empty among them; undefined where the folder has no such part. */
async function rowsOf(
  folder: string,
  files: ReadonlyMap<string, string>,
  languages: readonly [string, string],
): Promise<ParallelText[] | undefined> {
  const [source, target] = languages.map((language) => files.get(language));
  if (source === undefined && target === undefined) return undefined;
  if (source === undefined || target === undefined)
    throw new UsageError(
      `--data ${folder}: ${basename((source ?? target) as string)} has no counterpart in ${languages[source === undefined ? 0 : 1]}`,
    );
  const rows: ParallelText[] = [];
  for await (const pair of textPairsOf([source, target])) rows.push({ source: pair.source, targets: [pair.target] });
  return rows;
}

/** The texts of a folder, and their languages. */
export interface FolderTexts {
  readonly parts: ParallelData;
  readonly languages: Languages;
}

/**
 * The texts of a folder. Where it has no files to validate with, a part of the training files is kept, by a hash of the source; where it has none to test with either, so is
 * another, if `test` is true. Throws `UsageError` for files that are missing, `DatasetError` for those that cannot be read.
 */
export async function readFolder(folder: string, asked: AskedLanguages, test: boolean): Promise<FolderTexts> {
  const files = await filesOf(folder);
  const [sourceLanguage, targetLanguage] = languagesIn(folder, files, asked);
  const part = (name: Part) => rowsOf(folder, files[name], [sourceLanguage, targetLanguage]);
  const languages = { sourceLanguage, targetLanguage };
  const [train = [], validation, own] = [await part("train"), await part("validation"), await part("test")];
  if (validation !== undefined) return { parts: { train, validation, test: own ?? [] }, languages };
  const split = train.length === 0 ? { train, validation: [], test: [] } : splitTexts(train, test && own === undefined);
  return { parts: { ...split, test: own ?? split.test }, languages };
}
