/** Models as files: one safetensors file with the weights, and in its metadata the spec, the vocabulary and the format's version. */
import { ModelFileError, OstinatoError } from "../errors.ts";
import { isRecord, type Json } from "../nn/options.ts";
import { parseModelSpec } from "../nn/spec.ts";
import { checkWeights, expectTrained, type Trained } from "../nn/trained.ts";
import { checksumOf } from "./checksum.ts";
import { expectFormat, formats } from "./formats.ts";
import { decodeSafetensors, joined, type Safetensors, safetensorsPieces } from "./safetensors.ts";

const VERSION = 1;

/** Of everything in a model file. */
function modelChecksum({ tensors, metadata }: Safetensors): string {
  return checksumOf([metadata.spec, metadata.vocabulary, metadata.metadata], tensors);
}

/** The bytes of a model file. The same model gives the same bytes. */
export function toBytes(trained: Trained): Uint8Array {
  return joined(modelPieces(trained));
}

/** The same bytes in pieces: the weights are not copied. */
export function modelPieces(trained: Trained): Uint8Array[] {
  expectTrained("saveModel or toBytes", trained);
  const { spec, weights, vocabulary, metadata } = trained;
  const parts: Record<string, Json> = {
    spec: spec as unknown as Json,
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  const texts: Record<string, string> = Object.fromEntries(
    Object.entries(parts).map(([key, part]) => [key, JSON.stringify(part)]),
  );
  const tensors = checkWeights(spec, weights);
  const checksum = modelChecksum({ tensors, metadata: texts });
  return safetensorsPieces({
    tensors,
    metadata: { format: formats.model, version: String(VERSION), ...texts, checksum },
  });
}

/** The JSON of one part of a file's metadata; undefined where it is absent. @throws ModelFileError */
export function parseMetadata(part: string, text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    throw new ModelFileError(`the file is damaged: its ${part} is not JSON`);
  }
}

/**
 * A model from the bytes of a file, whoever made it: nothing in it is run, and its layers come from a closed list.
 *
 * @throws ModelFileError where the file is damaged, of another kind, or of a later version
 */
export function fromBytes(bytes: Uint8Array | ArrayBuffer): Trained {
  return modelFrom(decodeSafetensors(bytes));
}

/** A model from what its file holds. @throws ModelFileError */
export function modelFrom({ tensors, metadata }: Safetensors): Trained {
  expectFormat("model", metadata.format);
  if (metadata.version !== String(VERSION)) {
    throw new ModelFileError(
      `the model file has format version ${String(metadata.version).slice(0, 20)}; this library reads version ${VERSION}`,
    );
  }
  const described = parseMetadata("spec", metadata.spec);
  const vocabulary = parseMetadata("vocabulary", metadata.vocabulary);
  const extra = parseMetadata("metadata", metadata.metadata);
  if (extra !== undefined && !isRecord(extra))
    throw new ModelFileError("the model file is damaged: its metadata is not an object");
  try {
    const spec = parseModelSpec(described);
    const weights = checkWeights(spec, tensors);
    // What is wrong in itself is told in its own words before. Files made by others have no checksum.
    if (metadata.checksum !== undefined && metadata.checksum !== modelChecksum({ tensors, metadata }))
      throw new ModelFileError(
        "the model file is damaged: its checksum is not that of what it holds; a program that changes a model must leave the checksum out of its metadata",
      );
    return {
      spec,
      weights,
      ...(vocabulary === undefined ? {} : { vocabulary: vocabulary as Json }),
      ...(extra === undefined ? {} : { metadata: extra as { [key: string]: Json } }),
    };
  } catch (error) {
    if (error instanceof OstinatoError && !(error instanceof ModelFileError))
      throw new ModelFileError(`the model file is damaged: ${error.message}`);
    throw error;
  }
}
