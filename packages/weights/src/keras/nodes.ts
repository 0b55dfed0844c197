/** Reads the calls of a Functional model, in the format of Keras 3 and that of Keras 2. */
import { damaged, type Fields, isFields, listOf } from "./json.ts";

/** A result of a call: the Keras name of the layer, the index of the call, and the index of the result. */
export interface Reference {
  readonly layer: string;
  readonly call: number;
  readonly result: number;
}

/** A call. Each argument is a reference, plain data, or a list or dictionary of these. */
export interface Node {
  readonly positional: readonly unknown[];
  readonly named: Fields;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** `["lstm", 0, 1]`. */
function readTriple(data: unknown): Reference | undefined {
  if (!Array.isArray(data) || data.length < 3) return undefined;
  const [layer, call, result] = data as readonly unknown[];
  return typeof layer === "string" && isCount(call) && isCount(result) ? { layer, call, result } : undefined;
}

/** Reads a reference. In Keras 3, plain lists are not references. */
function referenceOf(data: unknown): Reference | undefined {
  if (!isFields(data) || data.class_name !== "__keras_tensor__" || !isFields(data.config)) return undefined;
  const found = readTriple(data.config.keras_history);
  if (found === undefined) throw damaged("a layer has an invalid input");
  return found;
}

/** All references in an argument, in order. */
export function referencesIn(data: unknown): Reference[] {
  const own = referenceOf(data);
  if (own) return [own];
  return typeof data === "object" && data !== null ? Object.values(data).flatMap(referencesIn) : [];
}

const asTensor = ({ layer, call, result }: Reference): Fields => ({
  class_name: "__keras_tensor__",
  config: { keras_history: [layer, call, result] },
});

/** The call of a layer in a chain, whose only input is the previous layer. */
export const AFTER_ANOTHER: Node = { positional: [asTensor({ layer: "", call: 0, result: 0 })], named: {} };

/** Converts lists of triples, which Keras 2 uses in named arguments, to the format of Keras 3. */
function revived(data: unknown): unknown {
  const triple = readTriple(data);
  if (triple) return asTensor(triple);
  return Array.isArray(data) ? data.map(revived) : data;
}

/** A Keras 2 call: a list of inputs, `[["lstm", 0, 0, { named arguments }]]`. */
function readOldNode(data: readonly unknown[]): Node {
  const read = data.map(readTriple);
  if (read.length === 0 || read.includes(undefined)) throw damaged("a layer has an invalid input");
  const tensors = (read as readonly Reference[]).map(asTensor);
  const named = (data[0] as readonly unknown[])[3];
  return {
    positional: [tensors.length === 1 ? tensors[0] : tensors],
    named: isFields(named)
      ? Object.fromEntries(Object.entries(named).map(([name, value]) => [name, revived(value)]))
      : {},
  };
}

/** The calls of a layer. */
export function nodesOf(data: Fields): Node[] {
  return listOf(data, "inbound_nodes", "a layer").map((node): Node => {
    if (Array.isArray(node)) return readOldNode(node);
    if (!isFields(node) || !Array.isArray(node.args)) throw damaged("a call of a layer has no arguments");
    return { positional: node.args, named: isFields(node.kwargs) ? node.kwargs : {} };
  });
}

/** The inputs or outputs of a model: one, a list, or a dictionary. */
export function endsOf(data: unknown): Reference[] {
  const triple = readTriple(data);
  if (triple) return [triple];
  if (typeof data !== "object" || data === null) throw damaged("the model has no inputs or outputs");
  return Object.values(data).flatMap(endsOf);
}
