/** A model as it is handed in: its bytes, or where they are. */
import { ConfigError } from "@ostinato/core";

/** A `URL`, of whichever realm. */
export interface Url {
  readonly href: string;
}

/** The bytes of an `.onnx` file, or where it is. */
export type ModelFile = Uint8Array | string | Url;

function foundInstead(given: unknown): string {
  if (typeof given !== "object" || given === null) return String(typeof given);
  if ("then" in given) return "a promise: await it";
  return "byteLength" in given ? "a buffer: new Uint8Array(buffer)" : "object";
}

/**
 * The bytes of a model; those at a place are read by `read`. Those of other realms, such as a test runner's sandbox, are some as well.
 *
 * @param wanted what a place is, for the error
 * @throws ConfigError for what is neither bytes nor a place
 */
export async function bytesOf(
  model: ModelFile,
  wanted: string,
  read: (place: string | Url) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (ArrayBuffer.isView(model)) return new Uint8Array(model.buffer, model.byteOffset, model.byteLength);
  if (typeof model === "string" || (typeof model === "object" && model !== null && "href" in model)) return read(model);
  throw new ConfigError(
    `an ONNX model is given as the bytes of its file, or by its ${wanted}, got ${foundInstead(model)}`,
  );
}
