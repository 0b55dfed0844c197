/** A model as JSON: its inputs, its layers, and which layer reads what. Read from files, so checked like anything from outside. */
import { ModelFileError } from "../errors.ts";
import { type Kind, kinds } from "./kinds.ts";
import type { InputSpec, LayerSpec } from "./layer.ts";
import { type LayerKind, layerDefinitions } from "./layers.ts";
import { isName, isRecord, type Json } from "./options.ts";

/** What a call reads: the model's input `input`, or the result of call `call`. */
export type Source = { readonly input: number } | { readonly call: number };

export interface CallSpec {
  /** Index of the layer. Two calls of one layer share its weights. */
  readonly layer: number;
  readonly source: Source;
}

export interface OutputSpec {
  readonly name: string;
  readonly source: Source;
}

export interface ModelSpec {
  readonly inputs: readonly InputSpec[];
  /** Each with its name. */
  readonly layers: readonly (LayerSpec & { readonly name: string })[];
  /** Each after what it reads. */
  readonly calls: readonly CallSpec[];
  readonly outputs: readonly OutputSpec[];
}

export function isLayerKind(kind: unknown): kind is LayerKind {
  return typeof kind === "string" && Object.hasOwn(layerDefinitions, kind);
}

const MAXIMUM_PARTS = 10_000;

function list(data: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(data) || data.length > MAXIMUM_PARTS)
    throw new ModelFileError(`the model's ${what} are not a list, or too many`);
  return data;
}

function name(data: unknown, what: string): string {
  if (!isName(data)) throw new ModelFileError(`a name among the model's ${what} is missing or not a plain word`);
  return data;
}

function distinct<T extends { readonly name: string }>(items: readonly T[], what: string): readonly T[] {
  if (new Set(items.map((item) => item.name)).size !== items.length)
    throw new ModelFileError(`two of the model's ${what} share a name`);
  return items;
}

function source(data: unknown, inputs: number, calls: number): Source {
  if (isRecord(data)) {
    const { input, call } = data;
    if (Number.isInteger(input) && (input as number) >= 0 && (input as number) < inputs)
      return { input: input as number };
    if (Number.isInteger(call) && (call as number) >= 0 && (call as number) < calls) return { call: call as number };
  }
  throw new ModelFileError("a layer of the model reads something that is not there");
}

function inputSpec(data: unknown): InputSpec {
  const shape = isRecord(data) && Array.isArray(data.shape) ? data.shape : [];
  const kind = isRecord(data) ? kinds.find((known): known is Kind => known === data.kind) : undefined;
  const types = { ids: "string", sequence: "string,number", features: "number" };
  const whole = shape.every((dim) => typeof dim !== "number" || (Number.isSafeInteger(dim) && dim > 0));
  if (
    !isRecord(data) ||
    kind === undefined ||
    !whole ||
    shape.map((dim) => typeof dim).join() !== types[kind] ||
    shape.includes("batch")
  ) {
    throw new ModelFileError("an input of the model has no kind, or a shape that does not fit it");
  }
  return { name: name(data.name, "inputs"), kind, shape, lengths: data.lengths === true && kind === "sequence" };
}

function layerSpec(data: unknown): LayerSpec & { readonly name: string } {
  if (!isRecord(data) || !isLayerKind(data.kind)) {
    throw new ModelFileError(
      `the model has a layer of an unknown kind; this version knows ${Object.keys(layerDefinitions).join(", ")}`,
    );
  }
  const { kind } = data;
  const own = name(data.name, "layers");
  const config: Json = layerDefinitions[kind].parse(data.config, `${kind} "${own}"`);
  return { kind, name: own, config };
}

/** A spec from JSON of unknown origin. @throws ModelFileError, ConfigError */
export function parseModelSpec(data: unknown): ModelSpec {
  if (!isRecord(data)) throw new ModelFileError("the model's description is not an object");
  const inputs = distinct(list(data.inputs, "inputs").map(inputSpec), "inputs");
  const layers = distinct(list(data.layers, "layers").map(layerSpec), "layers");
  const calls = list(data.calls, "calls").map((call, index): CallSpec => {
    const layer = isRecord(call) ? call.layer : undefined;
    if (!isRecord(call) || !Number.isInteger(layer) || (layer as number) < 0 || (layer as number) >= layers.length) {
      throw new ModelFileError("the model applies a layer that is not there");
    }
    return { layer: layer as number, source: source(call.source, inputs.length, index) };
  });
  const outputs = list(data.outputs, "outputs").map(
    (output): OutputSpec => ({
      name: name(isRecord(output) ? output.name : undefined, "outputs"),
      source: source(isRecord(output) ? output.source : undefined, inputs.length, calls.length),
    }),
  );
  if (inputs.length === 0 || outputs.length === 0) throw new ModelFileError("the model has no inputs or no outputs");
  return { inputs, layers, calls, outputs: distinct(outputs, "outputs") };
}
