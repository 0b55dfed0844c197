/** Spans of tokens, as tags such as `B-person` and `I-person` mark them, and how well a model finds them: the definition of CoNLL's `conlleval`. */
import { TextOptionError } from "./errors.ts";

/** Tokens `start` to `end`, the last one not among them. */
export interface Span {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** How well spans are found: right is a span of the same tokens and type. */
export interface SpanScores {
  /** Right ones among those that are found; 0 where none are. */
  readonly precision: number;
  /** Right ones among those that there are; 0 where there are none. */
  readonly recall: number;
  /** 2 · precision · recall / (precision + recall); 0 where none are right. */
  readonly f1: number;
  /** Spans that are right. */
  readonly correct: number;
  /** Spans that the model finds. */
  readonly found: number;
  /** Spans that there are. */
  readonly support: number;
}

/** Scores of all spans, and of those of each type. */
export interface SpanReport extends SpanScores {
  /** In the order of the alphabet. */
  readonly types: Readonly<Record<string, SpanScores>>;
}

/** Where a token stands in a span: B begins it, I and E go on with it, S and U are all of it, E and L end it; O is outside. */
type Place = "B" | "I" | "E" | "S" | "O";

interface Mark {
  readonly place: Place;
  readonly type: string;
}

const places: Readonly<Record<string, Place>> = { B: "B", I: "I", E: "E", L: "E", S: "S", U: "S" };
const outside: Mark = { place: "O", type: "" };
const spanTag = /^([BIELSU])-(.+)$/s;

function markOf(tag: string): Mark {
  const [, letter = "", type = ""] = spanTag.exec(tag) ?? [];
  const place = places[letter];
  return place === undefined ? outside : { place, type };
}

/** Between two tokens: the first ends a span. */
function ends(before: Mark, after: Mark): boolean {
  if (before.place === "O") return false;
  if (before.place === "E" || before.place === "S" || before.type !== after.type) return true;
  return after.place === "B" || after.place === "S" || after.place === "O";
}

/** Between two tokens: the second begins a span. */
function begins(before: Mark, after: Mark): boolean {
  if (after.place === "O") return false;
  if (after.place === "B" || after.place === "S" || before.type !== after.type) return true;
  return before.place === "O" || before.place === "E" || before.place === "S";
}

/**
 * The spans of a sentence. Tags are `B-TYPE`, `I-TYPE`, and `E-TYPE` or `L-TYPE`, `S-TYPE` or `U-TYPE` where they are used; any other, such as `O`, is outside. As `conlleval` has it, a
 * span also begins at an `I` after another type or after none: so tags of IOB1, IOB2, IOBES and BILOU are all read, and a model's broken ones count.
 *
 * @example
 * tagSpans(["B-person", "I-person", "O", "I-place"]); // [{ type: "person", start: 0, end: 2 }, { type: "place", start: 3, end: 4 }]
 */
export function tagSpans(tags: readonly string[]): Span[] {
  const spans: Span[] = [];
  let before = outside;
  let start = 0;
  for (let i = 0; i <= tags.length; i++) {
    const mark = i < tags.length ? markOf(tags[i] as string) : outside;
    if (ends(before, mark)) spans.push({ type: before.type, start, end: i });
    if (begins(before, mark)) start = i;
    before = mark;
  }
  return spans;
}

/**
 * Whether tags mark spans: all but `O` are `B-TYPE`, `I-TYPE` or the like, and there is one.
 *
 * @example
 * areSpanTags(["O", "B-person", "I-person"]); // true
 * areSpanTags(["NOUN", "VERB"]); // false
 */
export function areSpanTags(tags: readonly string[]): boolean {
  const marks = tags.filter((tag) => tag !== "O");
  return marks.length > 0 && marks.every((tag) => spanTag.test(tag));
}

interface Counts {
  correct: number;
  found: number;
  support: number;
}

function scores({ correct, found, support }: Counts): SpanScores {
  const share = (of: number): number => (of === 0 ? 0 : correct / of);
  const [precision, recall] = [share(found), share(support)];
  const f1 = correct === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { precision, recall, f1, correct, found, support };
}

/**
 * Precision, recall and F1 of the spans that a model finds, over all sentences and for each type, as `conlleval` and Python's `seqeval` in its default mode have them.
 *
 * Throws `TextOptionError` where the two do not have the same sentences.
 *
 * @param tags the right tags of each sentence
 * @param said those that the model gives
 *
 * @example
 * spanReport([["B-person", "I-person", "O"]], [["B-person", "O", "O"]]).f1; // 0: one span there, another found
 */
export function spanReport(tags: readonly (readonly string[])[], said: readonly (readonly string[])[]): SpanReport {
  if (tags.length !== said.length)
    throw new TextOptionError("said", `have ${tags.length} sentences, as tags has`, said.length);
  const all: Counts = { correct: 0, found: 0, support: 0 };
  const byType = new Map<string, Counts>();
  const count = (type: string, what: keyof Counts): void => {
    const counts = byType.get(type) ?? { correct: 0, found: 0, support: 0 };
    byType.set(type, counts);
    counts[what] += 1;
    all[what] += 1;
  };
  for (const [row, right] of tags.entries()) {
    const given = said[row] as readonly string[];
    if (right.length !== given.length)
      throw new TextOptionError(`said[${row}]`, `have ${right.length} tags, as its sentence has tokens`, given.length);
    const there = tagSpans(right);
    const keys = new Set(there.map(({ type, start, end }) => `${start} ${end} ${type}`));
    for (const { type } of there) count(type, "support");
    for (const { type, start, end } of tagSpans(given)) {
      count(type, "found");
      if (keys.has(`${start} ${end} ${type}`)) count(type, "correct");
    }
  }
  const types = [...byType].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, counts]) => [type, scores(counts)]);
  return { ...scores(all), types: Object.fromEntries(types) };
}
