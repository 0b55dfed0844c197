/** Describes a graph as a layer: its inputs, outputs and parameters, and its requirements on ids. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { feed, state } from "../../ir/build/source.ts";
import { nodesOf, showType, type Value, type ValueType } from "../../ir/value.ts";
import type { InputKind, Kind } from "../kinds.ts";
import type { InputSpec } from "../layer.ts";
import { expectKeys, isName, isRecord, isSizeName, NAME_RULE, shown } from "../options.ts";
import { toldOf } from "../wrapping.ts";
import { fromPlain, type PlainNode } from "./plainGraph.ts";
import { type DataRules, rulesIn } from "./rules.ts";

/** A graph as the options of a layer. */
export type GraphConfig = {
  readonly nodes: readonly PlainNode[];
  /** The fetches: the number of a value by name. */
  readonly fetches: readonly { readonly name: string; readonly value: number }[];
};

/** The name of the feed with the row lengths of an input. */
export const lengthsOf = (input: string): string => `${input}/lengths`;

/** An input of the layer, with the rules for its data. */
export interface GraphInput extends InputSpec {
  readonly rules: DataRules;
}

/** A graph that has been read. */
export interface DescribedGraph {
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly { readonly name: string; readonly kind: Kind; readonly value: Value }[];
  /** In the order in which the graph reads them. */
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** The named sizes of a graph, which are those of its feeds. */
function namesIn(nodes: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of Array.isArray(nodes) ? (nodes as readonly unknown[]) : []) {
    if (!isRecord(node) || node.op !== "input" || !isRecord(node.attrs) || node.attrs.kind !== "feed") continue;
    const { shape } = node.attrs;
    for (const dim of Array.isArray(shape) ? shape : []) if (dim === "batch" || isSizeName(dim)) names.add(dim);
  }
  return names;
}

/** The kind of a feed. */
function inputKindOf({ dtype, shape }: ValueType): InputKind | undefined {
  const [batch, second, third] = shape;
  if (batch !== "batch") return undefined;
  if (dtype === "int32") return shape.length === 2 && isSizeName(second) ? "ids" : undefined;
  if (dtype !== "float32") return undefined;
  if (shape.length === 2) return typeof second === "number" ? "features" : undefined;
  return shape.length === 3 && isSizeName(second) && typeof third === "number" ? "sequence" : undefined;
}

/** The kind of a fetch. A sequence may have a fixed number of steps. */
function outputKindOf({ dtype, shape }: ValueType): Kind | undefined {
  const [batch, second, third] = shape;
  if (batch !== "batch" || dtype !== "float32") return undefined;
  if (shape.length === 2) return typeof second === "number" ? "features" : "scores";
  if (shape.length !== 3) return undefined;
  return typeof third === "number" ? "sequence" : "scores";
}

const isLengths = ({ dtype, shape }: ValueType): boolean => dtype === "int32" && shape.join() === "batch";

/** The inputs, in the order in which the graph reads them. */
function inputsOf(feeds: ReadonlyMap<string, Value>): readonly InputSpec[] {
  const inputs = [...feeds].flatMap(([name, { type }]): InputSpec[] => {
    const base = name.replace(/\/lengths$/, "");
    if (base !== name && isLengths(type) && feeds.has(base)) return [];
    if (!isName(name)) throw new ConfigError(`the name of a feed must be ${NAME_RULE}, got ${shown(name)}`);
    const kind = inputKindOf(type);
    if (kind === undefined)
      throw new ConfigError(
        `the feed "${name}" is ${showType(type)}; a feed must be ids int32[batch, time], a sequence float32[batch, time, features] or features float32[batch, features], where time is a name and features a number, or int32[batch] named after another feed, "x/lengths"`,
      );
    return [{ name, kind, shape: type.shape.slice(1), lengths: feeds.has(lengthsOf(name)) }];
  });
  const timeless = inputs.find(({ kind, lengths }) => kind === "features" && lengths);
  if (timeless) throw new ConfigError(`the feed "${timeless.name}" has lengths but no time axis`);
  return inputs;
}

function describeGraph({ nodes: plain, fetches }: Record<string, unknown>): DescribedGraph {
  const names = namesIn(plain);
  const sources = { feed: new Map<string, Value>(), state: new Map<string, Value>() };
  const valuesAt = fromPlain(plain, {
    size(name) {
      if (names.has(name)) return name;
      const ofTrees = /\/(nodes|levels)$/.test(name);
      throw new ConfigError(
        ofTrees
          ? `the size ${shown(name)} is that of trees, which a graph as a model cannot read; keep the model of layers`
          : `no feed has the size ${shown(name)}`,
      );
    },
    input({ name, kind, dtype, shape }) {
      const known = sources[kind as "feed" | "state"];
      const made = kind === "feed" ? feed(name, dtype, shape) : state(name, dtype, shape);
      const before = known.get(name) ?? made;
      if (showType(before.type) !== showType(made.type))
        throw new ShapeError(
          `the ${kind} "${name}" is ${showType(made.type)} here, but ${showType(before.type)} elsewhere`,
        );
      known.set(name, before);
      return before;
    },
  });
  if (!Array.isArray(fetches) || fetches.length === 0 || fetches.length > 1000)
    throw new ConfigError(`fetches must be a list of 1 to 1000, got ${shown(fetches)}`);
  const outputs = fetches.map((fetch: unknown) => {
    if (!isRecord(fetch)) throw new ConfigError(`a fetch must be { name, value }, got ${shown(fetch)}`);
    expectKeys("a fetch", fetch, ["name", "value"]);
    const { name, value: number } = fetch;
    if (!isName(name)) throw new ConfigError(`the name of a fetch must be ${NAME_RULE}, got ${shown(name)}`);
    const [value] = valuesAt([number], `the fetch "${name}"`) as [Value];
    const kind = outputKindOf(value.type);
    if (kind === undefined)
      throw new ConfigError(
        `the fetch "${name}" is ${showType(value.type)}; a fetch must be features float32[batch, features], a sequence float32[batch, time, features] or scores float32[batch, queryTime, valueTime]`,
      );
    return { name, kind, value };
  });
  if (new Set(outputs.map(({ name }) => name)).size < outputs.length) throw new ConfigError("two fetches share a name");
  const parameters = [...sources.state].map(([name, { type }]) => {
    if (type.dtype !== "float32" || !type.shape.every((size) => typeof size === "number"))
      throw new ConfigError(`the state "${name}" must be float32 with fixed sizes, got ${showType(type)}`);
    return { name, shape: type.shape as readonly number[] };
  });
  const nodes = nodesOf(outputs.map(({ value }) => value));
  const read = new Set(nodes);
  for (const [kind, known] of Object.entries(sources))
    for (const [name, { node }] of known)
      if (!read.has(node)) throw new ConfigError(`the ${kind} "${name}" is not used by any fetch`);
  const inputs = inputsOf(sources.feed).map((input): GraphInput => {
    const fed = sources.feed.get(input.name) as Value;
    return { ...input, rules: input.kind === "features" ? { cut: false } : rulesIn(nodes, fed) };
  });
  if (inputs.length === 0) throw new ConfigError("it reads no feed");
  return { inputs, outputs, parameters };
}

const described = new WeakMap<object, DescribedGraph>();

/**
 * The description of a graph, computed once for each options object.
 *
 * @throws ConfigError, ShapeError, DTypeError if it is not a graph, or cannot be a layer
 */
export function describedGraph(config: GraphConfig): DescribedGraph {
  const known = described.get(config) ?? toldOf("its graph", () => describeGraph(config));
  described.set(config, known);
  return known;
}
