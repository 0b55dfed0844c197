/** What the step reads of the encoder: the values that cross from one to the other, and what stands for them. */
import { transpose } from "../../ir/build/shape.ts";
import { feed } from "../../ir/build/source.ts";
import { type AnyNode, nodesOf, type Value } from "../../ir/value.ts";
import type { BuiltModel } from "../build.ts";
import type { Flow } from "../kinds.ts";
import type { InputSpec } from "../layer.ts";
import type { CallSpec, ModelSpec } from "../spec.ts";
import type { Roles } from "./roles.ts";

/** A value that the encoder makes, which a step may read. */
export interface Crossing {
  readonly name: string;
  readonly value: Value;
}

/** All values of the sources and the encoder, last first: of names for the same value the last counts in `substitute`, which so is that of what made it. */
export function crossingsOf(
  { inputs, layers, calls }: ModelSpec,
  { target, isStep }: Roles,
  built: BuiltModel,
): Crossing[] {
  const taken = new Set<string>();
  const named = (name: string, { values, lengths }: Flow): Crossing[] => [
    { name: freeName(`memory/${name}`, taken), value: values },
    ...(lengths ? [{ name: freeName(`memory/${name}/lengths`, taken), value: lengths }] : []),
  ];
  return [
    ...built.inputs.flatMap((flow, i) => (i === target ? [] : named((inputs[i] as InputSpec).name, flow))),
    ...built.calls.flatMap((flows, i) => {
      const name = layers[(calls[i] as CallSpec).layer]?.name as string;
      return isStep[i] ? [] : flows.flatMap((flow) => named(name, flow));
    }),
  ].reverse();
}

/** The name, with a number where it is taken; it is taken from then on. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 1; taken.has(free); number++) free = `${name}:${number}`;
  taken.add(free);
  return free;
}

/** What stands for a value of the encoder in the step. */
export interface Stand {
  readonly name: string;
  /** The feed, batch first. */
  readonly fed: Value;
  /** The same in the layout that the graph has it in. */
  readonly inside: Value;
  /** What the encoder makes for it, batch first. */
  readonly first: Value;
}

/** @param made the value that the encoder makes, if it is another one than that which it stands for */
export function standFor(name: string, value: Value, made = value): Stand {
  const { dtype, shape } = value.type;
  const batch = shape.indexOf("batch");
  const axes = shape.map((_, axis) => axis);
  const toFront = [batch, ...axes.filter((axis) => axis !== batch)];
  const first = transpose(made, toFront);
  const fed = feed(name, dtype, first.type.shape);
  return {
    name,
    fed,
    inside: transpose(
      fed,
      axes.map((axis) => toFront.indexOf(axis)),
    ),
    first,
  };
}

/** The products in a step that depend on memory alone, such as projected keys: the encoder makes them once. */
export function productsOf(roots: readonly Value[], memory: ReadonlySet<AnyNode>): Value[] {
  const varies = new Set<AnyNode>();
  const remembered = new Set<AnyNode>();
  for (const node of nodesOf(roots)) {
    const reads = (nodes: ReadonlySet<AnyNode>): boolean => node.inputs.some((input) => nodes.has(input.node));
    if (memory.has(node)) remembered.add(node);
    else if ((node.op === "input" && node.attrs.kind === "feed") || reads(varies)) varies.add(node);
    else if (reads(remembered)) remembered.add(node);
  }
  const read = [...roots, ...[...varies].flatMap(({ inputs }) => inputs)].filter(({ node }) => remembered.has(node));
  const products = [...remembered].filter(({ op }) => op === "dot");
  const above = nodesOf(read, products).flatMap(({ inputs }) => inputs);
  const found = new Map([...read, ...above].map((value) => [value.node, value]));
  return products.flatMap((node) => found.get(node) ?? []);
}

/** What a product of memory is called: after the weights that are multiplied with. */
export function nameOfProduct({ node }: Value): string {
  for (const { node: factor } of node.inputs)
    if (factor.op === "input" && factor.attrs.kind === "state") return `memory/${factor.attrs.name}`;
  return "memory/product";
}
