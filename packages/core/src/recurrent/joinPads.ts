/** Joining: the gradients of slices of one value, each padded with zeros, are one after another and need not be added. */
import { concat } from "../ir/build/shape.ts";
import { mapGraph, type Pass, type RewriteRule, rewrite, rewriteBody } from "../ir/rewrite.ts";
import { isStructured } from "../ir/structured.ts";
import type { AnyNode, Dim, Node, Value } from "../ir/value.ts";

type PadNode = Node<"pad"> & AnyNode;

const sizeAlong = ({ attrs, inputs }: PadNode): Dim | undefined => inputs[0]?.type.shape[attrs.axis];

/** What a sum adds, if that is parts padded with zeros along one axis and no more entries than it has. */
function padsOf(sum: readonly Value[]): PadNode[] | undefined {
  const open = [...sum];
  const found: PadNode[] = [];
  let room = Number.POSITIVE_INFINITY;
  for (let value = open.pop(); value; value = open.pop()) {
    const { node } = value;
    if (node.op === "add") open.push(...node.inputs);
    else if (node.op !== "pad" || node.attrs.axis !== (found[0] ?? node).attrs.axis) return undefined;
    else {
      room = Math.min(room, Number(node.attrs.dim)) - Number(sizeAlong(node));
      if (!(room >= 0)) return undefined;
      found.push(node);
    }
  }
  return found;
}

/** A sum of parts, each padded with zeros to where the others lie, is these parts one after another. So are the gradients of all slices of a value. */
const joinPadsOf: RewriteRule = (node, inputs) => {
  const pads = node.op === "add" ? padsOf(inputs) : undefined;
  const [first, ...others] = pads?.sort((a, b) => a.attrs.start - b.attrs.start) ?? [];
  if (first === undefined) return undefined;
  let end = first.attrs.start + Number(sizeAlong(first));
  for (const pad of others) {
    if (pad.attrs.start !== end) return undefined;
    end += Number(sizeAlong(pad));
  }
  const whole = first.attrs.start === 0 && end === first.attrs.dim;
  return whole
    ? [
        concat(
          [first, ...others].map((pad) => pad.inputs[0] as Value),
          first.attrs.axis,
        ),
      ]
    : undefined;
};

function joinRoots(roots: readonly Value[]): Value[] {
  return rewrite(roots, (node, inputs) => {
    return isStructured(node.op) ? rewriteBody(node, inputs, joinRoots) : joinPadsOf(node, inputs);
  });
}

/** `graph` with sums of padded parts that lie one after another joined, in bodies too. */
export const joinPads: Pass = (graph) => mapGraph(graph, joinRoots);
