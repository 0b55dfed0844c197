/** Importer of trees: a Scan over the levels of a forest, if it is written as `emit/tree.ts` writes it. */
import { type Dim, levelDims, nodesOf, parameter, UnsupportedOpError, type Value } from "@ostinato/core";
import { apply } from "@ostinato/core/graph";
import type { Stored } from "../emit/emission.ts";
import { type LevelWriter, writeLevel, writeResults } from "../emit/level.ts";
import { attributeMessages } from "../emit/storage.ts";
import type { Message } from "../file/schema.ts";
import type { Found } from "./borders.ts";
import { computed, hostVector, type Imported } from "./imported.ts";
import type { Importing } from "./importing.ts";
import type { OnnxNode } from "./node.ts";
import { Outside } from "./outside.ts";
import { sizeOfDim } from "./sizes.ts";

type Node = Message<"Node">;

/** Thrown where a file differs from what would be written. */
class Different extends Error {}

/** Whether both lists have the same attributes. */
function sameAttributes(given: Node["attributes"] = [], wanted: Node["attributes"] = []): boolean {
  return (
    given.length === wanted.length &&
    wanted.every(({ name, int, type }) =>
      given.some((one) => one.name === name && one.int === int && one.type === type),
    )
  );
}

/** Goes through nodes as they would be written, and finds the names that they have in the file. */
class Reading implements LevelWriter {
  readonly #nodes: readonly Node[];
  readonly #numbersOf: (name: string) => readonly unknown[] | undefined;
  readonly #stored = new Map<string, Stored>();
  readonly #names = new Map<string, string | undefined>();
  #next: number;

  constructor(nodes: readonly Node[], from: number, numbersOf: (name: string) => readonly unknown[] | undefined) {
    this.#nodes = nodes;
    this.#next = from;
    this.#numbersOf = numbersOf;
  }

  /** How many nodes are read. */
  get read(): number {
    return this.#next;
  }

  /** Stands for a name that the first node that reads it tells. */
  unknown(): string {
    const wish = `?${this.#names.size}`;
    this.#names.set(wish, undefined);
    return wish;
  }

  /** @throws Different for a name that no node reads */
  nameOf(unknown: string): string {
    const name = this.#names.get(unknown);
    if (name === undefined) throw new Different();
    return name;
  }

  store(_name: string, stored: Stored): string {
    const key = `#${this.#stored.size}`;
    this.#stored.set(key, stored);
    return key;
  }

