/** Converts models from other tools to our conventions. Loaded only for such models. */
import { type Trained, UnsupportedOpError } from "@ostinato/core";
import { importOnnx } from "../import/trained.ts";
import { exportOnnx } from "../trained.ts";

/** A model in our conventions: its file and its description. */
export interface Adopted {
  readonly file: Uint8Array;
  /** Without its weights, which are in the file. */
  readonly described: Trained;
}

/** @throws UnsupportedOpError for a model that cannot be imported; ModelFileError for a damaged file */
export function adopted(bytes: Uint8Array): Adopted {
  try {
    const trained = importOnnx(bytes);
    return { file: exportOnnx(trained), described: { ...trained, weights: {} } };
  } catch (error) {
    if (!(error instanceof UnsupportedOpError)) throw error;
    throw new UnsupportedOpError(
      `this model was not written by exportOnnx and cannot be imported: ${error.message}. openSession runs any model on tensors`,
      { cause: error },
    );
  }
}
