/** What a model takes and gives, read from its file, and the checks of what it is fed: wrong input never reaches the native runtime. */
import { DataError, DTypeError, ModelFileError, type Shape, ShapeError, sizeOf, type Tensors } from "@ostinato/core";
import { elementTypeOf, type Message, type OnnxModel } from "../file/schema.ts";

/** The supported element types of inputs and outputs. */
const fedTypes = ["float32", "int32", "int64", "bool"] as const;

/** An input or output of a model. */
export interface OnnxValue {
  readonly name: string;
  /** An int64 input is fed an int32 tensor, and an int64 output is read as one: JavaScript's own 64-bit numbers are BigInts. */
  readonly dtype: (typeof fedTypes)[number];
  /** Named sizes are dynamic. Absent if the file has no shape; then any shape is accepted. */
  readonly shape?: Shape;
}

function signatureValue({ name = "", type }: Message<"ValueInfo">): OnnxValue {
  const elementType = elementTypeOf(type?.tensor?.elementType);
  const dtype = fedTypes.find((fed) => fed === elementType);
  if (dtype === undefined) {
    throw new ModelFileError(
      `"${name}" of the model has element type ${type?.tensor?.elementType}; supported types are ${fedTypes.join(", ")}`,
    );
  }
  const shape = type?.tensor?.shape;
  if (shape === undefined) return { name, dtype };
  // Some exporters write dynamic sizes as negative numbers.
  const dims = (shape.dims ?? []).map(({ size = -1, name: dim }, axis) =>
    size >= 0 ? size : dim || `${name} axis ${axis}`,
  );
  return { name, dtype, shape: dims };
}

/** The inputs and outputs of a model in order. Files of old IR versions also list their weights as inputs. */
export function signatureOf({ graph }: OnnxModel): { inputs: readonly OnnxValue[]; outputs: readonly OnnxValue[] } {
  const weights = new Set((graph?.initializers ?? []).map(({ name }) => name));
  return {
    inputs: (graph?.inputs ?? []).filter(({ name }) => !weights.has(name)).map(signatureValue),
    outputs: (graph?.outputs ?? []).map(signatureValue),
  };
}

/**
 * Throws a typed error unless `feeds` has what each input wants; data may be longer than its shape. Empty axes are refused: a recurrence with an empty batch
 * ends the whole process inside onnxruntime.
 */
export function checkFeeds(inputs: readonly OnnxValue[], feeds: Tensors): void {
  const unknown = Object.keys(feeds).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) {
    const names = inputs.map((input) => `"${input.name}"`).join(", ");
    throw new DataError(`the model has no input "${unknown}"; its inputs are ${names}`);
  }
  const sizes = new Map<string, number>();
  for (const { name, dtype, shape } of inputs) {
    const fed = dtype === "int64" ? "int32" : dtype;
    const wanted = `input "${name}" must be ${fed}${shape === undefined ? "" : `[${shape.join(", ")}]`}${fed === dtype ? "" : " (the model has int64)"}`;
    const tensor = feeds[name];
    if (tensor === undefined) throw new DataError(`${wanted}, and is missing`);
    if (typeof tensor !== "object" || tensor === null || !("dtype" in tensor) || !Array.isArray(tensor.shape))
      throw new DataError(`${wanted}: a tensor { dtype, shape, data }, such as ${fed}([2, 3], numbers) makes`);
    const given = `${tensor.dtype}[${tensor.shape.join(", ")}]`;
    if (tensor.dtype !== fed) throw new DTypeError(`${wanted}, got ${given}`);
    if (!ArrayBuffer.isView(tensor.data)) throw new DTypeError(`${wanted}, and its data a typed array`);
    if (shape !== undefined && tensor.shape.length !== shape.length) throw new ShapeError(`${wanted}, got ${given}`);
    if (!tensor.shape.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw new ShapeError(`${wanted}, got ${given}`);
    if (tensor.shape.includes(0)) throw new DataError(`${wanted}, got ${given}: it is empty`);
    shape?.forEach((dim, axis) => {
      const size = tensor.shape[axis] as number;
      const known = typeof dim === "number" ? dim : sizes.get(dim);
      if (known !== undefined && known !== size) {
        const other = typeof dim === "number" ? "" : `; ${dim} is ${known} in another input`;
        throw new ShapeError(`${wanted}, got ${given}${other}`);
      }
      if (typeof dim === "string") sizes.set(dim, size);
    });
    if (tensor.data.length < sizeOf(tensor.shape)) {
      throw new ShapeError(
        `input "${name}": ${given} needs ${sizeOf(tensor.shape)} elements, the data has ${tensor.data.length}`,
      );
    }
  }
}
