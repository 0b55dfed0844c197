/** Small ONNX files, written node by node in the style of other libraries. */
import type { AttributeValue } from "../../src/emit/emission.ts";
import { attributeMessages } from "../../src/emit/storage.ts";
import { attributeTypes, type Message } from "../../src/file/schema.ts";
import { encodeOnnx } from "../../src/file/wire.ts";

const names = (text: string): string[] => text.split(" ").map((name) => (name === "_" ? "" : name));

/** A node: its operator, and the names of inputs and outputs, separated by spaces; "_" omits one. */
export function node(
  op: string,
  inputs: string,
  outputs: string,
  attributes: Readonly<Record<string, AttributeValue | undefined>> = {},
  tensors: Readonly<Record<string, Message<"Tensor">>> = {},
): Message<"Node"> {
  const ofTensors = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor, type: attributeTypes.tensor }));
  return {
    op,
    inputs: names(inputs),
    outputs: names(outputs),
    name: "",
    attributes: [...attributeMessages(attributes), ...ofTensors],
  };
}

/** Element types by ONNX number. */
export const float = 1;
export const int32 = 6;
export const int64 = 7;

/** An input with its shape; `undefined` is a size without a name. Without a shape, any shape is allowed. */
export const input = (
  name: string,
  elementType: number,
  dims?: readonly (number | string | undefined)[],
): Message<"ValueInfo"> => {
  const sizes = dims?.map((dim) => (dim === undefined ? {} : typeof dim === "number" ? { size: dim } : { name: dim }));
  return { name, type: { tensor: { elementType, ...(sizes && { shape: { dims: sizes } }) } } };
};

/** A vector of integers. */
export const ints = (name: string, ...data: readonly number[]): Message<"Tensor"> => ({
  name,
  dataType: int64,
  dims: [data.length],
  int64s: data,
});

/** Floats of any shape. */
export const floats = (name: string, dims: readonly number[], data: readonly number[]): Message<"Tensor"> => ({
  name,
  dataType: float,
  dims,
  floats: data,
});

/** The contents of a file. */
export type Parts = Pick<Message<"Graph">, "inputs" | "nodes" | "initializers"> & {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly outputs?: readonly (readonly [name: string, elementType: number])[];
};

/** The file of a graph, whose default output is "y". */
export const file = ({ opset = 17, irVersion = 8, outputs = [["y", float]], ...graph }: Parts): Uint8Array =>
  encodeOnnx({
    irVersion,
    opsets: [{ version: opset }],
    graph: {
      name: "g",
      outputs: outputs.map(([name, elementType]) => ({ name, type: { tensor: { elementType } } })),
      ...graph,
    },
  });
