/** One row of a CSV or TSV text: RFC 4180, and what people and programs write beside it. */

/** How the fields of a text are written. */
export interface FieldRules {
  /** One character. */
  readonly delimiter: string;
  /** Where both can be meant, `\"` within quotes is a quote that belongs to the text. */
  readonly backslashes: boolean;
}

export interface DelimitedRow {
  readonly fields: readonly string[];
  /** Where the row ends in the text, its line end included. */
  readonly end: number;
  /** Numbers of the fields that begin with a quote which is no more than a character, as nothing closes it. */
  readonly strays: readonly number[];
  /** The last field in quotes that runs over a line end, and where it begins in the text. */
  readonly spanning?: { readonly field: number; readonly start: number };
  /** A field could only be read with `\"` for a quote. */
  readonly needsBackslashes: boolean;
}

interface Field {
  readonly value: string;
  readonly end: number;
  readonly stray?: true;
  readonly escaped?: true;
}

/** The text ends before the row may end. */
export const unfinished = Symbol("unfinished");

/**
 * The row that begins at `start`. Fields may be in quotes, which then hold delimiters, line ends and doubled quotes.
 *
 * - Spaces before a field in quotes do not count, where that ends on its line.
 * - A quoted field where a quote is followed by other text is taken as it stands, quotes included: `"Great" film`.
 * - A quote at the start of a field that nothing on its line closes, and on later lines nothing but a quote with text
 *   behind it, is a character like any other.
 * - `\"` is a quote that belongs to the text, where it must be.
 *
 * Line ends within quotes become `\n`. Returns `unfinished` where more text could change the row, unless `last` says
 * that there is none.
 */
export function rowAt(text: string, start: number, rules: FieldRules, last: boolean): DelimitedRow | typeof unfinished {
  const fields: string[] = [];
  const strays: number[] = [];
  let spanning: DelimitedRow["spanning"];
  let needsBackslashes = false;
  for (let at = start; ; at += 1) {
    const field = fieldAt(text, at, rules, last);
    if (field === unfinished) return unfinished;
    if (field.stray) strays.push(fields.length);
    if (field.escaped) needsBackslashes = true;
    if (text[at] === '"' && hasLineEnd(text, at, field.end)) spanning = { field: fields.length, start: at };
    fields.push(field.value);
    at = field.end;
    const next = text[at];
    if (next === rules.delimiter) continue;
    // The other half of the line end may be yet to come.
    if (!last && (next === undefined || (next === "\r" && at + 1 === text.length))) return unfinished;
    const end = at + (next === undefined ? 0 : next === "\r" && text[at + 1] === "\n" ? 2 : 1);
    return { fields, end, strays, ...(spanning === undefined ? {} : { spanning }), needsBackslashes };
  }
}

function fieldAt(text: string, start: number, rules: FieldRules, last: boolean): Field | typeof unfinished {
  if (text[start] !== '"') return spaced(text, start, rules, last) ?? plain(text, start, start, rules);
  const plainQuotes = quoted(text, start, rules, last, false);
  if (plainQuotes.kind === "open" && !last) return unfinished;
  const escapes = text.slice(start, plainQuotes.end).includes('\\"');
  const withBackslashes = escapes ? quoted(text, start, rules, last, true) : undefined;
  if (withBackslashes?.kind === "open" && !last) return unfinished;
  const spans = plainQuotes.kind === "closed" && hasLineEnd(text, start, plainQuotes.end);
  if (withBackslashes?.kind === "closed") {
    const onOneLine = !hasLineEnd(text, start, withBackslashes.end);
    if (plainQuotes.kind !== "closed") return { ...closed(text, start, withBackslashes.end, true), escaped: true };
    if (onOneLine && (rules.backslashes || spans)) return closed(text, start, withBackslashes.end, true);
    if (rules.backslashes && withBackslashes.end <= plainQuotes.end)
      return closed(text, start, withBackslashes.end, true);
  }
  if (plainQuotes.kind === "closed") return closed(text, start, plainQuotes.end, false);
  if (plainQuotes.kind === "followed" && !hasLineEnd(text, start, plainQuotes.end))
    return plain(text, start, plainQuotes.end, rules);
  return { ...plain(text, start, start, rules), stray: true };
}

/** A field in quotes on one line that spaces stand before, as people type: `a, "b, c"`. Undefined for any other. */
function spaced(text: string, start: number, rules: FieldRules, last: boolean): Field | typeof unfinished | undefined {
  let quote = start;
  while (text[quote] === " " && rules.delimiter !== " ") quote++;
  if (quote === start || text[quote] !== '"') return undefined;
  const { kind, end } = quoted(text, quote, rules, last, rules.backslashes);
  if (kind === "open" && !last) return unfinished;
  return kind === "closed" && !hasLineEnd(text, quote, end) ? closed(text, quote, end, rules.backslashes) : undefined;
}

/** A field up to the next delimiter or line end from `from` on, as it stands. */
function plain(text: string, start: number, from: number, { delimiter }: FieldRules): Field {
  const code = delimiter.charCodeAt(0);
  let end = from;
  for (; end < text.length; end++) {
    const character = text.charCodeAt(end);
    if (character === code || character === newline || character === carriageReturn) break;
  }
  return { value: text.slice(start, end), end };
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Where the quote at `start` is closed: behind the closing one; or a quote that text follows; or nowhere. */
function quoted(
  text: string,
  start: number,
  { delimiter }: FieldRules,
  last: boolean,
  backslashes: boolean,
): { readonly kind: "closed" | "followed" | "open"; readonly end: number } {
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return { kind: "open", end: text.length };
    const next = text[quote + 1];
    if (backslashes && backslashesBefore(text, quote, start) % 2 === 1) at = quote + 1;
    else if (next === '"') at = quote + 2;
    // At the end of the text so far it may be the first of two.
    else if (next === undefined && !last) return { kind: "open", end: text.length };
    else if (next === undefined || next === delimiter || next === "\n" || next === "\r")
      return { kind: "closed", end: quote + 1 };
    else return { kind: "followed", end: quote + 1 };
  }
}

function backslashesBefore(text: string, quote: number, start: number): number {
  let count = 0;
  while (quote - 1 - count > start && text[quote - 1 - count] === "\\") count++;
  return count;
}

function closed(text: string, start: number, end: number, backslashes: boolean): Field {
  const inner = text.slice(start + 1, end - 1);
  const value = backslashes
    ? inner.replace(/\\(["\\])|""/g, (_, escaped) => escaped ?? '"')
    : inner.replaceAll('""', '"');
  return { value: withNewlines(value), end };
}

/** A text whose lines end in `\n`, however they ended before: a carriage return would become part of a word. */
export function withNewlines(text: string): string {
  return text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
}

function hasLineEnd(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === newline || code === carriageReturn) return true;
  }
  return false;
}
