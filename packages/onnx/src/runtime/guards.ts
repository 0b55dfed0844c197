/** Finds the ids, lengths, forests and sequences among a model's inputs in its graph, and checks them: onnxruntime reads an id of -1 as the last row of a table, and aborts the process if a recurrence reads a matrix. */
import {
  checkForest,
  DataError,
  factsOf,
  type IndexRows,
  recurrenceNames,
  ShapeError,
  sizeOf,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import type { Message, OnnxModel } from "../file/schema.ts";
import type { OnnxValue } from "./signature.ts";

type Graph = Message<"Graph">;
type Node = Message<"Node">;

/** An axis of an input. */
interface Axis {
  readonly input: string;
  readonly axis: number;
}

/** The constraint on an input: the range of ids or lengths, the trees of a forest, or the rank of a sequence whose shape is not in the file. */
export type Guard =
  | ForestGuard
  | { readonly kind: "ids"; readonly input: string; readonly table: string; readonly count: number }
  | { readonly kind: "lengths"; readonly input: string; readonly along: Axis | undefined }
  | { readonly kind: "sequence"; readonly input: string };

/** The inputs that tell a forest; `input` has its levels. */
interface ForestGuard {
  readonly kind: "forest";
  readonly input: string;
  readonly nodes: string;
  readonly edges: string;
  readonly time: Axis;
  readonly batch: Axis;
  /** The most children of a node; absent: any number. */
  readonly arity: number | undefined;
}

/** The guards of a model; at most one of each kind per input. */
type Guards = Map<string, Guard>;

/** Whether a guard is stricter than another one of its kind. */
function isTighter(guard: Guard, other: Guard): boolean {
  if (guard.kind === "ids") return other.kind === "ids" && guard.count < other.count;
  const most = Number.POSITIVE_INFINITY;
  if (guard.kind === "forest") return other.kind === "forest" && (guard.arity ?? most) < (other.arity ?? most);
  return guard.kind === "lengths" && guard.along !== undefined;
}

/** Adds a guard, unless an existing one is at least as strict. */
function add(guards: Guards, guard: Guard): void {
  const key = `${guard.kind} ${guard.input}`;
  const other = guards.get(key);
  if (other === undefined || isTighter(guard, other)) guards.set(key, guard);
}

/** The known facts about a value. */
interface Known {
  /** The input of which this contains all elements, in any order. */
  readonly elements?: string | undefined;
  /** The input axes from which its axes come. */
  readonly axes?: readonly (Axis | undefined)[] | undefined;
  /** The size of the last axis of an input, if it is in the file. */
  readonly width?: number | undefined;
  /** The input whose axes these are, if its shape is not in the file. */
  readonly shapeOf?: string | undefined;
  /** The input axes whose sizes it contains. */
  readonly sizes?: readonly (Axis | undefined)[] | undefined;
  /** The shape of a table in the file. */
  readonly table?: readonly number[] | undefined;
}

/** The facts about the first result of a node. */
type Rule = (node: Node, ...inputs: readonly (Known | undefined)[]) => Known | undefined;

const attributeOf = ({ attributes = [] }: Node, name: string) => attributes.find((one) => one.name === name);

/** The element type numbers of int32 and int64: a cast to these preserves ids and lengths. */
const wholeNumbers = [6, 7];

const reordered: Rule = (_node, x) => x && { elements: x.elements };
const converted: Rule = (_node, x) => x && { axes: x.axes, shapeOf: x.shapeOf, table: x.table };

/** By operator. Only own properties are looked up, because a file may contain any name, such as "constructor". */
const rules: Readonly<Record<string, Rule>> = {
  Identity: (_node, x) => x,
  Cast: (node, x) => (wholeNumbers.includes(attributeOf(node, "to")?.int ?? 0) ? x : converted(node, x)),
  DequantizeLinear: converted,
  Constant: (node) => ({ table: attributeOf(node, "value")?.tensor?.dims }),
  Transpose: (node, x) => {
    const order = attributeOf(node, "perm")?.ints;
    return x && { elements: x.elements, axes: order ? order.map((axis) => x.axes?.[axis]) : x.axes?.toReversed() };
  },
  Reshape: reordered,
  Flatten: reordered,
  Squeeze: reordered,
  Unsqueeze: reordered,
  Shape: (node, x) => ({
    sizes: x?.axes?.slice(attributeOf(node, "start")?.int, attributeOf(node, "end")?.int),
  }),
  Concat: (_node, ...parts) => ({
    sizes: parts.flatMap((part) => part?.sizes ?? new Array<undefined>(part?.table?.[0] ?? 1).fill(undefined)),
  }),
  Expand: (_node, _x, shape) => ({ axes: shape?.sizes }),
  Gather: (node, _table, ids) => (axisOf(node) === 0 ? { axes: ids?.axes } : undefined),
};

const axisOf = (node: Node): number => attributeOf(node, "axis")?.int ?? 0;

const recurrences: ReadonlySet<string | undefined> = new Set(recurrenceNames.map((name) => factsOf(name).operator));

/** Visits the nodes of a graph and of bodies that always run. */
function walk({ nodes = [], initializers = [] }: Graph, outer: ReadonlyMap<string, Known>, guards: Guards): void {
  const known = new Map(outer);
  for (const { name = "", dims } of initializers) known.set(name, { table: dims ?? [] });
  for (const node of nodes) {
    const { op = "", inputs: names = [], outputs = [] } = node;
    const inputs = names.map((name) => known.get(name));
    if (op === "Gather") {
      const [count, input] = [inputs[0]?.table?.at(axisOf(node)), inputs[1]?.elements];
      if (count && input !== undefined) add(guards, { kind: "ids", input, table: names[0] as string, count });
    }
    if (recurrences.has(op)) {
      const [sequence, lengths] = [inputs[0], inputs[4]?.elements];
      const along = sequence?.axes?.[attributeOf(node, "layout")?.int === 1 ? 1 : 0];
      if (lengths !== undefined) add(guards, { kind: "lengths", input: lengths, along });
      if (sequence?.shapeOf !== undefined) add(guards, { kind: "sequence", input: sequence.shapeOf });
    }
    if (op === "Scan") walkBody(node, inputs, known, guards);
    const result = Object.hasOwn(rules, op) ? rules[op]?.(node, ...inputs) : undefined;
    if (result !== undefined) known.set(outputs[0] ?? "", result);
  }
}

/** The body of a scan, whose inputs contain the elements of the scanned values step by step. */
function walkBody(
  node: Node,
  inputs: readonly (Known | undefined)[],
  known: ReadonlyMap<string, Known>,
  guards: Guards,
): void {
  const body = attributeOf(node, "body")?.graph;
  const scanned = attributeOf(node, "num_scan_inputs")?.int ?? 0;
  if (body?.inputs?.length !== inputs.length) return;
  const forest = forestIn(body, inputs, known);
  if (forest) add(guards, forest);
  const inside = new Map(known);
  body.inputs.forEach(({ name = "" }, i) => {
    const elements = i < inputs.length - scanned ? undefined : inputs[i]?.elements;
    inside.set(name, { elements });
  });
  walk(body, inside, guards);
}

/** The forest that a scan goes over as our exports do: level by level, of which the body cuts nodes [nodes, 2] and edges [nodes, 3] out of inputs. */
function forestIn(
  { nodes = [] }: Graph,
  inputs: readonly (Known | undefined)[],
  known: ReadonlyMap<string, Known>,
): ForestGuard | undefined {
  const input = inputs.at(-1)?.elements;
  const [time, batch] = inputs[0]?.axes ?? [];
  const cut = nodes.flatMap(({ op, inputs: [name = ""] = [] }) => (op === "Slice" ? [known.get(name)] : []));
  const ofWidth = (width: number) => cut.find((x) => x?.elements !== undefined && x.width === width)?.elements;
  const [ofNodes, ofEdges] = [ofWidth(2), ofWidth(3)];
  if (input === undefined || !time || !batch || ofNodes === undefined || ofEdges === undefined) return undefined;
  // With an arity the children of all nodes are taken apart by their position.
  const dense = nodes.find(({ op, attributes = [] }) => op === "ScatterND" && attributes.length === 0)?.outputs?.[0];
  const arity = nodes.filter(({ op, inputs: [name] = [] }) => op === "Gather" && name === dense).length || undefined;
  return { kind: "forest", input, nodes: ofNodes, edges: ofEdges, time, batch, arity };
}

/** Finds the ids, lengths, forests and sequences among a model's inputs. Inputs that are used in arithmetic before they are read are not found. */
export function guardsOf({ graph = {} }: OnnxModel, inputs: readonly OnnxValue[]): readonly Guard[] {
  const guards: Guards = new Map();
  const known = inputs.map(({ name, shape }): [string, Known] => {
    const axes = shape?.map((_, axis) => ({ input: name, axis }));
    const width = shape?.at(-1);
    return [
      name,
      {
        elements: name,
        axes,
        width: typeof width === "number" ? width : undefined,
        shapeOf: shape === undefined ? name : undefined,
      },
    ];
  });
  walk(graph, new Map(known), guards);
  // Our own exports use this name for lengths, and not all of these are read by a recurrence.
  for (const { name: input, shape: dims = [] } of inputs) {
    const lengths = inputs.find(({ name }) => name === `${input}/lengths`);
    if (lengths?.shape?.length === 1 && dims.length > 1 && dims[0] === lengths.shape[0])
      add(guards, { kind: "lengths", input: lengths.name, along: { input, axis: 1 } });
  }
  return [...guards.values()];
}

/** The indices of an element. */
function placeOf(index: number, shape: readonly number[]): string {
  let rest = index;
  const place = shape.toReversed().map((size) => {
    const at = rest % size;
    rest = (rest - at) / size;
    return at;
  });
  return `[${place.reverse().join(", ")}]`;
}

/** @throws DataError for the first number that is not from 0 to `most` */
function checkNumbers(input: string, { shape, data }: Tensor, most: number | undefined, wanted: string): void {
  const size = sizeOf(shape);
  for (let i = 0; i < size; i++) {
    const value = data[i] as number;
    if (value < 0 || (most !== undefined && value > most))
      throw new DataError(`input "${input}" must be ${wanted}, got ${value} at ${placeOf(i, shape)}`);
  }
}

/** @throws DataError for the first id outside its table, and for an invalid length; ShapeError for an input that must be a sequence */
export function checkGuards(guards: readonly Guard[], feeds: Tensors): void {
  for (const guard of guards) {
    const { input } = guard;
    const tensor = feeds[input] as Tensor;
    if (guard.kind === "ids") {
      const most = guard.count - 1;
      checkNumbers(input, tensor, most, `an id from 0 to ${most}, the rows of "${guard.table}"`);
    } else if (guard.kind === "lengths") {
      const { along } = guard;
      const most = along && feeds[along.input]?.shape[along.axis];
      const range = most === undefined ? "0 on" : `0 to ${most}, the steps of "${along?.input}"`;
      checkNumbers(input, tensor, most, `a length from ${range}`);
    } else if (guard.kind === "forest") {
      const size = ({ input, axis }: Axis): number => feeds[input]?.shape[axis] as number;
      const rows = (name: string): IndexRows => {
        const { data, shape } = feeds[name] as Tensor;
        return { name, data, offset: 0, rows: shape[0] as number };
      };
      const forest = { nodes: rows(guard.nodes), edges: rows(guard.edges), levels: rows(input) };
      checkForest(forest, { time: size(guard.time), batch: size(guard.batch), arity: guard.arity });
    } else if (tensor.shape.length !== 3)
      throw new ShapeError(
        `input "${input}" must have three axes, because a recurrence reads it, got ${tensor.dtype}[${tensor.shape.join(", ")}]`,
      );
  }
}
