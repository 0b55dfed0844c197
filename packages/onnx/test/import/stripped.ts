/** Removes this library's metadata from files. */
import { decodeOnnx } from "@ostinato/onnx";
import { encodeOnnx } from "../../src/file/wire.ts";

/** The same file without metadata. */
export const stripped = (file: Uint8Array): Uint8Array => encodeOnnx({ ...decodeOnnx(file), metadata: [] });
