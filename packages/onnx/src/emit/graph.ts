/** A graph written as ONNX nodes: every node by its entry in the table, bodies as graphs within. */
import {
  type AnyNode,
  bodyOf,
  type Dim,
  type Graph,
  type Node,
  nodesOf,
  type OpName,
  ShapeError,
  sizeOf,
  type Tensors,
  UnsupportedOpError,
  type Value,
  type ValueType,
} from "@ostinato/core";
import { elementTypes, type Message } from "../file/schema.ts";
import type {
  Attributes,
  Emission,
  Inside,
  Known,
  OpExport,
  OpExports,
  OuterNames,
  Output,
  Writer,
} from "./emission.ts";
import { pairsOf } from "./pairs.ts";
import { attributeMessages, storage, uniqueNames } from "./storage.ts";

/** Everything below `roots`, the bodies included. */
function allNodes(roots: readonly Value[]): AnyNode[] {
  return nodesOf(roots).flatMap((node) => [node, ...allNodes(bodyOf(node)?.results ?? [])]);
}

/** Throws where an op has no form in ONNX, naming all of them at once. */
function expectExportable(roots: readonly Value[], table: OpExports): void {
  const reasons = new Set<string>();
  for (const { op } of allNodes(roots)) {
    const entry = table[op];
    if (typeof entry === "object" && "rejected" in entry) reasons.add(`${op} (${entry.rejected})`);
  }
  if (reasons.size === 0) return;
  throw new UnsupportedOpError(`no ONNX form: ${[...reasons].join(", ")}; export the inference graph of the model`);
}

/** Which outputs of which nodes are read by `roots` and what is below them. */
function readOutputs(roots: readonly Value[]): (node: Node, output: number) => boolean {
  const read = new Map<unknown, Set<number>>();
  for (const { node, output } of [...roots, ...nodesOf(roots).flatMap((node) => node.inputs)]) {
    read.set(node, (read.get(node) ?? new Set()).add(output));
  }
  return (node, output) => read.get(node)?.has(output) ?? false;
}

/** The name, element type and shape of an input or output, with named sizes as they are. */
export function valueInfo(name: string, { dtype, shape }: ValueType): Message<"ValueInfo"> {
  const dims = shape.map((dim) => (typeof dim === "number" ? { size: dim } : { name: dim }));
  return { name, type: { tensor: { elementType: elementTypes[dtype], shape: { dims } } } };
}

/** The data of a constant in full, also where one number fills it. */
function constantData({ dtype, shape, data }: Node<"constant">["attrs"]): Known {
  const size = sizeOf(shape);
  const full = data.length === size ? data : new Array<number>(size).fill(data[0] as number);
  const made = { kind: "constant", name: shape.length === 0 ? "scalar" : "constant" } as const;
  if (dtype === "float32") return { ...made, tensor: { dtype, shape, data: Float32Array.from(full) } };
  if (dtype === "int32") return { ...made, tensor: { dtype, shape, data: Int32Array.from(full) } };
  return { ...made, tensor: { dtype, shape, data: Uint8Array.from(full) } };
}

/** A shape without named sizes that one constant fills. */
function filled({ inputs, attrs: { shape } }: Node<"broadcast">): Known | undefined {
  const source = inputs[0]?.node;
  const numbers = shape.filter((dim) => typeof dim === "number");
  if (source?.op !== "constant" || source.attrs.data.length !== 1 || numbers.length < shape.length) return undefined;
  return constantData({ ...source.attrs, shape: numbers });
}

/** What the main graph needs beside the nodes of its outputs. */
export interface Written {
  readonly nodes: Message<"Node">[];
  readonly initializers: Message<"Tensor">[];
  /** The names of weight matrices. */
  readonly matrices: ReadonlySet<string>;
  readonly feeds: readonly Node<"input">[];
  /** The names of the roots, in their order. */
  readonly names: readonly string[];
}

