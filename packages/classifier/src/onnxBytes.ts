/** Telling ONNX files from model files by how they begin. */

/** ONNX begins with the field of its version; safetensors have the length of a JSON object, and then the object. Nine bytes are enough. */
export function isOnnx(given: unknown): given is Uint8Array {
  if (!ArrayBuffer.isView(given)) return false;
  const start = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  return start[0] === 0x08 && start[8] !== 0x7b;
}
