/** What a model gets wrong: which tags it takes for which, and the sentences, with the wrong tags marked. */
import { shownCount, shownLabel, shownPercent, table } from "@ostinato/app";

/** A sentence with its right tags, and those that the model gives. */
export interface Answer {
  readonly tokens: readonly string[];
  readonly tags: readonly string[];
  readonly said: readonly string[];
}

/** One tag taken for another. */
export interface Confusion {
  readonly tag: string;
  readonly said: string;
  readonly count: number;
  /** Of the tokens with this tag. */
  readonly share: number;
  /** The tokens that it happens to most often. */
  readonly tokens: readonly string[];
}

const shownTokens = 4;

/** The most frequent ones first. */
export function confusionsOf(answers: readonly Answer[], most: number): Confusion[] {
  const support = new Map<string, number>();
  const pairs = new Map<
    string,
    { readonly tag: string; readonly said: string; readonly tokens: Map<string, number> }
  >();
  for (const { tokens, tags, said } of answers) {
    for (const [i, tag] of tags.entries()) {
      support.set(tag, (support.get(tag) ?? 0) + 1);
      const other = said[i] as string;
      if (other === tag) continue;
      const key = `${tag} ${other}`;
      const pair = pairs.get(key) ?? { tag, said: other, tokens: new Map<string, number>() };
      pairs.set(key, pair);
      const token = tokens[i] as string;
      pair.tokens.set(token, (pair.tokens.get(token) ?? 0) + 1);
    }
  }
  const descending = ([, a]: [string, number], [, b]: [string, number]) => b - a;
  return [...pairs.values()]
    .map(({ tag, said, tokens }) => {
      const count = [...tokens.values()].reduce((sum, each) => sum + each, 0);
      const often = [...tokens].sort(descending).slice(0, shownTokens);
      return { tag, said, count, share: count / (support.get(tag) ?? count), tokens: often.map(([token]) => token) };
    })
    .sort((a, b) => b.count - a.count)
    .slice(0, most);
}

export function shownConfusions(confusions: readonly Confusion[]): string {
  return table([
    ["most confused", "taken for", "tokens", "of the tag", "such as"],
    ...confusions.map(({ tag, said, count, share, tokens }) => [
      shownLabel(tag),
      shownLabel(said),
      shownCount(count),
      shownPercent(share),
      tokens.map(shownLabel).join(", "),
    ]),
  ]);
}

const around = 5;

/** A sentence around its wrong tags: "He …[saw: NOUN, right is VERB]… it". */
export function shownMistake({ tokens, tags, said }: Answer): string {
  const wrong = tags.flatMap((tag, i) => (tag === said[i] ? [] : [i]));
  const near = (i: number): boolean => wrong.some((place) => Math.abs(place - i) <= around);
  const parts: string[] = [];
  for (const [i, token] of tokens.entries()) {
    if (!near(i)) {
      if (parts.at(-1) !== "…") parts.push("…");
      continue;
    }
    const plain = shownLabel(token);
    parts.push(tags[i] === said[i] ? plain : `[${plain}: ${said[i]}, right is ${tags[i]}]`);
  }
  return parts.join(" ");
}
