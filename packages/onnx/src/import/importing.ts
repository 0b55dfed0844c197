/** The context of importers: values, known numbers, sizes, parameters, and the bodies of nodes. */
import {
  concat,
  constant,
  type Dim,
  type DType,
  expandDims,
  type Float32Tensor,
  iota,
  ModelFileError,
  reshape,
  size,
  sizeOf,
  state,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import { add, mul } from "@ostinato/core/graph";
import type { Message } from "../file/schema.ts";
import type { Dims } from "./dims.ts";
import { type Computed, type Host, type Imported, type NumberKind, type Stored, stackShape } from "./imported.ts";
import type { OnnxNode } from "./node.ts";
import { productOf, type Size, showSize, sizeOfDim } from "./sizes.ts";

/** Imports a node. Returns its outputs; unused outputs may be missing. */
export type Importer = (node: OnnxNode, importing: Importing) => readonly (Imported | undefined)[];

/** Importers by operator. */
export type Importers = Readonly<Record<string, Importer>>;

/** Converts an outer value for use in a body; `place` is its position in the file's order of computation. */
export type Enter = (outer: Imported, place: number) => Imported;

export interface Importing {
  /** The opset version of the default domain. */
  readonly opset: number;
  /** Converts to a value of our graph: data of the file becomes a parameter or a constant, a stack becomes one value. */
  value(imported: Imported): Value;
  /** The numbers, if they are known and few: from the file, or from shape arithmetic. */
  known(imported: Imported): Host | undefined;
  /** Whether it is a trainable initializer: floats with at least one axis. */
  isParameter(imported: Imported): boolean;
  /** The shape in ONNX. */
  shapeOf(imported: Imported): readonly Size[];
  /** A parameter with its data. An existing parameter with the same name, shape and data is reused. */
  parameter(name: string, tensor: Float32Tensor): Value;
  /** Makes two sizes equal and returns the result. Reading starts again if this is new. @throws ShapeError for different numbers */
  same(a: Dim | undefined, b: Dim | undefined): Dim;
  /** Makes a size fixed again, with its number in the file. Does nothing for sizes that are dynamic in the file. */
  close(dim: Dim): void;
  /** Notes that the node takes a single entry of a dynamic axis. */
  take(dim: Dim, entry: number): void;
  /** What a name means outside of the bodies of the node; `undefined` for an unknown one. */
  find(name: string): Imported | undefined;
  /** Imports a body and returns its outputs. It can read outer values, converted by `enter`. */
  body(graph: Message<"Graph">, inputs: readonly Imported[], enter?: Enter): Imported[];
}

/** The maximum number of elements for shape arithmetic. */
const MOST_KNOWN = 4096;

/** The maximum number of elements of a constant in a graph. Larger data becomes a parameter or is rejected. */
const MOST_CONSTANT = 2 ** 16;

/** @throws UnsupportedOpError for more elements than shape arithmetic needs */
export function expectFew(count: number): void {
  if (count > MOST_KNOWN)
    throw new UnsupportedOpError(`it would compute ${count} constant numbers; the limit is ${MOST_KNOWN}`);
}

const dtypes: { readonly [N in NumberKind]: DType } = { float: "float32", int: "int32", bool: "bool" };

/** The data type in our graph for numbers of a file. */
export const dtypeOf = (numbers: NumberKind): DType => dtypes[numbers];

/** A size as a scalar of the graph. */
function scalarOf(known: Size): Value {
  if (typeof known === "number") return constant(known, "int32");
  const terms = known.terms.map(({ factor, names }) => {
    const [first = constant(factor, "int32"), ...others] = names.map((name) => size(name));
    const product = others.reduce((a, b) => mul(a, b), first);
    return names.length > 0 && factor !== 1 ? mul(product, factor) : product;
  });
  return terms.reduce((a, b) => add(a, b));
}

/** @throws ModelFileError for an integer outside 32 bits */
function expectInt32(data: ArrayLike<number>, what: string): void {
  for (let i = 0; i < data.length; i++) {
    const number = data[i] as number;
    if ((number | 0) !== number) throw new ModelFileError(`${what} contains ${number}, which does not fit int32`);
  }
}

function hostValue({ numbers, shape, data }: Host): Value {
  if (data.every((entry) => typeof entry === "number")) {
    if (numbers === "int") expectInt32(data, "a constant");
    return constant(data, dtypeOf(numbers), shape);
  }
  const entries = data.map((entry) => reshape(scalarOf(entry), [1]));
  return reshape(concat(entries, 0), shape);
}

/** `constant`, `constant_1`, `zeros`: the names of constants in our own files. */
const ownConstant = /^(constant|zeros|range)(_\d+)?$/;

/** Whether a value of it would be a parameter: floats with at least one axis, unless they are few and constant in the file. */
function isParameter(imported: Imported): boolean {
  if (imported.kind !== "stored" || imported.numbers !== "float" || imported.shape.length === 0) return false;
  return (imported.trained && !ownConstant.test(imported.name)) || imported.data.length > MOST_CONSTANT;
}

/** Whether two tensors have the same shape and bits; 0 and -0 differ. */
const isSame = (a: Float32Tensor, b: Float32Tensor): boolean =>
  a.shape.join() === b.shape.join() && (a.data === b.data || a.data.every((number, i) => Object.is(number, b.data[i])));

/** Creates parameters and values during one attempt to read a file. */
export class Made {
  readonly state = new Map<string, Float32Tensor>();
  /** By the requested names. Different bodies may use the same name for different tensors. */
  readonly #parameters = new Map<string, { readonly tensor: Float32Tensor; readonly value: Value }[]>();
  readonly #values = new WeakMap<Imported, Value>();

  parameter(name: string, tensor: Float32Tensor): Value {
    const named = this.#parameters.get(name) ?? [];
    const known = named.find((one) => isSame(one.tensor, tensor));
    if (known !== undefined) return known.value;
    let unique = name;
    for (let count = Math.max(1, named.length); this.state.has(unique); count++) unique = `${name}_${count}`;
    const value = state(unique, "float32", tensor.shape);
    this.state.set(unique, tensor);
    named.push({ tensor, value });
    this.#parameters.set(name, named);
    return value;
  }

  value(imported: Imported): Value {
    const made = this.#values.get(imported) ?? this.#make(imported);
    this.#values.set(imported, made);
    return made;
  }

  #make(imported: Imported): Value {
    switch (imported.kind) {
      case "computed":
        return ungrouped(imported);
      case "host":
        return hostValue(imported);
      case "stack":
        return concat(
          imported.parts.map((part) => expandDims(part, imported.axis)),
          imported.axis,
        );
      case "stored":
        return this.#stored(imported);
    }
  }

  #stored(stored: Stored): Value {
    const { name, numbers, shape, data } = stored;
    if (isParameter(stored)) return this.parameter(name, { dtype: "float32", shape, data: data as Float32Array });
    if (data.length > MOST_CONSTANT)
      throw new UnsupportedOpError(
        `the constant "${name}" has ${data.length} whole numbers; at most ${MOST_CONSTANT} are read`,
      );
    if (numbers === "int") expectInt32(data, `the tensor "${name}"`);
    // This is how our own files mark step counts.
    if (/^range(_\d+)?$/.test(name) && shape.length === 1 && data.every((entry, i) => entry === i))
      return iota(data.length);
    return constant([...data], dtypeOf(numbers), shape);
  }
}

