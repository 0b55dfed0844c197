/** Trained models that write sequences as pairs of ONNX files: one reads the sources once, the other takes one token after another. */
import {
  type DecodingOptions,
  type DecodingParts,
  decodingOf,
  feed,
  type Graph,
  type HeldPart,
  ModelFileError,
  type Tensors,
  type Trained,
  type Value,
} from "@ostinato/core";
import { describing } from "./description.ts";
import { encodeOnnx } from "./file/wire.ts";
import { expectOptions, type Inputs, type OnnxOptions, onnxModel, type TokenOptions } from "./model.ts";
import { expectTrained } from "./trained.ts";

const decodingKey = "ostinato.decoding";

/** What the files' own inputs and outputs are called, beside parts of the model. */
export const names = { token: "token", logProbabilities: "logProbabilities", attention: "attention" } as const;

/** What the states after a step are called. */
export const nextOf = ({ name }: Pick<HeldPart, "name">): string => `${name}/next`;

/** Options of `exportDecoding`. */
export interface DecodingExportOptions extends OnnxOptions, TokenOptions, DecodingOptions {}

/** The bytes of both files. */
export interface DecodingFiles {
  /** Reads sources; a model without sources has none. */
  readonly encode?: Uint8Array;
  /** Takes one token after another. */
  readonly decodeStep: Uint8Array;
}

/** The two files. */
export type Half = "encode" | "decodeStep";

/** What a file says of its part in a pair. */
export interface Pairing {
  readonly half: Half;
  /** The same in both files of a model, and in no others. */
  readonly pair: string;
  readonly options: DecodingOptions;
}

/** A sum over all weights by which the files of two models are told apart. */
function fingerprint({ weights }: Trained): string {
  let hash = 0x811c9dc5;
  const add = (word: number): void => {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  };
  for (const name of Object.keys(weights).sort()) {
    for (let i = 0; i < name.length; i++) add(name.charCodeAt(i));
    const { buffer, byteOffset, byteLength } = (weights[name] as Tensors[string]).data;
    for (const word of new Int32Array(buffer, byteOffset, byteLength >> 2)) add(word);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** What the encoder gives: the memory, and the states that begin with something else than zeros. */
export const givenFirst = ({ memory, states }: DecodingParts): readonly (HeldPart & { readonly first: Value })[] =>
  [...memory, ...states].filter((part): part is HeldPart & { readonly first: Value } => part.first !== undefined);

function encodeGraph(parts: DecodingParts): Graph {
  return { fetches: Object.fromEntries(givenFirst(parts).map(({ name, first }) => [name, first])), updates: [] };
}

function stepGraph({ states, step }: DecodingParts): Graph {
  const made = step(feed(names.token, "int32", ["batch"]), ({ name, type }) => feed(name, type.dtype, type.shape));
  return {
    fetches: {
      [names.logProbabilities]: made.logProbabilities,
      ...Object.fromEntries(states.map((part, i) => [nextOf(part), made.states[i] as Value])),
      ...(made.attention ? { [names.attention]: made.attention } : {}),
    },
    updates: [],
  };
}

/**
 * A trained model that reads tokens and scores the next ones, as two `.onnx` files. `encode` takes the model's sources, as `exportOnnx` would, and gives `memory/…` and those of the
 * `states/…` that do not begin with zeros. `decodeStep` takes `token`, int32 [batch], with memory and states, and gives `logProbabilities` [batch, vocabulary], each state's
 * `…/next`, and `attention` [batch, source] where the model has it. All parts are batch first; batch and time stay open. A model without sources, such as a language model, has no `encode`.
 *
 * The input of tokens is "target", or the model's only input; the scores are its first output: see `decodingOf`.
 *
 * @throws ConfigError for a model that does not decode, with the layer, and for wrong options; ShapeError, UnsupportedOpError as `exportOnnx`
 * @example
 * const { encode, decodeStep } = exportDecoding(await loadModel("translator.safetensors"));
 */
export function exportDecoding(trained: Trained, options: DecodingExportOptions = {}): DecodingFiles {
  expectTrained("exportDecoding", trained);
  expectOptions("exportDecoding", options, ["target", "output", "tokenType"]);
  const { spec, weights } = trained;
  const { target, output, ...ofFiles } = options;
  const chosen = { ...(target === undefined ? {} : { target }), ...(output === undefined ? {} : { output }) };
  const parts = decodingOf(spec, chosen);
  const pair = fingerprint(trained);
  const write = (half: Half, graph: Graph, inputs: Inputs): Uint8Array => {
    const pairing: Pairing = { half, pair, options: chosen };
    const metadata = { ...describing(trained), [decodingKey]: JSON.stringify(pairing), ...ofFiles.metadata };
    return encodeOnnx(onnxModel(graph, weights, { name: half, ...ofFiles, metadata }, inputs));
  };
  const sources = parts.sources.inputs.map(({ name }) => name);
  const order = sources.flatMap((name) => [name, `${name}/lengths`]);
  const held = [...parts.memory, ...parts.states].map(({ name }) => name);
  return {
    ...(givenFirst(parts).length === 0
      ? {}
      : { encode: write("encode", encodeGraph(parts), { order, tokens: sources }) }),
    decodeStep: write("decodeStep", stepGraph(parts), { order: [names.token, ...held], tokens: [names.token] }),
  };
}

/** What a file says of its part in a pair; undefined for one that is no part of any. @throws ModelFileError for damaged text */
export function pairingIn(metadata: ReadonlyMap<string, string>): Pairing | undefined {
  const text = metadata.get(decodingKey);
  if (text === undefined) return undefined;
  const damaged = (cause?: unknown): ModelFileError =>
    new ModelFileError(`the model's metadata "${decodingKey}" is damaged`, { cause });
  let data: Partial<Record<keyof Pairing, unknown>> | null;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw damaged(error);
  }
  const { half, pair, options } = data ?? {};
  if ((half !== "encode" && half !== "decodeStep") || typeof pair !== "string") throw damaged();
  if (typeof options !== "object" || options === null) throw damaged();
  return { half, pair, options };
}

/** Reads the pairing in a file. @throws ModelFileError for the wrong half, and for files that are not halves */
export function pairingOf(metadata: ReadonlyMap<string, string>, wanted: Half): Pairing {
  const pairing = pairingIn(metadata);
  if (pairing === undefined)
    throw new ModelFileError(
      `the file given as ${wanted} is not one of the two files of a sequence model; exportDecoding(trained) writes these files, while exportOnnx writes a single model for onnxPredictor`,
    );
  if (pairing.half !== wanted)
    throw new ModelFileError(`the file given as ${wanted} is the other file, ${pairing.half}; swap the two`);
  return pairing;
}
