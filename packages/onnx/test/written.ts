/** What stands in a written file. */
import { factsOf, recurrenceNames, type Tensors } from "@ostinato/core";
import { decodeOnnx, graphToOnnx } from "@ostinato/onnx";
import type { Message } from "../src/file/schema.ts";
import type { Model } from "./models.ts";
import { expectParity } from "./run.ts";

const operators = recurrenceNames.map((name) => factsOf(name).operator);

function nodesIn(graph: Message<"Graph"> | undefined): Message<"Node">[] {
  return (graph?.nodes ?? []).flatMap((node) => [
    node,
    ...(node.attributes ?? []).flatMap((attribute) => nodesIn(attribute.graph)),
  ]);
}

/** The directions of the recurrences in a file, in their order, those in bodies too. */
export function directionsIn(file: Uint8Array): string[] {
  const recurrences = nodesIn(decodeOnnx(file).graph).filter(({ op }) => operators.includes(op ?? ""));
  return recurrences.map(({ attributes = [] }) => {
    const direction = attributes.find(({ name }) => name === "direction")?.string;
    return direction ? new TextDecoder().decode(direction) : "forward";
  });
}

/** The same of the file of a model, whose outputs equal those of the reference. */
export async function directionsOf({ graph, state }: Model, feeds: Tensors): Promise<string[]> {
  await expectParity(graph, feeds, state);
  return directionsIn(graphToOnnx(graph, state));
}

/** The names of the weights and constants in a file, and their sizes. */
export function weightsIn(file: Uint8Array): Readonly<Record<string, readonly number[]>> {
  const tensors = decodeOnnx(file).graph?.initializers ?? [];
  return Object.fromEntries(tensors.map(({ name = "", dims = [] }) => [name, dims]));
}
