/** Imports the nodes of a file in order. Errors name the node. */
import { type Dim, feed, ModelFileError, OstinatoError, UnsupportedOpError, type Value } from "@ostinato/core";
import type { Message, OnnxModel } from "../file/schema.ts";
import { narrowed } from "./broadcasting.ts";
import type { Dims } from "./dims.ts";
import type { ExternalData } from "./external.ts";
import { computed, type Imported, type NumberKind, type Stored } from "./imported.ts";
import { dtypeOf, type Enter, type Importers, importingBase, Made, shapeOf } from "./importing.ts";
import { onnxNode } from "./node.ts";
import { withoutSorting } from "./sorting.ts";
import { numbersOf, storedTensor } from "./tensors.ts";

/** The maximum number of nodes, including bodies, and initializers. */
const MOST_NODES = 100_000;

/** The maximum number of axes. */
const MOST_AXES = 16;

/** Both names of the default domain. */
const isOwnDomain = (domain: string | undefined): boolean =>
  domain === undefined || domain === "" || domain === "ai.onnx";

/** The supported opsets. */
const [oldest, newest] = [7, 26];

function opsetOf({ opsets = [] }: OnnxModel): number {
  const version = opsets.find(({ domain }) => isOwnDomain(domain))?.version;
  if (version === undefined) throw new ModelFileError("the model has no opset for ONNX's default domain");
  if (version < oldest || version > newest)
    throw new UnsupportedOpError(`the model uses opset ${version}; opsets ${oldest} to ${newest} are supported`);
  return version;
}

/** The size of an axis for its entry in the file: a number, a name, or nothing. */
export type SizeOf = (
  input: string,
  axis: number,
  dim: Dim | undefined,
  type: { readonly numbers: NumberKind; readonly shape: readonly (Dim | undefined)[] },
  dims: Dims,
) => Dim;

/** Options for reading a file. */
export interface Reading {
  readonly model: OnnxModel;
  readonly importers: Importers;
  readonly external: ExternalData;
  readonly dims: Dims;
  readonly sizeOf: SizeOf;
  /** The outputs to import. Default: all. */
  readonly outputs?: readonly string[];
  /** Inputs with known values, by name. */
  readonly given?: ReadonlyMap<string, Stored>;
}

/** The result of reading a file. */
export interface Read {
  /** In the order of the file. */
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Imported>;
  readonly made: Made;
  /** Dynamic sizes of inputs that nodes require to be fixed. */
  readonly frozen: readonly Frozen[];
  /** What became known of its sizes. */
  readonly dims: Dims;
}

/** A size of an input that was made dynamic. */
export interface Frozen {
  readonly input: string;
  readonly axis: number;
  /** Its name, from the file or generated. */
  readonly name: string;
  readonly size: number;
  /** The node that requires the number. */
  readonly by: string;
}

/** The names that a graph and its bodies read. */
function readBy(node: Message<"Node">): string[] {
  const bodies = (node.attributes ?? []).flatMap(({ graph, graphs = [] }) => (graph ? [graph, ...graphs] : graphs));
  const within = bodies.flatMap(({ nodes = [], outputs = [] }) => [
    ...nodes.flatMap(readBy),
    ...outputs.map(({ name = "" }) => name),
  ]);
  return [...(node.inputs ?? []), ...within];
}

/** The nodes that `outputs` depend on, in order. */
function neededNodes(nodes: readonly Message<"Node">[], outputs: readonly string[]): Message<"Node">[] {
  const wanted = new Set(outputs);
  const needed: Message<"Node">[] = [];
  for (const node of [...nodes].reverse()) {
    if (!(node.outputs ?? []).some((name) => name !== "" && wanted.has(name))) continue;
    needed.push(node);
    for (const name of readBy(node)) wanted.add(name);
  }
  return needed.reverse();
}

const namesOf = (infos: readonly Message<"ValueInfo">[] = []): string[] => infos.map(({ name = "" }) => name);

/** The names that are visible in a graph, including those of outer graphs. */
class Scope {
  readonly #names = new Map<string, Imported>();
  /** The order in which names are defined and nodes are computed; bodies and outer graphs share one count. */
  readonly #places: Map<object, number>;
  readonly #around: { readonly scope: Scope; readonly enter: Enter } | undefined;

