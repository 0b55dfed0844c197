/** Builds an ONNX model from a graph and its weights: versions, names of inputs and outputs, element types of weights and ids, and validation. */
import {
  ConfigError,
  type Graph,
  OptionReader,
  simplify,
  type Tensors,
  UnsupportedOpError,
  type Value,
  type ValueType,
} from "@ostinato/core";
import { canonical, shared } from "./emit/canonical.ts";
import { valueInfo, type Written, writeGraph } from "./emit/graph.ts";
import { opExports } from "./emit/table.ts";
import { withScans } from "./emit/withScans.ts";
import type { Message, OnnxModel } from "./file/schema.ts";
import { encodeOnnx } from "./file/wire.ts";
import { changedNodes } from "./types/nodes.ts";
import { type TokenType, tokenTypes, withInt64Tokens } from "./types/tokens.ts";
import { type WeightType, weightTypes, withWeightType } from "./types/weights.ts";

/** The operator sets that can be written, each with the IR version of the ONNX release that brought it. */
const irVersions: Readonly<Record<number, number>> = { 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10 };

/** The newest IR version that onnxruntime 1.30 reads. */
const newestIr = 13;

/** The settings of an export, and its metadata. */
export interface OnnxOptions {
  /** The operator set, 17 to 22. Default 17, which runtimes have since 2022. */
  readonly opset?: number;
  /** The version of the file format; default and least: that of the ONNX release with the operator set (8 for 17). */
  readonly irVersion?: number;
  /** The name of the graph; default `"model"`. */
  readonly name?: string;
  /** Free text that viewers show. */
  readonly documentation?: string;
  /**
   * The element type of weight matrices; default `"float32"`. `"float16"` halves the size, with an error of at most 1/2048 of each weight (for numbers below
   * 2^-14, at most 2^-25). `"int8"` takes about a quarter of the size: integers with one scale per row or per column, whichever has the smaller error; the error of a weight is at most
   * 1/254 of the largest one in its row or column. All computation is in float32. Vectors, such as biases, and matrices with fewer than 256 elements remain float32.
   */
  readonly weights?: WeightType;
  /** Facts to travel with the model, readable from every runtime: labels, the vocabulary as JSON. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const names = Object.keys({
  opset: true,
  irVersion: true,
  name: true,
  documentation: true,
  weights: true,
  metadata: true,
} satisfies Record<keyof OnnxOptions, true>);

/** Options for exporting models that read token ids. */
export interface TokenOptions {
  /**
   * The element type of id inputs; default `"int32"`. Tokenizers of other libraries return int64. Lengths remain int32, because ONNX's recurrences require it. Ids
   * outside 32 bits are truncated before the lookup, so check ids before you pass them.
   */
  readonly tokenType?: TokenType;
}

/** @throws ConfigError if `options` is not an object, for options that are neither in `OnnxOptions` nor in `others`, and for unknown types */
export function expectOptions(owner: string, options: unknown, others: readonly string[] = []): void {
  const reader = new OptionReader(owner, options, [...others, ...names]);
  reader.oneOf("weights", weightTypes, "float32");
  reader.oneOf("tokenType", tokenTypes, "int32");
  const { metadata = {} } = options as OnnxOptions;
  const isTexts = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata);
  if (!isTexts || Object.values(metadata).some((fact) => typeof fact !== "string"))
    throw new ConfigError(`${owner}: metadata must be strings by name, such as { labels: JSON.stringify(labels) }`);
}

function versions({ opset = 17, irVersion }: OnnxOptions): { opset: number; irVersion: number } {
  const least = typeof opset === "number" ? irVersions[opset] : undefined;
  if (least === undefined) {
    throw new ConfigError(`opset must be one of ${Object.keys(irVersions).join(", ")}, got ${JSON.stringify(opset)}`);
  }
  const ir = irVersion ?? least;
  if (!Number.isInteger(ir) || ir < least || ir > newestIr) {
    throw new ConfigError(`irVersion must be ${least} to ${newestIr} for opset ${opset}, got ${irVersion}`);
  }
  return { opset, irVersion: ir };
}

/** Protocol Buffers hold less than 2 GiB, and every reader refuses more. */
const MOST_BYTES = 2 ** 31 - 1;

/** The approximate size relative to float32. */
const shareOf: Readonly<Record<WeightType, number>> = { float32: 1, float16: 1 / 2, int8: 1 / 4 };

