/** Converts the inputs and outputs of a file to the conventions of this library: batch and time axes, layout, names. */
import {
  cast,
  type Dim,
  feed,
  type Graph,
  nodesOf,
  recurrenceNames,
  type Shape,
  showType,
  substitute,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import { asInFile, asOurs, layoutOf } from "./layout.ts";
import type { Frozen } from "./walk.ts";

/** A feed of the file and its replacement. */
export interface Border {
  readonly name: string;
  readonly given: Value;
  readonly ours: Value;
  /** The replacement in the layout of the file. */
  readonly inFile: Value;
}

/** An imported graph, with the names of its inputs and outputs. */
export interface Found {
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
}

const isSize = (dim: Dim | undefined): dim is string => typeof dim === "string";

/** The axes of the graph's recurrences: the names of the time axes, and of the batch axis. */
function recurrentSizes({ outputs }: Found): { readonly times: readonly string[]; readonly batch: string | undefined } {
  const names: readonly string[] = recurrenceNames;
  const read = nodesOf([...outputs.values()])
    .filter(({ op }) => names.includes(op))
    .map(({ inputs }) => inputs[0]?.type.shape ?? []);
  return {
    times: read.map(([time]) => time).filter(isSize),
    batch: read.map(([, batch]) => batch).find(isSize),
  };
}

/** Common names of the batch axis. */
const batchName = /^(batch|batch_?size|n|b|bs)$/i;

/** Finds the batch size: by recurrences, by name, or as the first axis. */
export function batchOf(found: Found): string | undefined {
  const shapes = [...found.inputs.values()].map(({ type }) => type.shape);
  const names = shapes.flat().filter(isSize);
  return (
    recurrentSizes(found).batch ??
    names.find((name) => batchName.test(name)) ??
    shapes.map(([first]) => first).find(isSize)
  );
}

/** A valid name for a size: "batch" for the batch; letters and digits for others. */
export function sizeNames(found: Found, batch: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>([[batch, "batch"]]);
  const taken = new Set(["batch"]);
  for (const dim of [...found.inputs.values()].flatMap(({ type }) => type.shape).filter(isSize)) {
    if (names.has(dim)) continue;
    // PyTorch names dynamic sizes without a given name `s21`.
    const wish = /^[A-Za-z]\w{0,99}$/.test(dim) && !/^s\d+$/.test(dim) ? dim : "time";
    let name = wish;
    for (let count = 2; taken.has(name) || name in Object.prototype; count++) name = `${wish}_${count}`;
    taken.add(name);
    names.set(dim, name);
  }
  return names;
}

/** A valid name for an input, output or layer. */
function asName(name: string, taken: Set<string>): string {
  // JavaScript objects list integer keys before all others.
  const wish =
    name
      .replace(/[^\w.-]+/g, "_")
      .replace(/^\d+$/, "value_$&")
      .slice(0, 150) || "x";
  let unique = wish;
  for (let count = 2; taken.has(unique) || unique in Object.prototype; count++) unique = `${wish}_${count}`;
  taken.add(unique);
  return unique;
}

/** The call that defines the axes of an input. */
export const asked = (name: string, shape: Shape): string =>
  `importOnnx(bytes, { inputs: { "${name}": [${shape.map((dim) => (typeof dim === "string" ? `"${dim}"` : dim)).join(", ")}] } }) defines the axes`;

/** Whether a feed contains row lengths: a recurrence or mask reads it as such, or it has that name. */
function isLengths(fed: Value, found: Found): boolean {
  const names: readonly string[] = recurrenceNames;
  const reads = nodesOf([...found.outputs.values()]).some(
    ({ op, inputs }) =>
      (names.includes(op) && inputs.slice(1).some(({ node }) => node === fed.node)) ||
      ((op === "sequenceMask" || op === "reverseSequence") && inputs.some(({ node }) => node === fed.node)),
  );
  return reads || (fed.node.op === "input" && /len/i.test(fed.node.attrs.name));
}

const wayOut =
  "export it again with dynamic sizes (PyTorch: dynamic_shapes, or dynamic_axes with dynamo=False; tf2onnx: an input signature of None)";

/** Lists the nodes that require fixed input sizes, with the solution; empty if there are none. */
export function showFrozen(frozen: readonly Frozen[]): string {
  const needs = frozen.slice(0, 3).map(({ input, axis, name, size, by }) => {
    const called = name === openName(input, axis) ? "" : ` (${name})`;
    return `${by} requires axis ${axis}${called} of the input "${input}" to be ${size}`;
  });
  return needs.length === 0 ? "" : `; ${needs.join(", ")}: ${wayOut}`;
}

/** The name of a size that has no name in the file. */
export const openName = (input: string, axis: number): string => `${input} axis ${axis}`;

/** @throws UnsupportedOpError if a node requires a number for a size that has a name in the file */
export function expectOpen(frozen: readonly Frozen[]): void {
  const named = frozen.filter(({ input, axis, name }) => name !== openName(input, axis));
  if (named.length > 0)
    throw new UnsupportedOpError(`a size that is dynamic in the file must be fixed${showFrozen(named)}`);
}

/** The inputs in our layout, by name. @throws UnsupportedOpError for inputs that are not supported */
export function bordersOf(found: Found, frozen: readonly Frozen[]): Border[] {
  const taken = new Set<string>();
  const fixed = (name: string): string => showFrozen(frozen.filter(({ input }) => input === name));
  const isSequence = ({ type }: Value): boolean => type.shape.filter(isSize).length > 1;
  const border = ([name, given]: readonly [string, Value]): Border | undefined => {
    const { dtype, shape } = given.type;
    /** `axes` are those that the caller may define, if that helps. */
    const refuse = (why: string, axes?: Shape): never => {
      const help = axes === undefined ? "" : `; ${asked(name, axes)}`;
      throw new UnsupportedOpError(`the input "${name}" is ${showType(given.type)}: ${why}${help}`);
    };
    const isFixed = fixed(name) !== "";
    if (dtype === "bool") return refuse("boolean inputs are not supported");
    const layout = layoutOf(shape, "batch", (sizes) => sizes.length === 2 && dtype === "int32");
    if (layout === undefined) return refuse(`it has no batch axis${fixed(name)}`, isFixed ? undefined : shape);
    if (dtype === "int32" && shape.length === 1) return undefined;
    const isIds = dtype === "int32" && layout.sizes.length === 2 && isSize(layout.sizes[1]);
    if (dtype === "int32" && !isIds)
      return refuse(
        `ids must be [batch, time] with a dynamic time${fixed(name)}`,
        isFixed || shape.length !== 2 ? undefined : ["batch", "time"],
      );
    if (layout.shape.filter(isSize).length > 2)
      return refuse("it has more than one dynamic size in addition to the batch", shape);
    if (isFixed && layout.shape.length === 2 && ![...found.inputs.values()].some(isSequence))
      return refuse(`it would be read as features${fixed(name)}`, shape);
    const ours = feed(asName(name, taken), dtype, isIds ? layout.sizes : layout.shape);
    return { name, given, ours, inFile: asInFile(ours, layout) };
  };
  const made = [...found.inputs].flatMap((input) => border(input) ?? []);
  const lengths = [...found.inputs].filter(([, { type }]) => type.dtype === "int32" && type.shape.length === 1);
  const sequences = made.filter(({ ours }) => ours.type.shape.length === 3 || ours.type.dtype === "int32");
  for (const [name, given] of lengths) {
    const owner =
      sequences.find(({ name: own }) => name === `${own}/lengths`) ??
      (sequences.length === 1 ? sequences[0] : undefined);
    if (owner === undefined || !isLengths(given, found))
      throw new UnsupportedOpError(
        `the input "${name}" is ${showType(given.type)}: an input [batch] must contain the row lengths of the only input with a time axis`,
      );
    const ours = feed(`${(owner.ours.node.attrs as { readonly name: string }).name}/lengths`, "int32", ["batch"]);
    made.push({ name, given, ours, inFile: ours });
  }
  return made;
}

/** An output in our layout. */
function outputOf(name: string, given: Value, isOurs: boolean): Value {
  const value = cast(given, "float32");
  const { shape } = value.type;
  const layout = layoutOf(shape, "batch", (sizes) => {
    const named = sizes.filter(isSize).length;
    if (sizes.length === 3) return named === 1 || named === 3;
    return isOurs && named === 2;
  });
  if (layout === undefined)
    throw new UnsupportedOpError(
      `the output "${name}" is ${showType(given.type)}: it has no batch axis; use importOnnx(bytes, { outputs: […] }) to select other outputs`,
    );
  if (layout.shape.length > 3)
    throw new UnsupportedOpError(
      `the output "${name}" is ${showType(given.type)}: it has more than two dynamic sizes in addition to the batch`,
    );
  return asOurs(value, layout);
}

/** The graph with inputs and outputs in the conventions of this library. */
export function withBorders(found: Found, borders: readonly Border[], isOurs: boolean): Graph {
  const from = borders.map(({ given }) => given);
  const to = borders.map(({ inFile }) => inFile);
  const values = substitute([...found.outputs.values()], from, to);
  const taken = new Set<string>();
  const fetches = [...found.outputs.keys()].map(
    (name, i) => [asName(name, taken), outputOf(name, values[i] as Value, isOurs)] as const,
  );
  return { fetches: Object.fromEntries(fetches), updates: [] };
}
