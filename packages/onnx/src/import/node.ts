/** A node of a file: validated access to its inputs, outputs and attributes. */
import { UnsupportedOpError } from "@ostinato/core";
import { attributeTypes, type Message } from "../file/schema.ts";
import type { Imported, Stored } from "./imported.ts";

/** A node whose inputs have been imported. */
export interface OnnxNode {
  /** The operator. */
  readonly op: string;
  /** The name of the node in errors: its own, or that of its first output. */
  readonly label: string;
  /** The names of the outputs; empty for omitted outputs. */
  readonly outputs: readonly string[];
  /** The inputs in order; `undefined` for omitted inputs. */
  readonly inputs: readonly (Imported | undefined)[];
  /** A required input. */
  input(index: number): Imported;
  /** Attributes by name, `undefined` if absent. Attributes that no importer reads are rejected. */
  int(name: string): number | undefined;
  float(name: string): number | undefined;
  string(name: string): string | undefined;
  ints(name: string): readonly number[] | undefined;
  floats(name: string): readonly number[] | undefined;
  strings(name: string): readonly string[] | undefined;
  tensor(name: string): Stored | undefined;
  graph(name: string): Message<"Graph"> | undefined;
  /** Throws an error with the reason why this node is not supported. */
  fail(reason: string): never;
}

declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

type Attribute = Message<"Attribute">;

/** The field of an attribute by type. Missing values are defaults. */
const readers: { readonly [T in keyof typeof attributeTypes]: (attribute: Attribute) => unknown } = {
  float: ({ float }) => float ?? 0,
  int: ({ int }) => int ?? 0,
  string: ({ string }) => text(string ?? new Uint8Array()),
  tensor: ({ tensor }) => tensor ?? {},
  graph: ({ graph }) => graph ?? {},
  floats: ({ floats }) => floats ?? [],
  ints: ({ ints }) => ints ?? [],
  strings: ({ strings }) => (strings ?? []).map(text),
};

/** Reads a node. `expectRead` throws for attributes that have not been read. */
export function onnxNode(
  { op = "", name = "", attributes = [], outputs = [] }: Message<"Node">,
  inputs: readonly (Imported | undefined)[],
  tensor: (message: Message<"Tensor">) => Stored,
): OnnxNode & { readonly expectRead: () => void } {
  const label = name || outputs.find((output) => output !== "") || op;
  const read = new Set<string>();
  const fail = (reason: string): never => {
    throw new UnsupportedOpError(reason);
  };
  const attribute = <T>(wanted: string, type: keyof typeof attributeTypes): T | undefined => {
    read.add(wanted);
    const found = attributes.find((each) => each.name === wanted);
    if (found === undefined) return undefined;
    if (found.reference) return fail(`the attribute "${wanted}" is of a function`);
    if (found.type !== attributeTypes[type]) return fail(`the attribute "${wanted}" is not of type ${type}`);
    return readers[type](found) as T;
  };
  return {
    op,
    label,
    outputs,
    inputs,
    input: (index) => inputs[index] ?? fail(`input ${index} is missing`),
    int: (wanted) => attribute(wanted, "int"),
    float: (wanted) => attribute(wanted, "float"),
    string: (wanted) => attribute(wanted, "string"),
    ints: (wanted) => attribute(wanted, "ints"),
    floats: (wanted) => attribute(wanted, "floats"),
    strings: (wanted) => attribute(wanted, "strings"),
    tensor: (wanted) => {
      const message = attribute<Message<"Tensor">>(wanted, "tensor");
      return message && tensor(message);
    },
    graph: (wanted) => attribute(wanted, "graph"),
    fail,
    expectRead: () => {
      const unknown = attributes.find((each) => !read.has(each.name ?? ""));
      if (unknown !== undefined) fail(`the attribute "${unknown.name}" is not supported`);
    },
  };
}
