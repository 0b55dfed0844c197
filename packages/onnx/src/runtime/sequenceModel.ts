/** The sequence model of core over onnxruntime: the two files of `exportDecoding`. */
import {
  ConfigError,
  type DecodingEngine,
  type DecodingParts,
  type DecodingRequest,
  type DecodingStep,
  decodingOf,
  type Json,
  ModelFileError,
  type ModelSpec,
  OstinatoError,
  type ReadOptions,
  type SequenceModel,
  sequenceModelOn,
  type Tensor,
  type Tensors,
  zeros,
} from "@ostinato/core";
import { givenFirst, type Half, names, nextOf, type Pairing, pairingOf } from "../decoding.ts";
import { describedIn } from "../description.ts";
import type { ModelFile } from "./bytes.ts";
import { Likeliest } from "./likeliest.ts";
import { inPlace, RowGatherer } from "./rows.ts";
import type { OnnxSession } from "./session.ts";

/** The two files that `exportDecoding` wrote: their bytes, or where they are. */
export interface SequenceModelFiles {
  /** Left out for a model without sources, which has none. */
  readonly encode?: ModelFile | undefined;
  readonly decodeStep: ModelFile;
}

/** A sequence model in onnxruntime. It holds runtime memory: use `await using`, or call `dispose`. */
export interface OnnxSequenceModel extends SequenceModel {
  /** What was exported: its layers and the names of its inputs and outputs. */
  readonly spec: ModelSpec;
  /** The vocabulary that was exported with the model. */
  readonly vocabulary?: Json;
  /** The metadata that was exported with the model. */
  readonly metadata?: { readonly [key: string]: Json };
}

/** Those of the tensors that a file takes: an input that no output depends on is not part of it. */
const takenBy = ({ inputs }: OnnxSession, tensors: Tensors): Tensors =>
  Object.fromEntries(inputs.map(({ name }) => [name, tensors[name] as Tensor]));

/** Runs both halves. What the encoder gave is kept here, and rows of it and of states are gathered on the host. */
class OnnxEngine implements DecodingEngine {
  readonly #parts: DecodingParts;
  readonly #encode: OnnxSession | undefined;
  readonly #decodeStep: OnnxSession;
  readonly #likeliest: Likeliest;
  readonly #ofMemory = new RowGatherer();
  readonly #ofStates = new RowGatherer();
  /** As the encoder gave it, a row for each source. */
  #memory: Tensors = {};
  /** The source of each row of the last step, and the memory of these. */
  #sources = new Int32Array(0);
  #remembered: Tensors = {};
  #states: Tensors = {};

  constructor(parts: DecodingParts, encode: OnnxSession | undefined, decodeStep: OnnxSession) {
    this.#parts = parts;
    this.#encode = encode;
    this.#decodeStep = decodeStep;
    this.#likeliest = new Likeliest(parts.vocabularySize);
  }

