/** Restores float32 weights when a file is read; the inverse of `withWeightType`. */
import { sizeOf, tensorOver } from "@ostinato/core";
import { elementTypes, type Message, type OnnxModel } from "../file/schema.ts";
import { dequantized } from "./int8.ts";
import { changedNodes } from "./nodes.ts";

type Graph = Message<"Graph">;
type Node = Message<"Node">;
type Tensor = Message<"Tensor">;

const outputOf = ({ outputs = [] }: Node): string => outputs[0] ?? "";

const intOf = ({ attributes = [] }: Node, wanted: string): number | undefined =>
  attributes.find(({ name }) => name === wanted)?.int;

const widens = (node: Node | undefined): node is Node =>
  node?.op === "Cast" && intOf(node, "to") === elementTypes.float32;

const looksUp = (node: Node | undefined, table: string, ids?: string): boolean =>
  node?.op === "Gather" &&
  (intOf(node, "axis") ?? 0) === 0 &&
  node.inputs?.[0] === table &&
  (ids === undefined || node.inputs[1] === ids);

/** Indexes the nodes of a graph and its bodies by output and by input. */
function nodesIn({ nodes = [], outputs = [] }: Graph) {
  const makers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  const results = new Set(outputs.map(({ name }) => name));
  changedNodes(nodes, (node) => {
    for (const name of node.outputs ?? []) makers.set(name, node);
    for (const name of new Set(node.inputs)) {
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
    return [node];
  });
  const readersOf = (name: string): readonly Node[] => readers.get(name) ?? [];
  return {
    readersOf,
    maker: (name: string) => makers.get(name),
    /** The only node that reads a value. */
    reader: (name: string) => (readersOf(name).length === 1 && !results.has(name) ? readersOf(name)[0] : undefined),
    isResult: (name: string) => results.has(name),
  };
}

/** One use of a weight: the stored tensor, the final float32 value, and the nodes between them. */
interface Use {
  readonly from: string;
  readonly result: string;
  readonly gone: readonly Node[];
  readonly scales?: string;
}

/** The use of the weight by `reader`; undefined if it is neither a lookup nor a cast, or if there are other operations besides scaling. */
function useOf(name: string, reader: Node, scaled: boolean, nodes: ReturnType<typeof nodesIn>): Use | undefined {
  const rows = looksUp(reader, name);
  const from = rows ? outputOf(reader) : name;
  const cast = rows ? nodes.reader(from) : reader;
  if (!widens(cast)) return undefined;
  if (!scaled) return { from, result: outputOf(cast), gone: [cast] };
  const product = nodes.reader(outputOf(cast));
  if (product?.op !== "Mul") return undefined;
  const scales = product.inputs?.[1] ?? "";
  const gone = [cast, product];
  const found = nodes.maker(scales);
  if (found === undefined) return { from, result: outputOf(product), gone, scales };
  const table = found.inputs?.[0] ?? "";
  if (!rows || !looksUp(found, table, reader.inputs?.[1]) || nodes.reader(scales) !== product) return undefined;
  return { from, result: outputOf(product), gone: [...gone, found], scales: table };
}

const isMatrix = ({ dims = [], rawData }: Tensor): boolean =>
  dims.length >= 2 && rawData !== undefined && dims.every((size) => Number.isSafeInteger(size) && size > 0);

/** The float32 values of a weight; undefined if they cannot be determined. */
function numbersOf({ name = "", dims = [], dataType, rawData = new Uint8Array() }: Tensor, scales?: Tensor) {
  const raw = Uint8Array.from(rawData);
  const size = sizeOf(dims);
  if (dataType === elementTypes.float16)
    return raw.length === 2 * size ? tensorOver({ name, type: "F16", shape: dims }, raw).data : undefined;
  const scaleDims = scales?.dims ?? [];
  const ofScales = Uint8Array.from(scales?.rawData ?? []);
  const whole = raw.length === size && ofScales.length === 4 * sizeOf(scaleDims);
  if (!whole || scales?.dataType !== elementTypes.float32) return undefined;
  return dequantized(
    { numbers: new Int8Array(raw.buffer), scales: new Float32Array(ofScales.buffer), scaleDims },
    dims,
  );
}

/** The model with the weights that `withWeightType` converted restored to float32. Everything else is unchanged. */
export function withRestoredWeights({ graph = {}, ...model }: OnnxModel): OnnxModel {
  return { ...model, graph: restored(graph) };
}

function restored(graph: Graph): Graph {
  const narrow: readonly (number | undefined)[] = [elementTypes.float16, elementTypes.int8];
  const candidates = (graph.initializers ?? []).filter((each) => narrow.includes(each.dataType) && isMatrix(each));
  if (candidates.length === 0) return graph;
  const initializers = new Map((graph.initializers ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const widened = new Map<Tensor, Tensor>();
  const nodes = nodesIn(graph);
  const gone = new Set<string>();
  const names = new Map<string, string>();
  const unneeded = new Set<string>();
  for (const tensor of candidates) {
    const { name = "", dataType } = tensor;
    const uses = nodes.readersOf(name).map((reader) => useOf(name, reader, dataType === elementTypes.int8, nodes));
    const [first] = uses;
    const same = uses.every(
      (use) => use && use.scales === first?.scales && (use.from !== name || !nodes.isResult(use.result)),
    );
    const data = first && same ? numbersOf(tensor, initializers.get(first.scales ?? "")) : undefined;
    if (first === undefined || data === undefined) continue;
    for (const { from, result, gone: nodesGone } of uses as readonly Use[]) {
      for (const node of nodesGone) gone.add(outputOf(node));
      // The weight, or the lookup result, replaces the final value.
      if (from === name) names.set(result, name);
      else names.set(from, result);
    }
    if (first.scales !== undefined) unneeded.add(first.scales);
    const { buffer, byteOffset, byteLength } = data;
    const rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    widened.set(tensor, { ...tensor, dataType: elementTypes.float32, rawData });
  }
  const isRead = (scales: string): boolean => nodes.readersOf(scales).some((node) => !gone.has(outputOf(node)));
  const rename = (name: string): string => names.get(name) ?? name;
  return {
    ...graph,
    initializers: (graph.initializers ?? []).flatMap((tensor) => {
      const { name = "" } = tensor;
      return unneeded.has(name) && !isRead(name) ? [] : [widened.get(tensor) ?? tensor];
    }),
    nodes: changedNodes(graph.nodes ?? [], (node) => {
      if (gone.has(outputOf(node))) return [];
      const outputs = (node.outputs ?? []).map(rename);
      const name = node.name === outputOf(node) ? (outputs[0] ?? "") : node.name;
      return [{ ...node, inputs: (node.inputs ?? []).map(rename), outputs, ...(name === undefined ? {} : { name }) }];
    }),
  };
}
