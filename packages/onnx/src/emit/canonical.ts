/** One form for what files cannot tell apart, so that a graph that was read from a file is written as that file again. */
import { type AnyNode, broadcast, type Dim, type Graph, reshape, type Value } from "@ostinato/core";
import { addedBiases, withoutZeros } from "../recurrent/rules.ts";
import { foldMoves, foldNumbers, foldReshapes } from "./folding.ts";
import { type Rule, rewritten } from "./rules.ts";

/** Two reshapes in a row are one, or none. */
const joinReshapes: Rule = (node, [x]) =>
  node.op === "reshape" && x?.node.op === "reshape"
    ? [reshape(x.node.inputs[0] as Value, node.attrs.shape)]
    : undefined;

/** The axes in `shape` of those of `from`, where `shape` is `from` with axes of size 1 put in. */
function placesIn(shape: readonly Dim[], from: readonly Dim[]): number[] | undefined {
  const places: number[] = [];
  for (const [axis, dim] of shape.entries()) {
    if (places.length < from.length && dim === from[places.length]) places.push(axis);
    else if (dim !== 1) return undefined;
  }
  return places.length === from.length ? places : undefined;
}

/** A broadcast puts in axes of size 1 by itself, and one that puts in no others behind the first is a reshape. */
const simplestBroadcast: Rule = (node, [x]) => {
  if (node.op !== "broadcast" || x === undefined) return undefined;
  const { shape, axes } = node.attrs;
  if (x.node.op === "reshape") {
    const [source] = x.node.inputs as readonly [Value];
    const places = placesIn(x.node.attrs.shape, source.type.shape);
    const direct =
      places &&
      broadcast(
        source,
        shape,
        places.map((place) => axes[place] as number),
      );
    if (direct) return simplestBroadcast(direct.node, direct.node.inputs) ?? [direct];
  }
  const added = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const behind = added.some((axis) => axis > (axes[0] ?? shape.length));
  return behind && added.every((axis) => shape[axis] === 1) ? [reshape(x, shape)] : undefined;
};

const rules = [foldReshapes, joinReshapes, foldNumbers, foldMoves, simplestBroadcast, withoutZeros, addedBiases];

/** The graph in that form. */
export const canonical = (graph: Graph): Graph => rewritten(graph, rules);

/**
 * Whether equal nodes may be one. What gradients go through stays as it is: they are sums, and another order of terms rounds otherwise, so that a graph that was read
 * from a file would not train as the one that was written. Runtimes share such nodes by themselves.
 */
export function shared(): (node: AnyNode) => boolean {
  const trained = new Set<AnyNode>();
  return (node) => {
    const begins = node.op === "input" && node.attrs.kind !== "feed";
    const isTrained =
      node.outputs.some(({ dtype }) => dtype === "float32") &&
      (begins || node.inputs.some((input) => trained.has(input.node)));
    if (isTrained) trained.add(node);
    // States of one name are one state.
    return begins || !isTrained;
  };
}
