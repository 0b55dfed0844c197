/** What the body of a structured op reads from outside of it. */
import { type AnyNode, nodesOf, type Value } from "../ir/value.ts";

/**
 * What a body reads from outside: values that no placeholder is part of, but more than constants. Each is handed in as a whole, so that what is the
 * same each time is computed once, before. What `changes` is inside, too: a bias that is spread over the nodes of a level has as many rows as these.
 */
export function outsideOf(
  results: readonly Value[],
  placeholders: readonly Value[],
  known: Iterable<AnyNode>,
  changes: (node: AnyNode) => boolean = () => false,
): readonly Value[] {
  const varies = new Set(placeholders.map(({ node }) => node));
  const outside = new Set(known);
  for (const node of nodesOf(results, outside)) {
    if (changes(node) || node.inputs.some((input) => varies.has(input.node))) varies.add(node);
    else if (node.inputs.some((input) => outside.has(input.node))) outside.add(node);
  }
  const read = [...results, ...nodesOf(results, outside).flatMap(({ inputs }) => inputs)];
  const constants: Value[] = [];
  for (const value of read) {
    const found = constants.some(({ node, output }) => node === value.node && output === value.output);
    if (outside.has(value.node) && !found) constants.push(value);
  }
  return constants;
}
