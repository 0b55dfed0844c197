/** Checkpoints as bytes: one safetensors file with all tensors, and in its metadata everything else. */
import { ModelFileError } from "../errors.ts";
import { isRecord, type Json } from "../nn/options.ts";
import type { Tensor, Tensors } from "../tensor.ts";
import { type Checkpoint, parsePosition, positionToJson } from "./checkpoint.ts";
import { checksumOf } from "./checksum.ts";
import { expectFormat, formats } from "./formats.ts";
import { parseMetadata } from "./model.ts";
import { decodeSafetensors, joined, type Safetensors, safetensorsPieces } from "./safetensors.ts";

const VERSION = "1";
/** What sets the tensors of callbacks apart from the state in one file. */
const CALLBACK = "callback:";

/** Of everything in a checkpoint. */
function checkpointChecksum({ tensors, metadata }: Safetensors): string {
  return checksumOf([metadata.settings, metadata.position, metadata.callbacks], tensors);
}

/** The bytes of a checkpoint file. */
export function checkpointToBytes(checkpoint: Checkpoint): Uint8Array {
  return joined(checkpointPieces(checkpoint));
}

/** The same bytes in pieces: the tensors are not copied. */
export function checkpointPieces({ settings, position, state, callbacks, callbackTensors }: Checkpoint): Uint8Array[] {
  const own = Object.entries(callbackTensors).map(([name, tensor]): [string, Tensor] => [CALLBACK + name, tensor]);
  const tensors = Object.fromEntries([...Object.entries(state), ...own]);
  const parts = {
    settings: JSON.stringify(settings),
    position: positionToJson(position),
    callbacks: JSON.stringify(callbacks),
  };
  const checksum = checkpointChecksum({ tensors, metadata: parts });
  return safetensorsPieces({ tensors, metadata: { format: formats.checkpoint, version: VERSION, ...parts, checksum } });
}

function record(part: string, text: string | undefined): { readonly [name: string]: Json } {
  const data = parseMetadata(part, text);
  if (!isRecord(data)) throw new ModelFileError(`the checkpoint is damaged: its ${part} are missing`);
  return data as { readonly [name: string]: Json };
}

function selected(tensors: Tensors, ofCallbacks: boolean): Tensors {
  const entries = Object.entries(tensors).filter(([name]) => name.startsWith(CALLBACK) === ofCallbacks);
  return Object.fromEntries(
    entries.map(([name, tensor]) => [ofCallbacks ? name.slice(CALLBACK.length) : name, tensor]),
  );
}

/**
 * A checkpoint from the bytes of a file.
 *
 * @throws ModelFileError where the file is damaged, of another kind, or of a later version
 */
export function checkpointFromBytes(bytes: Uint8Array | ArrayBuffer): Checkpoint {
  return checkpointFrom(decodeSafetensors(bytes));
}

/** A checkpoint from what its file holds. @throws ModelFileError */
export function checkpointFrom({ tensors, metadata }: Safetensors): Checkpoint {
  expectFormat("checkpoint", metadata.format);
  if (metadata.version !== VERSION) {
    throw new ModelFileError(
      `the checkpoint has format version ${String(metadata.version).slice(0, 20)}; this library reads version ${VERSION}`,
    );
  }
  const checksum = checkpointChecksum({ tensors, metadata });
  if (metadata.checksum !== checksum)
    throw new ModelFileError(
      `the checkpoint is damaged: its checksum is ${String(metadata.checksum).slice(0, 20)}, that of what it holds ${checksum}`,
    );
  return {
    settings: record("settings", metadata.settings),
    position: parsePosition(parseMetadata("position", metadata.position)),
    state: selected(tensors, false),
    callbacks: record("callbacks", metadata.callbacks),
    callbackTensors: selected(tensors, true),
  };
}
