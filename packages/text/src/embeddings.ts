/** Word vectors out of text files, as GloVe and word2vec write them: a line for each word, the word and then its numbers. */
import { refuseUnknown, shown, TextDataError, TextOptionError } from "./errors.ts";
import type { PaddedFloat32 } from "./pad-sequences.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Options of `parseEmbeddings`. */
export interface EmbeddingsOptions {
  /** How many numbers a vector has. The header of a word2vec file or else the first line tells it, where its word has no spaces. */
  readonly dimensions?: number;
}

/** The vectors of a list of words. */
export interface WordVectors {
  /** float32 [rows, dimensions]: what an embedding begins with. Rows of ids that are no words, and of missing words, are zeros. */
  readonly matrix: PaddedFloat32;
  /** The words that the file holds, in the order of the rows. */
  readonly found: readonly string[];
  /** The words that it does not. */
  readonly missing: readonly string[];
}

/**
 * The vectors of the words of a vocabulary, row by id, or of a list of words, row by place, out of a GloVe or word2vec text file. The lines
 * are read one by one, so that a file may be larger than memory. Words are compared letter by letter; of one that is there twice the first
 * counts. Only the numbers of wanted words are read as numbers.
 *
 * Throws `TextDataError` with the line for a vector of another width or with something that is no finite number, and for a file that holds
 * fewer vectors than its header says.
 *
 * @param source the whole text, or its lines: any iterable, or an async one such as `textLines(createReadStream(path))`; not those of
 * `node:readline`, which breaks lines at U+2028, a character that some words of such files hold
 *
 * @example
 * const { matrix, missing } = await parseEmbeddings("the 0.1 0.2\ncat 0.3 0.4\n", ["cat", "dog"]);
 * // matrix: [[0.3, 0.4], [0, 0]], missing: ["dog"]
 */
export async function parseEmbeddings(
  source: string | Iterable<string> | AsyncIterable<string>,
  vocabulary: Vocabulary | readonly string[],
  options: EmbeddingsOptions = {},
): Promise<WordVectors> {
  refuseUnknown("parseEmbeddings", options, { dimensions: true } satisfies Record<keyof EmbeddingsOptions, true>);
  const given = options.dimensions;
  if (given !== undefined && !(Number.isSafeInteger(given) && given >= 1))
    throw new TextOptionError("dimensions", "be a whole number of at least 1", given);
  const { words, first } = wantedWords(vocabulary);
  const rows = rowsByWord(words, first);
  const rowCount = first + words.length;

  const seen = new Set<string>();
  let form: Form | undefined;
  let data = new Float32Array(0);
  let vectors = 0;
  let lineNumber = 0;
  for await (const raw of typeof source === "string" ? linesOf(source) : source) {
    lineNumber += 1;
    const path = `line ${lineNumber}`;
    if (typeof raw !== "string")
      throw new TextDataError(path, `must be a string, got ${shown(raw)}; lines of bytes are textLines(bytes)`);
    const ended = raw.indexOf("\n");
    if (ended >= 0 && ended < raw.length - 1)
      throw new TextDataError(path, "holds several lines: the lines of pieces of a text are textLines(pieces)");
    const line = lineOf(lineNumber === 1 && raw.startsWith("\uFEFF") ? raw.slice(1) : raw);
    if (line === "") continue;
    if (form === undefined) {
      form = formOf(path, line, given);
      data = new Float32Array(rowCount * form.dimensions);
      if (form.count !== undefined) continue;
    }
    const { dimensions } = form;
    const end = wordEnd(path, line, dimensions);
    vectors += 1;
    const word = line.slice(0, end);
    const places = rows.get(word);
    if (places === undefined || seen.has(word)) continue;
    seen.add(word);
    const vector = numbersOf(path, line.slice(end + 1));
    for (const row of places) data.set(vector, row * dimensions);
  }
  if (form === undefined) throw new TextDataError("the file", "holds no vectors");
  if (form.count !== undefined && vectors !== form.count)
    throw new TextDataError(
      "the file",
      `holds ${vectors} vectors, but its header says ${form.count}; it may be cut off`,
    );
  return {
    matrix: { dtype: "float32", shape: [rowCount, form.dimensions], data },
    found: words.filter((word) => seen.has(word)),
    missing: words.filter((word) => !seen.has(word)),
  };
}

