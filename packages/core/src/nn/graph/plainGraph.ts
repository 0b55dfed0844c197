/** Converts graphs to and from plain data: a list of nodes, each with the numbers of the values that it reads. */
import { ConfigError, OstinatoError, ShapeError } from "../../errors.ts";
import { apply } from "../../ir/build/apply.ts";
import { constant } from "../../ir/build/source.ts";
import { renamedLevelDim } from "../../ir/forest.ts";
import type { OpAttrs, OpName } from "../../ir/ops.ts";
import { bodyOf } from "../../ir/structured.ts";
import { type AnyNode, type Body, type Dim, nodesOf, showType, type Value } from "../../ir/value.ts";
import { sizeOf } from "../../tensor.ts";
import { expectKeys, isRecord, type Json, shown } from "../options.ts";
import { MOST_NUMBERS, numberToJson, readAttrs, readOp } from "./attributes.ts";

/** A node. Values are numbered: the outputs of the first node, then those of the second, … */
export type PlainNode = {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly attrs: { readonly [name: string]: Json };
};

/** The limits of a graph: nodes including those in bodies, nesting depth of bodies, and inputs of a node. */
const MOST_NODES = 100_000;
const DEEPEST = 8;
const MOST_INPUTS = 10_000;
/** The number of elements of a value whose sizes are all known. */
const MOST_ELEMENTS = 2 ** 31 - 1;

type InputAttrs = OpAttrs["input"];

/** The values of a graph, its outer values, and the number of each value in the plain form. */
class Writer {
  readonly nodes: PlainNode[] = [];
  readonly #first = new Map<AnyNode, number>();
  #values = 0;

  constructor(roots: readonly Value[]) {
    for (const node of nodesOf(roots)) {
      this.nodes.push({
        op: node.op,
        inputs: node.inputs.map((input) => this.numberOf(input)),
        attrs: plainAttrs(node),
      });
      this.#first.set(node, this.#values);
      this.#values += node.outputs.length;
    }
  }

  numberOf({ node, output }: Value): number {
    return (this.#first.get(node) as number) + output;
  }
}

function plainBody({ parameters, results }: Body): Json {
  const writer = new Writer([...parameters, ...results]);
  const numbers = (values: readonly Value[]): number[] => values.map((value) => writer.numberOf(value));
  return { nodes: writer.nodes, parameters: numbers(parameters), results: numbers(results) };
}

function plainAttrs(node: AnyNode): PlainNode["attrs"] {
  if (node.op === "constant") return { ...node.attrs, data: node.attrs.data.map(numberToJson) };
  const body = bodyOf(node);
  if (body) return { ...node.attrs, body: plainBody(body) } as PlainNode["attrs"];
  return node.attrs as unknown as PlainNode["attrs"];
}

/** Converts values and everything that they depend on to plain data: the nodes, and the number of each value. */
export function toPlain(roots: readonly Value[]): {
  readonly nodes: readonly PlainNode[];
  readonly values: readonly number[];
} {
  const writer = new Writer(roots);
  return { nodes: writer.nodes, values: roots.map((root) => writer.numberOf(root)) };
}

/** The context in which a plain graph is read. */
export interface Place {
  /** A feed or a state. */
  input(attrs: InputAttrs): Value;
  /** Resolves a named size. @throws ConfigError for an unknown name */
  size(name: string): Dim;
  /** Replaces the outputs of a node outside bodies; undefined keeps them. */
  instead?(op: OpName, inputs: readonly Value[], attrs: OpAttrs[OpName]): readonly Value[] | undefined;
}

/** A list of existing value numbers. */
function numbersIn(given: unknown, what: string, count: number): readonly number[] {
  if (!Array.isArray(given) || given.length > MOST_INPUTS)
    throw new ConfigError(`${what} must be a list of at most ${MOST_INPUTS} value numbers, got ${shown(given)}`);
  const missing: unknown = given.find((number) => !(Number.isInteger(number) && number >= 0 && number < count));
  if (missing !== undefined)
    throw new ConfigError(`${what} has ${shown(missing)}, but only the values 0 … ${count - 1} precede it`);
  return given as readonly number[];
}

/** The remaining budget of nodes and numbers, shared by a graph and its bodies. */
interface Left {
  nodes: number;
  numbers: number;
}

class Reader {
  readonly values: Value[] = [];
  readonly #place: Place;
  readonly #left: Left;
  readonly #depth: number;

  constructor(place: Place, left: Left, depth: number) {
    this.#place = place;
    this.#left = left;
    this.#depth = depth;
  }

