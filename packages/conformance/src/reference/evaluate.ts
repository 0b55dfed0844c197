/** The meaning of a graph: its values, computed node by node in double precision, composites as they stand. */
import {
  type AnyNode,
  type Body,
  type Dim,
  DTypeError,
  type Graph,
  GraphError,
  nodesOf,
  rootsOf,
  ShapeError,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { type Dense, widen } from "./dense.ts";
import { compute } from "./kernels.ts";

type Known = Map<AnyNode, readonly Dense[]>;

function read(known: Known, value: Value): Dense {
  return (known.get(value.node) as readonly Dense[])[value.output];
}

/** The given tensor for an input node; binds the named sizes of its shape. */
function take(node: AnyNode & { op: "input" }, given: Tensor | undefined, sizes: Map<string, number>): Dense {
  const { name, kind, dtype, shape } = node.attrs;
  const wanted = `${kind} "${name}": ${dtype}[${shape.join(", ")}]`;
  if (given === undefined) throw new ShapeError(`${wanted} is missing`);
  if (given.dtype !== dtype && !(dtype === "float32" && given.dtype === "float64"))
    throw new DTypeError(`${wanted} cannot be ${given.dtype}`);
  const fits =
    given.shape.length === shape.length &&
    shape.every((dim, axis) => {
      const actual = given.shape[axis];
      if (typeof dim === "string" && !sizes.has(dim)) sizes.set(dim, actual);
      return actual === (typeof dim === "string" ? sizes.get(dim) : dim);
    });
  if (!fits) throw new ShapeError(`${wanted} cannot be [${given.shape.join(", ")}]`);
  return widen(given);
}

/** Computes what `roots` need beyond what is known already. */
function computeNodes(nodes: readonly AnyNode[], known: Known, sizes: ReadonlyMap<string, number>): void {
  const sizeOf = (dim: Dim): number => {
    const size = typeof dim === "number" ? dim : sizes.get(dim);
    if (size === undefined) throw new GraphError(`no feed tells the size of "${dim}"`);
    return size;
  };
  const bodies = new Map<Body, readonly AnyNode[]>();
  for (const node of nodes) {
    if (node.op === "input" || known.has(node)) continue;
    const runBody = (parameters: readonly Dense[]): readonly Dense[] => {
      if (node.op !== "scan") return [];
      const { body } = node.attrs;
      const inner = bodies.get(body) ?? nodesOf(body.results);
      bodies.set(body, inner);
      const here: Known = new Map(body.parameters.map((parameter, i) => [parameter.node, [parameters[i]]]));
      computeNodes(inner, here, sizes);
      return body.results.map((result) => read(here, result));
    };
    const inputs = node.inputs.map((input) => read(known, input));
    known.set(node, compute(node.op, inputs, node.attrs, { sizeOf, runBody }));
  }
}

/**
 * The values of a graph without updates. Feeds and state may be single or double precision; what is `float32` in the graph comes
 * back in double.
 *
 * @throws ShapeError, DTypeError where a feed or a piece of state is missing or does not fit.
 */
export function evaluateValues(values: readonly Value[], feeds: Tensors, state: Tensors = {}): Dense[] {
  const nodes = nodesOf(values);
  const known: Known = new Map();
  const sizes = new Map<string, number>();
  for (const node of nodes) {
    if (node.op !== "input") continue;
    const given = node.attrs.kind === "state" ? state : feeds;
    known.set(node, [take(node, given[node.attrs.name], sizes)]);
  }
  computeNodes(nodes, known, sizes);
  return values.map((value) => read(known, value));
}

/** What a run of a graph leaves behind. */
export interface Evaluation {
  readonly fetches: Tensors;
  /** The state after the run: the one given, with the updates unless the guard is false. */
  readonly state: Tensors;
}

/** Runs a graph once, as every backend must. See `evaluateValues`. */
export function evaluate(graph: Graph, feeds: Tensors, state: Tensors = {}): Evaluation {
  const results = evaluateValues(rootsOf(graph), feeds, state);
  const names = Object.keys(graph.fetches);
  const updates = graph.updates.map(({ name }, i) => [name, results[names.length + i]]);
  const kept = graph.guard !== undefined && results.at(-1)?.data[0] === 0;
  return {
    fetches: Object.fromEntries(names.map((name, i) => [name, results[i]])),
    state: kept ? state : { ...state, ...Object.fromEntries(updates) },
  };
}
