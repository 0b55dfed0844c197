/** Tensors that stand in other files than the model. */
import { ModelFileError } from "@ostinato/core";

/** The bytes of a tensor that stands in another file, by what the model says of its place. */
export type ExternalData = (place: ReadonlyMap<string, string>, tensor: string) => Uint8Array;

/** Of bytes alone nobody knows where other files are. */
export const noExternalData: ExternalData = (place, tensor) => {
  throw new ModelFileError(
    `the tensor "${tensor}" stands in another file ("${place.get("location")}"), which is not read from bytes alone; loadOnnx(path, { externalData: true }) of @ostinato/onnx/node reads it`,
  );
};
