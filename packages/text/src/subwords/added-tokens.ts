/** Tokens that a text holds by their names, found before it is cut. */
import type { AddedToken } from "./format.ts";
import { stripped } from "./patterns.ts";

/** A part of a text: a token that was found, or what is between. */
export type TextPart = string | AddedToken;

/** The parts of a text, in order, none of them empty: at each place the longest name counts. */
export function findingTokens(tokens: readonly AddedToken[]): (text: string) => readonly TextPart[] {
  if (tokens.length === 0) return (text) => (text === "" ? [] : [text]);
  const byName = new Map(tokens.map((token) => [token.content, token]));
  const names = [...byName.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const expression = new RegExp(names.join("|"), "gu");
  return (text) => {
    const parts: TextPart[] = [];
    let rest = 0;
    // White space that belongs to the token before is no part.
    const add = (end: number, cutsLeft: boolean, cutsRight: boolean) => {
      const between = stripped(text.slice(rest, end), cutsLeft, cutsRight);
      if (between !== "") parts.push(between);
    };
    let last: AddedToken | undefined;
    for (const { 0: name, index } of text.matchAll(expression)) {
      const token = byName.get(name)!;
      add(index, last?.rstrip ?? false, token.lstrip);
      parts.push(token);
      rest = index + name.length;
      last = token;
    }
    add(text.length, last?.rstrip ?? false, false);
    return parts;
  };
}

/** A name as an expression that matches nothing else. */
function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&");
}
