/** From a graph and its weights to an ONNX model: versions, names of inputs and outputs, and the checks that come before any work. */
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
import { valueInfo, type Written, writeGraph } from "./emit/graph.ts";
import { opExports } from "./emit/table.ts";
import { withScans } from "./emit/withScans.ts";
import type { Message, OnnxModel } from "./file/schema.ts";
import { encodeOnnx } from "./file/wire.ts";

/** The operator sets that can be written, each with the IR version of the ONNX release that brought it. */
const irVersions: Readonly<Record<number, number>> = { 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10 };

/** The newest IR version that onnxruntime 1.30 reads. */
const newestIr = 13;

/** Versions of the format that an export is written in. */
export interface OnnxOptions {
  /** The operator set, 17 to 22. Default 17, which runtimes have since 2022. */
  readonly opset?: number;
  /** The version of the file format; default and least: that of the ONNX release with the operator set (8 for 17). */
  readonly irVersion?: number;
  /** The name of the graph; default `"model"`. */
  readonly name?: string;
  /** Free text that viewers show. */
  readonly documentation?: string;
  /** Facts to travel with the model, readable from every runtime: labels, the vocabulary as JSON. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const names = Object.keys({
  opset: true,
  irVersion: true,
  name: true,
  documentation: true,
  metadata: true,
} satisfies Record<keyof OnnxOptions, true>);

/** @throws ConfigError for what is no object of options, and for an option that is neither one of `OnnxOptions` nor one of the `others` */
export function expectOptions(owner: string, options: unknown, others: readonly string[] = []): void {
  new OptionReader(owner, options, [...others, ...names]);
}

function versions({ opset = 17, irVersion }: OnnxOptions): { opset: number; irVersion: number } {
  const least = irVersions[opset];
  if (least === undefined) {
    throw new ConfigError(`opset must be one of ${Object.keys(irVersions).join(", ")}, got ${opset}`);
  }
  const ir = irVersion ?? least;
  if (!Number.isInteger(ir) || ir < least || ir > newestIr) {
    throw new ConfigError(`irVersion must be ${least} to ${newestIr} for opset ${opset}, got ${irVersion}`);
  }
  return { opset, irVersion: ir };
}

/** Protocol Buffers hold less than 2 GiB, and every reader refuses more. */
const MOST_BYTES = 2 ** 31 - 1;

/** @throws UnsupportedOpError for weights that no ONNX file holds */
function checkSize(state: Tensors): void {
  const bytes = Object.values(state).reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes <= MOST_BYTES) return;
  const [name] = Object.entries(state).reduce((a, b) => (b[1].data.byteLength > a[1].data.byteLength ? b : a));
  throw new UnsupportedOpError(
    `the weights take ${Math.ceil(bytes / 2 ** 20)} MB; an ONNX file holds less than 2,048 MB. The largest are "${name}"`,
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

type Rename = (name: string) => string;

function renamed(node: Message<"Node">, rename: Rename): Message<"Node"> {
  const attributes = (node.attributes ?? []).map((attribute) =>
    attribute.graph
      ? {
          ...attribute,
          graph: { ...attribute.graph, nodes: (attribute.graph.nodes ?? []).map((inner) => renamed(inner, rename)) },
        }
      : attribute,
  );
  const outputs = (node.outputs ?? []).map(rename);
  return { ...node, attributes, inputs: (node.inputs ?? []).map(rename), outputs, name: rename(node.name ?? "") };
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
  const rename: Rename = (name) => names.get(name) ?? name;
  return [...written.nodes, ...passed].map((node) => renamed(node, rename));
}

/** The model as plain data; its inputs in the order of `order`, then as the graph reads them. */
export function onnxModel(
  graph: Graph,
  state: Tensors,
  options: OnnxOptions,
  order: readonly string[] = [],
): OnnxModel {
  const { opset, irVersion } = versions(options);
  checkSize(state);
  const simple = simplify(withScans(graph));
  const written = writeGraph(simple, state, opExports, opset);
  checkNames(
    graph,
    written.feeds.map((feed) => feed.attrs.name),
  );
  const fetches = Object.entries(simple.fetches);
  const place = (name: string): number => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  const feeds = written.feeds.map((feed) => feed.attrs).sort((a, b) => place(a.name) - place(b.name));
  return {
    irVersion,
    producerName: "ostinato",
    ...(options.documentation === undefined ? {} : { documentation: options.documentation }),
    opsets: [{ domain: "", version: opset }],
    metadata: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: options.name ?? "model",
      nodes: nodesWithOutputs(
        written,
        fetches.map(([name]) => name),
      ),
      initializers: written.initializers,
      inputs: feeds.map((feed) => valueInfo(feed.name, feed)),
      outputs: fetches.map(([name, value]: [string, Value]) => valueInfo(name, value.type as ValueType)),
    },
  };
}

/**
 * The `.onnx` file of a graph: its feeds are the inputs, its fetches the outputs, and `state` holds the data of its states by name.
 * Named sizes stay open: the file runs for any batch and any time.
 *
 * Throws `UnsupportedOpError` for ops that have no form in ONNX (those of training) and for weights above 2 GiB, `ConfigError` for options and names that cannot
 * work, `ShapeError` for weights that do not fit.
 */
export function graphToOnnx(graph: Graph, state: Tensors, options: OnnxOptions = {}): Uint8Array {
  expectOptions("graphToOnnx", options);
  return encodeOnnx(onnxModel(graph, state, options));
}