/** Writes `graph`. The names in `reserved`, those of the model's outputs, are given to nothing. */
export function writeGraph(graph: Graph, state: Tensors, table: OpExports, opset: number): Written {
  const roots = Object.values(graph.fetches);
  expectExportable(roots, table);
  const unique = uniqueNames();
  const isFeed = (node: AnyNode): node is Node<"input"> & AnyNode => node.op === "input" && node.attrs.kind === "feed";
  const feeds = nodesOf(roots).filter(isFeed);
  for (const name of [...feeds.map((feed) => feed.attrs.name), ...Object.keys(graph.fetches)]) unique(name);
  const { initializers, matrices, store } = storage(unique);

  const ints: Emission["ints"] = (values) =>
    store("ints", {
      type: "int64",
      dims: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });

  const writeTo = (nodes: Message<"Node">[]): Writer => {
    const addMany: Emission["addMany"] = (op, inputs, attributes, wanted) => {
      const names = wanted.map((want) => (want ? unique(op.toLowerCase()) : ""));
      nodes.push(node(op, inputs, names, attributes));
      return names;
    };
    return {
      store,
      ints,
      addMany,
      add: (op, inputs, attributes = {}) => addMany(op, inputs, attributes, [true])[0] as string,
    };
  };

  /** Shapes that `nodes` compute, each once. */
  const shapesIn = (nodes: Message<"Node">[], sizeOfName: (dim: string) => string): Emission["shape"] => {
    const shapes = new Map<string, string>();
    const shape: Emission["shape"] = (dims) => {
      if (dims.every((dim) => typeof dim === "number")) return ints(dims);
      const key = dims.join();
      const known = shapes.get(key);
      if (known !== undefined) return known;
      const [only] = dims;
      const name =
        dims.length === 1
          ? sizeOfName(only as string)
          : writeTo(nodes).add(
              "Concat",
              dims.map((dim) => shape([dim])),
              { axis: 0 },
            );
      shapes.set(key, name);
      return name;
    };
    return shape;
  };
  // Sizes and shapes are computed from the feeds before everything else, where bodies can see them too.
  const prologue: Message<"Node">[] = [];
  const shapeOfFeeds = shapesIn(prologue, (dim) => {
    const feed = feeds.find(({ attrs }) => attrs.shape.includes(dim));
    if (feed === undefined) {
      throw new ShapeError(`the size "${dim}" stands in no input of the model, so ONNX cannot know it`);
    }
    const axis = feed.attrs.shape.indexOf(dim);
    return writeTo(prologue).add("Shape", [feed.attrs.name], { start: axis, end: axis + 1 });
  });

  const known = ({ node }: Value): Known | undefined => {
    if (node.op === "constant") return constantData(node.attrs);
    if (node.op === "broadcast") return filled(node);
    if (node.op !== "input" || node.attrs.kind !== "state") return undefined;
    const { name, dtype } = node.attrs;
    const tensor = state[name];
    const fits = tensor && (tensor.dtype === dtype || (tensor.dtype === "float64" && dtype === "float32"));
    if (!fits || tensor.shape.join() !== node.attrs.shape.join()) {
      const given = tensor ? `${tensor.dtype}[${tensor.shape.join(", ")}]` : "nothing";
      throw new ShapeError(`weight "${name}" must be ${dtype}[${node.attrs.shape.join(", ")}], got ${given}`);
    }
    return { kind: "weight", name, tensor };
  };

  /** Writes `roots` and what they are made of to `nodes`, and returns their names; `names` holds what is known from outside. */
  const compute = (
    nodes: Message<"Node">[],
    roots: readonly Value[],
    names: OuterNames,
    shape: Emission["shape"],
  ): string[] => {
    const written = new Map<AnyNode, Output[]>();
    const order = nodesOf(roots);
    const pairs = pairsOf(order, table);
    const emit = (target: AnyNode): void => {
      const entry = table[target.op] as Exclude<OpExport<OpName>, { readonly rejected: string }>;
      const targets = pairs.get(target) ?? [target];
      const outputs =
        "together" in entry
          ? entry.together(targets, emission)
          : [typeof entry === "function" ? entry(target, emission) : entry.whenNamed(target, emission)];
      targets.forEach((each, i) => {
        written.set(each, [...(outputs[i] as readonly Output[])]);
      });
    };
    const outputsOf = (node: AnyNode): Output[] => {
      const outer = names.get(node);
      if (!written.has(node) && outer) written.set(node, [outer()]);
      else if (!written.has(node)) emit(node);
      return written.get(node) as Output[];
    };
    const writer = writeTo(nodes);
    const emission: Emission = {
      ...writer,
      opset,
      shape,
      known,
      reads: readOutputs(roots),
      name: ({ node, output }) => {
        const outputs = outputsOf(node);
        const found = outputs[output] as Output;
        if (typeof found === "string") return found;
        const index = store("scalar", { type: "int64", dims: [], data: BigInt64Array.of(BigInt(found.index)) });
        const name = writer.add("Gather", [found.whole, index], { axis: found.axis });
        outputs[output] = name;
        return name;
      },
      part: ({ node, output }) => {
        const found = outputsOf(node)[output];
        return typeof found === "string" ? undefined : found;
      },
      body: (inputs, outputs, write) => body(inputs, outputs, write, shape),
    };
    const write = (target: AnyNode): void => {
      if (written.has(target) || "whenNamed" in table[target.op]) return;
      // What the other node of a pair reads may come later in the order.
      const pair = pairs.get(target);
      if (pair) for (const below of nodesOf(pair.flatMap(({ inputs }) => inputs))) write(below);
      emit(target);
    };
    for (const target of order) write(target);
    return roots.map(emission.name);
  };

  const body = (
    inputs: readonly ValueType[],
    outputs: readonly ValueType[],
    write: (inside: Inside) => readonly string[],
    around: Emission["shape"],
  ): Message<"Graph"> => {
    const nodes: Message<"Node">[] = [];
    const names = inputs.map((_, i) => unique(`step_input_${i}`));
    const writer = writeTo(nodes);
    const results = write({
      ...writer,
      inputs: names,
      compute: (roots, outer, sizes = new Map()) => {
        const own = shapesIn(nodes, (dim) => sizes.get(dim) ?? around([dim]));
        const isOwn = (dim: Dim): boolean => typeof dim === "string" && sizes.has(dim);
        return compute(nodes, roots, outer, (dims) => (dims.some(isOwn) ? own(dims) : around(dims)));
      },
    });
    // Every output of a body has a name of its own, made inside of it.
    const made = new Set(nodes.flatMap((node) => node.outputs ?? []));
    const own = results.map((name) => (made.delete(name) ? name : writer.add("Identity", [name])));
    return {
      name: unique("body"),
      nodes,
      inputs: inputs.map((type, i) => valueInfo(names[i] as string, type)),
      outputs: outputs.map((type, i) => valueInfo(own[i] as string, type)),
    };
  };

  const nodes: Message<"Node">[] = [];
  const fed = new Map(feeds.map((feed) => [feed as AnyNode, () => feed.attrs.name]));
  const names = compute(nodes, roots, fed, shapeOfFeeds);
  return { nodes: [...prologue, ...nodes], initializers, matrices, feeds, names };
}

function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes,
): Message<"Node"> {
  return {
    inputs,
    outputs,
    name: outputs.find((name) => name !== "") ?? op,
    op,
    attributes: attributeMessages(attributes),
  };
}
