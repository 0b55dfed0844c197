/** Finds the ids, lengths and sequences among a model's inputs in its graph, and checks them: onnxruntime reads an id of -1 as the last row of a table, and aborts the process if a recurrence reads a matrix. */
import { DataError, factsOf, recurrenceNames, ShapeError, sizeOf, type Tensor, type Tensors } from "@ostinato/core";
import type { Message, OnnxModel } from "../file/schema.ts";
import type { OnnxValue } from "./signature.ts";

type Graph = Message<"Graph">;
type Node = Message<"Node">;

/** An axis of an input. */
interface Axis {
  readonly input: string;
  readonly axis: number;
}

/** The constraint on an input: the range of ids or lengths, or the rank of a sequence whose shape is not in the file. */
export type Guard =
  | { readonly kind: "ids"; readonly input: string; readonly table: string; readonly count: number }
  | { readonly kind: "lengths"; readonly input: string; readonly along: Axis | undefined }
  | { readonly kind: "sequence"; readonly input: string };

/** The guards of a model; at most one of each kind per input. */
type Guards = Map<string, Guard>;

/** Adds a guard, unless an existing one is at least as strict. */
function add(guards: Guards, guard: Guard): void {
  const key = `${guard.kind} ${guard.input}`;
  const other = guards.get(key);
  const isTighter =
    guard.kind === "ids"
      ? other?.kind === "ids" && guard.count < other.count
      : guard.kind === "lengths" && guard.along !== undefined;
  if (other === undefined || isTighter) guards.set(key, guard);
}

/** The known facts about a value. */
interface Known {
  /** The input of which this contains all elements, in any order. */
  readonly elements?: string | undefined;
  /** The input axes from which its axes come. */
  readonly axes?: readonly (Axis | undefined)[] | undefined;
  /** The input whose axes these are, if its shape is not in the file. */
  readonly shapeOf?: string | undefined;
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
  const inside = new Map(known);
  body.inputs.forEach(({ name = "" }, i) => {
    const elements = i < inputs.length - scanned ? undefined : inputs[i]?.elements;
    inside.set(name, { elements });
  });
  walk(body, inside, guards);
}

/** Finds the ids, lengths and sequences among a model's inputs. Inputs that are used in arithmetic before they are read are not found. */
export function guardsOf({ graph = {} }: OnnxModel, inputs: readonly OnnxValue[]): readonly Guard[] {
  const guards: Guards = new Map();
  const known = inputs.map(({ name, shape }): [string, Known] => {
    const axes = shape?.map((_, axis) => ({ input: name, axis }));
    return [name, { elements: name, axes, shapeOf: shape === undefined ? name : undefined }];
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
    } else if (tensor.shape.length !== 3)
      throw new ShapeError(
        `input "${input}" must have three axes, because a recurrence reads it, got ${tensor.dtype}[${tensor.shape.join(", ")}]`,
      );
  }
}