/** What the first line tells: the width of the vectors, and in word2vec's files how many there are. */
interface Form {
  readonly dimensions: number;
  readonly count?: number;
}

function formOf(path: string, line: string, given: number | undefined): Form {
  const header = /^(\d+) (\d+)$/.exec(line);
  if (header !== null && given !== 1) {
    const [count, dimensions] = [Number(header[1]), Number(header[2])];
    if (dimensions < 1 || !Number.isSafeInteger(dimensions) || !Number.isSafeInteger(count))
      throw new TextDataError(path, `is no header of vectors: ${shown(line)}`);
    if (given !== undefined && dimensions !== given)
      throw new TextDataError(path, `says that vectors have ${dimensions} numbers, but dimensions is ${given}`);
    return { dimensions, count };
  }
  if (given !== undefined) return { dimensions: given };
  const [, ...numbers] = line.split(/[ \t]/);
  if (numbers.length === 0 || !numbers.every(isNumber))
    throw new TextDataError(
      path,
      `is no word and its numbers: ${shown(line)}; where the first word has spaces, give dimensions`,
    );
  return { dimensions: numbers.length };
}

const SPACE = 32;
const TAB = 9;

function isGap(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Without what ends it: spaces, carriage return, newline. By hand, since a pattern would try every space of a long line. */
function lineOf(raw: string): string {
  let end = raw.length;
  for (let code = raw.charCodeAt(end - 1); isGap(code) || code === 13 || code === 10; code = raw.charCodeAt(end - 1))
    end--;
  return end === raw.length ? raw : raw.slice(0, end);
}

/** Where the word of a line ends: before its last `dimensions` fields. Words may have spaces; GloVe's 840B has some. */
function wordEnd(path: string, line: string, dimensions: number): number {
  let end = line.length;
  for (let field = 0; field < dimensions; field++) {
    do end--;
    while (end >= 0 && !isGap(line.charCodeAt(end)));
    if (end < 0)
      throw new TextDataError(
        path,
        `has ${field} numbers, not ${dimensions}: ${shown(line)}; if the lines are of node:readline, give those of textLines`,
      );
    if (end === 0) break;
  }
  if (end === 0) throw new TextDataError(path, `has no word before its numbers: ${shown(line)}`);
  // "the 0.1" is no word, but a vector that is too long.
  const last = line.slice(0, end).split(/[ \t]/);
  if (last.length > 1 && /^[-+]?\d*\.\d+(e[-+]?\d+)?$/i.test(last.at(-1) as string))
    throw new TextDataError(path, `has more than ${dimensions} numbers: ${shown(line)}`);
  return end;
}

function isNumber(field: string): boolean {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(field) && Number.isFinite(Math.fround(Number(field)));
}

function numbersOf(path: string, text: string): number[] {
  return text.split(/[ \t]/).map((field) => {
    if (!isNumber(field)) throw new TextDataError(path, `has ${shown(field)} where a number of a vector must be`);
    return Number(field);
  });
}

function wantedWords(vocabulary: Vocabulary | readonly string[]): { words: readonly string[]; first: number } {
  const known = typeof vocabulary === "object" && vocabulary !== null && "words" in vocabulary;
  const [words, first] = known ? [vocabulary.words, vocabulary.reserved.length] : [vocabulary, 0];
  if (!Array.isArray(words) || !words.every((word) => typeof word === "string"))
    throw new TextOptionError("vocabulary", "be a vocabulary or a list of words", vocabulary);
  return { words, first };
}

function rowsByWord(words: readonly string[], first: number): ReadonlyMap<string, readonly number[]> {
  const rows = new Map<string, number[]>();
  words.forEach((word, i) => {
    const places = rows.get(word);
    if (places === undefined) rows.set(word, [first + i]);
    else places.push(first + i);
  });
  return rows;
}

function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    yield text.slice(start, end);
    start = end + 1;
  }
}
