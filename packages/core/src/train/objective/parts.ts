/** What training and prediction are put together from, checked before it is used. */
import { ConfigError } from "../../errors.ts";
import { isRecord, shown } from "../../nn/options.ts";

/**
 * Checks a part that a function makes. Common slips are a name of Keras in its place, a forgotten `await`, and a method that a part made by hand lacks.
 *
 * @throws ConfigError, which names the option and a function that makes it
 */
export function expectPart(
  owner: string,
  option: string,
  part: unknown,
  methods: readonly [string, ...string[]],
  example: string,
): asserts part is Readonly<Record<string, unknown>> {
  if (!isRecord(part) || typeof part[methods[0]] !== "function")
    throw new ConfigError(`${owner}: ${option} must be what a function such as ${example} made, got ${shown(part)}`);
  const lacking = methods.find((method) => typeof part[method] !== "function");
  if (lacking !== undefined)
    throw new ConfigError(`${owner}: ${option} has no method ${lacking}; make it by a function such as ${example}`);
}

/** @throws ConfigError, where it is no backend */
export function expectBackend(owner: string, backend: unknown): void {
  expectPart(owner, "backend", backend, ["open", "runs"], "await cpu()");
}
