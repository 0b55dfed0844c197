/** Reading safetensors files tensor by tensor: of any size, and with no second copy of the weights in memory. */
import { type FileHandle, open } from "node:fs/promises";
import {
  decodeSafetensors,
  HEAD,
  headerEnd,
  readLayout,
  type Safetensors,
  tensorOver,
} from "../checkpoint/safetensors.ts";
import { ModelFileError } from "../index.ts";

/** Node.js reads fewer than 2 GiB at a time. */
const PIECE = 2 ** 30;

/** The bytes of a file from `start` to `end`, at most `piece` of them at a time. */
async function readBytes(handle: FileHandle, start: number, end: number, piece: number) {
  const bytes = allocated(end - start);
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(piece, bytes.length - at), start + at);
    if (bytesRead === 0) throw new ModelFileError(`the file is cut short: it ends after ${start + at} bytes`);
    at += bytesRead;
  }
  return bytes;
}

function allocated(size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (error) {
    throw new ModelFileError(`there is no memory for a tensor of ${Math.ceil(size / 2 ** 20)} MB`, { cause: error });
  }
}

/**
 * Reads a safetensors file.
 *
 * @param piece the most bytes to read at a time
 * @throws ModelFileError where anything is not as the format has it; the system's own errors
 */
export async function readSafetensors(path: string, piece: number = PIECE): Promise<Safetensors> {
  const handle = await open(path, "r");
  try {
    const found = await handle.stat();
    // A pipe has no size, and no place to read from; a folder brings the right error.
    if (!found.isFile()) return decodeSafetensors(await handle.readFile());
    const head = await readBytes(handle, 0, Math.min(HEAD, found.size), piece);
    const { entries, metadata } = readLayout(
      await readBytes(handle, 8, headerEnd(head, found.size), piece),
      found.size,
    );
    const tensors: Record<string, Safetensors["tensors"][string]> = {};
    for (const entry of entries)
      tensors[entry.name] = tensorOver(entry, await readBytes(handle, entry.start, entry.end, piece));
    return { tensors, metadata };
  } finally {
    await handle.close();
  }
}
