/** A model as JSON: its inputs, its layers, and which layer reads what. Read from files, so checked like anything from outside. */
import { ModelFileError, OstinatoError, ShapeError } from "../errors.ts";
import { messageOf } from "../thrown.ts";
import { type InputKind, inputKinds, type Kind } from "./kinds.ts";
import {
  carried,
  definitionOf,
  type InputData,
  type InputSpec,
  type KnownKinds,
  type LayerDefinition,
  type LayerSpec,
  outputKinds,
  withDefinition,
} from "./layer.ts";
import { isName, isRecord, isSizeName, type Json } from "./options.ts";
import { knownKinds, type ReadOptions } from "./registry.ts";

/** What a call reads: the model's input `input`, or a result of call `call`, the first where there is no `output`. */
export type Source = { readonly input: number } | { readonly call: number; readonly output?: number };

export interface CallSpec {
  /** Index of the layer. Two calls of one layer share its weights. */
  readonly layer: number;
  /** What the layer reads, then the states it begins with, where it is given any. */
  readonly sources: readonly Source[];
}

export interface OutputSpec {
  readonly name: string;
  readonly source: Source;
}

/** A model as plain data: its inputs, layers, calls and outputs. */
export interface ModelSpec {
  readonly inputs: readonly InputSpec[];
  /** Each with its name. */
  readonly layers: readonly (LayerSpec & { readonly name: string })[];
  /** Each after what it reads. */
  readonly calls: readonly CallSpec[];
  readonly outputs: readonly OutputSpec[];
}

/** How errors call the layer of a call: `dense "verdict"`. */
export function layerOfCall({ calls, layers }: ModelSpec, call: number): string {
  const { layer } = calls[call] as CallSpec;
  const { kind, name } = layers[layer] as ModelSpec["layers"][number];
  return `${kind} "${name}"`;
}

/** Checks the data of an input, like `reads` of a layer definition, with the layer's name in errors. */
type InputCheck = readonly [check: (data: InputData) => Int32Array | undefined, owner: string];

/** The checks of an input, one for each use by a layer. */
export const inputChecks = (spec: ModelSpec, input: number): readonly InputCheck[] =>
  spec.calls.flatMap(({ layer: index, sources }, call) => {
    const layer = spec.layers[index] as LayerSpec;
    const owner = layerOfCall(spec, call);
    return sources.flatMap((source, i): InputCheck[] =>
      "input" in source && source.input === input
        ? [[(data) => definitionOf(layer).reads?.(layer.config, data, owner, i), owner]]
        : [],
    );
  });

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

/** What can be read so far, and the kind of it. */
interface Known {
  readonly inputs: readonly Kind[];
  readonly calls: readonly (readonly Kind[])[];
}

const indexOf = (data: unknown): number => (Number.isInteger(data) ? (data as number) : -1);

function source(data: unknown, known: Known): { readonly source: Source; readonly kind: Kind } {
  if (isRecord(data)) {
    const [input, call, output] = [data.input, data.call, data.output ?? 0].map(indexOf) as [number, number, number];
    const inputKind = known.inputs[input];
    if (inputKind !== undefined) return { source: { input }, kind: inputKind };
    const callKind = known.calls[call]?.[output];
    if (callKind !== undefined) return { source: output === 0 ? { call } : { call, output }, kind: callKind };
  }
  throw new ModelFileError("a layer of the model reads something that is not there");
}

/** One call. Files before layers could read several things have a single `source`. */
function callSpec(
  data: unknown,
  layers: ModelSpec["layers"],
  known: Known,
): { call: CallSpec; kinds: readonly Kind[] } {
  const index = isRecord(data) ? indexOf(data.layer) : -1;
  const layer = layers[index];
  if (!isRecord(data) || layer === undefined) throw new ModelFileError("the model applies a layer that is not there");
  const read = list("sources" in data ? data.sources : [data.source], "sources").map((given) => source(given, known));
  const definition = definitionOf(layer);
  const given = read.map(({ kind }) => kind);
  const owner = `the model's ${layer.kind} "${layer.name}"`;
  try {
    const kinds = outputKinds(definition, layer.config, owner, given);
    return { call: { layer: index, sources: read.map((one) => one.source) }, kinds };
  } catch (error) {
    if (error instanceof ShapeError) throw new ModelFileError(error.message, { cause: error });
    throw inItsWords(owner, error);
  }
}

