/** Tensors that stand in other files than the model. */
import { ModelFileError } from "@ostinato/core";

/** Where a tensor stands outside of the model, as the model says. */
export interface Place {
  /** The tensor. */
  readonly name: string;
  /** How many bytes it has by its shape. */
  readonly bytes: number;
  /** The entries of the model: `location`, `offset`, `length`, …. */
  readonly entries: ReadonlyMap<string, string>;
}

/** Gives the bytes of a tensor that stands in another file: as many as `bytes`. */
export type ExternalData = (place: Place) => Uint8Array;

/** Of bytes alone nobody knows where other files are. */
export const noExternalData: ExternalData = ({ name, entries }) => {
  throw new ModelFileError(
    `the tensor "${name}" stands in another file ("${entries.get("location")}"), which is not read from bytes alone; loadOnnx(path, { externalData: true }) of @ostinato/onnx/node reads it`,
  );
};
