/** Normalizes a graph before export, so that importing and exporting a file gives the same bytes. */
import { type AnyNode, broadcast, type Dim, type Graph, reshape, type Value } from "@ostinato/core";
import { addedBiases, withoutZeros } from "../recurrent/rules.ts";
import { foldMoves, foldNumbers, foldReshapes } from "./folding.ts";
import { type Rule, rewritten } from "./rules.ts";

/** Merges two successive reshapes, and removes a reshape without effect. */
const joinReshapes: Rule = (node, [x]) =>
  node.op === "reshape" && x?.node.op === "reshape"
    ? [reshape(x.node.inputs[0] as Value, node.attrs.shape)]
    : undefined;

/** The positions in `shape` of the axes of `from`, if `shape` is `from` with axes of size 1 inserted. */
function placesIn(shape: readonly Dim[], from: readonly Dim[]): number[] | undefined {
  const places: number[] = [];
  for (const [axis, dim] of shape.entries()) {
    if (places.length < from.length && dim === from[places.length]) places.push(axis);
    else if (dim !== 1) return undefined;
  }
  return places.length === from.length ? places : undefined;
}

/** Broadcasts insert axes of size 1 themselves. A broadcast that only inserts leading axes of size 1 becomes a reshape. */
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

/** The normalized graph. */
export const canonical = (graph: Graph): Graph => rewritten(graph, rules);

/**
 * Whether equal nodes may be merged. Nodes that gradients pass through are kept: their gradients are sums, and a different order of terms changes the rounding, so the
 * imported graph would train differently from the original. Runtimes merge such nodes when they open the file.
 */
export function shared(): (node: AnyNode) => boolean {
  const trained = new Set<AnyNode>();
  return (node) => {
    const begins = node.op === "input" && node.attrs.kind !== "feed";
    const isTrained =
      node.outputs.some(({ dtype }) => dtype === "float32") &&
      (begins || node.inputs.some((input) => trained.has(input.node)));
    if (isTrained) trained.add(node);
    // States with the same name are the same state.
    return begins || !isTrained;
  };
}
