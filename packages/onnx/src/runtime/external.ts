/** Models whose weights stand in other files: onnxruntime would look for them where the process runs. */
import { ModelFileError } from "@ostinato/core";
import type { Message, OnnxModel } from "../file/schema.ts";

/** How `Tensor.location` says that the data is elsewhere. */
const elsewhere = 1;

const isExternal = (part: object): part is Message<"Tensor"> =>
  ("location" in part && part.location === elsewhere) ||
  ("external" in part && Array.isArray(part.external) && part.external.length > 0);

/** The first tensor that stands in another file, wherever in the model it is. */
function externalIn(part: unknown): Message<"Tensor"> | undefined {
  if (typeof part !== "object" || part === null || ArrayBuffer.isView(part)) return undefined;
  if (isExternal(part)) return part;
  // Lists of numbers may be long.
  if (Array.isArray(part) && typeof part[0] !== "object") return undefined;
  for (const inner of Object.values(part)) {
    const found = externalIn(inner);
    if (found) return found;
  }
  return undefined;
}

/** @throws ModelFileError for a model whose weights are not in its own file */
export function expectWhole(model: OnnxModel): void {
  const tensor = externalIn(model);
  if (tensor === undefined) return;
  const file = tensor.external?.find(({ key }) => key === "location")?.value;
  throw new ModelFileError(
    `the weights "${tensor.name ?? ""}" stand in another file${file === undefined ? "" : `, ${JSON.stringify(file)}`}, which is not read; save the model in one file, or read it by loadOnnx(path, { externalData: true }) of @ostinato/onnx/node`,
  );
}
