/** Implements core's predictor with onnxruntime. */
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

/** A predictor that runs in onnxruntime. It holds runtime memory: use `await using`, or call `dispose`. */
export interface OnnxPredictor extends Predictor {
  /** The description of the model, exported or imported: its layers and the names of its inputs and outputs. */
  readonly spec: ModelSpec;
  /** The vocabulary that was exported with the model. */
  readonly vocabulary?: Json;
  /** The metadata that was exported with the model. */
  readonly metadata?: { readonly [key: string]: Json };
  /** The losses that are used to interpret predictions: `crfDecoder(predictor)`. */
  readonly losses?: NonNullable<Trained["losses"]>;
  /** The parameters of these losses. Those of the layers are in the graph. */
  readonly weights: Tensors;
}

/** @throws ModelFileError for a file that lacks the states that it declares */
function expectStates({ outputs }: OnnxSession, spec: ModelSpec): void {
  const missing = Object.keys(streamGraph(spec).fetches).find((fetch) => !outputs.some(({ name }) => name === fetch));
  if (missing !== undefined) throw new ModelFileError(`the model's file is damaged: it has no output "${missing}"`);
}

/**
 * Creates the predictor for a model file, whose session is opened by `open`. A model without a description, such as one from another tool, is imported first.
 *
 * @throws ModelFileError for damaged files, files of `exportDecoding`, and unknown kinds of layers; UnsupportedOpError for models from other tools that `importOnnx` does not support
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
        "this is one of the two files of a sequence model; open both with onnxSequenceModel({ encode, decodeStep })",
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
