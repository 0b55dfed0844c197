/**
 * Rows that a file sorts and brings back into their order, as PyTorch does with packed sequences (by their lengths, with `enforce_sorted=False`): nothing here needs
 * that, and both disappear. Between the two each row must be computed by itself.
 */
import { type AnyNode, feed, nodesOf, rewrite, UnsupportedOpError, type Value } from "@ostinato/core";

/** Which order a stand-in is, or is the inverse of. */
interface Order {
  readonly of: AnyNode;
  readonly dim: string;
  readonly inverse: boolean;
}

/** What stands for an order while a file is read. */
const orders = new WeakMap<AnyNode, Order>();

function standIn(name: string, dim: string, inverse: boolean, of?: AnyNode): Value {
  const value = feed(name, "int32", [dim]);
  orders.set(value.node, { of: of ?? value.node, dim, inverse });
  return value;
}

/** The order that a node sorts rows in. */
export const orderOf = (name: string, dim: string): Value => standIn(name, dim, false);

/** The order that brings sorted rows back; `undefined` where the value is no order. */
export function inverseOf({ node }: Value, name: string): Value | undefined {
  const order = orders.get(node);
  return order && !order.inverse ? standIn(name, order.dim, true, order.of) : undefined;
}

/** In whose order the rows of a node's outputs are: in their own, in one that they were sorted in, or all are alike. */
type Standing = "own" | "alike" | AnyNode;

function refuse(why: string): never {
  throw new UnsupportedOpError(`the model sorts its rows, and ${why}: export it without sorting (enforce_sorted=True)`);
}

/** Ops that compute each row by itself wherever they keep the axis of rows. */
function expectByRow(node: AnyNode, dim: string): void {
  const { op, inputs, outputs } = node;
  const once = outputs.every(({ shape }) => shape.filter((each) => each === dim).length === 1);
  const table = op === "gather" && inputs[0]?.type.shape[0] === dim;
  const turns = op === "reverse" && outputs[0]?.shape[node.attrs.axis] === dim;
  if (!once || table || turns || op === "scan" || op === "scatterAdd")
    refuse(`${op} computes with several of them together`);
}

/** Each node's standing. */
function standingsOf(nodes: readonly AnyNode[], dim: string): ReadonlyMap<AnyNode, Standing> {
  const standings = new Map<AnyNode, Standing>();
  const find = (node: AnyNode): Standing => {
    if (node.inputs.length === 0) return node.outputs.some(({ shape }) => shape.includes(dim)) ? "own" : "alike";
    const order = node.op === "gather" ? orders.get((node.inputs[1] as Value).node) : undefined;
    const given = node.inputs
      .filter((input) => !orders.has(input.node))
      .map((input) => standings.get(input.node) as Standing);
    const [standing = "alike", ...others] = [...new Set(given.filter((each) => each !== "alike"))];
    if (others.length > 0) return refuse(`${node.op} reads rows of two orders`);
    if (order !== undefined) {
      const expected = order.inverse ? order.of : "own";
      if (standing !== "alike" && standing !== expected) return refuse("sorts sorted ones again");
      return standing === "alike" ? standing : order.inverse ? "own" : order.of;
    }
    if (node.inputs.some((input) => orders.has(input.node))) return refuse(`${node.op} computes with their order`);
    if (standing !== "own" && standing !== "alike") expectByRow(node, dim);
    return standing;
  };
  for (const node of nodes) if (!orders.has(node)) standings.set(node, find(node));
  return standings;
}

/** `roots` without sorting. @throws UnsupportedOpError where rows come out sorted, or are computed with together while they are */
export function withoutSorting(roots: readonly Value[]): readonly Value[] {
  const nodes = nodesOf(roots);
  const [order] = nodes.flatMap((node) => orders.get(node) ?? []);
  if (order === undefined) return roots;
  const standings = standingsOf(nodes, order.dim);
  if (roots.some(({ node }) => ![undefined, "own", "alike"].includes(standings.get(node) as string)))
    refuse("gives them sorted");
  return rewrite(roots, ({ op }, [rows, places]) =>
    op === "gather" && places && rows && orders.has(places.node) ? [rows] : undefined,
  );
}