  ints(values: readonly (number | bigint)[]): string {
    return this.store("", { type: "int64", dims: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  add(op: string, inputs: readonly string[], attributes = {}): string {
    const node = this.#nodes[this.#next++];
    const [output, ...others] = node?.outputs ?? [];
    const isSame =
      node?.op === op &&
      (node.domain ?? "") === "" &&
      sameAttributes(node.attributes, attributeMessages(attributes)) &&
      node.inputs?.length === inputs.length &&
      inputs.every((wanted, i) => this.#isSame(wanted, node.inputs?.[i] as string));
    if (!isSame || output === undefined || others.length > 0) throw new Different();
    return output;
  }

  #isSame(wanted: string, name: string): boolean {
    const stored = this.#stored.get(wanted);
    if (stored !== undefined) {
      const numbers = this.#numbersOf(name);
      return numbers?.length === stored.data.length && numbers.every((entry, i) => entry === Number(stored.data[i]));
    }
    if (!this.#names.has(wanted)) return wanted === name;
    const known = this.#names.get(wanted) ?? name;
    this.#names.set(wanted, known);
    return known === name;
  }
}

/** The parts of a body, by their names in the file. */
interface Parts {
  readonly nodes: string;
  readonly edges: string;
  readonly sequences: readonly string[];
  readonly arity: number | undefined;
  readonly level: ReturnType<typeof writeLevel>;
  /** What computes the states of a level, and their names. */
  readonly middle: readonly Node[];
  readonly results: readonly string[];
}

/** @throws Different for a body that is not of trees */
function find(
  { nodes = [], inputs = [], outputs = [], initializers = [] }: Message<"Graph">,
  rows: readonly (readonly number[])[],
  numbersOf: (name: string) => readonly unknown[] | undefined,
): Parts {
  const names = inputs.map(({ name = "" }) => name);
  const states = names.slice(0, rows.length);
  const [from = "", to = ""] = names.slice(rows.length);
  // The sequences and then the states are looked up one after another; then come parents or, with an arity, the places of children.
  const first = nodes.findIndex(({ op }) => op === "GatherND");
  const end = nodes.findIndex(({ op }, i) => i > first && op !== "GatherND");
  const count = end - first - rows.length;
  if (first < 0 || count < 1 || initializers.length > 0) throw new Different();
  const arity = nodes[end]?.op === "Concat" ? numbersOf(nodes[end + 4]?.inputs?.[1] ?? "")?.[0] : undefined;
  if (arity !== undefined && !(typeof arity === "number" && arity >= 1 && arity <= nodes.length)) throw new Different();

  const reading = new Reading(nodes, 0, numbersOf);
  const [ofNodes, ofEdges] = [reading.unknown(), reading.unknown()];
  const sequences = Array.from({ length: count }, () => reading.unknown());
  const level = writeLevel(reading, { nodes: ofNodes, edges: ofEdges, from, to, states, sequences }, rows, arity);

  const last = new Reading(nodes, nodes.length - rows.length - 1, numbersOf);
  const results = rows.map(() => last.unknown());
  const written = writeResults(last, { states, to }, level, results);
  if (written.some((name, i) => name !== outputs[i]?.name) || last.read < reading.read) throw new Different();
  return {
    nodes: reading.nameOf(ofNodes),
    edges: reading.nameOf(ofEdges),
    sequences: sequences.map((name) => reading.nameOf(name)),
    arity,
    level,
    middle: nodes.slice(reading.read, nodes.length - rows.length - 1),
    results: results.map((name) => last.nameOf(name)),
  };
}

/** The outputs of a Scan as those of a `treeRecur`; undefined for any other Scan. */
export function treeIn(
  node: OnnxNode,
  body: Message<"Graph">,
  scanned: number,
  importing: Importing,
): Imported[] | undefined {
  const states = node.inputs.length - 2;
  if (scanned !== 1 || states < 1 || body.inputs?.length !== node.inputs.length) return undefined;
  const numbersOf = (name: string) => {
    const meant = importing.find(name);
    return meant && importing.known(meant)?.data;
  };
  const rows = Array.from({ length: states }, (_, s) => importing.shapeOf(node.input(s)).slice(2));
  if (!rows.every((row): row is number[] => row.every((size) => typeof size === "number"))) return undefined;
  let found: Parts;
  try {
    found = find(body, rows, numbersOf);
  } catch (error) {
    if (error instanceof Different) return undefined;
    throw error;
  }
  const { arity, level, middle, results } = found;
  for (let s = 0; s <= states; s++) {
    const zeros = importing.value(node.input(s)).node;
    const [constant] = zeros.op === "broadcast" ? zeros.inputs.map((value) => value.node) : [zeros];
    if (constant?.op !== "constant" || constant.attrs.data.some((entry) => entry !== 0))
      return node.fail("a Scan over trees must begin with zeros");
  }

  const [nodes, edges, ...sequences] = [found.nodes, found.edges, ...found.sequences].map((name) =>
    importing.value(importing.find(name) ?? node.fail(`its body reads "${name}" as if it were outside of it`)),
  ) as [Value, Value, ...Value[]];
  const dims = levelDims(nodes.type.shape[0] as Dim);
  const children = rows.map((row, s) =>
    (level.children[s] as readonly string[]).map((_, k) =>
      parameter(`children${s}.${k}`, "float32", [arity === undefined ? dims.children : dims.level, ...row]),
    ),
  );
  const slices = sequences.map(({ type }, i) =>
    parameter(`slice${i}`, type.dtype, [dims.level, ...type.shape.slice(2)]),
  );
  const parents = arity === undefined ? [parameter("parents", "int32", [dims.children])] : [];
  const own = [...children.flat(), ...slices, ...parents];
  const sizes = [
    [level.size, dims.level],
    [level.edgeCount, dims.children],
  ] as const;
  const names = [...level.children.flat(), ...level.slices, ...(level.parents === undefined ? [] : [level.parents])];
  const inputs = [...names, ...sizes.map(([name]) => name)].map((name) => ({ name }));
  const given = [...own.map(computed), ...sizes.map(([, dim]) => hostVector([sizeOfDim(dim)]))];
  const around = new Outside(importing);
  const made = importing.body(
    { nodes: middle, inputs, outputs: results.map((name) => ({ name })) },
    given,
    (imported, place) => around.enter(imported, place),
  );
  const constants = around.read();
  const levels = importing.value(node.input(states + 1));
  const outputs = apply("treeRecur", [nodes, edges, levels, ...sequences, ...constants.map(({ value }) => value)], {
    body: {
      parameters: [...own, ...constants.map((constant) => constant.parameter)],
      results: made.map((imported) => importing.value(imported)),
    },
    states,
    sequences: sequences.length,
    ...(arity === undefined ? {} : { arity }),
  });
  return outputs.map(computed);
}

/** @throws UnsupportedOpError for a graph over trees, whose inputs a model of a graph does not have */
export function expectNoTrees({ outputs }: Found, reason: string): void {
  if (nodesOf([...outputs.values()]).some(({ op }) => op === "treeRecur"))
    throw new UnsupportedOpError(`a model of trees is only imported as the layers that its file describes: ${reason}`);
}
