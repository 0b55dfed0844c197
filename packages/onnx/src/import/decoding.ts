/** Restores a sequence model from its two files. */
import {
  ConfigError,
  ModelFileError,
  OptionReader,
  OstinatoError,
  type ReadOptions,
  type Trained,
} from "@ostinato/core";
import { type DecodingFiles, exportDecoding, type Half, pairingOf } from "../decoding.ts";
import { describedIn, metadataOf } from "../description.ts";
import { decodeOnnx } from "../file/wire.ts";
import { graphToOnnx } from "../model.ts";
import { withRestoredWeights } from "../types/restored.ts";
import { noExternalData } from "./external.ts";
import { areSame, weightsOf } from "./layersForm.ts";
import { readGraph } from "./model.ts";

/** The contents of one of the files. */
function readHalf(bytes: Uint8Array, half: Half) {
  const file = decodeOnnx(bytes);
  const metadata = metadataOf(file);
  const pairing = pairingOf(metadata, half);
  const { graph, state, inputs } = readGraph(withRestoredWeights(file), noExternalData);
  return { metadata, pairing, state, written: graphToOnnx(graph, state, { inputs }) };
}

/**
 * Restores the trained model from the two `.onnx` files that `exportDecoding` wrote, with its layers, weights, vocabulary and metadata. It can be run on any backend, trained further and exported.
 *
 * @throws ModelFileError if the files are damaged, do not belong together, or contain graphs that differ from the layers that they describe; ConfigError for values that are not files
 *
 * @example
 * const trained = importDecoding({ encode: await readFile("encode.onnx"), decodeStep: await readFile("decodeStep.onnx") });
 */
export function importDecoding(files: DecodingFiles, options: ReadOptions = {}): Trained {
  new OptionReader("importDecoding", options, ["layers"]);
  if (typeof files !== "object" || files === null || !("decodeStep" in files))
    throw new ConfigError(
      "importDecoding takes the bytes of both files that exportDecoding wrote, { encode, decodeStep }",
    );
  const step = readHalf(files.decodeStep, "decodeStep");
  const encode = files.encode && readHalf(files.encode, "encode");
  if (encode && encode.pairing.pair !== step.pairing.pair)
    throw new ModelFileError("encode and decodeStep belong to different models; pass both files of one exportDecoding");
  try {
    return describedBy(step, encode, options);
  } catch (error) {
    if (!(error instanceof OstinatoError) || error instanceof ModelFileError) throw error;
    throw new ModelFileError(
      encode
        ? `the files are damaged: ${error.message}`
        : "encode is missing: this model has source inputs; pass both files, { encode, decodeStep }",
      { cause: error },
    );
  }
}

type HalfRead = ReturnType<typeof readHalf>;

/** The model that the files describe. @throws ModelFileError if they contain something else; other errors if they do not contain all of it */
function describedBy(step: HalfRead, encode: HalfRead | undefined, options: ReadOptions): Trained {
  const described = describedIn(step.metadata, options);
  const weights = weightsOf(described, { ...encode?.state, ...step.state });
  const trained = { ...described, weights: { ...weights, ...described.weights } };
  const own = exportDecoding(trained, step.pairing.options);
  if ((own.encode === undefined) !== (encode === undefined))
    throw new ConfigError("one of the two files belongs to another model");
  // Runtimes run the graphs, which may have been modified after the export.
  const halves = [
    ["decodeStep", own.decodeStep, step],
    ["encode", own.encode, encode],
  ] as const;
  for (const [half, bytes, given] of halves)
    if (bytes && given && !areSame(readHalf(bytes, half).written, given.written))
      throw new ModelFileError(`the graph of the file ${half} differs from the layers that the file describes`);
  return trained;
}
