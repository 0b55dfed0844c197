/** The two files of a model that writes sequences as the model that it was. */
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

/** What one of the files holds. */
function readHalf(bytes: Uint8Array, half: Half) {
  const file = decodeOnnx(bytes);
  const metadata = metadataOf(file);
  const pairing = pairingOf(metadata, half);
  const { graph, state, inputs } = readGraph(withRestoredWeights(file), noExternalData);
  return { metadata, pairing, state, written: graphToOnnx(graph, state, { inputs }) };
}

/**
 * The trained model of the two `.onnx` files that `exportDecoding` wrote, to be run on any backend, trained further and exported: layers, weights, vocabulary and metadata.
 *
 * @throws ModelFileError for files that are damaged, no two halves of one model, or whose graphs are not those of the layers that they describe; ConfigError for what are no files
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
    throw new ModelFileError("encode and decodeStep are of different models; give two files of one exportDecoding");
  try {
    return describedBy(step, encode, options);
  } catch (error) {
    if (!(error instanceof OstinatoError) || error instanceof ModelFileError) throw error;
    throw new ModelFileError(
      encode
        ? `the files are damaged: ${error.message}`
        : "encode is missing: this model reads sources; give both files, { encode, decodeStep }",
      { cause: error },
    );
  }
}

type HalfRead = ReturnType<typeof readHalf>;

/** The model that the files describe. @throws ModelFileError where they hold something else; other errors where they do not hold all of it */
function describedBy(step: HalfRead, encode: HalfRead | undefined, options: ReadOptions): Trained {
  const described = describedIn(step.metadata, options);
  const weights = weightsOf(described, { ...encode?.state, ...step.state });
  const trained = { ...described, weights: { ...weights, ...described.weights } };
  const own = exportDecoding(trained, step.pairing.options);
  if ((own.encode === undefined) !== (encode === undefined))
    throw new ConfigError("one of the two is not of this model");
  // The graphs are what runtimes run, and somebody may have changed them.
  const halves = [
    ["decodeStep", own.decodeStep, step],
    ["encode", own.encode, encode],
  ] as const;
  for (const [half, bytes, given] of halves)
    if (bytes && given && !areSame(readHalf(bytes, half).written, given.written))
      throw new ModelFileError(`the graph of the file ${half} is not the one of the layers that it describes`);
  return trained;
}
