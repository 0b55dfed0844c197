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
import { describedIn, hasStates } from "../trained.ts";
import type { OnnxSession } from "./session.ts";

/** A model at work in onnxruntime. It holds memory of the runtime: `await using`, or `dispose` it. */
export interface OnnxPredictor extends Predictor {
  /** What was exported: its layers and the names of its inputs and outputs. */
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
 * Makes the predictor over the session of a model that `exportOnnx` wrote, and owns the session from now on.
 *
 * @throws ModelFileError for files that are damaged, not from `exportOnnx`, halves from `exportDecoding`, or with layers of a kind that is not known
 */
export async function predictorOver(session: OnnxSession, layers: ReadOptions["layers"]): Promise<OnnxPredictor> {
  try {
    if (pairingIn(session.metadata))
      throw new ModelFileError(
        "this file is one half of a model that writes sequences; onnxSequenceModel({ encode, decodeStep }) opens both",
      );
    const described = describedIn(session.metadata, layers && { layers });
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
