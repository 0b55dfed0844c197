/** Tensors by name as a caller hands them in. */
import { ConfigError, sizeOf, type Tensors } from "@ostinato/core";

/** Whether it is a tensor whose data fill its shape. */
function isTensor(given: unknown): boolean {
  if (typeof given !== "object" || given === null) return false;
  const { dtype, shape, data } = given as { readonly [part: string]: unknown };
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
  if (typeof given !== "object" || given === null || ArrayBuffer.isView(given) || Array.isArray(given))
    throw new ConfigError(
      `${expected}, got ${given === null ? "null" : Array.isArray(given) ? "a list" : typeof given}`,
    );
  if ("then" in given && typeof given.then === "function")
    throw new ConfigError(`${expected}, got a promise: await it`);
  const wrong = Object.entries(given).find(([, tensor]) => !isTensor(tensor))?.[0];
  if (wrong === undefined) return given as Tensors;
  throw new ConfigError(`${expected}; "${wrong.slice(0, 100)}" of what it was given is no tensor`);
}
