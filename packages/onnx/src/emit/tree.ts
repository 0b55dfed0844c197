/**
 * The op `treeRecur`: ONNX's Scan over the levels of a forest. It carries each state at all nodes, and where the next level begins. A level is cut
 * out of the index tensors, so nothing is padded; but runtimes copy the states of all nodes from level to level.
 */
import { type Dim, forestInputs, levelDims, UnsupportedOpError, type Value, type ValueType } from "@ostinato/core";
import type { Emission, Emitter, Inside } from "./emission.ts";
import { writeLevel, writeResults } from "./level.ts";

/** Two ends, in nodes and in edges. */
const ends: ValueType = { dtype: "int32", shape: [2] };

/** The shape of a state at one node. */
function rowOf({ shape }: ValueType): number[] {
  return shape.slice(2).map((dim) => {
    if (typeof dim === "number") return dim;
    throw new UnsupportedOpError(`treeRecur: a state with the named size "${dim}" has no form in ONNX`);
  });
}

const zeros = ({ shape }: ValueType, emission: Emission): string => {
  const zero = emission.store("scalar", { type: "float32", dims: [], data: Float32Array.of(0) });
  return emission.add("Expand", [zero, emission.shape(shape)]);
};

export const treeRecur: Emitter<"treeRecur"> = (node, emission) => {
  const { body, states, sequences, arity } = node.attrs;
  const { level, children } = levelDims(node.inputs[0]?.type.shape[0] as Dim);
  const [nodes, edges, levels, ...read] = node.inputs
    .slice(0, forestInputs + sequences)
    .map((value) => emission.name(value)) as [string, string, string, ...string[]];
  const constants = node.inputs.slice(forestInputs + sequences);
  const types = [...node.outputs.slice(0, states), ends];
  const outer = body.parameters
    .slice(-constants.length || body.parameters.length)
    .map(({ node: parameter }, i) => [parameter, () => emission.name(constants[i] as Value)] as const);

  const write = (inside: Inside): string[] => {
    const given = { nodes, edges, states: inside.inputs.slice(0, states), sequences: read };
    const [from, to] = inside.inputs.slice(states) as [string, string];
    const made = writeLevel(inside, { ...given, from, to }, node.outputs.map(rowOf), arity);
    const own = [...made.children.flat(), ...made.slices, ...(made.parents === undefined ? [] : [made.parents])];
    const names = own.map((name, i) => [(body.parameters[i] as Value).node, () => name] as const);
    const sizes = new Map([
      [level, made.size],
      [children, made.edgeCount],
    ]);
    const results = inside.compute(body.results, new Map([...outer, ...names]), sizes);
    return writeResults(inside, { states: given.states, to }, made, results);
  };
  const initial = node.outputs.map((type) => zeros(type, emission));
  const begin = emission.store("indexes", { type: "int32", dims: [2], data: Int32Array.of(0, 0) });
  const names = emission.addMany(
    "Scan",
    [...initial, begin, levels],
    { num_scan_inputs: 1, body: { graph: emission.body([...types, ends], types, write) } },
    types.map(() => true),
  );
  return names.slice(0, states);
};
