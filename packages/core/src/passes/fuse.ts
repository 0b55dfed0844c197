/**
 * Fusing: elementwise ops on one shape that read each other become one op, so that what passes between them need not lie in memory. Broadcasts into
 * the shape and sums of all elements join them.
 */
import type { Backend } from "../backend.ts";
import { apply } from "../ir/build/apply.ts";
import { parameter } from "../ir/build/source.ts";
import { type FusedAttrs, type FusedOperation, isElementwise } from "../ir/ops.ts";
import { mapGraph, rewriteBody } from "../ir/rewrite.ts";
import { type AnyNode, type Graph, type Node, nodesOf, type Shape, sameShape, type Value } from "../ir/value.ts";

/** A node that may be part of `fused`: its op, and what of its attributes and inputs makes a difference to a backend. */
function asOperation(node: AnyNode, inputs: readonly number[]): FusedOperation {
  return { op: node.op, attrs: node.attrs, inputs, dtype: node.outputs[0]?.dtype } as FusedOperation;
}

/** Whether the backend computes such a node within `fused`. Asked once for each op and data types, of scalars. */
function abilityOf(backend: Pick<Backend, "runs">): (node: AnyNode) => boolean {
  const answers = new Map<string, boolean>();
  return (node) => {
    const attrs: Partial<Record<AnyNode["op"], object>> = {
      cast: node.attrs,
      broadcast: { shape: [], axes: [] },
      sum: { axes: [] },
    };
    const probe = { ...node, attrs: attrs[node.op] ?? {} } as AnyNode;
    const dtypes = node.inputs.map(({ type }) => type.dtype);
    const key = `${node.op} ${dtypes} ${node.outputs[0]?.dtype}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const operands = dtypes.map((dtype, i) => parameter(`${i}`, dtype, []));
    const fused: FusedAttrs = {
      shape: [],
      operands: dtypes,
      operations: [
        asOperation(
          probe,
          operands.map((_, i) => i),
        ),
      ],
      results: [operands.length],
    };
    const [made] = apply("fused", operands, fused);
    const answer = backend.runs((made as Value).node);
    answers.set(key, answer);
    return answer;
  };
}

const shapeOf = (node: AnyNode): Shape => (node.outputs[0] as { shape: Shape }).shape;

/** The axes follow one another: an operand's element is found by one division and one remainder. */
function isRun({ attrs: { axes } }: Node<"broadcast">): boolean {
  return axes.every((axis, i) => i === 0 || axis === (axes[i - 1] as number) + 1);
}

const isTotal = (node: AnyNode): boolean =>
  node.op === "sum" && node.attrs.axes.length === (node.inputs[0] as Value).type.shape.length;

/** Sets that grow together. */
class Groups {
  readonly #above = new Map<AnyNode, AnyNode>();

  of(node: AnyNode): AnyNode {
    let top = node;
    for (let above = this.#above.get(top); above !== undefined; above = this.#above.get(top)) top = above;
    for (let at = node; at !== top; ) {
      const above = this.#above.get(at) as AnyNode;
      this.#above.set(at, top);
      at = above;
    }
    return top;
  }

  join(a: AnyNode, b: AnyNode): void {
    const [top, other] = [this.of(a), this.of(b)];
    if (top !== other) this.#above.set(other, top);
  }
}

/** The nodes below `roots`, and which of them are computed together. */
class Plan {
  readonly nodes: readonly AnyNode[];
  /** In an order in which everything can be computed, group by group. */
  readonly order: readonly AnyNode[];
  readonly #able: (node: AnyNode) => boolean;
  readonly #levels = new Map<AnyNode, number>();
  readonly #groups = new Groups();
  readonly #readers = new Map<AnyNode, AnyNode[]>();
  readonly #roots: ReadonlySet<AnyNode>;

  constructor(roots: readonly Value[], able: (node: AnyNode) => boolean) {
    this.#able = able;
    this.nodes = nodesOf(roots);
    this.#roots = new Set(roots.map((root) => root.node));
    for (const node of this.nodes) for (const { node: input } of node.inputs) this.#noteReader(input, node);
    for (const node of this.nodes) this.#levels.set(node, this.#earliest(node));
    for (const node of [...this.nodes].reverse()) this.#delay(node);
    for (const node of this.nodes)
      for (const { node: input } of node.inputs)
        if (this.#joins(input, node) && this.#level(input) === this.#level(node)) this.#groups.join(input, node);
    this.order = [...this.nodes].sort((a, b) => this.#level(a) - this.#level(b));
  }

  groupOf(node: AnyNode): AnyNode {
    return this.#groups.of(node);
  }

  /** Whether something outside of its group reads the node. */
  isRead(node: AnyNode): boolean {
    return (
      this.#roots.has(node) ||
      (this.#readers.get(node) ?? []).some((reader) => this.groupOf(reader) !== this.groupOf(node))
    );
  }

  isMember(node: AnyNode): boolean {
    return isElementwise(node.op) && this.#able(node);
  }

  /** A broadcast that `reader` does itself. */
  isLoad(input: AnyNode, reader: AnyNode): input is Node<"broadcast"> & AnyNode {
    return input.op === "broadcast" && this.isMember(reader) && isRun(input) && this.#able(input);
  }

  /** Whether `reader` can be computed with the node that it reads. */
  #joins(input: AnyNode, reader: AnyNode): boolean {
    if (!this.isMember(input)) return false;
    if (isTotal(reader)) return this.#able(reader);
    return this.isMember(reader) && sameShape(shapeOf(input), shapeOf(reader));
  }

  /**
   * A node's level is that of the nodes it is computed with, and above that of all others that it reads. So no path leads from one group over
   * another back into it.
   */
  #earliest(node: AnyNode): number {
    return Math.max(
      0,
      ...node.inputs.map(({ node: input }) => {
        if (this.#joins(input, node)) return this.#level(input);
        const source = this.isLoad(input, node) ? (input.inputs[0] as Value).node : input;
        return this.#level(source) + 1;
      }),
    );
  }

  /** A node that only one group of later ones reads joins those. */
  #delay(node: AnyNode): void {
    const readers = this.#readers.get(node) ?? [];
    if (!this.isMember(node) || this.#roots.has(node) || readers.some(isTotal)) return;
    const levels = new Set(readers.map((reader) => (this.#joins(node, reader) ? this.#level(reader) : -1)));
    const [level = -1] = levels;
    if (levels.size === 1 && level >= 0) this.#levels.set(node, level);
  }

  #level(node: AnyNode): number {
    return this.#levels.get(node) as number;
  }

  #noteReader(input: AnyNode, reader: AnyNode): void {
    const readers = this.#readers.get(input);
    if (readers) readers.push(reader);
    else this.#readers.set(input, [reader]);
  }
}

/** Collects the operations of a group, and what they read from outside. */
class Collector {
  readonly operands: Value[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #keys = new Map<AnyNode, number>();
  readonly #loads: Node<"broadcast">[] = [];
  readonly #members: readonly AnyNode[];

  constructor(plan: Plan, members: readonly AnyNode[]) {
    this.#members = members;
    const inside = new Set(members);
    for (const member of members)
      for (const input of member.inputs) {
        if (inside.has(input.node)) continue;
        if (!plan.isLoad(input.node, member)) this.#operand(input);
        else if (!this.#loads.includes(input.node)) {
          this.#loads.push(input.node);
          this.#operand(input.node.inputs[0] as Value);
        }
      }
    [...this.#loads, ...members].forEach((node, i) => {
      this.#numbers.set(this.#key({ node, output: 0 } as Value), this.operands.length + i);
    });
  }

  /** Worth it where something is saved: a value between two ops, or a broadcast of more than one number. */
  get pays(): boolean {
    return (
      this.#members.length > 1 ||
      this.#loads.some(({ inputs: [source] }) => source?.type.shape.some((dim) => dim !== 1))
    );
  }

  attrs(shape: Shape, results: readonly AnyNode[]): FusedAttrs {
    const numberOf = (value: Value): number => this.#numbers.get(this.#key(value)) as number;
    return {
      shape,
      operands: this.operands.map(({ type }) => type.dtype),
      operations: [...this.#loads, ...this.#members].map((node) =>
        asOperation(node as AnyNode, node.inputs.map(numberOf)),
      ),
      results: results.map((node) => numberOf({ node, output: 0 } as Value)),
    };
  }

  #operand(value: Value): void {
    const key = this.#key(value);
    if (this.#numbers.has(key)) return;
    this.#numbers.set(key, this.operands.length);
    this.operands.push(value);
  }

  #key({ node, output }: Value): string {
    const number = this.#keys.get(node) ?? this.#keys.size;
    this.#keys.set(node, number);
    return `${number}.${output}`;
  }
}

function fuseRoots(roots: readonly Value[], able: (node: AnyNode) => boolean): Value[] {
  const plan = new Plan(roots, able);
  const groups = new Map<AnyNode, AnyNode[]>();
  for (const node of plan.nodes) {
    const group = groups.get(plan.groupOf(node));
    if (group) group.push(node);
    else groups.set(plan.groupOf(node), [node]);
  }
  const made = new Map<AnyNode, readonly Value[]>();
  const follow = (value: Value): Value => made.get(value.node)?.[value.output] ?? value;
  for (const node of plan.order) {
    if (made.has(node)) continue;
    const members = groups.get(plan.groupOf(node)) as AnyNode[];
    if (plan.isMember(node)) {
      const collector = new Collector(plan, members);
      if (collector.pays) {
        const results = members.filter((member) => plan.isRead(member));
        const outputs = apply("fused", collector.operands.map(follow), collector.attrs(shapeOf(node), results));
        results.forEach((result, i) => {
          made.set(result, [outputs[i] as Value]);
        });
        for (const member of members) if (!made.has(member)) made.set(member, []);
        continue;
      }
    }
    const inputs = node.inputs.map(follow);
    const structured = rewriteBody(node, inputs, (results) => fuseRoots(results, able));
    if (structured) {
      made.set(node, structured);
    } else if (inputs.some((input, i) => input !== node.inputs[i])) {
      made.set(node, apply(node.op, inputs, node.attrs));
    }
  }
  return roots.map(follow);
}

/** `graph` with elementwise ops joined as far as the backend runs them so; the same graph where it runs none. */
export function fuse(graph: Graph, backend: Pick<Backend, "runs">): Graph {
  const able = abilityOf(backend);
  return mapGraph(graph, (roots) => fuseRoots(roots, able));
}
