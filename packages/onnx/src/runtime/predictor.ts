/** The predictor of core over onnxruntime. */
import {
  type Json,
  ModelFileError,
  type ModelSpec,
  type Predictor,
  predictorOn,
  type ReadOptions,
  streamGraph,
  type Tensor,
  type Tensors,
  type Trained,
} from "@ostinato/core";
import { pairingIn } from "../decoding.ts";
import { describedIn, hasStates, isDescribed, metadataOf } from "../description.ts";
import { decodeOnnx } from "../file/wire.ts";
import type { OnnxSession } from "./session.ts";

/** A model at work in onnxruntime. It holds memory of the runtime: `await using`, or `dispose` it. */
export interface OnnxPredictor extends Predictor {
  /** What was exported, or read of a file of another program: its layers and the names of its inputs and outputs. */
  readonly spec: ModelSpec;
  /** The vocabulary that was exported with the model. */
  readonly vocabulary?: Json;
  /** The metadata that was exported with the model. */
  readonly metadata?: { readonly [key: string]: Json };
  /** The losses that predictions are read by: `crfDecoder(predictor)`. */
  readonly losses?: NonNullable<Trained["losses"]>;
  /** The parameters of these losses. Those of the layers are in the graph. */
  readonly weights: Tensors;
}

/** @throws ModelFileError for a file that is said to give its states, and does not */
function expectStates({ outputs }: OnnxSession, spec: ModelSpec): void {
  const missing = Object.keys(streamGraph(spec).fetches).find((fetch) => !outputs.some(({ name }) => name === fetch));
  if (missing !== undefined) throw new ModelFileError(`the model's file is damaged: it has no output "${missing}"`);
}

/**
 * Makes the predictor over a model's file, whose session is opened by `open`. A model that does not say what it is, as those of other programs, is read as one of ours first.
 *
 * @throws ModelFileError for files that are damaged, halves from `exportDecoding`, or with layers of a kind that is not known; UnsupportedOpError for models of other programs that do not become one of ours
 */
export async function predictorOver(
  bytes: Uint8Array,
  open: (bytes: Uint8Array) => Promise<OnnxSession>,
  layers: ReadOptions["layers"],
): Promise<OnnxPredictor> {
  const foreign = isDescribed(metadataOf(decodeOnnx(bytes)))
    ? undefined
    : (await import("./foreign.ts")).adopted(bytes);
  const session = await open(foreign?.file ?? bytes);
  try {
    if (pairingIn(session.metadata))
      throw new ModelFileError(
        "this file is one half of a model that writes sequences; onnxSequenceModel({ encode, decodeStep }) opens both",
      );
    const described = foreign?.described ?? describedIn(session.metadata, layers && { layers });
    const states = hasStates(session.metadata);
    if (states) expectStates(session, described.spec);
    const predictor = predictorOn(described.spec, {
      states,
      // An input that no output depends on is not part of the exported graph.
      run: (feeds) => session.run(Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name] as Tensor]))),
      dispose: session.dispose,
    });
    return Object.assign(predictor, described);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}