  /** Values by number. */
  at(given: unknown, what: string): Value[] {
    return numbersIn(given, what, this.values.length).map((number) => this.values[number] as Value);
  }

  read(nodes: unknown): void {
    if (!Array.isArray(nodes)) throw new ConfigError(`nodes must be a list, got ${shown(nodes)}`);
    this.#left.nodes -= nodes.length;
    if (this.#left.nodes < 0) throw new ConfigError(`there are more than ${MOST_NODES} nodes`);
    nodes.forEach((node: unknown, i) => {
      try {
        this.values.push(...this.#node(node));
      } catch (error) {
        const op = isRecord(node) && typeof node.op === "string" ? ` (${shown(node.op)})` : "";
        if (error instanceof OstinatoError) error.message = `node ${i}${op}: ${error.message}`;
        throw error;
      }
    });
  }

  #node(node: unknown): readonly Value[] {
    if (!isRecord(node)) throw new ConfigError(`it must be { op, inputs, attrs }, got ${shown(node)}`);
    expectKeys("it", node, ["op", "inputs", "attrs"]);
    const op = readOp(node.op);
    const inputs = this.at(node.inputs, "inputs");
    const attrs = readAttrs(op, node.attrs, {
      size: (name) => this.#sizeOf(name),
      body: (given) => this.#body(given),
    });
    if (op === "input") return [this.#input(inputs, attrs as InputAttrs)];
    if (op === "constant") this.#left.numbers -= (attrs as OpAttrs["constant"]).data.length;
    if (this.#left.numbers < 0)
      throw new ConfigError(`constants have more than ${MOST_NUMBERS} numbers; use parameters for large ones`);
    if (op === "size") return [this.#size(inputs, attrs as OpAttrs["size"])];
    const instead = this.#depth === 0 ? this.#place.instead?.(op, inputs, attrs) : undefined;
    const outputs = instead ?? apply(op, inputs, attrs);
    for (const { type } of outputs)
      if (sizeOf(type.shape.filter((dim) => typeof dim === "number")) > MOST_ELEMENTS)
        throw new ShapeError(`${showType(type)} is larger than any value can be`);
    return outputs;
  }

  #input(inputs: readonly Value[], attrs: InputAttrs): Value {
    if (inputs.length > 0) throw new ConfigError(`it has no inputs, got ${inputs.length}`);
    const inBody = this.#depth > 0;
    if (inBody !== (attrs.kind === "parameter"))
      throw new ConfigError(`a ${attrs.kind} is not allowed ${inBody ? "in the body of an op" : "outside bodies"}`);
    return inBody ? (apply("input", [], attrs)[0] as Value) : this.#place.input(attrs);
  }

  /** A named size; in a body also one that the op sets, which is called after another. */
  #sizeOf(name: string): Dim {
    const rename = (nodes: string): Dim => (/^\d+$/.test(nodes) ? nodes : this.#place.size(nodes));
    return (this.#depth > 0 && renamedLevelDim(name, rename)) || this.#place.size(name);
  }

  #size(inputs: readonly Value[], { dim }: OpAttrs["size"]): Value {
    const known = this.#sizeOf(dim);
    return typeof known === "number" ? constant(known, "int32") : (apply("size", inputs, { dim: known })[0] as Value);
  }

  #body(given: unknown): Body {
    if (!isRecord(given)) throw new ConfigError(`body must be { nodes, parameters, results }, got ${shown(given)}`);
    expectKeys("its body", given, ["nodes", "parameters", "results"]);
    if (this.#depth >= DEEPEST) throw new ConfigError(`bodies are nested more than ${DEEPEST} levels deep`);
    const inner = new Reader(this.#place, this.#left, this.#depth + 1);
    inner.read(given.nodes);
    const parameters = inner.at(given.parameters, "parameters");
    const wanted = new Set(inner.values.filter(({ node }) => node.op === "input"));
    if (!parameters.every((value) => wanted.delete(value)) || wanted.size > 0)
      throw new ConfigError("parameters must list each input of the body once");
    return { parameters, results: inner.at(given.results, "results") };
  }
}

/**
 * Builds the values of plain nodes, by number. The data is untrusted: ops and attributes must be in a closed list, and types are inferred.
 *
 * @throws ConfigError, ShapeError, DTypeError that names the node
 */
export function fromPlain(nodes: unknown, place: Place): (numbers: unknown, what: string) => readonly Value[] {
  const reader = new Reader(place, { nodes: MOST_NODES, numbers: MOST_NUMBERS }, 0);
  reader.read(nodes);
  return (numbers, what) => reader.at(numbers, what);
}
