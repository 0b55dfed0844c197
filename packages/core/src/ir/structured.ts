/** What is asked of an op with a body, whichever it is. */
import { levelDims, nodesPerLevel } from "./forest.ts";
import {
  type AnyNode,
  type Body,
  type Dim,
  forestInputs,
  type Node,
  type OpName,
  ops,
  type StructuredName,
} from "./ops.ts";

/** How large a size may become. */
type CapacityOf = (dim: Dim) => number;

interface StructuredFacts<O extends StructuredName> {
  /** So many parameters of the body, the first ones, have memory of their own. The others are the last inputs, read where they lie. */
  readonly ownParameters: (node: Node<O>) => number;
  /** The named sizes of the body that the op sets itself, and how large each may become. */
  readonly sizes: (node: Node<O>, capacityOf: CapacityOf) => Readonly<Record<string, number>>;
}

const ofLevels: StructuredFacts<"treeRecur" | "treeRecurGrad"> = {
  ownParameters: ({ op, inputs, attrs: { body, states, sequences } }) => {
    const forward = op === "treeRecur" ? 0 : 2 * states;
    const constants = inputs.length - forestInputs - forward - sequences;
    return body.parameters.length - constants;
  },
  sizes: ({ inputs }, capacityOf) => {
    const nodes = inputs[0]?.type.shape[0] as Dim;
    const { level, children } = levelDims(nodes);
    return { [level]: Math.min(capacityOf(nodes), nodesPerLevel), [children]: capacityOf(nodes) };
  },
};

const facts: { readonly [O in StructuredName]: StructuredFacts<O> } = {
  scan: { ownParameters: ({ attrs }) => attrs.carries, sizes: () => ({}) },
  treeRecur: ofLevels,
  treeRecurGrad: ofLevels,
};

/** Whether an op has a body. */
export function isStructured(op: OpName): op is StructuredName {
  return ops[op].group === "structured";
}

/** The body of a structured op; undefined for any other. */
export function bodyOf({ attrs }: Pick<AnyNode, "attrs">): Body | undefined {
  return "body" in attrs ? attrs.body : undefined;
}

/** How many parameters of the body of a structured op, the first ones, have memory of their own. The others are its last inputs, read where they lie. */
export function ownParameters(node: AnyNode): number {
  return isStructured(node.op)
    ? (facts[node.op] as StructuredFacts<StructuredName>).ownParameters(node as Node<StructuredName>)
    : 0;
}

/** The named sizes that an op sets itself while it runs, and how large each may become. No feed tells them. */
export function ownSizes(node: AnyNode, capacityOf: CapacityOf): Readonly<Record<string, number>> {
  return isStructured(node.op)
    ? (facts[node.op] as StructuredFacts<StructuredName>).sizes(node as Node<StructuredName>, capacityOf)
    : {};
}
