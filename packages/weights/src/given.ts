/** What a caller hands in: models, trained models, and tensors by name. */
import { ConfigError, type Model, parametersOf, sizeOf, type Tensor, type Tensors, type Trained } from "@ostinato/core";

const isRecord = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === "object" && given !== null && !Array.isArray(given);

/** What was given, for errors. */
function shown(given: unknown): string {
  if (Array.isArray(given)) return "a list";
  if (isRecord(given) && typeof given.then === "function") return "a promise: await it";
  return given === null ? "null" : typeof given === "object" ? "an object" : typeof given;
}

/** Whether it is a tensor whose data fill its shape. */
function isTensor(given: unknown): given is Tensor {
  if (!isRecord(given)) return false;
  const { dtype, shape, data } = given;
  if (typeof dtype !== "string" || !Array.isArray(shape) || !ArrayBuffer.isView(data)) return false;
  return "length" in data && data.length === sizeOf(shape);
}

/**
 * Tensors by name.
 *
 * @param expected what is taken, for the error: "toNpz takes tensors by name"
 * @throws ConfigError where it is no object of tensors, which names the first that is none
 */
export function expectTensors(expected: string, given: unknown): Tensors {
  if (!isRecord(given) || ArrayBuffer.isView(given) || typeof given.then === "function")
    throw new ConfigError(`${expected}, got ${shown(given)}`);
  const wrong = Object.entries(given).find(([, tensor]) => !isTensor(tensor))?.[0];
  if (wrong === undefined) return given as Tensors;
  throw new ConfigError(`${expected}; "${wrong.slice(0, 100)}" of what it was given is no tensor`);
}

/** A model, or a trained one. @throws ConfigError, which begins with the `owner`, for anything else */
export function expectModel(owner: string, given: unknown): asserts given is Model {
  if (isRecord(given) && isRecord(given.spec)) return;
  throw new ConfigError(`${owner} takes a model first, such as sequential([…]), or a trained one, got ${shown(given)}`);
}

/** A trained model that has all of its weights. @throws ConfigError, which begins with the `owner`, for anything else */
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
        `${owner}: the weights "${name}" are missing; a trained model has all that its layers ask for`,
      );
    if (!isTensor(tensor) || tensor.dtype !== "float32" || tensor.shape.join() !== shape.join())
      throw new ConfigError(`${owner}: the weights "${name}" must be float32 [${shape.join(", ")}]`);
  }
}