function inputSpec(data: unknown): InputSpec {
  const shape = isRecord(data) && Array.isArray(data.shape) ? data.shape : [];
  const kind = isRecord(data) ? inputKinds.find((known): known is InputKind => known === data.kind) : undefined;
  const types = { ids: "string", sequence: "string,number", features: "number" };
  const sizes = shape.every((dim) =>
    typeof dim === "number" ? Number.isSafeInteger(dim) && dim > 0 : isSizeName(dim),
  );
  if (!isRecord(data) || kind === undefined || !sizes || shape.map((dim) => typeof dim).join() !== types[kind]) {
    throw new ModelFileError("an input of the model has no kind, or a shape that does not fit it");
  }
  const overTime = kind !== "features";
  const tree = data.tree === true && overTime;
  const lengths = tree || (data.lengths === true && overTime);
  return { name: name(data.name, "inputs"), kind, shape, lengths, ...(tree ? { tree } : {}) };
}

/** What went wrong in code of the user's own that met what it was not written for; typed errors say it themselves. */
function inItsWords(owner: string, error: unknown): unknown {
  if (error instanceof OstinatoError) return error;
  return new ModelFileError(`${owner} cannot be read: ${messageOf(error)}`, { cause: error });
}

function layerSpec(data: unknown, known: KnownKinds): LayerSpec & { readonly name: string } {
  if (!isRecord(data) || typeof data.kind !== "string") throw new ModelFileError("a layer of the model has no kind");
  const { kind } = data;
  const own = name(data.name, "layers");
  const definition = (carried(data) ?? known.layer(kind, `the model's layer "${own}"`)) as LayerDefinition<Json>;
  const owner = `${kind} "${own}"`;
  try {
    return withDefinition({ kind, name: own, config: definition.parse(data.config, owner, known) }, definition);
  } catch (error) {
    throw inItsWords(`the model's ${owner}`, error);
  }
}

/**
 * A spec from JSON of unknown origin. `layers` are those of its reader's own, without which their kinds are not known.
 *
 * @throws ModelFileError, for a kind that is not known with what to pass; ConfigError with the layer whose options are wrong
 * @example parseModelSpec(JSON.parse(text), { layers: [scale] })
 */
export function parseModelSpec(data: unknown, options?: ReadOptions): ModelSpec {
  return readSpec(data, knownKinds(options));
}

/** The same with the kinds that are known. */
export function readSpec(data: unknown, ofKinds: KnownKinds): ModelSpec {
  if (!isRecord(data)) throw new ModelFileError("the model's description is not an object");
  const inputs = distinct(list(data.inputs, "inputs").map(inputSpec), "inputs");
  const layers = distinct(
    list(data.layers, "layers").map((layer) => layerSpec(layer, ofKinds)),
    "layers",
  );
  const kindsOfCalls: (readonly Kind[])[] = [];
  const known: Known = { inputs: inputs.map(({ kind }) => kind), calls: kindsOfCalls };
  const calls = list(data.calls, "calls").map((given): CallSpec => {
    const { call, kinds } = callSpec(given, layers, known);
    kindsOfCalls.push(kinds);
    return call;
  });
  const outputs = list(data.outputs, "outputs").map((output): OutputSpec => {
    const own = name(isRecord(output) ? output.name : undefined, "outputs");
    const read = source(isRecord(output) ? output.source : undefined, known);
    if (read.kind === "ids") throw new ModelFileError(`the output "${own}" is an input; it must be what a layer made`);
    return { name: own, source: read.source };
  });
  if (inputs.length === 0 || outputs.length === 0) throw new ModelFileError("the model has no inputs or no outputs");
  return { inputs, layers, calls, outputs: distinct(outputs, "outputs") };
}