/** @throws UnsupportedOpError for weights that no ONNX file holds */
function checkSize(state: Tensors, weights: WeightType): void {
  const bytes = Object.values(state).reduce((sum, { data }) => sum + data.byteLength * shareOf[weights], 0);
  if (bytes <= MOST_BYTES) return;
  const [name] = Object.entries(state).reduce((a, b) => (b[1].data.byteLength > a[1].data.byteLength ? b : a));
  throw new UnsupportedOpError(
    `the weights take ${Math.ceil(bytes / 2 ** 20)} MB, but an ONNX file must be smaller than 2,048 MB. The largest weight is "${name}"${weights === "int8" ? "" : '; weights: "int8" reduces the size to a quarter'}`,
  );
}

function checkNames(graph: Graph, feeds: readonly string[]): void {
  const shared = Object.keys(graph.fetches).find((name) => feeds.includes(name));
  if (shared !== undefined) {
    throw new ConfigError(`"${shared}" names an input and an output; ONNX needs two names: rename one of them`);
  }
  if (graph.updates.length > 0) {
    const names = graph.updates.map((update) => update.name).join(", ");
    throw new ConfigError(
      `the graph updates its state (${names}); an ONNX model keeps none: export the inference graph`,
    );
  }
}

/** The nodes with the model's outputs under their own names; what is no node's result, or is read twice, is passed through. */
function nodesWithOutputs(written: Written, fetches: readonly string[]): Message<"Node">[] {
  const made = new Set(written.nodes.flatMap((node) => node.outputs ?? []));
  const names = new Map<string, string>();
  const passed: Message<"Node">[] = [];
  fetches.forEach((fetch, i) => {
    const name = written.names[i] as string;
    if (made.delete(name)) names.set(name, fetch);
    else passed.push({ inputs: [name], outputs: [fetch], name: fetch, op: "Identity" });
  });
  const rename = (name: string): string => names.get(name) ?? name;
  return changedNodes([...written.nodes, ...passed], (node) => [
    {
      ...node,
      inputs: (node.inputs ?? []).map(rename),
      outputs: (node.outputs ?? []).map(rename),
      name: rename(node.name ?? ""),
    },
  ]);
}

/** The inputs of a model: those in `order` first, then the others in the order of use. */
export interface Inputs {
  readonly order?: readonly string[];
  /** The inputs that contain token ids, if they are int32. */
  readonly tokens?: readonly string[];
}

/** The graph of a file before element types are applied. */
function graphMessage(graph: Graph, written: Written, name: string, order: readonly string[]): Message<"Graph"> {
  const fetches = Object.entries(graph.fetches);
  const place = (name: string): number => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  const feeds = written.feeds.map((feed) => feed.attrs).sort((a, b) => place(a.name) - place(b.name));
  return {
    name,
    nodes: nodesWithOutputs(
      written,
      fetches.map(([name]) => name),
    ),
    initializers: written.initializers,
    inputs: feeds.map((feed) => valueInfo(feed.name, feed)),
    outputs: fetches.map(([name, value]: [string, Value]) => valueInfo(name, value.type as ValueType)),
  };
}

/** The model as plain data. */
export function onnxModel(
  graph: Graph,
  state: Tensors,
  options: OnnxOptions & TokenOptions,
  { order = [], tokens = [] }: Inputs = {},
): OnnxModel {
  const { opset, irVersion } = versions(options);
  const { weights = "float32", tokenType = "int32" } = options;
  checkSize(state, weights);
  const simple = simplify(canonical(withScans(graph)), shared());
  const written = writeGraph(simple, state, opExports, opset);
  checkNames(
    graph,
    written.feeds.map((feed) => feed.attrs.name),
  );
  const plain = graphMessage(simple, written, options.name ?? "model", order);
  const stored = weights === "float32" ? plain : withWeightType(plain, written.matrices, weights);
  return {
    irVersion,
    producerName: "ostinato",
    ...(options.documentation === undefined ? {} : { documentation: options.documentation }),
    opsets: [{ domain: "", version: opset }],
    metadata: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: tokenType === "int32" ? stored : withInt64Tokens(stored, tokens),
  };
}

/** Options of `graphToOnnx`. */
export interface GraphExportOptions extends OnnxOptions {
  /** The order of the inputs. Default: the order in which the graph reads them. Inputs that are not listed follow in that order. */
  readonly inputs?: readonly string[];
}

/**
 * The `.onnx` file of a graph: its feeds are the inputs, its fetches the outputs, and `state` holds the data of its states by name.
 * Named sizes stay open: the file runs for any batch and any time.
 *
 * Throws `UnsupportedOpError` for ops that have no form in ONNX (those of training) and for weights above 2 GiB, `ConfigError` for options and names that cannot
 * work, `ShapeError` for weights that do not fit.
 */
export function graphToOnnx(graph: Graph, state: Tensors, options: GraphExportOptions = {}): Uint8Array {
  expectOptions("graphToOnnx", options, ["inputs"]);
  const { inputs = [], ...others } = options;
  return encodeOnnx(onnxModel(graph, state, others, { order: inputs }));
}
