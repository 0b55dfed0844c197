/** Validates arguments: models, trained models, and tensors by name. */
import { ConfigError, type Model, parametersOf, sizeOf, type Tensor, type Tensors, type Trained } from "@ostinato/core";

const isRecord = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === "object" && given !== null && !Array.isArray(given);

/** Describes a value in errors. */
function shown(given: unknown): string {
  if (Array.isArray(given)) return "a list";
  if (isRecord(given) && typeof given.then === "function") return "a promise: await it";
  return given === null ? "null" : typeof given === "object" ? "an object" : typeof given;
}

/** Whether a value is a tensor whose data has the length of its shape. */
function isTensor(given: unknown): given is Tensor {
  if (!isRecord(given)) return false;
  const { dtype, shape, data } = given;
  if (typeof dtype !== "string" || !Array.isArray(shape) || !ArrayBuffer.isView(data)) return false;
  return "length" in data && data.length === sizeOf(shape);
}

/**
 * Reads tensors by name.
 *
 * @param expected the start of the error message: "toNpz takes tensors by name"
 * @throws ConfigError if it is not an object of tensors, with the name of the first entry that is not a tensor
 */
export function expectTensors(expected: string, given: unknown): Tensors {
  if (!isRecord(given) || ArrayBuffer.isView(given) || typeof given.then === "function")
    throw new ConfigError(`${expected}, got ${shown(given)}`);
  const wrong = Object.entries(given).find(([, tensor]) => !isTensor(tensor))?.[0];
  if (wrong === undefined) return given as Tensors;
  throw new ConfigError(`${expected}, but "${wrong.slice(0, 100)}" is not a tensor`);
}

/** Reads a model or a trained model. @throws ConfigError for other values; the message starts with `owner` */
export function expectModel(owner: string, given: unknown): asserts given is Model {
  if (isRecord(given) && isRecord(given.spec)) return;
  throw new ConfigError(
    `${owner} takes a model such as sequential([…]), or a trained model, as its first argument, got ${shown(given)}`,
  );
}

/** Reads a trained model with all of its weights. @throws ConfigError for other values; the message starts with `owner` */
export function expectTrained(owner: string, given: unknown): asserts given is Trained {
  if (!isRecord(given) || !isRecord(given.spec) || !isRecord(given.weights)) {
    const found = isRecord(given) && isRecord(given.spec) ? "a model without weights" : shown(given);
    throw new ConfigError(
      `${owner} takes a trained model, such as await trainer.snapshot() or await loadModel(…), got ${found}`,
    );
  }
  const { weights } = given;
  for (const { name, shape } of parametersOf(given as unknown as Trained)) {
    const tensor = Object.hasOwn(weights, name) ? weights[name] : undefined;
    if (tensor === undefined)
      throw new ConfigError(
        `${owner}: the weight "${name}" is missing; a trained model must have all weights of its layers`,
      );
    if (!isTensor(tensor) || tensor.dtype !== "float32" || tensor.shape.join() !== shape.join())
      throw new ConfigError(`${owner}: the weight "${name}" must be float32 [${shape.join(", ")}]`);
  }
}
