/** Models as files: one safetensors file with the weights, and in its metadata the spec, the vocabulary and the format's version. */
import { ModelFileError, OstinatoError } from "../errors.ts";
import type { KnownKinds } from "../nn/layer.ts";
import { isRecord, type Json } from "../nn/options.ts";
import { knownKinds, type ReadOptions } from "../nn/registry.ts";
import { readSpec } from "../nn/spec.ts";
import { checkWeights, expectTrained, parseLosses, type Trained } from "../nn/trained.ts";
import { messageOf } from "../thrown.ts";
import { checksumOf } from "./checksum.ts";
import { expectFormat, formats } from "./formats.ts";
import { parseJson } from "./json.ts";
import { decodeSafetensors, joined, type Safetensors, safetensorsPieces } from "./safetensors.ts";

const VERSION = 1;

/** Of everything in a model file. */
function modelChecksum({ tensors, metadata }: Safetensors): string {
  const { spec, vocabulary, metadata: own, losses } = metadata;
  // Files without losses have the checksum that they had before there were any.
  return checksumOf([spec, vocabulary, own, ...(losses === undefined ? [] : [losses])], tensors);
}

/** The bytes of a model file. The same model gives the same bytes. */
export function toBytes(trained: Trained): Uint8Array {
  return joined(modelPieces(trained));
}

/** The same bytes in pieces: the weights are not copied. */
export function modelPieces(trained: Trained): Uint8Array[] {
  expectTrained("saveModel or toBytes", trained);
  const { spec, losses, vocabulary, metadata } = trained;
  const parts: Record<string, Json> = {
    spec: spec as unknown as Json,
    ...(losses === undefined ? {} : { losses: losses as unknown as Json }),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  const texts: Record<string, string> = Object.fromEntries(
    Object.entries(parts).map(([key, part]) => [key, JSON.stringify(part)]),
  );
  const tensors = checkWeights(trained);
  const checksum = modelChecksum({ tensors, metadata: texts });
  return safetensorsPieces({
    tensors,
    metadata: { format: formats.model, version: String(VERSION), ...texts, checksum },
  });
}

/** The JSON of one part of a file's metadata; undefined where it is absent. @throws ModelFileError */
export function parseMetadata(part: string, text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseJson(text);
  } catch {
    throw new ModelFileError(`the file is damaged: its ${part} is not JSON, or nests too deep`);
  }
}

/**
 * A model from the bytes of a file, whoever made it: nothing in it is run, and its layers are the library's own and those that are handed in.
 *
 * @throws ModelFileError where the file is damaged, of another kind, of a later version, or has layers of a kind that is not known
 * @example const { spec, weights } = fromBytes(bytes, { layers: [scale] });
 */
export function fromBytes(bytes: Uint8Array | ArrayBuffer, options?: ReadOptions): Trained {
  const known = knownKinds(options);
  return modelFrom(decodeSafetensors(bytes), known);
}

/** A model from what its file holds, with the kinds that are known. @throws ModelFileError */
export function modelFrom({ tensors, metadata }: Safetensors, known: KnownKinds): Trained {
  expectFormat("model", metadata.format);
  if (metadata.version !== String(VERSION)) {
    throw new ModelFileError(
      `the model file has format version ${String(metadata.version).slice(0, 20)}; this library reads version ${VERSION}`,
    );
  }
  const described = parseMetadata("spec", metadata.spec);
  const vocabulary = parseMetadata("vocabulary", metadata.vocabulary);
  const extra = parseMetadata("metadata", metadata.metadata);
  const describedLosses = parseMetadata("losses", metadata.losses);
  if (extra !== undefined && !isRecord(extra))
    throw new ModelFileError("the model file is damaged: its metadata is not an object");
  try {
    const spec = readSpec(described, known);
    const losses = parseLosses(describedLosses, spec);
    const kept = losses === undefined ? {} : { losses };
    const weights = checkWeights({ spec, weights: tensors, ...kept });
    // What is wrong in itself is told in its own words before. Files made by others have no checksum.
    if (metadata.checksum !== undefined && metadata.checksum !== modelChecksum({ tensors, metadata }))
      throw new ModelFileError(
        "the model file is damaged: its checksum is not that of what it holds; a program that changes a model must leave the checksum out of its metadata",
      );
    return {
      spec,
      weights,
      ...kept,
      ...(vocabulary === undefined ? {} : { vocabulary: vocabulary as Json }),
      ...(extra === undefined ? {} : { metadata: extra as { [key: string]: Json } }),
    };
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    if (error instanceof OstinatoError) throw new ModelFileError(`the model file is damaged: ${error.message}`);
    // Code of somebody's own met a model that it was not written for.
    throw new ModelFileError(`the model cannot be built: ${messageOf(error)}`, { cause: error });
  }
}
