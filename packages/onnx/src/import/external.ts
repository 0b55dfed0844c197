/** Tensors that are stored outside the model file. */
import { ModelFileError } from "@ostinato/core";

/** The location of a tensor outside the model file. */
export interface Place {
  /** The name of the tensor. */
  readonly name: string;
  /** Its size in bytes, computed from its shape. */
  readonly bytes: number;
  /** The entries in the model: `location`, `offset`, `length`, …. */
  readonly entries: ReadonlyMap<string, string>;
}

/** Returns the bytes of an external tensor; there must be `bytes` of them. */
export type ExternalData = (place: Place) => Uint8Array;

/** Without a path, external files cannot be located. */
export const noExternalData: ExternalData = ({ name, entries }) => {
  throw new ModelFileError(
    `the tensor "${name}" is stored in another file ("${entries.get("location")}"), which cannot be read from bytes; use loadOnnx(path, { externalData: true }) of @ostinato/onnx/node`,
  );
};
