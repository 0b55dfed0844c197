/** The meaning of a graph: its values, computed node by node in double precision, composites as they stand where they have a definition. */
import {
  type AnyNode,
  apply,
  type Body,
  bodyOf,
  type Dim,
  DTypeError,
  feed,
  type Graph,
  GraphError,
  lower,
  nodesOf,
  rootsOf,
  ShapeError,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { type Dense, widen } from "./dense.ts";
import { type BodyType, sizesTold } from "./kernel.ts";
import { compute, hasKernel } from "./kernels.ts";

type Known = Map<AnyNode, readonly Dense[]>;
type Sizes = ReadonlyMap<string, number>;

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

/** Computes a node without a definition of its own: what it means in simpler ops, of the same inputs. */
function computeMeaning({ op, inputs, attrs }: AnyNode, given: readonly Dense[], sizes: Sizes): readonly Dense[] {
  const feeds = inputs.map(({ type }, i) => feed(`${i}`, type.dtype, type.shape));
  const fetches = Object.fromEntries(apply(op, feeds, attrs).entries());
  const runs = (node: AnyNode): boolean => node.op === "input" || hasKernel(node.op);
  const results = Object.values(lower({ fetches, updates: [] }, { name: "reference", runs }).graph.fetches);
  const nodes = nodesOf(results);
  const inside = nodes.flatMap((node) => (node.op === "input" ? [[node, [given[+node.attrs.name]]] as const] : []));
  const known: Known = new Map(inside);
  computeNodes(nodes, known, sizes);
  return results.map((result) => read(known, result));
}

const typesOf = (values: readonly Value[]): readonly BodyType[] => values.map(({ type }) => type);

const nameOf = (node: AnyNode): string => (node.op === "input" ? node.attrs.name : node.op);

/** Computes what `roots` need beyond what is known already. */
function computeNodes(nodes: readonly AnyNode[], known: Known, sizes: Sizes): void {
  const sizeOf = (dim: Dim): number => {
    const size = typeof dim === "number" ? dim : sizes.get(dim);
    if (size === undefined) throw new GraphError(`no feed tells the size of "${dim}"`);
    return size;
  };
  const bodies = new Map<Body, readonly AnyNode[]>();
  const noBody: Body = { parameters: [], results: [] };
  for (const node of nodes) {
    if (node.op === "input" || known.has(node)) continue;
    const body = bodyOf(node) ?? noBody;
    const runBody = (parameters: readonly Dense[]): readonly Dense[] => {
      const inner = bodies.get(body) ?? nodesOf(body.results);
      bodies.set(body, inner);
      const here: Known = new Map(body.parameters.map((parameter, i) => [parameter.node, [parameters[i]]]));
      computeNodes(inner, here, new Map([...sizes, ...sizesTold(typesOf(body.parameters), parameters)]));
      return body.results.map((result) => read(here, result));
    };
    const inputs = node.inputs.map((input) => read(known, input));
    known.set(
      node,
      hasKernel(node.op)
        ? compute(node.op, inputs, node.attrs, {
            sizeOf,
            runBody,
            nameOf: (i) => nameOf(node.inputs[i].node),
            parameters: typesOf(body.parameters),
            results: typesOf(body.results),
          })
        : computeMeaning(node, inputs, sizes),
    );
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
