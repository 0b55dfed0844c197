/** Reads ONNX's own node tests: one node, its attributes, and the tensors that go in and come out. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { float64, int32, type Tensor } from "@ostinato/core";

/** A node of a model with the tensors of its test, by the names that ONNX gives to inputs and outputs. */
export interface NodeTest {
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | string>>;
  /** In the order of the operator; absent ones have the name "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly tensors: Readonly<Record<string, Tensor>>;
}

type Fields = Readonly<Record<number, (reader: BinaryReader, wire: WireType) => void>>;

/** Reads one message: the fields it is asked for, by number; the others are skipped. */
function readMessage(bytes: Uint8Array, fields: Fields): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const field = fields[number];
    if (field) field(reader, wire);
    else reader.skip(wire, number);
  }
}

/** TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9. */
function readTensor(bytes: Uint8Array): { name: string; tensor: Tensor } {
  const shape: number[] = [];
  let type = 0;
  let name = "";
  let raw = new Uint8Array();
  readMessage(bytes, {
    1: (reader, wire) => {
      const end = wire === WireType.LengthDelimited ? reader.uint32() + reader.pos : reader.pos + 1;
      while (reader.pos < end) shape.push(Number(reader.int64()));
    },
    2: (reader) => {
      type = reader.int32();
    },
    8: (reader) => {
      name = reader.string();
    },
    9: (reader) => {
      raw = new Uint8Array(reader.bytes());
    },
  });
  const numbers = { 1: Float32Array, 6: Int32Array }[type];
  if (numbers === undefined) throw new Error(`tensor "${name}" has data type ${type}; these tests use float and int32`);
  const data = new numbers(raw.buffer);
  return { name, tensor: type === 6 ? int32(shape, data) : float64(shape, data) };
}

/** ModelProto: graph 7. GraphProto: node 1. NodeProto: input 1, output 2, op_type 4, attribute 5. AttributeProto: name 1, f 2, i 3, s 4. */
function readNode(bytes: Uint8Array): Omit<NodeTest, "tensors"> {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Record<string, number | string> = {};
  let op = "";
  const readAttribute = (attribute: Uint8Array): void => {
    let name = "";
    let value: number | string = 0;
    readMessage(attribute, {
      1: (reader) => {
        name = reader.string();
      },
      2: (reader) => {
        value = reader.float();
      },
      3: (reader) => {
        value = Number(reader.int64());
      },
      4: (reader) => {
        value = reader.string();
      },
    });
    attributes[name] = value;
  };
  const node: Fields = {
    1: (reader) => inputs.push(reader.string()),
    2: (reader) => outputs.push(reader.string()),
    4: (reader) => {
      op = reader.string();
    },
    5: (reader) => readAttribute(reader.bytes()),
  };
  const graph: Fields = { 1: (reader) => readMessage(reader.bytes(), node) };
  readMessage(bytes, { 7: (reader) => readMessage(reader.bytes(), graph) });
  return { op, attributes, inputs, outputs };
}

/** One folder of `onnx/backend/test/data/node`. */
export function readNodeTest(folder: string): NodeTest {
  const node = readNode(readFileSync(join(folder, "model.onnx")));
  const data = join(folder, "test_data_set_0");
  const tensors = readdirSync(data).map((file) => {
    const { name, tensor } = readTensor(readFileSync(join(data, file)));
    return [name, tensor] as const;
  });
  return { ...node, tensors: Object.fromEntries(tensors) };
}
