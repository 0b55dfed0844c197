/**
 * Updates that are computed where the state lies. A fused op makes new state out of the old, element by element, and what the guard needs to know of
 * it. It is split: one part computes what is read in the same run, the other, after the guard, writes the state. What both need is computed twice, which
 * takes less than to keep the new state until then, and to copy it.
 */
import { apply } from "../ir/build/apply.ts";
import type { FusedAttrs } from "../ir/ops.ts";
import { mapGraph, type RewriteRule, rewrite } from "../ir/rewrite.ts";
import { type AnyNode, type Graph, isHeld, type Node, nodesOf, rootsOf, type Value } from "../ir/value.ts";

/** What a fused op computes after the guard, and the state that each of its outputs is written to. */
export interface Commit {
  readonly node: AnyNode;
  readonly states: readonly string[];
}

/** A graph without the updates that `commits` make. */
export interface Split {
  readonly graph: Graph;
  readonly commits: readonly Commit[];
}

type FusedNode = Node<"fused"> & AnyNode;

/** The fused op that computes only some results. */
function restricted(inputs: readonly Value[], attrs: FusedAttrs, outputs: readonly number[]): Value[] {
  const first = attrs.operands.length;
  const results = outputs.map((output) => attrs.results[output] as number);
  const needed = new Set(results);
  for (let k = attrs.operations.length - 1; k >= 0; k--)
    if (needed.has(first + k)) for (const read of attrs.operations[k]?.inputs ?? []) needed.add(read);
  const numbers = new Map([...needed].sort((a, b) => a - b).map((old, number) => [old, number]));
  const isNeeded = (_: unknown, at: number): boolean => needed.has(at);
  return apply("fused", inputs.filter(isNeeded), {
    shape: attrs.shape,
    operands: attrs.operands.filter(isNeeded),
    operations: attrs.operations
      .filter((_, k) => needed.has(first + k))
      .map((operation) => ({ ...operation, inputs: operation.inputs.map((read) => numbers.get(read) as number) })),
    results: results.map((result) => numbers.get(result) as number),
  });
}

/** The outputs of each node that something in the run reads: other nodes, fetches, the guard. */
function readOutputs(graph: Graph, nodes: readonly AnyNode[]): Map<AnyNode, Set<number>> {
  const read = new Map<AnyNode, Set<number>>(nodes.map((node) => [node, new Set()]));
  const values = [...nodes.flatMap(({ inputs }) => inputs), ...Object.values(graph.fetches)];
  for (const { node, output } of graph.guard ? [...values, graph.guard] : values) read.get(node)?.add(output);
  return read;
}

/** The state that a node is, or whose memory it may share: see `Step.alias`. */
function stateBehind(node: AnyNode): string | undefined {
  let at = node;
  while (at.op === "reshape" || at.op === "broadcast") at = (at.inputs[0] as Value).node;
  return at.op === "input" && at.attrs.kind === "state" ? at.attrs.name : undefined;
}

/** The states that each fused op can write itself, by output: nothing else reads the new values, nor another such op the old ones. */
function writable(graph: Graph, read: ReadonlyMap<AnyNode, ReadonlySet<number>>) {
  const found = new Map<FusedNode, Map<number, string>>();
  for (const { name, value } of graph.updates) {
    const { node, output } = value;
    if (node.op !== "fused" || isHeld(value.type) || read.get(node)?.has(output)) continue;
    const result = (node.attrs.results[output] as number) - node.attrs.operands.length;
    const states = found.get(node) ?? new Map<number, string>();
    if (states.has(output) || node.attrs.operations[result]?.op === "sum") continue;
    found.set(node, states.set(output, name));
  }
  const readers = new Map<string, Set<AnyNode>>();
  for (const node of found.keys())
    for (const input of node.inputs) {
      const name = stateBehind(input.node);
      if (name !== undefined) readers.set(name, (readers.get(name) ?? new Set()).add(node));
    }
  for (const [node, states] of found)
    for (const [output, name] of states)
      if ([...(readers.get(name) ?? [])].some((reader) => reader !== node)) states.delete(output);
  return found;
}

/** Splits what computes new state off from what the run reads. */
export function splitCommits(graph: Graph): Split {
  const nodes = nodesOf(rootsOf(graph));
  const read = readOutputs(graph, nodes);
  const found = writable(graph, read);
  const commits: Commit[] = [];
  const updates: Graph["updates"][number][] = [];
  const committed: Value[] = [];
  for (const update of graph.updates) {
    const { node, output } = update.value;
    if (found.get(node as FusedNode)?.get(output) === update.name) committed.push(update.value);
    else {
      updates.push(update);
      read.get(node)?.add(output);
    }
  }
  const splitNode: RewriteRule = (node, inputs) => {
    const states = node.op === "fused" ? found.get(node) : undefined;
    if (node.op !== "fused" || !states?.size) return undefined;
    const outputs: Value[] = [];
    const restrict = (kept: readonly number[]): void => {
      if (kept.length === 0) return;
      const values = restricted(inputs, node.attrs, kept);
      kept.forEach((output, i) => {
        outputs[output] = values[i] as Value;
      });
    };
    restrict([...(read.get(node) ?? [])].sort((a, b) => a - b));
    const [first] = states.keys();
    restrict([...states.keys()]);
    commits.push({ node: (outputs[first as number] as Value).node, states: [...states.values()] });
    return outputs;
  };
  // What is committed is no root any more, but rewritten with them.
  const rest = mapGraph({ ...graph, updates }, (roots) => rewrite([...roots, ...committed], splitNode));
  return { graph: rest, commits };
}