/** @throws UnsupportedOpError if an axis consists of several sizes */
function ungrouped({ value, groups }: Computed): Value {
  if (groups === undefined) return value;
  const joined = groupedSizes({ kind: "computed", value, groups }).filter(
    (entry) => typeof entry !== "number" && !isName(entry),
  );
  throw new UnsupportedOpError(
    `it reads an axis of ${joined.map(showSize).join(" and ")}; merged axes can only be split again, as by Reshape`,
  );
}

const isName = (entry: Size): boolean =>
  typeof entry !== "number" &&
  entry.terms.length === 1 &&
  entry.terms[0]?.factor === 1 &&
  entry.terms[0].names.length === 1;

/** The sizes of the ONNX axes. */
function groupedSizes({ value, groups }: Computed): Size[] {
  const { shape } = value.type;
  if (groups === undefined) return shape.map(sizeOfDim);
  let at = 0;
  return groups.map((count) => {
    const product = productOf(shape.slice(at, at + count));
    at += count;
    if (product === undefined) throw new UnsupportedOpError("it reads an axis that merges too many sizes");
    return product;
  });
}

/** The ONNX shape of a name's meaning. */
export function shapeOf(imported: Imported): readonly Size[] {
  if (imported.kind === "computed") return groupedSizes(imported);
  return imported.kind === "stack" ? stackShape(imported).map(sizeOfDim) : imported.shape;
}

/** The numbers, if they are from the file or from shape arithmetic, and few. */
function known(imported: Imported): Host | undefined {
  if (imported.kind === "host") return imported;
  if (imported.kind !== "stored" || sizeOf(imported.shape) > MOST_KNOWN) return undefined;
  return { kind: "host", numbers: imported.numbers, shape: imported.shape, data: [...imported.data] };
}

/** The context of one attempt, without its nodes. */
export function importingBase(
  made: Made,
  dims: Dims,
  opset: number,
  at: () => string,
): Omit<Importing, "body" | "find"> {
  return {
    opset,
    value: (imported) => made.value(imported),
    known,
    isParameter,
    shapeOf,
    parameter: (name, tensor) => made.parameter(name, tensor),
    same: (a, b) => dims.same(a, b, at()),
    close: (dim) => dims.close(dim, at()),
    take: (dim, entry) => {
      if (typeof dim === "string") dims.take(dim, entry, at());
    },
  };
}
