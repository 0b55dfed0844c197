/** Which nodes are written as one: two that the table lets join, as long as neither needs the other. */
import type { AnyNode, OpName } from "@ostinato/core";
import type { OpExport, OpExports } from "./emission.ts";

/** Two nodes in the order in which they join. */
type Pair = readonly [first: AnyNode, second: AnyNode];

/** Each pair by either of its nodes. */
export type Pairs = ReadonlyMap<AnyNode, Pair>;

/** Whether `node` waits for `wanted`; a node of a pair waits for what either of the two reads. */
function needs(node: AnyNode, wanted: AnyNode, pairs: Pairs): boolean {
  const below = new Set([node]);
  // The loop goes on over what is added within.
  for (const next of below) {
    for (const { inputs } of pairs.get(next) ?? [next]) for (const input of inputs) below.add(input.node);
  }
  return below.has(wanted);
}

/** The pairs among `nodes`: first those whose outputs meet in a node, as those of one layer do, then as they come. */
export function pairsOf(nodes: readonly AnyNode[], table: OpExports): Pairs {
  const candidates = nodes.flatMap((first) => {
    const entry = table[first.op] as OpExport<OpName>;
    if (!("joins" in entry)) return [];
    const fitting = nodes.filter((second) => second.op === first.op && entry.joins(first, second));
    return fitting.map((second): Pair => [first, second]);
  });
  const meets = (pair: Pair): boolean =>
    nodes.some(({ inputs }) => pair.every((node) => inputs.some((input) => input.node === node)));
  const meeting = new Set(candidates.filter(meets));
  const pairs = new Map<AnyNode, Pair>();
  for (const pair of [...meeting, ...candidates.filter((candidate) => !meeting.has(candidate))]) {
    const [first, second] = pair;
    const free = !pairs.has(first) && !pairs.has(second);
    if (free && !needs(first, second, pairs) && !needs(second, first, pairs)) pairs.set(first, pair).set(second, pair);
  }
  return pairs;
}