  constructor(around?: { readonly scope: Scope; readonly enter: Enter }) {
    this.#around = around;
    this.#places = around === undefined ? new Map() : around.scope.#places;
  }

  find(name: string): Imported | undefined {
    const own = this.#names.get(name);
    if (own !== undefined || this.#around === undefined) return own;
    const outer = this.#around.scope.find(name);
    return outer && this.#around.enter(outer, this.#placeOf(outer));
  }

  /** The position at which a value is computed. A broadcast counts where it is read. */
  #placeOf(imported: Imported): number {
    if (imported.kind !== "computed") return this.#places.get(imported) ?? 0;
    return this.#places.get(narrowed(imported.value).node) ?? this.#places.get(imported) ?? 0;
  }

  /** @throws ModelFileError for a duplicate name */
  define(name: string, imported: Imported): void {
    if (name === "" || this.#names.has(name)) throw new ModelFileError(`the name "${name}" is empty or defined twice`);
    this.#names.set(name, imported);
    for (const known of imported.kind === "computed" ? [imported, imported.value.node] : [imported])
      if (!this.#places.has(known)) this.#places.set(known, this.#places.size);
  }
}

class Walk {
  readonly #reading: Reading;
  readonly #importing: ReturnType<typeof importingBase>;
  readonly #located = new WeakSet<object>();
  #count = 0;
  #at = "";

  constructor(reading: Reading, made: Made) {
    this.#reading = reading;
    this.#importing = importingBase(made, reading.dims, opsetOf(reading.model), () => this.#at);
  }

  #stored(tensor: Message<"Tensor">, name: string, trained: boolean): Stored {
    return storedTensor(tensor, name, trained, this.#reading.external);
  }

  /** Imports the initializers and nodes of a graph; `scope` has its inputs. Returns its outputs. */
  graph(graph: Message<"Graph">, scope: Scope, outputs: readonly string[]): Imported[] {
    const { initializers = [], sparseInitializers = [], nodes = [] } = graph;
    this.#count += initializers.length + nodes.length;
    if (this.#count > MOST_NODES)
      throw new UnsupportedOpError(`the model has more than ${MOST_NODES} nodes and initializers`);
    const sparse = sparseInitializers[0]?.values?.name;
    if (sparseInitializers.length > 0)
      throw new UnsupportedOpError(`the initializer "${sparse}" is sparse, which is not supported`);
    const needed = neededNodes(nodes, outputs);
    const wanted = new Set([...outputs, ...needed.flatMap(readBy)]);
    for (const tensor of initializers) {
      const { name = "" } = tensor;
      if (wanted.has(name) && !this.#reading.given?.has(name)) scope.define(name, this.#stored(tensor, name, true));
    }
    for (const node of needed) this.#node(node, scope, wanted);
    return outputs.map((name) => {
      const found = scope.find(name);
      if (found === undefined) throw new ModelFileError(`no node computes the output "${name}"`);
      return found;
    });
  }

  #node(message: Message<"Node">, scope: Scope, wanted: ReadonlySet<string>): void {
    const { op = "", domain, outputs = [] } = message;
    const inputs = (message.inputs ?? []).map((name) => {
      const found = name === "" ? undefined : scope.find(name);
      if (found === undefined && name !== "")
        throw new ModelFileError(`the node "${message.name || op}" reads "${name}", which no earlier node computes`);
      return found;
    });
    const node = onnxNode(message, inputs, (tensor) => this.#stored(tensor, outputs[0] ?? "", false));
    const around = this.#at;
    this.#at = `the node "${node.label}" (${op})`;
    try {
      const { importers } = this.#reading;
      const importer = isOwnDomain(domain) && Object.hasOwn(importers, op) ? importers[op] : undefined;
      if (importer === undefined) throw new UnsupportedOpError(this.#unknown(message));
      const results = importer(node, {
        ...this.#importing,
        find: (name) => scope.find(name),
        body: (graph, given, enter = (outer) => outer) => this.#body(graph, given, { scope, enter }),
      });
      node.expectRead();
      outputs.forEach((name, i) => {
        const result = results[i];
        if (result !== undefined) this.#define(name, result, scope);
        else if (wanted.has(name)) node.fail(`output ${i} is not supported`);
      });
    } catch (error) {
      throw this.#locate(error);
    }
    this.#at = around;
  }

  #unknown({ op, domain = "" }: Message<"Node">): string {
    const { functions = [] } = this.#reading.model;
    if (functions.some((each) => each.name === op && (each.domain ?? "") === domain))
      return "it is a model-local function, which is not supported; inline functions first (onnx.inliner)";
    return `the operator ${isOwnDomain(domain) ? op : `${domain}.${op}`} is not supported`;
  }

  #define(name: string, result: Imported, scope: Scope): void {
    if (name === "") return;
    if (shapeOf(result).length > MOST_AXES) throw new UnsupportedOpError(`it has more than ${MOST_AXES} axes`);
    scope.define(name, result);
  }

  #body(
    graph: Message<"Graph">,
    given: readonly Imported[],
    around: { readonly scope: Scope; readonly enter: Enter },
  ): Imported[] {
    const names = namesOf(graph.inputs);
    if (names.length !== given.length)
      throw new ModelFileError(`its body has ${names.length} inputs, but gets ${given.length}`);
    const scope = new Scope(around);
    names.forEach((name, i) => {
      scope.define(name, given[i] as Imported);
    });
    return this.graph(graph, scope, namesOf(graph.outputs));
  }

  /** Adds the node to an error. Parts of a file that do not fit together are reported as damage. */
  #locate(error: unknown): unknown {
    if (!(error instanceof OstinatoError) || this.#located.has(error)) return error;
    const message = `${this.#at}: ${error.message}`;
    const made =
      error instanceof UnsupportedOpError
        ? new UnsupportedOpError(message, { cause: error })
        : new ModelFileError(message, { cause: error });
    this.#located.add(made);
    return made;
  }
}

function readInput({ name = "", type }: Message<"ValueInfo">, { sizeOf, dims }: Reading, frozen: Frozen[]): Value {
  const what = `the input "${name}"`;
  if (type?.tensor === undefined) throw new UnsupportedOpError(`${what} is not a tensor`);
  const numbers = numbersOf(type.tensor.elementType, what);
  if (type.tensor.shape === undefined) throw new UnsupportedOpError(`${what} has no shape; its rank must be known`);
  const given = type.tensor.shape.dims ?? [];
  if (given.length > MOST_AXES) throw new UnsupportedOpError(`${what} has more than ${MOST_AXES} axes`);
  const written = given.map(({ size, name: dim }) =>
    size !== undefined && Number.isSafeInteger(size) && size > 0 ? size : dim || undefined,
  );
  const shape = written.map((known, axis) => {
    const open = sizeOf(name, axis, known, { numbers, shape: written }, dims);
    const size = dims.of(open);
    if (typeof open === "string" && typeof size === "number")
      frozen.push({ input: name, axis, name: open, size, by: dims.neededBy(open) ?? "a node" });
    return size;
  });
  return feed(name, dtypeOf(numbers), shape);
}

/** The outputs with the sorting of rows removed. */
function unsorted(results: readonly Imported[], made: Made): readonly Imported[] {
  const wholes = results.map((result) => (result.kind === "stack" ? computed(made.value(result)) : result));
  const values = withoutSorting(wholes.flatMap((whole) => (whole.kind === "computed" ? [whole.value] : [])));
  let next = 0;
  return wholes.map((whole) => (whole.kind === "computed" ? { ...whole, value: values[next++] as Value } : whole));
}

/** Reads a file once. @throws ReadAgain if sizes turn out to be equal */
export function readOnce(reading: Reading): Read {
  const { graph = {} } = reading.model;
  const outputs = reading.outputs ?? namesOf(graph.outputs);
  const made = new Made();
  const walk = new Walk(reading, made);
  const scope = new Scope();
  const initialized = new Set((graph.initializers ?? []).map(({ name }) => name));
  const inputs = new Map<string, Value>();
  const frozen: Frozen[] = [];
  for (const info of graph.inputs ?? []) {
    const { name = "" } = info;
    const given = reading.given?.get(name);
    if (given !== undefined) scope.define(name, given);
    // Files of IR version 3 list initializers among the inputs.
    else if (!initialized.has(name)) {
      const value = readInput(info, reading, frozen);
      inputs.set(name, value);
      scope.define(name, computed(value));
    }
  }
  const results = unsorted(walk.graph(graph, scope, outputs), made);
  return {
    inputs,
    outputs: new Map(outputs.map((name, i) => [name, results[i] as Imported])),
    made,
    frozen,
    dims: reading.dims,
  };
}
