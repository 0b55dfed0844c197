/** Graphs: what is read from a set of values and what is left behind, in an order in which it can be computed. */
import type { AnyNode, Shape, Value, ValueType } from "./ops.ts";

export type { AnyNode, Body, Dim, DType, Node, Shape, Value, ValueType } from "./ops.ts";

/** The new value of a piece of state, written after a run. */
export interface Update {
  readonly name: string;
  readonly value: Value;
}

/** Whether a piece of state has sizes that change from run to run: it is not given when a session is opened, but written by programs and held for others. */
export function isHeld({ shape }: Pick<ValueType, "shape">): boolean {
  return shape.some((dim) => typeof dim === "string");
}

/** A closed graph: what is read from it, by name, and what it leaves behind. */
export interface Graph {
  readonly fetches: Readonly<Record<string, Value>>;
  readonly updates: readonly Update[];
  /** A bool scalar; where it is false the updates are left out and the state stays as it was. */
  readonly guard?: Value;
}

/** The values a graph must compute. */
export function rootsOf(graph: Graph): Value[] {
  const roots = [...Object.values(graph.fetches), ...graph.updates.map((update) => update.value)];
  return graph.guard ? [...roots, graph.guard] : roots;
}

/** All nodes that `roots` need, each after the nodes it reads; the order depends only on the roots. It ends at `known` nodes, which are left out. */
export function nodesOf(roots: readonly Value[], known?: Iterable<AnyNode>): AnyNode[] {
  const order: AnyNode[] = [];
  const entered = new Set(known);
  const stack: { node: AnyNode; next: number }[] = [];
  for (const root of roots) {
    if (!entered.has(root.node)) {
      entered.add(root.node);
      stack.push({ node: root.node, next: 0 });
    }
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!entered.has(input.node)) {
        entered.add(input.node);
        stack.push({ node: input.node, next: 0 });
      }
    }
  }
  return order;
}

/** `batch` or `128`, as errors and printed graphs show a shape: `[time, batch, 10]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** `float32[time, batch, 10]`. */
export function showType(type: ValueType): string {
  return `${type.dtype}${showShape(type.shape)}`;
}

/** Whether two shapes have the same sizes and names. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
