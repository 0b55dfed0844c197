/** Which tags may follow which: constraints of a CRF as plain data, and those of the usual ways to mark spans. */
import { ConfigError } from "../../../errors.ts";
import { isRecord, shown } from "../../../nn/options.ts";

/** What paths of tags are allowed. Plain data. */
export interface CrfConstraints {
  /** transitions[from][to]: whether the one tag may follow the other. */
  readonly transitions: readonly (readonly boolean[])[];
  /** Whether a path may begin with the tag. */
  readonly start: readonly boolean[];
  /** Whether a path may end with the tag. */
  readonly end: readonly boolean[];
}

const isFlags = (data: unknown, count: number): data is readonly boolean[] =>
  Array.isArray(data) && data.length === count && data.every((flag) => typeof flag === "boolean");

/** @throws ConfigError that begins with `owner` for what are no constraints */
export function readConstraints(owner: string, given: unknown): CrfConstraints {
  const wrong = (what: string): ConfigError => new ConfigError(`${owner}: constraints ${what}`);
  if (!isRecord(given) || !Array.isArray(given.transitions))
    throw wrong(`must be { transitions, start, end }, as bioConstraints(tags) makes them, got ${shown(given)}`);
  const { transitions, start, end } = given;
  const count = transitions.length;
  if (!transitions.every((row) => isFlags(row, count)))
    throw wrong("must have as many lists of truth values in transitions as there are tags, each as long");
  if (!isFlags(start, count) || !isFlags(end, count))
    throw wrong(`must have a truth value for each of the ${count} tags in start and in end`);
  if (!start.includes(true) || !end.includes(true)) throw wrong("allow no tag to begin with, or none to end with");
  return { transitions, start, end };
}

/** A tag of a span: its prefix, and the type of the span. */
interface SpanTag {
  readonly prefix: string;
  readonly type: string;
}

/** Prefixes that may stand in another's place: those of BILOU. */
const same: Readonly<Record<string, string>> = { L: "E", U: "S" };

function spanTags(owner: string, tags: readonly string[], prefixes: string): SpanTag[] {
  if (!Array.isArray(tags) || tags.length === 0)
    throw new ConfigError(`${owner} takes a list of tags in the order of their numbers, got ${shown(tags)}`);
  return tags.map((tag: unknown): SpanTag => {
    if (tag === "O") return { prefix: "O", type: "" };
    const [, prefix = "", type = ""] = (typeof tag === "string" && /^([A-Z])-(.+)$/s.exec(tag)) || [];
    if (prefix === "" || !prefixes.includes(prefix))
      throw new ConfigError(
        `${owner}: the tag ${shown(tag)} is neither "O" nor one of ${[...prefixes].map((one) => `"${one}-…"`).join(", ")}`,
      );
    return { prefix: same[prefix] ?? prefix, type };
  });
}

function constraintsOf(
  tags: readonly SpanTag[],
  follows: (from: SpanTag, to: SpanTag) => boolean,
  begins: string,
  ends: string,
): CrfConstraints {
  return {
    transitions: tags.map((from) => tags.map((to) => follows(from, to))),
    start: tags.map(({ prefix }) => begins.includes(prefix)),
    end: tags.map(({ prefix }) => ends.includes(prefix)),
  };
}

/**
 * The constraints of BIO (IOB2): a span begins with B, and `I-X` follows `B-X` or `I-X`.
 *
 * @param tags "O", "B-…" and "I-…", in the order of their numbers
 * @throws ConfigError for a tag of another form
 * @example crf({ constraints: bioConstraints(["O", "B-person", "I-person", "B-place", "I-place"]) })
 */
export function bioConstraints(tags: readonly string[]): CrfConstraints {
  const spans = spanTags("bioConstraints", tags, "BI");
  const follows = (from: SpanTag, to: SpanTag): boolean =>
    to.prefix !== "I" || (from.prefix !== "O" && from.type === to.type);
  return constraintsOf(spans, follows, "OB", "OBI");
}

/**
 * The constraints of BIOES, where E ends a span of several tokens and S is a span of one; L and U of BILOU mean the same.
 *
 * @param tags "O", and tags that begin with "B-", "I-", "E-", "S-", "L-" or "U-", in the order of their numbers
 * @throws ConfigError for a tag of another form
 */
export function bioesConstraints(tags: readonly string[]): CrfConstraints {
  const spans = spanTags("bioesConstraints", tags, "BIESLU");
  const inside = "BI";
  const follows = (from: SpanTag, to: SpanTag): boolean =>
    inside.includes(from.prefix) ? "IE".includes(to.prefix) && from.type === to.type : !"IE".includes(to.prefix);
  return constraintsOf(spans, follows, "OBS", "OES");
}
