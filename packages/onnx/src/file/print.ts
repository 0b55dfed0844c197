/** A readable text form of an ONNX model, for people and snapshots. */
import { tensorOver } from "@ostinato/core";
import { elementTypeOf, type Message, type OnnxModel } from "./schema.ts";
import { decodeOnnx } from "./wire.ts";

/** Constants up to this many elements are shown with their values. */
const shownElements = 8;

declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

function showDims(dims: readonly (string | number | undefined)[]): string {
  return `[${dims.map((dim) => dim ?? "?").join(", ")}]`;
}

function showInfo({ name, type }: Message<"ValueInfo">): string {
  const dims = (type?.tensor?.shape?.dims ?? []).map((dim) => dim.name ?? dim.size);
  return `${name}: ${elementTypeOf(type?.tensor?.elementType) ?? "unknown"}${showDims(dims)}`;
}

function elements(tensor: Message<"Tensor">): readonly (number | bigint | boolean)[] {
  const raw = Uint8Array.from(tensor.rawData ?? []);
  switch (elementTypeOf(tensor.dataType)) {
    case "float32":
      return [...new Float32Array(raw.buffer)];
    case "float16":
      return [...tensorOver({ name: "", type: "F16", shape: [raw.length / 2] }, raw).data];
    case "int8":
      return [...new Int8Array(raw.buffer)];
    case "int32":
      return [...new Int32Array(raw.buffer)];
    case "int64":
      return [...new BigInt64Array(raw.buffer)];
    case "bool":
      return [...raw].map((byte) => byte !== 0);
    case undefined:
      return [];
  }
}

function showValues(tensor: Message<"Tensor">): string {
  const values = elements(tensor).join(", ");
  return (tensor.dims ?? []).length === 0 ? values : `[${values}]`;
}

const sizeOf = ({ dims = [] }: Message<"Tensor">): number => dims.reduce((a, b) => a * b, 1);

/** Scalars and lists of whole numbers stand in the nodes that read them; everything else is a line of its own. */
function isInline(tensor: Message<"Tensor">): boolean {
  const shapeLike = elementTypeOf(tensor.dataType) === "int64" || (tensor.dims ?? []).length === 0;
  return shapeLike && sizeOf(tensor) <= shownElements;
}

function showTensor(tensor: Message<"Tensor">): string {
  const type = `${elementTypeOf(tensor.dataType) ?? "unknown"}${showDims(tensor.dims ?? [])}`;
  return `${tensor.name}: ${type}${sizeOf(tensor) > shownElements ? "" : ` = ${showValues(tensor)}`}`;
}

/** A tensor without its name. */
function showTensorValue(tensor: Message<"Tensor">): string {
  return isInline(tensor) ? showValues(tensor) : showTensor({ ...tensor, name: "" }).slice(2);
}

type Show = (name: string) => string;

function showAttribute(attribute: Message<"Attribute">, show: Show): string[] {
  const { name, graph, tensor } = attribute;
  if (tensor) return [`${name}=${showTensorValue(tensor)}`];
  if (graph) return [`${name}={`, ...indent(showGraph(graph, show)), "}"];
  const many = attribute.ints ?? attribute.floats ?? attribute.strings?.map(text);
  const one = attribute.int ?? attribute.float ?? (attribute.string && text(attribute.string));
  return [`${name}=${many ? `[${many.join(", ")}]` : one}`];
}

function showNode(node: Message<"Node">, show: Show): string[] {
  const attributes = (node.attributes ?? []).map((attribute) => showAttribute(attribute, show));
  const short = attributes.filter((lines) => lines.length === 1).flat();
  const long = attributes.filter((lines) => lines.length > 1);
  const reads = [...(node.inputs ?? []).map(show), ...short].join(", ");
  const lines = [`${(node.outputs ?? []).map(show).join(", ")} = ${node.op}(${reads})`];
  for (const body of long) lines.push(...indent(body));
  return lines;
}

function showGraph(graph: Message<"Graph">, outer: Show): string[] {
  const tensors = graph.initializers ?? [];
  const inline = new Map(tensors.filter(isInline).map((tensor) => [tensor.name, showValues(tensor)]));
  const show: Show = (name) => inline.get(name) ?? outer(name);
  return [
    ...(graph.inputs ?? []).map((info) => `input ${showInfo(info)}`),
    ...tensors.filter((tensor) => !isInline(tensor)).map((tensor) => `weight ${showTensor(tensor)}`),
    ...(graph.nodes ?? []).flatMap((node) => showNode(node, show)),
    ...(graph.outputs ?? []).map((info) => `output ${showInfo(info)}`),
  ];
}

/**
 * The text form of an ONNX file or model: the versions, then one line for each input, weight, node and output. Small weights are shown
 * with their values, scalars and shapes in the nodes that read them, and the body of a `Scan` stands indented below its node.
 */
export function printOnnx(model: OnnxModel | Uint8Array): string {
  const { irVersion, opsets = [], producerName, graph = {} } = ArrayBuffer.isView(model) ? decodeOnnx(model) : model;
  const versions = opsets.map(({ domain, version }) => `opset ${domain ? `${domain} ` : ""}${version}`);
  const named: Show = (name) => (name === "" ? "_" : name);
  return [`onnx ir ${irVersion}, ${versions.join(", ")}, by ${producerName}`, ...showGraph(graph, named)].join("\n");
}
