/** The messages of an ONNX file that this package reads and writes: the number and kind of each field, and the types that follow from them. */

type Kind = "int" | "float" | "double" | "string" | "bytes" | MessageName;
type Field = readonly [number: number, kind: Kind] | readonly [number: number, kind: Kind, count: "many"];
type MessageName =
  | "Model"
  | "OperatorSet"
  | "Entry"
  | "Graph"
  | "Node"
  | "Attribute"
  | "Tensor"
  | "SparseTensor"
  | "Function"
  | "ValueInfo"
  | "Type"
  | "TensorType"
  | "Shape"
  | "Dimension";

export const messages = {
  Model: {
    irVersion: [1, "int"],
    producerName: [2, "string"],
    producerVersion: [3, "string"],
    documentation: [6, "string"],
    graph: [7, "Graph"],
    opsets: [8, "OperatorSet", "many"],
    metadata: [14, "Entry", "many"],
    functions: [25, "Function", "many"],
  },
  OperatorSet: { domain: [1, "string"], version: [2, "int"] },
  Entry: { key: [1, "string"], value: [2, "string"] },
  Graph: {
    nodes: [1, "Node", "many"],
    name: [2, "string"],
    initializers: [5, "Tensor", "many"],
    inputs: [11, "ValueInfo", "many"],
    outputs: [12, "ValueInfo", "many"],
    sparseInitializers: [15, "SparseTensor", "many"],
  },
  Node: {
    inputs: [1, "string", "many"],
    outputs: [2, "string", "many"],
    name: [3, "string"],
    op: [4, "string"],
    attributes: [5, "Attribute", "many"],
    domain: [7, "string"],
  },
  Attribute: {
    name: [1, "string"],
    float: [2, "float"],
    int: [3, "int"],
    string: [4, "bytes"],
    tensor: [5, "Tensor"],
    graph: [6, "Graph"],
    floats: [7, "float", "many"],
    ints: [8, "int", "many"],
    strings: [9, "bytes", "many"],
    tensors: [10, "Tensor", "many"],
    graphs: [11, "Graph", "many"],
    type: [20, "int"],
    reference: [21, "string"],
    sparseTensor: [22, "SparseTensor"],
  },
  Tensor: {
    dims: [1, "int", "many"],
    dataType: [2, "int"],
    floats: [4, "float", "many"],
    int32s: [5, "int", "many"],
    int64s: [7, "int", "many"],
    name: [8, "string"],
    rawData: [9, "bytes"],
    doubles: [10, "double", "many"],
    uint64s: [11, "int", "many"],
    external: [13, "Entry", "many"],
    location: [14, "int"],
  },
  SparseTensor: { values: [1, "Tensor"], indices: [2, "Tensor"] },
  Function: { name: [1, "string"], nodes: [7, "Node", "many"], domain: [10, "string"] },
  ValueInfo: { name: [1, "string"], type: [2, "Type"] },
  Type: { tensor: [1, "TensorType"] },
  TensorType: { elementType: [1, "int"], shape: [2, "Shape"] },
  Shape: { dims: [1, "Dimension", "many"] },
  Dimension: { size: [1, "int"], name: [2, "string"] },
} as const satisfies Record<MessageName, Record<string, Field>>;

type Schema = typeof messages;

type Content<K> = K extends "int" | "float" | "double"
  ? number
  : K extends "string"
    ? string
    : K extends "bytes"
      ? Uint8Array
      : K extends MessageName
        ? Message<K>
        : never;

type FieldContent<F> = F extends readonly [number, infer K, "many"]
  ? readonly Content<K>[]
  : F extends readonly [number, infer K]
    ? Content<K>
    : never;

/** A message as plain data; fields that are absent keep their default, and lists are then empty. */
export type Message<M extends MessageName> = { readonly [F in keyof Schema[M]]?: FieldContent<Schema[M][F]> };

/** A whole ONNX file. */
export type OnnxModel = Message<"Model">;

/** How `Attribute.type` says which of its fields holds the value. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** The element types of tensors in models of this library; only weights are int8 or float16. */
export const elementTypes = { float32: 1, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

export type ElementType = keyof typeof elementTypes;

/** The name of an element type by its number, `undefined` for those that are not in the list. */
export function elementTypeOf(number: number | undefined): ElementType | undefined {
  return (Object.keys(elementTypes) as ElementType[]).find((name) => elementTypes[name] === number);
}
