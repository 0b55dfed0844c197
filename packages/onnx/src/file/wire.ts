/** Protobuf bytes to messages and back, by the table of fields in `schema.ts`. */

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { bytesFrom, ModelFileError } from "@ostinato/core";
import { type Message, messages, type OnnxModel } from "./schema.ts";

type MessageName = keyof typeof messages;
type Field = readonly [number: number, kind: string, count?: "many"];
type Content = number | string | Uint8Array | AnyMessage;
interface AnyMessage {
  readonly [field: string]: Content | readonly Content[] | undefined;
}

/** ONNX files are one protobuf message, whose length is a signed 32-bit number. */
const byteLimit = 2 ** 31 - 1;

/** A body may hold a node with a body, and so on; the format's own readers stop at 100 too. */
const depthLimit = 100;

const isMessage = (kind: string): kind is MessageName => kind in messages;
const fieldsOf = (name: MessageName): [string, Field][] => Object.entries(messages[name]);

function write(writer: BinaryWriter, name: MessageName, message: AnyMessage): void {
  for (const [key, [number, kind]] of fieldsOf(name)) {
    const content = message[key];
    if (content === undefined) continue;
    for (const item of Array.isArray(content) ? content : [content]) writeField(writer, number, kind, item);
  }
}

function writeField(writer: BinaryWriter, number: number, kind: string, content: Content): void {
  if (isMessage(kind)) {
    writer.tag(number, WireType.LengthDelimited).fork();
    write(writer, kind, content as AnyMessage);
    writer.join();
  } else if (kind === "int") writer.tag(number, WireType.Varint).int64(content as number);
  else if (kind === "float") writer.tag(number, WireType.Bit32).float(content as number);
  else if (kind === "double") writer.tag(number, WireType.Bit64).double(content as number);
  else if (kind === "bytes") writer.tag(number, WireType.LengthDelimited).bytes(content as Uint8Array);
  else writer.tag(number, WireType.LengthDelimited).string(content as string);
}

function rawBytes(graph: Message<"Graph"> | undefined): number {
  let bytes = 0;
  for (const { rawData } of graph?.initializers ?? []) bytes += rawData?.byteLength ?? 0;
  return bytes;
}

/** The bytes of an `.onnx` file. Throws `ModelFileError` where they would not fit the format's 2 GiB. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const tooLarge = (bytes: number): ModelFileError =>
    new ModelFileError(`the weights need ${bytes} bytes, and an ONNX file holds at most ${byteLimit}`);
  if (rawBytes(model.graph) > byteLimit) throw tooLarge(rawBytes(model.graph));
  const writer = new BinaryWriter();
  write(writer, "Model", model);
  const bytes = writer.finish();
  if (bytes.byteLength > byteLimit) throw tooLarge(bytes.byteLength);
  return bytes;
}

const wireTypes: Readonly<Record<string, WireType>> = {
  int: WireType.Varint,
  float: WireType.Bit32,
  double: WireType.Bit64,
};

function readScalar(reader: BinaryReader, kind: string): Content {
  if (kind === "int") return Number(reader.int64());
  if (kind === "float") return reader.float();
  if (kind === "double") return reader.double();
  return kind === "bytes" ? reader.bytes() : reader.string();
}

function read(bytes: Uint8Array, name: MessageName, depth: number): AnyMessage {
  if (depth > depthLimit) throw new RangeError(`messages nest deeper than ${depthLimit}`);
  const byNumber = new Map(fieldsOf(name).map(([key, field]) => [field[0], { key, field }]));
  const message: Record<string, Content | Content[]> = {};
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const known = byNumber.get(number);
    if (known === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const { key, field } = known;
    const [, kind, count] = field;
    const contents: Content[] = [];
    const own = wireTypes[kind] ?? WireType.LengthDelimited;
    if (wireType === own) {
      contents.push(isMessage(kind) ? read(reader.bytes(), kind, depth + 1) : readScalar(reader, kind));
    } else if (count === "many" && wireType === WireType.LengthDelimited) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) contents.push(readScalar(packed, kind));
    } else {
      throw new RangeError(`field ${key} of ${name} has wire type ${wireType}`);
    }
    const list = message[key];
    if (count !== "many") message[key] = contents[0] as Content;
    else if (Array.isArray(list)) for (const content of contents) list.push(content);
    else message[key] = contents;
  }
  return message;
}

/**
 * The message in the bytes of an `.onnx` file. Fields that this package does not use are skipped; raw data is a view of the bytes.
 *
 * @throws ModelFileError for anything that is not an ONNX model
 */
export function decodeOnnx(file: Uint8Array | ArrayBuffer): OnnxModel {
  const bytes = bytesFrom(file);
  let model: OnnxModel;
  try {
    model = read(bytes, "Model", 0);
  } catch (error) {
    throw new ModelFileError(`these ${bytes.byteLength} bytes are not an ONNX model: ${String(error)}`, {
      cause: error,
    });
  }
  if (model.graph === undefined || model.irVersion === undefined) {
    throw new ModelFileError(`these ${bytes.byteLength} bytes are not an ONNX model: they hold no graph`);
  }
  return model;
}
