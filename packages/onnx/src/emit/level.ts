/** One level of a forest in ONNX: what is read at its nodes and of their children. Written by an export, and held against a file by an import. */
import { elementTypes } from "../file/schema.ts";
import type { Writer } from "./emission.ts";

/** The nodes of a level are written, or read, in this order. */
export type LevelWriter = Pick<Writer, "add" | "store" | "ints">;

/** The names of what a level is made of. */
export interface LevelInputs {
  /** The index tensors of the forest. */
  readonly nodes: string;
  readonly edges: string;
  /** int32 [2] each: where the level begins in `nodes` and in `edges`, and where it ends. */
  readonly from: string;
  readonly to: string;
  /** Each state at the nodes of lower levels, and zeros: [time, batch, …]. */
  readonly states: readonly string[];
  /** [time, batch, …] each. */
  readonly sequences: readonly string[];
}

/** The names of a level's parts. */
export interface Level {
  /** Where its nodes lie, int64 [level, 2]: step and row. */
  readonly places: string;
  /** How many nodes and edges it has, int64 [1]. */
  readonly size: string;
  readonly edgeCount: string;
  readonly slices: readonly string[];
  /** What stands for the children in the order of the body's parameters: [children, …] or, with an arity, [level, …] for each position. */
  readonly children: readonly (readonly string[])[];
  /** int32 [children]; absent with an arity. */
  readonly parents: string | undefined;
}

/**
 * Writes what a level reads. Nothing in it is as long as the forest. `rows` are the shapes of the states at one node.
 */
export function writeLevel(
  writer: LevelWriter,
  { nodes, edges, from, to, states, sequences }: LevelInputs,
  rows: readonly (readonly number[])[],
  arity: number | undefined,
): Level {
  const add: LevelWriter["add"] = (...given) => writer.add(...given);
  const ints: LevelWriter["ints"] = (values) => writer.ints(values);
  const int32s = (...values: number[]): string =>
    writer.store("indexes", { type: "int32", dims: [values.length], data: Int32Array.from(values) });
  const scalar = (value: number): string =>
    writer.store("scalar", { type: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) });
  const long = (name: string): string => add("Cast", [name], { to: elementTypes.int64 });
  const entry = (pair: string, at: number): string => add("Gather", [pair, ints([at])], { axis: 0 });
  const between = (rows: string, start: string, end: string): string => add("Slice", [rows, start, end, int32s(0)]);
  /** Row and step, turned into step and row. */
  const placesOf = (pairs: string): string => long(add("Gather", [pairs, ints([1, 0])], { axis: 1 }));

  const [start, firstEdge, end, lastEdge] = [entry(from, 0), entry(from, 1), entry(to, 0), entry(to, 1)];
  const size = long(add("Sub", [end, start]));
  const edgeCount = long(add("Sub", [lastEdge, firstEdge]));
  const places = placesOf(between(nodes, start, end));
  const here = between(edges, firstEdge, lastEdge);
  const below = placesOf(add("Gather", [nodes, add("Gather", [here, scalar(0)], { axis: 1 })], { axis: 0 }));
  const slices = sequences.map((x) => add("GatherND", [x, places]));
  const ofEdges = states.map((state) => add("GatherND", [state, below]));
  if (arity === undefined) {
    const parents = add("Sub", [add("Gather", [here, scalar(1)], { axis: 1 }), start]);
    return { places, size, edgeCount, slices, children: ofEdges.map((state) => [state]), parents };
  }
  // Parent and position of each child; zeros stand where a node has no child.
  const offset = add("Concat", [start, int32s(0)], { axis: 0 });
  const at = long(add("Sub", [add("Gather", [here, ints([1, 2])], { axis: 1 }), offset]));
  const zero = writer.store("scalar", { type: "float32", dims: [], data: Float32Array.of(0) });
  const children = ofEdges.map((state, s) => {
    const shape = add("Concat", [size, ints([arity, ...(rows[s] as readonly number[])])], { axis: 0 });
    const dense = add("ScatterND", [add("Expand", [zero, shape]), at, state]);
    return Array.from({ length: arity }, (_, k) => add("Gather", [dense, scalar(k)], { axis: 1 }));
  });
  return { places, size, edgeCount, slices, children, parents: undefined };
}

/** Writes what the level leaves for those above: its states in their places, and where the next level begins. */
export function writeResults(
  writer: Pick<LevelWriter, "add">,
  { states, to }: Pick<LevelInputs, "states" | "to">,
  { places }: Pick<Level, "places">,
  results: readonly string[],
): string[] {
  const written = states.map((state, s) => writer.add("ScatterND", [state, places, results[s] as string]));
  return [...written, writer.add("Identity", [to])];
}
