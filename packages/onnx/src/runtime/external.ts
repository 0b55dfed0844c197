/** Rejects models with external data, which onnxruntime would look for in the working directory. */
import { ModelFileError } from "@ostinato/core";
import type { Message, OnnxModel } from "../file/schema.ts";

/** The value of `Tensor.location` for external data. */
const elsewhere = 1;

const isExternal = (part: object): part is Message<"Tensor"> =>
  ("location" in part && part.location === elsewhere) ||
  ("external" in part && Array.isArray(part.external) && part.external.length > 0);

/** The first tensor with external data, anywhere in the model. */
function externalIn(part: unknown): Message<"Tensor"> | undefined {
  if (typeof part !== "object" || part === null || ArrayBuffer.isView(part)) return undefined;
  if (isExternal(part)) return part;
  // Lists of numbers may be long, so they are skipped.
  if (Array.isArray(part) && typeof part[0] !== "object") return undefined;
  for (const inner of Object.values(part)) {
    const found = externalIn(inner);
    if (found) return found;
  }
  return undefined;
}

/** @throws ModelFileError for a model with external data */
export function expectWhole(model: OnnxModel): void {
  const tensor = externalIn(model);
  if (tensor === undefined) return;
  const file = tensor.external?.find(({ key }) => key === "location")?.value;
  throw new ModelFileError(
    `the weight "${tensor.name ?? ""}" is stored in another file${file === undefined ? "" : `, ${JSON.stringify(file)}`}, which is not read; save the model in one file, or use loadOnnx(path, { externalData: true }) of @ostinato/onnx/node`,
  );
}
