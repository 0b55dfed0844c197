/** Sentences with a tag for each token, as CoNLL's files have them: a token a line, columns beside it, a blank line between sentences. */
import { textLines } from "@ostinato/text";
import { conlluColumns, conlluRange } from "./conllu-columns.ts";
import { DatasetFormatError, DatasetOptionError, MissingColumnError, refuseUnknown } from "./errors.ts";
import { excerpt } from "./excerpt.ts";
import { endingOf } from "./gzip.ts";
import { readError } from "./read-error.ts";
import { textPieces } from "./tables/text-pieces.ts";

/** A sentence: as many tags as tokens. */
export interface TaggedSentence {
  readonly tokens: readonly string[];
  readonly tags: readonly string[];
}

/** Options of `readConll` and `conllSentences`. */
export interface ConllOptions {
  /**
   * The column of the tokens: its name, or its number from 1 on. Default: the first; of CoNLL-U, `FORM`.
   */
  readonly tokenColumn?: string | number;
  /** The column of the tags. Default: the last; of CoNLL-U, `UPOS`. */
  readonly tagColumn?: string | number;
  /**
   * Names of the columns, in their order. Default: those of a comment `# global.columns = …`; those of CoNLL-U where the file's name ends in `.conllu`;
   * otherwise columns have numbers alone.
   */
  readonly columns?: readonly string[];
  /** What is between columns. Default: tabs where the first line of a token has one, else white space. */
  readonly separator?: ConllSeparator;
}

const separators = { tab: /\t/, whitespace: /\s+/ } as const;
/** What is between columns: one tab, or any white space. */
export type ConllSeparator = keyof typeof separators;

/** Every option, for `refuseUnknown`. */
export const conllOptions: Record<keyof ConllOptions, true> = {
  tokenColumn: true,
  tagColumn: true,
  columns: true,
  separator: true,
};

const documentStart = "-DOCSTART-";
const namesComment = /^#\s*global\.columns\s*=\s*(.+)$/;

/** How a file turned out to be written. */
interface Form {
  readonly separator: RegExp;
  /** Columns of each line, as of the first. */
  readonly width: number;
  readonly firstLine: number;
  readonly token: number;
  readonly tag: number;
  /** Where lines of CoNLL-U have the number of their word. */
  readonly id: number | undefined;
}

/**
 * The sentences of a CoNLL file, one after the other: a file may be larger than memory. Lines may end in CR LF; a line of white space alone ends a sentence. Lines
 * that begin with `#` are comments: in files with tabs those without one, in others those that begin with `# ` and have another number of columns than the tokens. Lines with `-DOCSTART-`
 * are passed over, and of CoNLL-U those of ranges (`1-2`) and of words that are not written (`8.1`).
 *
 * Throws `DatasetNotFoundError` where there is no file, `MissingColumnError` where it has no such column, and `DatasetFormatError` with the line for one that
 * has more or fewer columns than the first, or no token or tag, and for a file without any sentence.
 *
 * @example
 * for await (const { tokens, tags } of conllSentences("train.conll", { tagColumn: 4 })) console.log(tokens.length, tags[0]);
 */
export async function* conllSentences(path: string, options: ConllOptions = {}): AsyncGenerator<TaggedSentence> {
  checkOptions("conllSentences", options);
  let named = options.columns;
  let form: Form | undefined;
  let tokens: string[] = [];
  let tags: string[] = [];
  let number = 0;
  let any = false;
  for await (const line of linesOf(path)) {
    number += 1;
    if (line.trim() === "") {
      if (tokens.length > 0) yield { tokens, tags };
      tokens = [];
      tags = [];
      continue;
    }
    if (line.startsWith("#") && isComment(line, form, options)) {
      const names = namesComment.exec(line)?.[1];
      if (names !== undefined && options.columns === undefined) named = names.trim().split(/\s+/);
      continue;
    }
    form ??= formOf(path, line, number, named, options);
    const fields = fieldsOf(line, form.separator);
    if (fields[0] === documentStart || fields[form.token] === documentStart) continue;
    if (fields.length !== form.width) throw new DatasetFormatError(path, widthProblem(form, number, fields.length));
    if (form.id !== undefined && conlluRange.test(fields[form.id] ?? "")) continue;
    const [token = "", tag = ""] = [fields[form.token], fields[form.tag]];
    if (token === "" || tag === "")
      throw new DatasetFormatError(path, `line ${number} has no ${token === "" ? "token" : "tag"}: "${excerpt(line)}"`);
    tokens.push(token);
    tags.push(tag);
    any = true;
  }
  if (tokens.length > 0) yield { tokens, tags };
  if (!any)
    throw new DatasetFormatError(
      path,
      "has no sentence: a CoNLL file has a token and its tag on each line, and a blank line between sentences",
    );
}

