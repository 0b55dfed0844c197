/**
 * Removes the sorting of rows, and the restoration of their order, that PyTorch adds for packed sequences (`enforce_sorted=False`). Ostinato does not need sorted
 * rows. Each row must be computed independently between the two.
 */
import { type AnyNode, feed, isStructured, nodesOf, rewrite, UnsupportedOpError, type Value } from "@ostinato/core";

/** The permutation that a placeholder represents, or whose inverse it is. */
interface Order {
  readonly of: AnyNode;
  readonly dim: string;
  readonly inverse: boolean;
}

/** Placeholders for permutations while a file is read. */
const orders = new WeakMap<AnyNode, Order>();

function standIn(name: string, dim: string, inverse: boolean, of?: AnyNode): Value {
  const value = feed(name, "int32", [dim]);
  orders.set(value.node, { of: of ?? value.node, dim, inverse });
  return value;
}

/** The permutation with which a node sorts rows. */
export const orderOf = (name: string, dim: string): Value => standIn(name, dim, false);

/** The permutation that restores the order of sorted rows; `undefined` for other values. */
export function inverseOf({ node }: Value, name: string): Value | undefined {
  const order = orders.get(node);
  return order && !order.inverse ? standIn(name, order.dim, true, order.of) : undefined;
}

/** The order of the rows of a node's outputs: original, sorted by a permutation, or irrelevant because all rows are equal. */
type Standing = "own" | "alike" | AnyNode;

function refuse(why: string): never {
  throw new UnsupportedOpError(`the model sorts its rows, and ${why}; export it without sorting (enforce_sorted=True)`);
}

/** Ops that compute each row independently if they keep the row axis. */
function expectByRow(node: AnyNode, dim: string): void {
  const { op, inputs, outputs } = node;
  const once = outputs.every(({ shape }) => shape.filter((each) => each === dim).length === 1);
  const table = op === "gather" && inputs[0]?.type.shape[0] === dim;
  const turns = op === "reverse" && outputs[0]?.shape[node.attrs.axis] === dim;
  if (!once || table || turns || isStructured(op) || op === "scatterAdd") refuse(`${op} combines several of them`);
}

/** The row order of each node. */
function standingsOf(nodes: readonly AnyNode[], dim: string): ReadonlyMap<AnyNode, Standing> {
  const standings = new Map<AnyNode, Standing>();
  const find = (node: AnyNode): Standing => {
    if (node.inputs.length === 0) return node.outputs.some(({ shape }) => shape.includes(dim)) ? "own" : "alike";
    const order = node.op === "gather" ? orders.get((node.inputs[1] as Value).node) : undefined;
    const given = node.inputs
      .filter((input) => !orders.has(input.node))
      .map((input) => standings.get(input.node) as Standing);
    const [standing = "alike", ...others] = [...new Set(given.filter((each) => each !== "alike"))];
    if (others.length > 0) return refuse(`${node.op} reads rows in two different orders`);
    if (order !== undefined) {
      const expected = order.inverse ? order.of : "own";
      if (standing !== "alike" && standing !== expected) return refuse("sorts sorted rows again");
      return standing === "alike" ? standing : order.inverse ? "own" : order.of;
    }
    if (node.inputs.some((input) => orders.has(input.node))) return refuse(`${node.op} reads the permutation`);
    if (standing !== "own" && standing !== "alike") expectByRow(node, dim);
    return standing;
  };
  for (const node of nodes) if (!orders.has(node)) standings.set(node, find(node));
  return standings;
}

/** `roots` without sorting. @throws UnsupportedOpError if outputs are sorted, or if sorted rows are combined */
export function withoutSorting(roots: readonly Value[]): readonly Value[] {
  const nodes = nodesOf(roots);
  const [order] = nodes.flatMap((node) => orders.get(node) ?? []);
  if (order === undefined) return roots;
  const standings = standingsOf(nodes, order.dim);
  if (roots.some(({ node }) => ![undefined, "own", "alike"].includes(standings.get(node) as string)))
    refuse("returns them sorted");
  return rewrite(roots, ({ op }, [rows, places]) =>
    op === "gather" && places && rows && orders.has(places.node) ? [rows] : undefined,
  );
}
