/** Reads a model that is given as bytes or by its location. */
import { ConfigError } from "@ostinato/core";

/** A `URL` of any realm. */
export interface Url {
  readonly href: string;
}

/** The bytes or the location of an `.onnx` file. */
export type ModelFile = Uint8Array | string | Url;

function foundInstead(given: unknown): string {
  if (typeof given !== "object" || given === null) return String(typeof given);
  if ("then" in given) return "a promise: await it";
  return "byteLength" in given ? "a buffer: new Uint8Array(buffer)" : "object";
}

/**
 * The bytes of a model; `read` reads a location. Byte arrays of other realms, such as a test runner's sandbox, are accepted.
 *
 * @param wanted the kind of location, for errors
 * @throws ConfigError for values that are neither bytes nor a location
 */
export async function bytesOf(
  model: ModelFile,
  wanted: string,
  read: (place: string | Url) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (ArrayBuffer.isView(model)) return new Uint8Array(model.buffer, model.byteOffset, model.byteLength);
  if (typeof model === "string" || (typeof model === "object" && model !== null && "href" in model)) return read(model);
  throw new ConfigError(`an ONNX model must be given as bytes or by its ${wanted}, got ${foundInstead(model)}`);
}
