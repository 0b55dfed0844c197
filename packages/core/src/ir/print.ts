/** The text form of graphs: for snapshots, errors and documents. */
import type { AnyNode, Body, Graph, Value } from "./value.ts";
import { nodesOf, rootsOf, showType } from "./value.ts";

function isBody(attr: unknown): attr is Body {
  return typeof attr === "object" && attr !== null && "parameters" in attr && "results" in attr;
}

const indent = (text: string): string => text.replace(/^/gm, "  ");

/** JSON, but with ±Infinity, NaN and −0 as they are. */
function showValue(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (isBody(value)) return `{\n${indent(printBody(value))}\n}`;
  if (Array.isArray(value)) return `[${value.map(showValue).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${showValue(item)}`)}}`;
}

/** The attributes of a node: equal texts for equal attributes, and for no others. */
export function attrsKey(node: AnyNode): string {
  return showValue(node.attrs);
}

function showAttr(attr: unknown): string {
  return typeof attr === "string" ? attr : showValue(attr);
}

/** The names of the nodes in the order of the listing: `%0`, `%1`, and `%2.1` for the second output of `%2`. */
function namer(nodes: readonly AnyNode[]): (value: Value) => string {
  const numbers = new Map(nodes.map((node, i) => [node, i]));
  return (value) => `%${numbers.get(value.node)}${value.node.outputs.length > 1 ? `.${value.output}` : ""}`;
}

function printNode(node: AnyNode, index: number, name: (value: Value) => string): string {
  const types = node.outputs.map(showType).join(", ");
  if (node.op === "input") return `%${index}: ${types} = ${node.attrs.kind} ${node.attrs.name}`;
  const attrs = Object.entries(node.attrs).map(([key, attr]) => `${key}=${showAttr(attr)}`);
  return `%${index}: ${types} = ${node.op}(${[...node.inputs.map(name), ...attrs].join(", ")})`;
}

/** One line a node, then the results. */
export function printBody(body: Body): string {
  const nodes = nodesOf([...body.parameters, ...body.results]);
  const name = namer(nodes);
  const lines = nodes.map((node, i) => printNode(node, i, name));
  return [...lines, `return ${body.results.map(name).join(", ")}`].join("\n");
}

/** One line a node, then what is fetched, what is updated, and the guard. */
export function printGraph(graph: Graph): string {
  const nodes = nodesOf(rootsOf(graph));
  const name = namer(nodes);
  const lines = nodes.map((node, i) => printNode(node, i, name));
  for (const [fetch, value] of Object.entries(graph.fetches)) lines.push(`fetch ${fetch} = ${name(value)}`);
  for (const update of graph.updates) lines.push(`update ${update.name} = ${name(update.value)}`);
  if (graph.guard) lines.push(`guard ${name(graph.guard)}`);
  return lines.join("\n");
}
