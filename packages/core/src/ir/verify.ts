/** The invariants of a graph, checked before the passes of `lower` and after each of them. */
import { GraphError } from "../errors.ts";
import { infer } from "./infer.ts";
import { bodyOf } from "./structured.ts";
import {
  type Body,
  type Graph,
  isHeld,
  nodesOf,
  rootsOf,
  sameShape,
  showType,
  type Value,
  type ValueType,
} from "./value.ts";

/** Whether a value can be what a piece of state becomes: what is held may change its sizes. */
const canBecome = (state: ValueType, { dtype, shape }: ValueType): boolean => {
  const known = shape.map((dim, axis) => (typeof dim === "string" && isHeld(state) ? state.shape[axis] : dim) ?? 0);
  return sameType(state, { dtype, shape: known });
};

const sameType = (a: ValueType, b: ValueType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);

function verifyNodes(roots: readonly Value[], parameters: readonly Value[]): Map<string, ValueType> {
  const inputs = new Map<string, ValueType>();
  for (const node of nodesOf([...parameters, ...roots])) {
    const types = infer(
      node.op,
      node.inputs.map((input) => input.type),
      node.attrs,
    );
    if (
      types.length !== node.outputs.length ||
      !types.every((type, i) => sameType(type, node.outputs[i] as ValueType))
    ) {
      throw new GraphError(
        `${node.op} is said to give ${node.outputs.map(showType).join(", ")}, but gives ${types.map(showType).join(", ")}`,
      );
    }
    for (const input of node.inputs) {
      if (!sameType(input.type, input.node.outputs[input.output] as ValueType)) {
        throw new GraphError(`${node.op} reads ${showType(input.type)} where ${input.node.op} gives another type`);
      }
    }
    const body = bodyOf(node);
    if (body) verifyBody(body);
    if (node.op !== "input") continue;
    const { name, kind } = node.attrs;
    if (kind === "parameter" && !parameters.some((value) => value.node === node)) {
      throw new GraphError(`the parameter "${name}" of a body is read outside of it`);
    }
    if (kind !== "parameter" && parameters.length > 0) {
      throw new GraphError(`a body reads ${kind} "${name}" from outside; pass it as a constant`);
    }
    const key = `${kind} ${name}`;
    const type = node.outputs[0] as ValueType;
    const known = inputs.get(key);
    if (kind !== "parameter" && known && !sameType(known, type)) {
      throw new GraphError(`${key} stands twice, as ${showType(known)} and as ${showType(type)}`);
    }
    inputs.set(key, type);
  }
  return inputs;
}

/** Throws `GraphError` unless the body is closed and its types are right. */
function verifyBody(body: Body): void {
  verifyNodes(body.results, body.parameters);
}

/** Throws `GraphError` unless types are right, names are unique, bodies are closed and every update fits its state. Returns `graph`. */
export function verify(graph: Graph): Graph {
  const inputs = verifyNodes(rootsOf(graph), []);
  const updated = new Set<string>();
  for (const { name, value } of graph.updates) {
    const type = inputs.get(`state ${name}`);
    if (type && !canBecome(type, value.type))
      throw new GraphError(`update ${name} is ${showType(value.type)}, its state ${showType(type)}`);
    if (updated.has(name)) throw new GraphError(`state ${name} is updated twice`);
    updated.add(name);
  }
  if (graph.guard && (graph.guard.type.dtype !== "bool" || graph.guard.type.shape.length > 0)) {
    throw new GraphError(`the guard must be a bool scalar, got ${showType(graph.guard.type)}`);
  }
  return graph;
}