  async encode(feeds: Tensors, rows: number): Promise<void> {
    const { memory, states } = this.#parts;
    const given = this.#encode ? await this.#encode.run(takenBy(this.#encode, feeds)) : {};
    this.#memory = Object.fromEntries(memory.map(({ name }) => [name, given[name] as Tensor]));
    this.#states = Object.fromEntries(
      states.map(({ name, type }) => [name, given[name] ?? zeros("float32", [rows, type.shape[1] as number])]),
    );
    this.#remembered = this.#memory;
    this.#sources = Int32Array.from({ length: rows }, (_, row) => row);
  }

  async step({ tokens, from, top, allowed, attention }: DecodingRequest): Promise<DecodingStep> {
    const rows = tokens.length;
    const sources = from.map((row) => this.#sources[row] as number);
    const same =
      sources.length === this.#sources.length && sources.every((source, row) => source === this.#sources[row]);
    const remembered = same ? this.#remembered : this.#ofMemory.gather(this.#memory, sources);
    const states = inPlace(from, this.#sources.length) ? this.#states : this.#ofStates.gather(this.#states, from);
    const token: Tensor = { dtype: "int32", shape: [rows], data: tokens };
    const results = await this.#decodeStep.run(
      takenBy(this.#decodeStep, { [names.token]: token, ...remembered, ...states }),
    );
    this.#sources = sources;
    this.#remembered = remembered;
    this.#states = Object.fromEntries(this.#parts.states.map((part) => [part.name, results[nextOf(part)] as Tensor]));
    const scores = results[names.logProbabilities]?.data as Float32Array;
    return {
      ...this.#likeliest.choose(scores, rows, top, allowed),
      ...(attention && this.#parts.attentionTime !== undefined
        ? { attention: results[names.attention]?.data as Float32Array }
        : {}),
    };
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#encode?.dispose(), this.#decodeStep.dispose()]);
  }
}

/** @throws ModelFileError for a file that lacks what its description says it has */
function expectValues(
  half: Half,
  { inputs, outputs }: OnnxSession,
  read: readonly string[],
  made: readonly string[],
): void {
  const lacks = (list: readonly { readonly name: string }[], wanted: readonly string[]): string | undefined =>
    wanted.find((name) => !list.some((value) => value.name === name));
  const [input, output] = [lacks(inputs, read), lacks(outputs, made)];
  if (input === undefined && output === undefined) return;
  throw new ModelFileError(
    `the file ${half} is damaged: it has no ${input === undefined ? "output" : "input"} "${input ?? output}"`,
  );
}

/** @throws ModelFileError where the model that a file describes does not decode as it says */
function partsOf(spec: ModelSpec, { options }: Pairing): DecodingParts {
  try {
    return decodingOf(spec, options);
  } catch (error) {
    if (!(error instanceof OstinatoError)) throw error;
    throw new ModelFileError(`the file decodeStep is damaged: ${error.message}`, { cause: error });
  }
}

/** The model of a pair of files, with what they say of it. */
function describedBy(
  { encode, decodeStep }: { readonly encode: OnnxSession | undefined; readonly decodeStep: OnnxSession },
  layers: ReadOptions["layers"],
) {
  const pairing = pairingOf(decodeStep.metadata, "decodeStep");
  if (encode && pairingOf(encode.metadata, "encode").pair !== pairing.pair)
    throw new ModelFileError("encode and decodeStep are of different models; give two files of one exportDecoding");
  const described = describedIn(decodeStep.metadata, layers && { layers });
  const parts = partsOf(described.spec, pairing);
  const first = givenFirst(parts).map(({ name }) => name);
  if (first.length > 0 && encode === undefined)
    throw new ModelFileError("encode is missing: this model reads sources; give both files, { encode, decodeStep }");
  if (encode) expectValues("encode", encode, [], first);
  expectValues(
    "decodeStep",
    decodeStep,
    [names.token, ...parts.memory.map(({ name }) => name)],
    [names.logProbabilities, ...parts.states.map(nextOf), ...(parts.attentionTime ? [names.attention] : [])],
  );
  return { described, parts };
}

/**
 * Creates the sequence model from the two files that `exportDecoding` wrote, each opened by `open`.
 *
 * @throws ModelFileError for files that are damaged, belong to different models, or are not files of `exportDecoding`, and for unknown kinds of layers
 */
export async function sequenceModelOver(
  files: SequenceModelFiles,
  open: (model: ModelFile) => Promise<OnnxSession>,
  layers: ReadOptions["layers"],
): Promise<OnnxSequenceModel> {
  if (typeof files !== "object" || files === null || !("decodeStep" in files))
    throw new ConfigError(
      "onnxSequenceModel takes both files that exportDecoding wrote, { encode, decodeStep }, each as bytes or a location; for a model without sources, only decodeStep",
    );
  const decodeStep = await open(files.decodeStep);
  let encode: OnnxSession | undefined;
  try {
    encode = files.encode === undefined ? undefined : await open(files.encode);
    const { described, parts } = describedBy({ encode, decodeStep }, layers);
    const model = sequenceModelOn(parts, new OnnxEngine(parts, encode, decodeStep));
    const { spec, vocabulary, metadata } = described;
    return Object.assign(model, {
      spec,
      ...(vocabulary === undefined ? {} : { vocabulary }),
      ...(metadata === undefined ? {} : { metadata }),
    });
  } catch (error) {
    await Promise.all([encode?.dispose(), decodeStep.dispose()]);
    throw error;
  }
}
