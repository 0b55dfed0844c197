/** Converts id inputs to int64, the type that tokenizers of other libraries return. */
import { attributeMessages, uniqueNames } from "../emit/storage.ts";
import { elementTypes, type Message } from "../file/schema.ts";
import { changedNodes, namesIn } from "./nodes.ts";

/** The element types of id inputs in a file. */
export const tokenTypes = ["int32", "int64"] as const;

/** The element type of id inputs in a file. */
export type TokenType = (typeof tokenTypes)[number];

/** The graph with int64 instead of int32 for the inputs in `tokens`, each followed by a `Cast`. */
export function withInt64Tokens(graph: Message<"Graph">, tokens: readonly string[]): Message<"Graph"> {
  const unique = uniqueNames(namesIn(graph));
  const casts = new Map<string, string>();
  const inputs = (graph.inputs ?? []).map((info) => {
    const { name = "", type } = info;
    if (!tokens.includes(name) || type?.tensor?.elementType !== elementTypes.int32) return info;
    casts.set(name, unique(`${name}/int32`));
    return { name, type: { tensor: { ...type.tensor, elementType: elementTypes.int64 } } };
  });
  const nodes = changedNodes(graph.nodes ?? [], (node) => [
    { ...node, inputs: (node.inputs ?? []).map((name) => casts.get(name) ?? name) },
  ]);
  const attributes = attributeMessages({ to: elementTypes.int32 });
  const added = [...casts].map(([name, cast]) => ({
    ...{ inputs: [name], outputs: [cast], name: cast, op: "Cast", attributes },
  }));
  return { ...graph, inputs, nodes: [...added, ...nodes] };
}
