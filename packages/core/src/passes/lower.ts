/** Lowering: composites that a backend does not run are replaced by what they mean, until it can run everything. */
import { gradients } from "../autodiff/gradients.ts";
import type { Backend } from "../backend.ts";
import { UnsupportedOpError } from "../errors.ts";
import { type CompositeName, isComposite, type OpAttrs, type OpName, ops } from "../ir/ops.ts";
import type { RecurrenceGradName } from "../ir/recurrences.ts";
import { mapGraph, type Pass, rewrite, rewriteBody } from "../ir/rewrite.ts";
import { bodyOf, isStructured } from "../ir/structured.ts";
import { type AnyNode, type Graph, type Node, nodesOf, rootsOf, type Value } from "../ir/value.ts";
import { verify } from "../ir/verify.ts";
import { joinBiases } from "./bias.ts";
import { decompositions } from "./decompose.ts";
import { fold } from "./fold.ts";
import { fuse } from "./fuse.ts";
import { simplify } from "./simplify.ts";

/** A graph that a backend can run. */
export interface Lowered {
  readonly graph: Graph;
  /** The composites that were replaced, so that a slow path is never silent. */
  readonly decomposed: readonly OpName[];
  /** What the backend runs outside of what makes it fast. */
  readonly plain: readonly OpName[];
}

function isCompositeNode(node: Node): node is Node<CompositeName> {
  return isComposite(node.op);
}

function decompose<O extends CompositeName>(op: O, inputs: readonly Value[], attrs: OpAttrs[O]): Value[] {
  return decompositions[op](inputs, attrs, gradients);
}

/** A gradient op that reads what its forward op keeps runs natively only where that one does: its inputs are lowered already. */
function runs(backend: Pick<Backend, "runs">, node: AnyNode): boolean {
  if (!backend.runs(node)) return false;
  const { gradientOf } = ops[node.op];
  if (gradientOf === undefined) return true;
  const at = gradientOf.at(node.attrs as OpAttrs[RecurrenceGradName]);
  return node.inputs[at]?.node.op === gradientOf.op;
}

/**
 * Replaces what `backend` does not run. `more` passes are those that only some graphs need, such as `hoist` for scans, so that no program holds them for
 * nothing. Throws `UnsupportedOpError` where no decomposition is left.
 */
export function lower(
  graph: Graph,
  backend: Pick<Backend, "name" | "runs" | "runsPlainly">,
  more: readonly Pass[] = [],
): Lowered {
  const decomposed = new Set<OpName>();

  const lowerRoots = (roots: readonly Value[]): Value[] => {
    let current = [...roots];
    for (let changed = true; changed; ) {
      changed = false;
      current = rewrite(current, (node, inputs) => {
        if (isStructured(node.op)) return rewriteBody(node, inputs, lowerRoots);
        if (!isCompositeNode(node) || runs(backend, { ...node, inputs } as AnyNode)) return undefined;
        decomposed.add(node.op);
        changed = true;
        return decompose(node.op, inputs, node.attrs);
      });
    }
    return current;
  };

  const passes = [
    simplify,
    (simple: Graph) => mapGraph(simple, lowerRoots),
    simplify,
    ...more.flatMap((pass) => [pass, simplify]),
    (simple: Graph) => fold(simple, backend),
    (simple: Graph) => joinBiases(simple, backend),
    (simple: Graph) => fuse(simple, backend),
  ];
  const lowered = passes.reduce((passed, pass) => verify(pass(passed)), verify(graph));
  const plain = new Set<OpName>();
  for (const node of allNodes(rootsOf(lowered))) {
    if (backend.runsPlainly?.(node)) plain.add(node.op);
    if (!backend.runs(node))
      throw new UnsupportedOpError(`backend "${backend.name}" does not run ${node.op}, which has no decomposition`);
  }
  return { graph: lowered, decomposed: [...decomposed], plain: [...plain] };
}

/** `lower` for any backend, in this thread or in another. Throws as `lower` does. */
export async function lowerFor(
  graph: Graph,
  backend: Pick<Backend, "name" | "runs" | "runsPlainly" | "prepare">,
  more: readonly Pass[] = [],
): Promise<Lowered> {
  await backend.prepare?.(graph, more);
  return lower(graph, backend, more);
}

function allNodes(roots: readonly Value[]): AnyNode[] {
  return nodesOf(roots).flatMap((node) => [node, ...allNodes(bodyOf(node)?.results ?? [])]);
}