/**
 * All sentences of a CoNLL file; as `conllSentences`.
 *
 * @example
 * const sentences = await readConll("train.conll", { tokenColumn: 1, tagColumn: 4 });
 */
export async function readConll(path: string, options: ConllOptions = {}): Promise<TaggedSentence[]> {
  checkOptions("readConll", options);
  const sentences: TaggedSentence[] = [];
  for await (const sentence of conllSentences(path, options)) sentences.push(sentence);
  return sentences;
}

function checkOptions(owner: string, options: ConllOptions): void {
  refuseUnknown(owner, options, conllOptions);
  const { separator, columns } = options;
  if (separator !== undefined && !Object.hasOwn(separators, separator))
    throw new DatasetOptionError("separator", 'be "tab" or "whitespace"', separator);
  for (const option of ["tokenColumn", "tagColumn"] as const) {
    const column = options[option];
    if (typeof column === "number" ? !(Number.isSafeInteger(column) && column >= 1) : column === "")
      throw new DatasetOptionError(option, "be a column's name, or its number from 1 on", column);
  }
  if (columns !== undefined && new Set(columns).size < columns.length)
    throw new DatasetOptionError("columns", "be different names", columns.join());
}

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    yield* textLines(textPieces(path));
  } catch (error) {
    throw readError(error, "CoNLL file", path, "give the path of a file with a token and its tag on each line");
  }
}

function fieldsOf(line: string, separator: RegExp): string[] {
  return separator === separators.tab ? line.split("\t").map((field) => field.trim()) : line.trim().split(separator);
}

function isComment(line: string, form: Form | undefined, { separator }: ConllOptions): boolean {
  const byTabs = form === undefined ? separator === "tab" || line.includes("\t") : form.separator === separators.tab;
  if (byTabs) return !line.includes("\t");
  if (!/^#(\s|$)/.test(line)) return false;
  return form === undefined || fieldsOf(line, form.separator).length !== form.width;
}

function formOf(
  path: string,
  line: string,
  firstLine: number,
  named: readonly string[] | undefined,
  options: ConllOptions,
): Form {
  const separator = separators[options.separator ?? (line.includes("\t") ? "tab" : "whitespace")];
  const width = fieldsOf(line, separator).length;
  const isConllu = endingOf(path) === ".conllu";
  const names: readonly string[] = named ?? (isConllu ? conlluColumns : []);
  const index = (option: "tokenColumn" | "tagColumn", byDefault: number, conllu: string): number => {
    const wanted = options[option] ?? (names.includes(conllu) ? conllu : byDefault);
    const place = names.indexOf(String(wanted));
    const found = place >= 0 ? place : /^\d+$/.test(String(wanted)) ? Number(wanted) - 1 : -1;
    if (found >= 0 && found < width) return found;
    throw missingColumn(path, option, String(wanted), { names, width, line, firstLine });
  };
  const token = index("tokenColumn", 1, "FORM");
  const tag = index("tagColumn", width, "UPOS");
  if (token === tag) {
    const problem = `line ${firstLine} has ${width === 1 ? "one column" : "tokens and tags in one column"}: "${excerpt(line)}"`;
    throw new MissingColumnError(path, String(tag + 1), problem, columnRemedy);
  }
  const id = names.indexOf("ID");
  return { separator, width, firstLine, token, tag, id: id >= 0 && id < width ? id : undefined };
}

const columnRemedy = "name the columns with tokenColumn and tagColumn, by name or number";

function missingColumn(
  path: string,
  option: string,
  wanted: string,
  {
    names,
    width,
    line,
    firstLine,
  }: { readonly names: readonly string[]; readonly width: number; readonly line: string; readonly firstLine: number },
): MissingColumnError {
  const known = names.length > 0 ? `its columns are ${names.slice(0, width).join(", ")}` : "its columns have no names";
  const problem = `there is no column ${JSON.stringify(wanted)} for ${option}: line ${firstLine} has ${width}, "${excerpt(line)}", and ${known}`;
  return new MissingColumnError(path, wanted, problem, columnRemedy);
}

function widthProblem({ width, firstLine }: Form, number: number, found: number): string {
  const columns = (count: number) => (count === 1 ? "1 column" : `${count} columns`);
  return `line ${number} has ${columns(found)}, line ${firstLine} has ${columns(width)}; every line of a token has the same, and blank lines are between sentences`;
}
