/** The data of a file: weights, constants and shapes, each stored once under a name of its own. */
import { attributeTypes, elementTypes, type Message } from "../file/schema.ts";
import type { Attributes, AttributeValue, Stored } from "./emission.ts";

/** Generates unique names that are not `taken`: `gather`, then `gather_1`. */
export function uniqueNames(taken: readonly string[] = []): (wish: string) => string {
  const counts = new Map(taken.map((name) => [name, 0]));
  return (wish) => {
    let name = wish;
    for (let count = counts.get(wish) ?? 0; counts.has(name); ) name = `${wish}_${++count}`;
    counts.set(wish, (counts.get(wish) ?? -1) + 1);
    if (name !== wish) counts.set(name, 0);
    return name;
  };
}

export interface Storage {
  readonly initializers: Message<"Tensor">[];
  /** The names of weight matrices. */
  readonly matrices: ReadonlySet<string>;
  store(name: string, stored: Stored): string;
}

function equalData(a: Stored["data"], b: Stored["data"]): boolean {
  return a === b || (a.length === b.length && a.every((x, i) => Object.is(x, b[i])));
}

export function storage(unique: (wish: string) => string): Storage {
  const known = new Map<string, { readonly name: string; readonly data: Stored["data"] }[]>();
  const initializers: Message<"Tensor">[] = [];
  const ofMatrices = new Set<string>();
  return {
    initializers,
    matrices: ofMatrices,
    store: (wish, { type, dims, data, matrices = false }) => {
      const key = `${wish} ${type} ${dims.join()}`;
      const sameKind = known.get(key) ?? [];
      const same = sameKind.find((other) => equalData(other.data, data));
      if (same) return same.name;
      const name = unique(wish);
      known.set(key, [...sameKind, { name, data }]);
      if (matrices) ofMatrices.add(name);
      // Raw data is little-endian, as every processor that runs JavaScript engines today stores it.
      const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      initializers.push({ dims, dataType: elementTypes[type], name, rawData });
      return name;
    },
  };
}

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const isWords = (value: readonly unknown[]): value is readonly string[] => typeof value[0] === "string";

function attribute(name: string, value: AttributeValue): Message<"Attribute"> {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  if (typeof value === "number") return { name, int: value, type: attributeTypes.int };
  if (typeof value === "string") return { name, string: encode(value), type: attributeTypes.string };
  if ("graph" in value) return { name, graph: value.graph, type: attributeTypes.graph };
  if ("float" in value) return { name, float: value.float, type: attributeTypes.float };
  if ("floats" in value) return { name, floats: value.floats, type: attributeTypes.floats };
  if (isWords(value)) return { name, strings: value.map(encode), type: attributeTypes.strings };
  return { name, ints: value as readonly number[], type: attributeTypes.ints };
}

/** The attributes of a node as messages; those that are `undefined` are left out. */
export function attributeMessages(attributes: Attributes): Message<"Attribute">[] {
  return Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [attribute(name, value)]));
}
