/** What the states of a step begin with, taken out of its graph. */
import { rewrite } from "../../ir/rewrite.ts";
import type { Value } from "../../ir/value.ts";
import { beginningIn } from "../carried.ts";

/** The same where no row begins anew, and what states would begin with there, by name. */
export function withoutBeginnings(roots: readonly Value[]): {
  readonly roots: readonly Value[];
  readonly initials: ReadonlyMap<string, Value>;
} {
  const initials = new Map<string, Value>();
  const begun = rewrite(roots, (node, read) => {
    const beginning = beginningIn(node, read);
    if (beginning === undefined) return undefined;
    initials.set(beginning.name, beginning.initial);
    return [beginning.before];
  });
  return { roots: begun, initials };
}
