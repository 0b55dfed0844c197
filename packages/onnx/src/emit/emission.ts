/** What an emitter is given and what it gives: the contract between the table of ops and the graph that is being written. */
import type { AnyNode, Node, OpName, Shape, Tensor, Value, ValueType } from "@ostinato/core";
import type { ElementType, Message } from "../file/schema.ts";

/** An integer, integers, strings, a float, floats, or the graph of a body. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly graph: Message<"Graph"> };

/** The attributes of an ONNX node; those that are `undefined` are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** Data to be stored in the file. */
export interface Stored {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
  /** Whether this is a weight matrix, which may be stored in fewer bits. */
  readonly matrices?: boolean;
}

/** Data that is known when the graph is written: a weight or a constant. */
export interface Known {
  readonly kind: "weight" | "constant";
  readonly name: string;
  readonly tensor: Tensor;
}

/** One of `size` entries along an axis of a larger value, without that axis. It is written once it is named, as a `Gather`. */
export interface Part {
  readonly whole: string;
  readonly axis: number;
  readonly index: number;
  readonly size: number;
}

/** Whether a weight is a matrix, not a vector such as a bias. */
export const isMatrix = ({ kind, tensor }: Known): boolean => kind === "weight" && tensor.shape.length >= 2;

/** The name of an output, or where it stands in a larger one. */
export type Output = string | Part;

/** The names of the outer values that a graph reads. */
export type OuterNames = ReadonlyMap<AnyNode, () => string>;

/** Adds nodes to a graph, and data to the file. Names are those of ONNX values. */
export interface Writer {
  /** Stores data under `name`, or a name made from it; equal data of the same name and dims is stored once. */
  store(name: string, stored: Stored): string;
  /** An int64 vector. */
  ints(values: readonly (number | bigint)[]): string;
  /** Adds a node with one output and returns its name. */
  add(op: string, inputs: readonly string[], attributes?: Attributes): string;
  /** Adds a node with several outputs; those that are not wanted have the empty name. */
  addMany(op: string, inputs: readonly string[], attributes: Attributes, wanted: readonly boolean[]): string[];
}

/** One graph, or the body of one, while values are written to it. */
export interface Emission extends Writer {
  readonly opset: number;
  /** The name of a value, of the whole shape that its type says. */
  name(value: Value): string;
  /** Where a value stands in a larger one; `undefined` for one that has a name. */
  part(value: Value): Part | undefined;
  /** Whether anything reads this output. */
  reads(node: Node, output: number): boolean;
  /** The data of a weight or a constant; `undefined` for everything that is computed. */
  known(value: Value): Known | undefined;
  /** The actual shape, an int64 vector. */
  shape(shape: Shape): string;
  /** A body as a graph: the types of what it is given and gives, and what writes it and returns the names of its results. */
  body(
    inputs: readonly ValueType[],
    outputs: readonly ValueType[],
    write: (inside: Inside) => readonly string[],
  ): Message<"Graph">;
}

/** The graph of a body while it is being written. */
export interface Inside extends Writer {
  /** The names of its inputs. */
  readonly inputs: readonly string[];
  /** Writes values and returns their names. `outer` names what they are made of, when it is read; `sizes` the int64 vectors of sizes that only this graph knows. */
  compute(results: readonly Value[], outer: OuterNames, sizes?: ReadonlyMap<string, string>): string[];
}

/** Writes a node and returns its outputs; those that nothing reads may be missing. */
export type Emitter<O extends OpName> = (node: Node<O>, emission: Emission) => readonly Output[];

/** An op of which two nodes can be one in ONNX. */
export interface JointExport<O extends OpName> {
  /** Whether these two, in this order, can be one where neither needs the other. */
  readonly joins: (first: Node<O>, second: Node<O>) => boolean;
  /** Writes one node, or two as one, and returns the outputs of each. */
  readonly together: (nodes: readonly Node<O>[], emission: Emission) => readonly (readonly Output[])[];
}

/** An emitter; one that writes nothing until the value is named; one for two nodes at once; or why the op has no form in ONNX. */
export type OpExport<O extends OpName> =
  | Emitter<O>
  | { readonly whenNamed: Emitter<O> }
  | JointExport<O>
  | { readonly rejected: string };

/** The form of every op. */
export type OpExports = { readonly [O in OpName]: OpExport<O> };
